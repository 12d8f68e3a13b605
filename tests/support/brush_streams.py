"""Label Studio's brush streams, written bit by bit as text: slow, and plainly what thi.ng's rle-pack documents.

https://github.com/thi-ng/umbrella/blob/develop/packages/rle-pack/README.md, "Encoding format".
"""

from collections.abc import Iterable, Sequence

import numpy as np

SIZES = (3, 4, 8, 16)  # the lengths' bits that both of Label Studio's encoders use


def header(count: int, value_bits: int = 8, sizes: Sequence[int] = SIZES) -> str:
    return f"{count:032b}{value_bits - 1:05b}" + "".join(f"{size - 1:04b}" for size in sizes)


def repeated(value: int, length: int, size: int, sizes: Sequence[int] = SIZES) -> str:
    return f"1{size:02b}{length - 1:0{sizes[size]}b}{value:08b}"


def literal(values: Sequence[int], size: int, sizes: Sequence[int] = SIZES) -> str:
    return f"0{size:02b}{len(values) - 1:0{sizes[size]}b}" + "".join(f"{value:08b}" for value in values)


def to_bytes(bits: Iterable[str]) -> bytes:
    text = "".join(bits)
    text += "0" * (-len(text) % 8)
    return bytes(int(text[at : at + 8], 2) for at in range(0, len(text), 8))


def encode_rgba(rgba: np.ndarray) -> bytes:
    """The stream of a picture, uint8 (H, W, 4): every run as one packet of the smallest size that holds it."""
    values = rgba.ravel()
    ends = [*(np.flatnonzero(np.diff(values)) + 1).tolist(), len(values)]
    packets = [header(len(values))]
    start = 0
    for end in ends:
        while start < end:
            length = min(end - start, 1 << SIZES[-1])
            size = next(place for place, bits in enumerate(SIZES) if length <= 1 << bits)
            packets.append(repeated(int(values[start]), length, size))
            start += length
    return to_bytes(packets)


def encode_mask(mask: np.ndarray) -> list[int]:
    """The `rle` of a mask, bool (H, W), as the editor writes it: all four channels are its opacity."""
    opacity = np.where(mask, 255, 0).astype(np.uint8)
    return list(encode_rgba(np.repeat(opacity[:, :, None], 4, axis=2)))
