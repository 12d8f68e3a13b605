"""Which photo a labelme JSON file belongs to, and in which frame its points were drawn.

labelme showed photos as stored until 3.6 and upright since 3.7, TIFFs as stored to this day (it reads EXIF by a
method that Pillow's TIFFs lack). What it embeds is what it showed: the original bytes, or a re-encoded upright copy
without EXIF. Where the points were drawn as stored they are turned with the photo.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labeling.formats.base import BadItemError
from labeling.photos import (
    PhotoError,
    PhotoHeader,
    PhotoInfo,
    hash_distance,
    inspect_photo,
    perceptual_hash,
    read_header,
    read_photo,
)

_SAME_PICTURE = 10  # bits; re-encoding moves a few, another photo about half of 64
_SWAPPING = frozenset({5, 6, 7, 8})

Size = tuple[int, int]


@dataclass(frozen=True)
class Placement:
    """The photo that shapes lie on.

    Attributes:
        photo: its file, or the embedded bytes.
        info: what it is.
        orientation: turns the points into the upright frame; 1: they are in it.
        repairs: sentences for the report.
    """

    photo: Path | bytes
    info: PhotoHeader
    orientation: int = 1
    repairs: tuple[str, ...] = ()

    @property
    def drawn_size(self) -> Size:
        """Width and height of the frame in which the points were drawn."""
        size = (self.info.width, self.info.height)
        return size[::-1] if self.orientation in _SWAPPING else size


def place(fields: Mapping[str, Any], file: Path | None, missing: str) -> Placement:
    """Find the photo of a label file and the frame of its points.

    The file on disk is preferred. An embedded photo that shows something else wins, because that is what was
    labelled.

    Args:
        fields: the label file's JSON object.
        file: the photo on disk, if there is one.
        missing: why there is none.

    Raises:
        BadItemError: no photo, or one of another size than the label file says.
    """
    if file is not None and _embeds(fields.get("imageData"), file):
        declared, notes = _declared(fields)
        return _turned(file, read_header(file), declared, True, notes)
    embedded, repairs = _embedded(fields)
    if file is None:
        if embedded is None:
            raise BadItemError("; ".join((missing, *repairs)))
        note = f"{missing}; the embedded photo is used"
        return _on_embedded(fields, embedded, read_header(embedded), (*repairs, note))
    if embedded is None:
        return _on_file(fields, file, read_header(file), repairs)
    try:
        info = inspect_photo(file)
    except PhotoError as error:
        note = f"{file.name} is not usable ({error}); the embedded photo is used"
        return _on_embedded(fields, embedded, read_header(embedded), (*repairs, note))
    return _on_either(fields, file, info, embedded, repairs)


def _on_file(fields: Mapping[str, Any], file: Path, info: PhotoHeader, repairs: tuple[str, ...]) -> Placement:
    declared, notes = _declared(fields)
    upright, raw = (info.width, info.height), (info.raw_width, info.raw_height)
    if declared is not None and declared not in (upright, raw):
        raise BadItemError(
            f"it was labelled on a photo of {declared[0]} x {declared[1]} pixels, but {file.name} has {upright[0]} x "
            f"{upright[1]}; put the photo back that was labelled, or correct imageWidth and imageHeight"
        )
    # Label files without a version are older than labelme's looking at EXIF.
    drawn_raw = info.format == "TIFF" or "version" not in fields
    return _turned(file, info, declared, drawn_raw, (*repairs, *notes))


def _on_embedded(fields: Mapping[str, Any], data: bytes, info: PhotoHeader, repairs: tuple[str, ...]) -> Placement:
    declared, notes = _declared(fields)
    raw = (info.raw_width, info.raw_height)
    if declared is not None and declared not in ((info.width, info.height), raw):
        notes = (*notes, f"imageWidth x imageHeight are {declared}, the embedded photo's {raw} were taken")
    return _turned(data, info, declared, True, (*repairs, *notes))


def _on_either(
    fields: Mapping[str, Any], file: Path, info: PhotoInfo, embedded: bytes, repairs: tuple[str, ...]
) -> Placement:
    """Both are there and differ: the file, wherever it shows what the embedded one shows."""
    try:
        other = inspect_photo(embedded)
    except PhotoError as error:
        return _on_file(fields, file, info, (*repairs, f"the embedded photo is not usable ({error})"))
    size, shown = (other.width, other.height), other.perceptual_hash
    if size == (info.width, info.height) and hash_distance(shown, info.perceptual_hash) <= _SAME_PICTURE:
        return _placement(file, info, other.orientation, repairs)
    if info.orientation != 1 and size == (info.raw_width, info.raw_height):
        stored = perceptual_hash(read_photo(file, upright=False))
        if hash_distance(shown, stored) <= _SAME_PICTURE:
            return _placement(file, info, info.orientation, repairs)
    note = (
        f"the embedded photo ({size[0]} x {size[1]}) and {file.name} ({info.width} x {info.height}) show different "
        "pictures; the embedded one was labelled and is used"
    )
    return _on_embedded(fields, embedded, other, (*repairs, note))


def _turned(
    photo: Path | bytes, info: PhotoHeader, declared: Size | None, drawn_raw: bool, repairs: tuple[str, ...]
) -> Placement:
    """Decide between the two frames: by the declared size where it can tell, else by `drawn_raw`."""
    upright, raw = (info.width, info.height), (info.raw_width, info.raw_height)
    if declared is not None and upright != raw and declared in (upright, raw):
        drawn_raw = declared == raw
    return _placement(photo, info, info.orientation if drawn_raw else 1, repairs)


def _placement(photo: Path | bytes, info: PhotoHeader, orientation: int, repairs: tuple[str, ...]) -> Placement:
    if orientation != 1:
        note = (
            f"the shapes were drawn on the photo without its EXIF orientation {orientation}; they were turned with it"
        )
        repairs = (*repairs, note)
    return Placement(photo, info, orientation, repairs)


def _declared(fields: Mapping[str, Any]) -> tuple[Size | None, tuple[str, ...]]:
    found = fields.get("imageWidth"), fields.get("imageHeight")
    if found == (None, None):
        return None, ()
    width, height = (_whole(value) for value in found)
    if width is None or height is None:
        return None, ("imageWidth and imageHeight are not two whole numbers; the photo's own size was taken",)
    return (width, height), ()


def _whole(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 2**31 or value != int(value):
        return None
    return int(value)


def _embeds(found: Any, file: Path) -> bool:
    """Whether the label file holds the very bytes of the file. Encoding these is twice as fast as decoding those."""
    if not isinstance(found, str) or not found:
        return False
    try:
        return found == base64.b64encode(file.read_bytes()).decode("ascii")
    except OSError:  # said when the photo itself is read
        return False


def _embedded(fields: Mapping[str, Any]) -> tuple[bytes | None, tuple[str, ...]]:
    found = fields.get("imageData")
    if not found:
        return None, ()
    try:
        if isinstance(found, str):
            return base64.b64decode(found), ()
    except (binascii.Error, ValueError):
        pass
    return None, ("imageData is not base64 text and was ignored",)
