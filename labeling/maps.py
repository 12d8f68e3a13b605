"""Class maps on disk: 8-bit index PNGs, written and read back without any colour conversion on the way."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from labeling.annotation import IGNORE
from labeling.colors import RGB
from labeling.photos import MAX_PIXELS

VOC_VOID: RGB = (224, 224, 192)
"""The colour of 255 in Pascal VOC's colour map: of what is ignored."""

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY, _PALETTE = 0, 3  # PNG colour types
_HEADER = struct.Struct(">IIBBBBB")


class MapError(ValueError):
    """A file is not an 8-bit index PNG; the message says what it is."""


def write_map_png(array: NDArray[np.uint8], palette: Sequence[RGB] | NDArray[np.uint8] | None = None) -> bytes:
    """Encode an index map.

    Written with zlib directly: rows unfiltered and runs only, which for maps of few flat regions is a third of the
    time and about the size of Pillow's and OpenCV's output.

    Args:
        array: uint8 (H, W).
        palette: up to 256 RGB colours, value i shown in `palette[i]`; None writes a greyscale PNG.

    Raises:
        ValueError: another shape or dtype, or more than 256 colours.
    """
    if array.ndim != 2 or array.dtype != np.uint8 or not array.size:
        raise ValueError(f"expected a non-empty uint8 (H, W) map, got {array.dtype} {array.shape}")
    height, width = array.shape
    rows = np.zeros((height, width + 1), np.uint8)  # the first byte of a row names its filter: 0 is none
    rows[:, 1:] = array
    deflate = zlib.compressobj(level=1, strategy=zlib.Z_RLE)
    pixels = deflate.compress(rows.data) + deflate.flush()
    color_type = _GREY if palette is None else _PALETTE
    chunks = [_chunk(b"IHDR", _HEADER.pack(width, height, 8, color_type, 0, 0, 0))]
    if palette is not None:
        chunks.append(_chunk(b"PLTE", _palette_bytes(palette)))
    return b"".join([_SIGNATURE, *chunks, _chunk(b"IDAT", pixels), _chunk(b"IEND", b"")])


def read_map_png(source: Path | bytes) -> NDArray[np.uint8]:
    """Decode an index PNG: 8 bits a pixel, greyscale or palette (the indices, never the colours).

    Returns:
        uint8 (H, W).

    Raises:
        MapError: not such a PNG, broken, or over `labeling.photos.MAX_PIXELS`.
        OSError: the file cannot be read.
    """
    data = source if isinstance(source, bytes) else source.read_bytes()
    if len(data) < 33 or not data.startswith(_SIGNATURE) or data[12:16] != b"IHDR":
        raise MapError(f"not a PNG: expected an 8-bit index PNG, the file begins with {data[:8]!r}")
    width, height, depth, color_type, *_ = _HEADER.unpack_from(data, 16)
    if depth != 8 or color_type not in (_GREY, _PALETTE):
        raise MapError(f"expected an 8-bit greyscale or palette PNG, found {depth} bits of colour type {color_type}")
    if width * height > MAX_PIXELS:
        raise MapError(f"a map of {width} x {height} pixels: at most {MAX_PIXELS:,} are accepted")
    try:
        with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
            return np.array(image)
    except (
        Exception
    ) as error:  # on broken bytes Pillow raises OSError, SyntaxError, ValueError, struct.error, zlib.error
        raise MapError(f"the PNG is broken or cut off: {error}") from error


def voc_colormap(count: int = 256) -> NDArray[np.uint8]:
    """Colours of Pascal VOC: the bits of an index, spread over the high bits of red, green and blue.

    (VOCdevkit, VOClabelcolormap.m.)

    Args:
        count: number of colours, 1 to 256.

    Returns:
        uint8 (count, 3), RGB; 0 is black, 255 is (224, 224, 192).
    """
    index = np.arange(count)
    colors = np.zeros((count, 3), np.uint8)
    for bit in range(8):
        for channel in range(3):
            colors[:, channel] |= (((index >> (3 * bit + channel)) & 1) << (7 - bit)).astype(np.uint8)
    return colors


def map_palette(colors: Sequence[RGB]) -> tuple[RGB, ...]:
    """Return the palette of class maps: a colour a class, `VOC_VOID` for what is ignored."""
    return (*colors, *[(0, 0, 0)] * (IGNORE - len(colors)), VOC_VOID)


def _palette_bytes(palette: Sequence[RGB] | NDArray[np.uint8]) -> bytes:
    if not 1 <= len(palette) <= 256:
        raise ValueError(f"a palette holds 1 to 256 colours, got {len(palette)}")
    colors = np.zeros((256, 3), np.uint8)  # whole, so that no value of the map lies outside it
    colors[: len(palette)] = np.asarray(palette)
    return colors.tobytes()


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
