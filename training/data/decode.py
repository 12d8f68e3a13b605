"""From files to arrays at the working size, and a source that decodes whenever it is asked."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from db.errors import UserError
from labeling.linked import LinkedPhoto, refuse_changed
from labeling.maps import read_map_png
from labeling.photos import PhotoError, read_photo
from labeling.progress import Progress, silent
from labeling.workers import usable_cores
from training.data.parallel import ordered_map
from training.data.resample import Pixels, resize_class_map, resize_photo
from training.data.sizes import Resize, working_size
from training.data.source import PackSource, count_labels


@dataclass(frozen=True)
class Decoder:
    """Decodes and resizes.

    Attributes:
        resize: the recipe's size.
        long_side: the longest side allowed, in pixels.
    """

    resize: Resize
    long_side: int

    def working_size(self, original: tuple[int, int]) -> tuple[int, int]:
        """Return the (height, width) an image of this original (height, width) gets."""
        return working_size(*original, resize=self.resize, long_side=self.long_side)

    def photo(self, image: PackSource, original: tuple[int, int]) -> Pixels:
        """Return the photo, uint8 (H, W, 3) RGB.

        Raises:
            UserError: the file is missing, changed, no photo, or not of its class map's (height, width), `original`.
        """
        if image.linked is not None:
            _check_unchanged(image.linked)
        try:
            photo = read_photo(image.photo)
        except (PhotoError, OSError) as error:
            raise UserError(f"The photo of {image} cannot be read: {error}") from error
        _check_size(image, photo, "photo", original)
        return resize_photo(photo, self.working_size(original))

    def class_map(self, image: PackSource, original: tuple[int, int]) -> Pixels:
        """Return the class map, uint8 (H, W).

        Raises:
            UserError: the file is missing, no class map, or no longer of its original (height, width).
        """
        try:
            class_map = read_map_png(image.class_map)
        except (ValueError, OSError) as error:
            raise _unreadable_map(image, error) from error
        _check_size(image, class_map, "class map", original)
        return resize_class_map(class_map, self.working_size(original))


class PhotoSource:
    """A source without a pack: every photo is decoded each time it is asked for. Holds sizes only.

    Args:
        images: where the images are.
        decoder: what size they get.
        originals: (height, width) of each before resizing, from `measure`.
        reason: why there is no pack, the end of a sentence.
    """

    def __init__(
        self, images: Sequence[PackSource], decoder: Decoder, originals: Sequence[tuple[int, int]], *, reason: str
    ) -> None:
        self.images = tuple(images)
        self.sizes: NDArray[np.int64] = np.array([decoder.working_size(size) for size in originals], np.int64)
        self._decoder = decoder
        self._originals = tuple(originals)
        self._reason = reason

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.images)

    def image(self, i: int) -> Pixels:
        """Decode photo i."""
        return self._decoder.photo(self.images[i], self._originals[i])

    def class_map(self, i: int) -> Pixels:
        """Decode class map i."""
        return self._decoder.class_map(self.images[i], self._originals[i])

    def label_counts(self, i: int) -> NDArray[np.int64]:
        """Decode class map i and count."""
        return count_labels(self.class_map(i))

    def describe(self) -> str:
        """Say that photos are decoded anew each time."""
        return f"Photos are decoded each time they are used: {self._reason}."


def measure(images: Sequence[PackSource], *, progress: Progress = silent) -> list[tuple[int, int]]:
    """Return the (height, width) of every image from its class map's header, which costs next to nothing.

    That the photo has the same size is checked when it is decoded.

    Raises:
        UserError: a class map is missing or no PNG.
    """

    def size(image: PackSource) -> tuple[int, int]:
        try:
            with Image.open(image.class_map, formats=("PNG",)) as header:
                return header.height, header.width
        except (OSError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            raise _unreadable_map(image, error) from error

    sizes = []
    for found in ordered_map(size, images, threads=usable_cores(), ahead=64):
        sizes.append(found)
        progress(len(sizes), len(images), "images measured")
    return sizes


def _unreadable_map(image: PackSource, error: Exception) -> UserError:
    return UserError(f"The class map of {image} ({image.class_map}) cannot be read: {error}. Freeze a new revision.")


def _check_unchanged(photo: LinkedPhoto) -> None:
    """Refuse a linked photo of other content; one that was merely copied or touched is hashed and accepted."""
    with suppress(OSError):
        status = Path(photo.path).stat()
        if (status.st_size, status.st_mtime_ns) == (photo.byte_size, photo.mtime_ns):
            return
    refuse_changed(photo)


def _check_size(image: PackSource, array: Pixels, what: str, expected: tuple[int, int]) -> None:
    if array.shape[:2] != expected:
        raise UserError(
            f"The {what} of {image} is {array.shape[1]}x{array.shape[0]} pixels, expected its class map's "
            f"{expected[1]}x{expected[0]}. Import the image again and freeze a new revision."
        )
