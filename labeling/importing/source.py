"""What an import reads: the source itself, or what an archive holds, unpacked for as long as it is read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from db.errors import UserError
from db.home import Home
from db.scratch import scratch_folder
from labeling.importing.archives import SkippedMember, content_folder, is_archive, unpack
from labeling.importing.report import ImportReport
from labeling.progress import Progress


@dataclass(frozen=True)
class OpenedSource:
    """A source that can be read.

    Attributes:
        location: folder or file.
        archive: name of the archive that it was unpacked from, empty for none.
        unpacked: folder that the archive was unpacked into, which nobody knows and which is soon gone.
        skipped: members of the archive that were left out.
    """

    location: Path
    archive: str = ""
    unpacked: Path | None = None
    skipped: tuple[SkippedMember, ...] = ()

    def said(self, sentence: str) -> str:
        """Return a sentence that names files in the archive as it does itself."""
        return sentence if self.unpacked is None else sentence.replace(str(self.unpacked), self.archive)

    def reported(self, report: ImportReport) -> ImportReport:
        """Return a report whose sentences do so."""
        files = tuple(replace(file, reason=self.said(file.reason)) for file in report.files)
        return replace(report, files=files, notes=tuple(self.said(note) for note in report.notes))


@contextmanager
def open_source(home: Home, location: Path, progress: Progress, *, link: bool = False) -> Iterator[OpenedSource]:
    """Open the source of an import for the length of the block.

    Args:
        home: archives are unpacked in it.
        location: the folder, file or archive.
        progress: told of an archive's members.
        link: its photos are to be linked.

    Raises:
        UserError: there is nothing; the archive is refused (see `labeling.importing.archives.unpack`) or its photos are
            to be linked; or what the block raises.
    """
    if not location.exists():
        raise UserError(f"There is nothing to import at {location}: no such file or folder.")
    if not is_archive(location):
        yield OpenedSource(location)
        return
    if link:
        raise UserError(f"Photos in {location.name} cannot be linked. Unpack it, and import its folder with --link.")
    with scratch_folder(home.path / "unpacked") as folder:
        done = unpack(location, folder, progress=progress)
        opened = OpenedSource(content_folder(folder), location.name, folder, tuple(done.skipped))
        try:
            yield opened
        except UserError as error:
            raise UserError(opened.said(str(error))) from error
