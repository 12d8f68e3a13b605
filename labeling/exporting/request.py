"""What an export is asked to do, and what it did."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from db.errors import UserError
from labeling.formats.writing import MaskKind, Objects
from labeling.formats.written import EXPORTS, ExportFormat
from labeling.parts import ALL

Photos = Literal["copy", "link", "none"]


@dataclass(frozen=True)
class ExportRequest:
    """An export as asked for.

    Attributes:
        format: name of a writer.
        dataset: name.
        to: folder to write into, made where missing.
        project: name; None is the current one, or the only one.
        on: `train`, `val`, `test`, a list's name, or `all`.
        photos: `copy`: written beside the labels; `link`: as symbolic links to where they lie here; `none`: labels
            alone.
        objects: None is `drawn`; see `labeling.formats.writing.WriteRequest`.
        masks: None is `index`; likewise.
        overwrite: write into a folder that is not empty, replacing files of the same names and leaving the others.
    """

    format: ExportFormat
    dataset: str
    to: Path
    project: str | None = None
    on: str = ALL
    photos: Photos = "copy"
    objects: Objects | None = None
    masks: MaskKind | None = None
    overwrite: bool = False

    @property
    def location(self) -> Path:
        """The folder as an absolute path without links."""
        return self.to.expanduser().resolve()


@dataclass(frozen=True)
class Loss:
    """Something that the format cannot say, or says otherwise.

    Attributes:
        what: a sentence on it, and on how it was put instead.
        images: how many images it is true of.
        count: how many of the objects (or pixels) that the sentence speaks of, in all of them.
    """

    what: str
    images: int
    count: int


@dataclass(frozen=True)
class Renamed:
    """A photo that is called otherwise in the export, because not every system can hold its name."""

    path: str
    name: str


@dataclass(frozen=True)
class DatasetExport:
    """What an export did.

    Attributes:
        to: the folder.
        format: name of the writer.
        images: how many were written.
        files: how many files, photos included.
        losses: what the format cannot say and how it was put instead; empty where it says all there is.
        renamed: photos with another name.
        notes: sentences about the whole export.
    """

    to: Path
    format: ExportFormat
    images: int
    files: int
    losses: tuple[Loss, ...] = ()
    renamed: tuple[Renamed, ...] = ()
    notes: tuple[str, ...] = ()


def check_choices(request: ExportRequest) -> None:
    """Refuse choices that the format does not leave.

    Raises:
        UserError: it has none.
    """
    known = EXPORTS[request.format]
    for choice, value, there in (("objects", request.objects, known.objects), ("masks", request.masks, known.masks)):
        if value is not None and not there:
            having = ", ".join(name for name, each in EXPORTS.items() if getattr(each, choice))
            raise UserError(f"--{choice} says nothing for {request.format}: it is a choice of {having}. Leave it out.")
