"""Label Studio's brush masks: a stream of bits that packs a picture of four channels, of which alpha is the mask.

The stream (thi.ng's rle-pack, https://github.com/thi-ng/umbrella/blob/develop/packages/rle-pack/src/index.ts; read by
HumanSignal/label-studio-sdk, src/label_studio_sdk/converter/brush.py), most significant bit first:

* 32 bits: how many values there are, here width x height x 4, channel after channel of pixel after pixel, along rows;
* 5 bits: the bits of a value less one, here 7;
* 4 x 4 bits: four sizes, each in bits less one, that a length may have;
* packets until all values are there: 1 bit: whether one value is repeated; 2 bits: which of the sizes the length has;
  the length less one in that many bits; then the value, or as many values as the length says.

Borders that the editor drew softly have values between 0 and 255: from 128 on a pixel is the mask's.
"""

from __future__ import annotations

from array import array

import numpy as np
from numpy.typing import NDArray

_HEADER = 32 + 5 + 4 * 4  # bits
_VALUE = 8  # bits
_CHANNELS = 4
_INSIDE = 128
_WINDOW = 64  # bits looked at for a packet's head: at most 3 + 16 and a value, from any bit of the first byte on
_CUT = "a brush mask is cut short"


def decode_brush(data: bytes, width: int, height: int) -> NDArray[np.bool_]:
    """Return the mask that a stream holds.

    The work grows with the stream and with the mask; a stream of another size is refused before anything is unpacked.

    Args:
        data: the stream.
        width: of the mask, pixels.
        height: likewise.

    Returns:
        bool (height, width).

    Raises:
        ValueError: it is cut short, its values are not of 8 bits or not as many as the mask has.
    """
    if 8 * len(data) < _HEADER:
        raise ValueError(_CUT)
    header = int.from_bytes(data[:8].ljust(8, b"\0"), "big")
    count, value_bits = header >> 32, (header >> 27 & 31) + 1
    if value_bits != _VALUE:
        raise ValueError(f"a brush mask has values of {value_bits} bits, expected {_VALUE}")
    if count != _CHANNELS * width * height:
        raise ValueError(f"a brush mask has {count} values, expected {width} x {height} x {_CHANNELS}")
    sizes = [(header >> shift & 15) + 1 for shift in (23, 19, 15, 11)]
    values, lengths = _packets(data, count, sizes)
    # Of four values the fourth is alpha: as many alphas lie before a place as whole pixels.
    pixels = np.diff(np.cumsum(lengths, dtype=np.int64) // _CHANNELS, prepend=0)
    return np.repeat(values >= _INSIDE, pixels).reshape(height, width)


def _packets(data: bytes, count: int, sizes: list[int]) -> tuple[NDArray[np.uint8], NDArray[np.uint32]]:
    """Return values and how often each is repeated, `count` in all."""
    values, lengths = bytearray(), array("I")
    single = array("I", [1])
    end = 8 * len(data)
    data += bytes(_WINDOW // 8)  # so that there is always a whole window
    at, place = 0, _HEADER
    while at < count:
        window = int.from_bytes(data[place >> 3 : (place >> 3) + 8], "big") << (place & 7)
        size = sizes[window >> 61 & 3]
        length = (window >> 61 - size & (1 << size) - 1) + 1
        repeated = window >> 63 & 1
        place += 3 + size
        at += length
        if repeated or length == 1:
            place += _VALUE
            values.append(window >> 61 - size - _VALUE & 255)
            lengths.append(length)
        else:
            first, place = place, place + _VALUE * length
            last = place + 7 >> 3
            literal = int.from_bytes(data[first >> 3 : last], "big") >> 8 * last - place
            values += (literal & (1 << _VALUE * length) - 1).to_bytes(length, "big")
            lengths += single * length
        if place > end:
            raise ValueError(_CUT)
    if at > count:
        raise ValueError("a brush mask has more values than it says")
    return np.frombuffer(values, np.uint8), np.frombuffer(lengths, np.uint32)
