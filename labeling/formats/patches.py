"""Masks of single objects: pictures that label files hold as text, decoded within limits; cut to what they cover."""

from __future__ import annotations

import base64
import binascii
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from labeling.annotation import Patch
from labeling.formats.base import BadItemError

MASK_BUDGET = 2**28
"""Pixels that are kept of all masks of one image together, each cut to what it covers; more of a very large photo."""

DECODED_BUDGET = 2**34
"""Pixels that are decoded of them: what is written of them may be tiny, what is in them is not."""


def decode_base64(text: object) -> bytes:
    """Return the bytes of a base64 text. Raises ValueError where it is none."""
    if not isinstance(text, str):
        raise ValueError("a mask has no picture")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("a mask is not base64 text") from None


class MaskBudget:
    """Counts what the masks of one image take: before any of it is decoded, and what is kept of it.

    Args:
        width: of the photo, pixels; a single mask may have four times as many pixels as the photo.
        height: likewise.
    """

    def __init__(self, width: int, height: int) -> None:
        self.largest = 4 * width * height
        self._most = max(MASK_BUDGET, 8 * width * height)
        self._to_decode, self._to_keep = DECODED_BUDGET, self._most

    def spend(self, width: int, height: int) -> None:
        """Count a mask of this size.

        Raises:
            ValueError: it is far larger than the photo.
            BadItemError: all masks together are too large.
        """
        if width * height > self.largest:
            raise ValueError(f"a mask has {width} x {height} pixels, far more than the photo")
        self._to_decode -= width * height
        if self._to_decode < 0:
            raise BadItemError(f"Its masks have more than {DECODED_BUDGET:,} pixels together.")

    def cut(self, pixels: NDArray[np.bool_], x: int = 0, y: int = 0) -> Patch:
        """Return a mask cut to what it covers.

        Args:
            pixels: bool (H, W).
            x: of its left column in the photo, pixels.
            y: of its top row.

        Raises:
            ValueError: it covers nothing.
            BadItemError: all masks together cover too much.
        """
        rows, columns = np.flatnonzero(pixels.any(axis=1)), np.flatnonzero(pixels.any(axis=0))
        if not len(rows):
            raise ValueError("a mask holds no pixel")
        left, top = int(columns[0]), int(rows[0])
        part = np.ascontiguousarray(pixels[top : rows[-1] + 1, left : columns[-1] + 1])
        self._to_keep -= part.size
        if self._to_keep < 0:
            raise BadItemError(f"Its masks cover more than {self._most:,} pixels together.")
        return Patch(x + left, y + top, part)

    def read_png(self, data: bytes) -> NDArray[np.uint8]:
        """Decode a PNG whose alpha channel, or where it has none whose grey, is a mask.

        Returns:
            uint8 (H, W): 0 where the mask is not, up to 255 where it is.

        Raises:
            ValueError: it is no PNG, is damaged, has neither of the two, or is far larger than the photo.
            BadItemError: all masks together are too large.
        """
        try:
            with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
                self.spend(image.width, image.height)
                if "transparency" in image.info or image.mode in ("LA", "PA", "RGBA"):
                    return np.asarray(image.convert("RGBA").getchannel("A"))
                if image.mode in ("1", "L"):
                    return np.asarray(image.convert("L"))
                mode = image.mode
        except (BadItemError, ValueError):
            raise
        except Exception as error:  # on broken bytes Pillow raises OSError, SyntaxError, struct.error, zlib.error, ...
            raise ValueError(f"a mask is not a readable PNG ({error})") from error
        raise ValueError(f"a mask is a picture of mode {mode}, with neither transparency nor grey")
