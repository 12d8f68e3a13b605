"""What an import is asked to do, and how that meets what is stored and what the source says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from db.errors import UserError
from labeling.annotations import user_name
from labeling.formats.base import Listing, ReadRequest, RoleName
from labeling.formats.codecs import CODECS
from labeling.importing.archives import archive_stem, is_archive
from labeling.options import DatasetOptions, Overlap, RasterRule, SourceFiles

OnConflict = Literal["ours", "theirs"]

_NAMED_FILES = ("images", "masks", "classes_file", "colors_file")


@dataclass(frozen=True)
class ImportRequest:
    """An import as asked for. None means: what is stored with the dataset, else what the source says.

    Attributes:
        format: name of a codec.
        source: folder, file or archive to import from.
        project: its name, created where missing; None is the current project, or a new one named after the folder.
        dataset: its name; None is the source folder's name.
        known_as: what the dataset remembers the source by, where it lies there for a moment only (an upload); None is
            its path.
        images: folder of the photos, for sources that do not say.
        masks: folder of the masks, for a pair of folders.
        classes_file: labels in index order.
        colors_file: colours of colour masks.
        unlabelled: see `DatasetOptions`, as the nine after it.
        ignore_index: likewise.
        overlap: likewise.
        crowd: likewise.
        border: likewise.
        void: likewise.
        raster: likewise.
        line_width: pixels.
        point_radius: pixels.
        mapping: rows laid over the stored ones: from a source's name to a class, to `ignore`, or to None to drop it.
        lists: subsets that every image of this import joins.
        role: given to every image of this import that has none and is in no train, val or test list.
        link: leave the photos where they are instead of copying them into the store.
        on_conflict: whose labels stay when an image was changed both here and at the source.
        author: written into the annotation versions.
    """

    format: str
    source: Path
    project: str | None = None
    dataset: str | None = None
    known_as: str | None = None
    images: Path | None = None
    masks: Path | None = None
    classes_file: Path | None = None
    colors_file: Path | None = None
    unlabelled: str | None = None
    ignore_index: int | None = None
    overlap: Overlap | None = None
    crowd: Literal["ignore", "class"] | None = None
    border: Literal["class", "ignore"] | None = None
    void: Literal["ignore", "class"] | None = None
    raster: RasterRule | None = None
    line_width: int | None = None
    point_radius: int | None = None
    mapping: Mapping[str, str | None] = field(default_factory=dict)
    lists: tuple[str, ...] = ()
    role: RoleName | None = None
    link: bool = False
    on_conflict: OnConflict = "ours"
    author: str = field(default_factory=user_name)

    @property
    def location(self) -> Path:
        """The source as an absolute path without links."""
        return self.source.expanduser().resolve()

    @property
    def remembered(self) -> str:
        """The source as a dataset remembers it, by which importing it again is known."""
        return self.known_as or str(self.location)

    @property
    def folder_name(self) -> str:
        """The name of the source's folder or archive, for a new project."""
        location = self.location
        if is_archive(location):
            return archive_stem(location.name) or location.name
        return (location if location.is_dir() else location.parent).name

    @property
    def dataset_name(self) -> str:
        """The dataset's name: as asked for, else the source folder's (a file's name without its suffix)."""
        location = self.location
        if self.dataset or location.is_dir():
            return self.dataset or location.name
        return archive_stem(location.name) or location.stem


def require_format(format: str) -> None:
    """Refuse a format that no codec reads.

    Raises:
        UserError: there is none; names those there are.
    """
    if format not in CODECS:
        raise UserError(f"There is no format {format!r}. Formats: {', '.join(sorted(CODECS))}.")


def asked_options(request: ImportRequest, stored: DatasetOptions | None, *, same_source: bool) -> DatasetOptions:
    """Return the stored options (else the defaults) with what the request asks for laid over them.

    Args:
        request: the request.
        stored: options of the dataset, None for a new one.
        same_source: whether the dataset was last imported from this source: only then do the files that were named
            beside it belong to it.

    Raises:
        UserError: a value is out of range; the message names it.
    """
    base = stored or DatasetOptions()
    files = base.files if same_source else SourceFiles()
    named = {name: _noted(request, path) for name in _NAMED_FILES if (path := getattr(request, name)) is not None}
    values: dict[str, Any] = base.model_dump() | _given(request)
    values["mapping"] = {**base.mapping, **request.mapping}
    values["files"] = files.model_dump() | named
    try:
        return DatasetOptions.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UserError(f"The import option {where} is {first['input']!r}: {first['msg']}.") from None


def settled_options(
    asked: DatasetOptions, request: ImportRequest, location: Path, listing: Listing, stored: DatasetOptions | None
) -> DatasetOptions:
    """Return the options with the source's own customs where neither the request nor the dataset decides.

    A source that labels every pixel has nothing to become background: its unlabelled pixels, should any arise, are
    ignored.

    Args:
        asked: the options as asked for.
        request: the request.
        location: the folder or file that was listed.
        listing: what was found there.
        stored: options of the dataset, None for a new one.
    """
    change: dict[str, object] = {}
    if stored is None:
        given = _given(request)
        if listing.background is None:
            change["unlabelled"] = "ignore"
        change |= {"raster": listing.raster, "overlap": listing.overlap}
        change = {name: value for name, value in change.items() if name not in given}
    if listing.background is not None and (stored is None or request.classes_file is not None):
        change["background"] = listing.background
    folders = [folder.resolve() for folder in listing.folders]
    found = tuple(str(folder) for folder in folders if not folder.is_relative_to(location))
    change["files"] = asked.files.model_copy(update={"found": found})
    return asked.model_copy(update=change)


def read_request(location: Path, options: DatasetOptions) -> ReadRequest:
    """Return what the codec is given to read a folder or file."""
    folder = _folder(location)
    named = {name: path for name in _NAMED_FILES if (path := getattr(options.files, name)) is not None}
    paths: dict[str, Any] = {name: folder / path for name, path in named.items()}
    return ReadRequest(source=location, options=options, **paths)


def changed_options(stored: DatasetOptions, new: DatasetOptions) -> list[str]:
    """Return a sentence for every option that a re-import changes."""
    before, after = stored.model_dump(exclude={"files"}), new.model_dump(exclude={"files"})
    return [
        f"Option {name} changed from {before[name]!r} to {after[name]!r}."
        for name in before
        if before[name] != after[name]
    ]


def _noted(request: ImportRequest, path: Path) -> str:
    """Return a file's path to be kept: of a source that soon lies elsewhere, the path inside it."""
    found, folder = path.expanduser().resolve(), _folder(request.location)
    inside = request.known_as is not None and found.is_relative_to(folder)
    return found.relative_to(folder).as_posix() if inside else str(found)


def _folder(location: Path) -> Path:
    return location if location.is_dir() else location.parent


def _given(request: ImportRequest) -> dict[str, Any]:
    names = DatasetOptions.model_fields.keys() - {"background", "mapping", "files"}
    return {name: value for name in sorted(names) if (value := getattr(request, name)) is not None}
