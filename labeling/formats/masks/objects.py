"""Files that number the objects of a photo, pixel by pixel, beside the mask of its classes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labeling.colors import RGB
from labeling.formats.base import BadItemError
from labeling.formats.masks.files import read_mask_file
from labeling.formats.masks.legend import packed
from labeling.formats.places import Place
from labeling.maps import VOC_VOID

_NO_OBJECT: tuple[RGB, ...] = ((0, 0, 0), VOC_VOID)


@dataclass(frozen=True)
class ObjectFile:
    """A file of object numbers.

    Attributes:
        place: the file.
        first: smaller values are no object.
        void: nor is this one.
    """

    place: Place
    first: int = 1
    void: int | None = None

    def read(self, size: tuple[int, int]) -> NDArray[np.uint16]:
        """Return the number of the object that each pixel belongs to, uint16 (H, W), 0 for none.

        A colour file (CVAT's) has a colour an object; they are numbered in the order of their colours.

        Args:
            size: width and height that it must have.

        Raises:
            BadItemError: it cannot be read, has another size, or is a JPEG, whose numbers are smeared.
        """
        file = read_mask_file(self.place.path)
        if file.size != size:
            raise BadItemError(f"it has {file.size[0]} x {file.size[1]} pixels, the mask {size[0]} x {size[1]}.")
        if file.lossy:
            raise BadItemError("it is a JPEG, whose compression smears numbers.")
        if file.colors is not None:
            return _number_colors(file.colors)
        assert file.values is not None
        numbers = file.values.astype(np.uint16)
        numbers[numbers < self.first] = 0
        if self.void is not None:
            numbers[numbers == self.void] = 0
        return numbers


def _number_colors(colors: NDArray[np.uint8]) -> NDArray[np.uint16]:
    found, places = np.unique(packed(colors), return_inverse=True)
    objects = ~np.isin(found, packed(np.array([_NO_OBJECT], np.uint8))[0])
    if np.count_nonzero(objects) > np.iinfo(np.uint16).max:
        raise BadItemError("it has more than 65,535 colours, each taken for an object.")
    numbers = np.where(objects, np.cumsum(objects), 0).astype(np.uint16)
    return numbers[places].reshape(colors.shape[:2])
