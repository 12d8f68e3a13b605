"""Photos and class maps at their working size, from wherever they come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from labeling.linked import LinkedPhoto
from training.data.resample import Pixels


@dataclass(frozen=True)
class PackSource:
    """A labelled image on disk.

    Attributes:
        photo: the photo file.
        class_map: its class map, a uint8 index PNG of the photo's size after EXIF rotation.
        key: digest of the content of both; equal keys mean equal pixels.
        name: what a person calls the image, for messages; the photo's path when empty.
        linked: what the photo was when it was chosen, where it is a file of the person's own, which may change.
    """

    photo: Path
    class_map: Path
    key: str
    name: str = ""
    linked: LinkedPhoto | None = None

    def __str__(self) -> str:
        """Return the name to use in messages."""
        return self.name or str(self.photo)


class Source(Protocol):
    """Photos and class maps at their working size, by index. Safe to read from many threads."""

    @property
    def images(self) -> Sequence[PackSource]:
        """Where each image came from."""

    @property
    def sizes(self) -> NDArray[np.int64]:
        """(images, 2) height and width in pixels."""

    def __len__(self) -> int:
        """Return the number of images."""

    def image(self, i: int) -> Pixels:
        """Return photo i, uint8 (H, W, 3) RGB, not to be written to."""

    def class_map(self, i: int) -> Pixels:
        """Return class map i, uint8 (H, W), 0..253 or 255 for ignore, not to be written to."""

    def label_counts(self, i: int) -> NDArray[np.int64]:
        """Return (256,), how many pixels of class map i have each value."""

    def describe(self) -> str:
        """Return a sentence for the person: how images are read, and why so."""


def count_labels(class_map: Pixels) -> NDArray[np.int64]:
    """Return (256,), how many pixels of a class map have each value."""
    return np.bincount(class_map.reshape(-1), minlength=256)
