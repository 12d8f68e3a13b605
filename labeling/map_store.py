"""Maps in the content store: an index PNG under the sha256 of its pixels."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from db.staging import Staged, stage
from db.store import Store
from labeling.maps import read_map_png, write_map_png


def stage_map(store: Store, pixels: NDArray[np.uint8]) -> tuple[str, tuple[Staged, ...]]:
    """Stage a uint8 (H, W) map as a PNG under the sha256 of its pixels, unless it is stored already.

    Returns:
        The sha256 (`pixels_sha256`), and what is left for `db.staging.settle_all`.

    Raises:
        UserError: the store cannot be written.
    """
    sha = pixels_sha256(pixels)
    return sha, () if store.has(sha) else (stage(store, sha, write_map_png(pixels)),)


def pixels_sha256(pixels: NDArray[np.uint8]) -> str:
    """Return the sha256 of a uint8 (H, W) map: over its size and pixels, so that no encoder's version changes it."""
    height, width = pixels.shape
    digest = hashlib.sha256(f"{height}x{width}\n".encode())
    digest.update(np.ascontiguousarray(pixels).data)
    return digest.hexdigest()


def load_map(store: Store, sha: str) -> NDArray[np.uint8]:
    """Return the uint8 (H, W) map stored under this hash.

    Raises:
        FileNotFoundError: it is not stored.
    """
    return read_map_png(store.read(sha))
