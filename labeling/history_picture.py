"""A picture of what differs between two versions of an annotation: the photo in grey, the differing pixels lit."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from labeling.photos import read_photo

_LIT = (255, 0, 200)  # as the pages light pixels
_DIMMED = 0.6


def difference_png(photo: Path, where: NDArray[np.bool_]) -> bytes:
    """Draw it.

    Args:
        photo: the image's file.
        where: bool (H, W) of the photo's size after EXIF rotation.

    Returns:
        An RGB PNG of that size.

    Raises:
        PhotoError: the photo cannot be read.
    """
    pixels = read_photo(photo)
    grey = (pixels.mean(axis=2) * _DIMMED).astype(np.uint8)
    picture = np.repeat(grey[..., None], 3, axis=2)
    picture[where] = _LIT
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG")
    return buffer.getvalue()
