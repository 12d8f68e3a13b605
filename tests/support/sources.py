"""Photos and class maps for tests: on disk, or in memory as a source."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from labeling.maps import write_map_png
from training.data.source import PackSource, count_labels

Pixels = NDArray[np.uint8]


def random_image(height: int, width: int, *, classes: int = 5, seed: int = 0) -> tuple[Pixels, Pixels]:
    """A photo and a class map of noise."""
    rng = np.random.default_rng((seed, height, width))
    return rng.integers(0, 256, (height, width, 3), np.uint8), rng.integers(0, classes, (height, width), np.uint8)


def write_image(folder: Path, name: str, photo: Pixels, class_map: Pixels) -> PackSource:
    """Save both as PNG, so that they are read back as they are."""
    folder.mkdir(parents=True, exist_ok=True)
    photo_path, map_path = folder / f"{name}.png", folder / f"{name}_map.png"
    Image.fromarray(photo).save(photo_path)
    map_path.write_bytes(write_map_png(class_map))
    return PackSource(photo_path, map_path, key=f"key of {name}", name=f"campus/{name}.png")


def write_images(folder: Path, sizes: Sequence[tuple[int, int]]) -> list[PackSource]:
    """Save one image of noise a size (height, width)."""
    return [write_image(folder, f"{i}", *random_image(*size, seed=i)) for i, size in enumerate(sizes)]


class ArraySource:
    """A source over arrays, for tests of what comes after it."""

    def __init__(self, pairs: Sequence[tuple[Pixels, Pixels]]) -> None:
        self._pairs = list(pairs)
        self.images = tuple(PackSource(Path(f"{i}.png"), Path(f"{i}_map.png"), key=f"{i}") for i in range(len(pairs)))
        self.sizes = np.array([class_map.shape for _, class_map in pairs], np.int64)

    @classmethod
    def noise(cls, sizes: Sequence[tuple[int, int]]) -> "ArraySource":
        return cls([random_image(*size, seed=i) for i, size in enumerate(sizes)])

    def __len__(self) -> int:
        return len(self._pairs)

    def image(self, i: int) -> Pixels:
        return self._pairs[i][0]

    def class_map(self, i: int) -> Pixels:
        return self._pairs[i][1]

    def label_counts(self, i: int) -> NDArray[np.int64]:
        return count_labels(self.class_map(i))

    def describe(self) -> str:
        return "Photos are in memory."
