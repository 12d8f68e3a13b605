"""Reads the answers that hold the maps of many tiles."""

import numpy as np
from numpy.typing import NDArray


def unpack(content: bytes) -> list[NDArray[np.uint8]]:
    """Return the maps, (height, width) each; (0, 0) where there is none."""
    maps: list[NDArray[np.uint8]] = []
    at = 0
    while at < len(content):
        width, height = np.frombuffer(content, "<u2", 2, at).tolist()
        pixels = np.frombuffer(content, np.uint8, width * height, at + 4)
        maps.append(pixels.reshape(height, width))
        at += 4 + width * height
    return maps
