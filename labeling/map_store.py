"""Maps in the content store: an index PNG of 8 bits, for objects of 16, under the sha256 of its pixels."""

from __future__ import annotations

import hashlib
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from db.staging import Staged, stage
from db.store import Store
from labeling.maps import MapError, read_map_png, write_map_png


def stage_map(store: Store, pixels: NDArray[np.uint8]) -> tuple[str, tuple[Staged, ...]]:
    """Stage a uint8 (H, W) map as a PNG under the sha256 of its pixels, unless it is stored already.

    Returns:
        The sha256 (`pixels_sha256`), and what is left for `db.staging.settle_all`.

    Raises:
        UserError: the store cannot be written.
    """
    sha = pixels_sha256(pixels)
    return sha, () if store.keep(sha) else (stage(store, sha, write_map_png(pixels)),)


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


def stage_instances(store: Store, pixels: NDArray[np.uint16]) -> tuple[str, tuple[Staged, ...]]:
    """Stage a uint16 (H, W) map of objects, as `stage_map` does a map of classes."""
    sha = instances_sha256(pixels)
    if store.keep(sha):
        return sha, ()
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return sha, (stage(store, sha, buffer.getvalue()),)


def instances_sha256(pixels: NDArray[np.uint16]) -> str:
    """Return the sha256 of a uint16 (H, W) map of objects, over its size and pixels."""
    height, width = pixels.shape
    digest = hashlib.sha256(f"{height}x{width} uint16\n".encode())
    digest.update(np.ascontiguousarray(pixels, "<u2").data)
    return digest.hexdigest()


def load_instances(store: Store, sha: str) -> NDArray[np.uint16]:
    """Return the uint16 (H, W) map of objects stored under this hash.

    Raises:
        FileNotFoundError: it is not stored.
        MapError: the file is broken.
    """
    try:
        with Image.open(io.BytesIO(store.read(sha)), formats=("PNG",)) as image:
            if image.mode != "I;16":
                raise MapError(f"expected a 16-bit PNG, found mode {image.mode}")
            return np.array(image, np.uint16)
    except (SyntaxError, ValueError) as error:
        raise MapError(f"the PNG is broken or cut off: {error}") from error
