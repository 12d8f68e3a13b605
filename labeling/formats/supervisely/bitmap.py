"""Supervisely's bitmaps: a PNG of the mask, compressed once more by zlib, as base64 text.

The PNG's alpha channel is the mask; where it has none, what is not black is. Older programs leave zlib out.
(https://developer.supervisely.com/getting-started/supervisely-annotation-format/objects, "Bitmap";
supervisely/geometry/bitmap.py, `base64_2_data`, of https://github.com/supervisely/supervisely.)
"""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray

from labeling.formats.patches import MaskBudget, decode_base64

_PNG = b"\x89PNG"
_CHUNKS = 2**16  # bytes: what a PNG holds besides its pixels


def decode_bitmap(text: object, budget: MaskBudget) -> NDArray[np.bool_]:
    """Return the mask, bool (H, W), that a bitmap's `data` holds.

    Raises:
        ValueError: it is cut, no base64, no zlib stream or no PNG, or far larger than the photo.
        BadItemError: all masks of the image together are too large.
    """
    data = decode_base64(text)
    if not data.startswith(_PNG):
        data = _inflate(data, 5 * budget.largest + _CHUNKS)
    return budget.read_png(data) > 0


def _inflate(data: bytes, most: int) -> bytes:
    """Decompress a zlib stream of at most `most` bytes: a few bytes may stand for gigabytes."""
    stream = zlib.decompressobj()
    try:
        found = stream.decompress(data, most)
    except zlib.error as error:
        raise ValueError(f"a mask is neither a PNG nor compressed by zlib ({error})") from error
    if stream.unconsumed_tail:
        raise ValueError(f"a mask unpacks to more than {most // 2**20} MiB, far more than the photo")
    if not stream.eof:
        raise ValueError("a mask is cut short")
    return found
