"""The pack: decoded photos and class maps of a revision in two flat files that are mapped into memory.

A pack is a folder:

- `photos.u8`: RGB bytes of every image, one after the other, rows first;
- `maps.u8`: one byte a pixel, likewise;
- `index.json`: version, key, and of every image its size and label counts. It is written last, and a folder gets its
  final name only when complete.

Reading an image is a slice of mapped memory: no call, no copy; the kernel keeps what is used and drops the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from training.data.resample import Pixels
from training.data.source import PackSource

VERSION = 1
PHOTOS, MAPS, INDEX = "photos.u8", "maps.u8", "index.json"


class BadPackError(ValueError):
    """The folder holds no complete pack of this key; it has to be built again."""


class PackedImage(BaseModel):
    """One row of the index.

    Attributes:
        height: pixels.
        width: pixels.
        counts: pixels of each value the class map has.
    """

    model_config = ConfigDict(frozen=True)

    height: int
    width: int
    counts: dict[int, int]


class PackIndex(BaseModel):
    """What index.json holds."""

    model_config = ConfigDict(frozen=True)

    version: int
    key: str
    images: tuple[PackedImage, ...]


class Pack:
    """An opened pack.

    Args:
        directory: the pack's folder.
        key: the key it must have been built under.
        images: where the images came from, in the order they were packed.

    Raises:
        BadPackError: no pack, a truncated one, one of another version or of other images.
    """

    def __init__(self, directory: Path, *, key: str, images: Sequence[PackSource]) -> None:
        index = _read_index(directory, key)
        self.directory = directory
        self.images = tuple(images)
        self.sizes: NDArray[np.int64] = np.array([(image.height, image.width) for image in index.images], np.int64)
        self.offsets: NDArray[np.int64] = offsets(self.sizes)
        if len(self.images) != len(self.sizes):
            raise BadPackError(f"{directory} holds {len(self.sizes)} images, expected {len(self.images)}")
        self._counts = tuple(image.counts for image in index.images)
        pixels = int(self.offsets[-1])
        self._photos = _map_file(directory / PHOTOS, (pixels, 3))
        self._maps = _map_file(directory / MAPS, (pixels,))

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.images)

    def image(self, i: int) -> Pixels:
        """Return photo i, a read-only view (H, W, 3) of the mapped file."""
        return self._photos[self.offsets[i] : self.offsets[i + 1]].reshape(*self.sizes[i], 3)

    def class_map(self, i: int) -> Pixels:
        """Return class map i, a read-only view (H, W) of the mapped file."""
        return self._maps[self.offsets[i] : self.offsets[i + 1]].reshape(*self.sizes[i])

    def label_counts(self, i: int) -> NDArray[np.int64]:
        """Return how many pixels of class map i have each value, as counted when it was packed."""
        counts = np.zeros(256, np.int64)
        counts[list(self._counts[i].keys())] = list(self._counts[i].values())
        return counts

    def describe(self) -> str:
        """Say where the pack is and how large."""
        return f"Photos are read from a pack of {pack_bytes(self.sizes) / 1e6:,.0f} MB in {self.directory}."


def offsets(sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return (images + 1,), the first pixel of every image and the end of the last, for sizes (images, 2)."""
    return np.concatenate(([0], np.cumsum(sizes.prod(axis=1)))).astype(np.int64)


def pack_bytes(sizes: NDArray[np.int64]) -> int:
    """Return the bytes that images of these sizes (images, 2) take: three a pixel for RGB, one for the class."""
    return int(sizes.prod(axis=1).sum()) * 4


def _read_index(directory: Path, key: str) -> PackIndex:
    try:
        index = PackIndex.model_validate_json((directory / INDEX).read_bytes())
    except (OSError, ValidationError) as error:
        raise BadPackError(f"{directory} holds no pack: {error}") from error
    if (index.version, index.key) != (VERSION, key):
        raise BadPackError(f"{directory} holds a pack of version {index.version} with key {index.key}")
    return index


def _map_file(path: Path, shape: tuple[int, ...]) -> Pixels:
    expected = int(np.prod(shape))
    found = path.stat().st_size if path.is_file() else None
    if found != expected:
        raise BadPackError(f"{path} should have {expected} bytes, found {found}")
    # A plain view of the memmap: slicing the subclass itself costs several microseconds more each time.
    return np.asarray(np.memmap(path, np.uint8, "r", shape=shape))
