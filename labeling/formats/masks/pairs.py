"""A photo beside its mask file: what VOC folders and mask trees come down to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from labeling.formats.base import BadItemError, BaseMap, Item, Problem, Record, RoleName
from labeling.formats.masks.files import MaskFile, read_mask_file
from labeling.formats.masks.legend import Legend, to_base_map
from labeling.formats.masks.objects import ObjectFile
from labeling.formats.matching import Match, Matches
from labeling.formats.places import Place
from labeling.photos import PhotoError, PhotoInfo, inspect_photo, transpose_pixels


@dataclass(frozen=True)
class Pair:
    """A photo, its mask file (None: not labelled yet), what the mask's values mean, and the file of its objects."""

    photo: Place
    mask: Place | None
    legend: Legend
    objects: ObjectFile | None = None

    @property
    def labelled(self) -> bool:
        """Whether there are labels."""
        return self.mask is not None

    def read(self) -> Record:
        """Return the record. Raises `BadItemError` where photo or mask cannot be used."""
        photo = self.photo.photo
        info = inspect(photo)
        if self.mask is None:
            return Record(photo, info.width, info.height, labelled=False)
        mask = self.decode(self.mask.path)
        base, repairs = to_base_map(mask, self.legend)
        if self.objects is not None:
            try:
                base = replace(base, instances=self.objects.read(mask.size))
            except BadItemError as error:  # the classes are whole without it
                repairs += (f"Its objects were left out, {self.objects.place.name} cannot be used: {error}",)
        if mask.size != (info.width, info.height):
            base = _upright(base, mask.size, info)
            repairs += (f"The mask was drawn on the unrotated photo and turned with it (EXIF {info.orientation}).",)
        elif info.orientation != 1 and mask.size == (info.raw_width, info.raw_height):
            repairs += (
                f"The photo is turned by its EXIF orientation {info.orientation}, and both ways round it has this "
                "size: the mask was read as one of the upright photo. If it is of the photo as stored, turn it.",
            )
        return Record(photo, info.width, info.height, base=base, repairs=repairs)

    def decode(self, mask: Path) -> MaskFile:
        """Return what the mask's file holds. Raises `BadItemError` where it cannot be read."""
        return read_mask_file(mask)


@dataclass(frozen=True)
class PairFolders:
    """The folder named by the user, and those that photos and masks are named from."""

    source: Path
    photos: Path
    masks: Path

    def item(
        self,
        pair: Match,
        legend: Legend,
        subsets: tuple[str, ...],
        role: RoleName | None,
        objects: ObjectFile | None = None,
    ) -> Item:
        """Return the import's item of a photo, its mask and its objects."""
        photo = Place(self.photos, pair.photo.name)
        mask = Place(self.masks, pair.mask.name) if pair.mask else None
        return Item(photo.name, self.shown(mask or photo), Pair(photo, mask, legend, objects), subsets, role)

    def mask_places(self, pairs: Iterable[Match]) -> list[Place]:
        """Return the mask files of all pairs that have one."""
        return [Place(self.masks, pair.mask.name) for pair in pairs if pair.mask]

    def problems(self, matches: Matches) -> tuple[Problem, ...]:
        """Return the files left over, named for the report."""
        return tuple(
            Problem(self.shown(Place(root, problem.file)), problem.reason)
            for root, problems in ((self.photos, matches.photo_problems), (self.masks, matches.mask_problems))
            for problem in problems
        )

    def shown(self, place: Place) -> str:
        """Return how a report names a file."""
        path = place.root / place.name
        return path.relative_to(self.source).as_posix() if path.is_relative_to(self.source) else str(path)


def inspect(photo: Path) -> PhotoInfo:
    """Return size and orientation of a photo. Raises `BadItemError` where it is none."""
    try:
        return inspect_photo(photo)
    except PhotoError as error:
        raise BadItemError(f"The photo {photo.name} cannot be used: {error}.") from error


def _upright(base: BaseMap, size: tuple[int, int], info: PhotoInfo) -> BaseMap:
    if size != (info.raw_width, info.raw_height):
        raise BadItemError(
            f"The mask has {size[0]} x {size[1]} pixels, the photo {info.width} x {info.height}. "
            "Save the mask at the photo's size, without interpolation."
        )
    pixels = np.ascontiguousarray(transpose_pixels(base.pixels, info.orientation))
    if base.instances is None:
        return BaseMap(pixels, base.legend)
    return BaseMap(pixels, base.legend, np.ascontiguousarray(transpose_pixels(base.instances, info.orientation)))
