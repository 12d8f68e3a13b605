"""COCO's run-length encoding of a mask: runs down the columns, zeros first; as a list, or packed into a string.

Decoded here rather than by pycocotools, whose C reader trusts the string to be whole: a cut one makes it read past its
end. (Format: cocoapi, common/maskApi.c, rleFrString.)
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

# A number is up to six characters with the continuation bit (0x20 above '0') and one without it.
_PACKED = re.compile(r"(?:[P-o]{0,6}[0-O])*")


def decode_rle(counts: Any, width: int, height: int) -> NDArray[np.bool_]:
    """Return the mask that run lengths describe.

    Args:
        counts: list of run lengths (uncompressed), or COCO's packed string.
        width: of the mask, pixels.
        height: likewise.

    Returns:
        bool (height, width).

    Raises:
        ValueError: neither of them, a run is negative, or the runs do not add up to width x height.
    """
    runs = _unpack(counts) if isinstance(counts, str) else _checked(counts)
    if (runs < 0).any() or (runs > width * height).any() or int(runs.sum()) != width * height:
        raise ValueError(f"its runs do not add up to the {width} x {height} pixels of its size")
    values = np.arange(len(runs)) % 2 == 1
    return np.repeat(values, runs).reshape(width, height).T


def _checked(counts: Any) -> NDArray[np.int64]:
    # A bool is an int to Python, and no run length.
    if not isinstance(counts, list) or any(type(count) is not int or abs(count) >= 1 << 40 for count in counts):
        raise ValueError("its counts are neither whole numbers nor a packed string")
    return np.array(counts, np.int64)


def _unpack(packed: str) -> NDArray[np.int64]:
    """Return the run lengths of a packed string: base 32 digits, lowest first; differences from the fourth run on."""
    if not _PACKED.fullmatch(packed):
        raise ValueError("its counts are no packed run lengths")
    digits = np.frombuffer(packed.encode("ascii"), np.uint8).astype(np.int64) - 48
    last = digits & 0x20 == 0
    starts = np.flatnonzero(np.concatenate(([True], last[:-1]))) if len(digits) else np.zeros(0, np.int64)
    lengths = np.diff(np.append(starts, len(digits)))
    places = np.arange(len(digits)) - np.repeat(starts, lengths)
    numbers = np.add.reduceat((digits & 0x1F) << 5 * places, starts) if len(starts) else starts
    negative = digits[last] & 0x10 != 0  # the sign is the highest bit of the last digit
    numbers = numbers - np.where(negative, 1 << 5 * lengths, 0)
    # From the fourth run on a number is a difference to the run two before: sums within the odd and the even runs.
    numbers[1::2] = np.cumsum(numbers[1::2])
    numbers[2::2] = np.cumsum(numbers[2::2])
    return numbers
