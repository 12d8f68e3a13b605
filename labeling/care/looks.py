"""A second look at photos whose hashes are near: hashes of plain textures collide, so small pictures decide."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

LOOK_SIDE = 32
_PLAIN = 2.0
"""Grey levels. A look with a smaller standard deviation shows nothing that could be compared."""


def look_of(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return what a photo, uint8 (H, W, 3), looks like from afar: uint8 (32, 32), grey."""
    small = cv2.resize(rgb, (LOOK_SIDE, LOOK_SIDE), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.uint8)


def comparable(looks: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return looks, uint8 (N, 32, 32), as vectors (N, 1024) whose dot products are their correlations, -1 to 1.

    One too plain to tell is all zeros: it correlates with nothing.
    """
    flat = looks.reshape(len(looks), -1).astype(np.float32)
    flat -= flat.mean(axis=1, keepdims=True)
    length = np.linalg.norm(flat, axis=1, keepdims=True)
    return np.divide(flat, length, out=np.zeros_like(flat), where=length > _PLAIN * LOOK_SIDE)
