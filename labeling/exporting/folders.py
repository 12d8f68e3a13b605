"""Where an export may write, and how it comes there whole or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.errors import UserError
from db.files import explain_os_errors, scratch_file, settle, sync_folder, sync_tree, write_atomic
from db.home import Home
from db.schema import Dataset, Image
from db.session import WITH_TRASHED
from labeling.importing.archives import is_archive
from labeling.options import DatasetOptions


@dataclass(frozen=True)
class ExportFolder:
    """The folder that an export writes into.

    Attributes:
        path: of the folder.
        hidden: nobody looks at it before it is finished: files are written as they are, and flushed together.
    """

    path: Path
    hidden: bool

    def put(self, name: str, data: bytes) -> None:
        """Write a file of a folder that `make` made; whole or not at all where somebody may look at it.

        Raises:
            UserError: the disk is full or the folder cannot be written.
        """
        path = self.path / name
        if not self.hidden:
            write_atomic(path, data)
            return
        with explain_os_errors(path.parent):
            path.write_bytes(data)

    def stream(self, name: str, pieces: Iterable[bytes]) -> None:
        """Write a file whose content comes in pieces, whole or not at all. Raises as `put`."""
        path = self.path / name
        with explain_os_errors(path.parent), scratch_file(path.parent) as file:
            file.writelines(pieces)
            settle(file, path)

    def make(self, names: Iterable[str]) -> None:
        """Make the folders that files of these names lie in."""
        with explain_os_errors(self.path):
            for folder in sorted({(self.path / name).parent for name in names}):
                folder.mkdir(parents=True, exist_ok=True)


@contextmanager
def export_folder(to: Path) -> Iterator[ExportFolder]:
    """Yield the folder to write into.

    Where `to` is new or empty that is a hidden folder beside it, which takes its name once the block is through: a
    killed export leaves no folder that looks whole. Otherwise it is `to` itself, whose files are replaced one by one.

    Raises:
        UserError: it cannot be made or written.
    """
    with explain_os_errors(to.parent):
        to.parent.mkdir(parents=True, exist_ok=True)
        if to.exists() and (next(to.iterdir(), None) or to.is_mount() or not os.access(to.parent, os.W_OK)):
            yield ExportFolder(to, hidden=False)
            return
        hidden = to.parent / f".{secrets.token_hex(8)}.export"
        hidden.mkdir()
        try:
            yield ExportFolder(hidden, hidden=True)
            sync_tree(hidden)
            hidden.rename(to)
            sync_folder(to.parent)
        finally:
            shutil.rmtree(hidden, ignore_errors=True)


def refuse_folder(session: Session, home: Home, to: Path, *, overwrite: bool) -> None:
    """Refuse to write where an export has no business.

    Args:
        session: any session.
        home: the workbench home; of all in it only the folder for exported datasets is written into.
        to: the folder, absolute and without links.
        overwrite: whether it may hold files.

    Raises:
        UserError: `to` is no folder or not empty, or lies in (or around) a folder that a dataset's photos or labels
            come from, or the workbench home.
    """
    kept = [*_source_folders(session), *([] if to.is_relative_to(home.exported_datasets.resolve()) else [home.path])]
    for folder in kept:
        if to.is_relative_to(folder) or folder.is_relative_to(to):
            raise UserError(
                f"{to} lies in or around {folder}, which an export never writes into. Choose another folder."
            )
    if to.exists() and not to.is_dir():
        raise UserError(f"{to} is a file; an export needs a folder.")
    if not overwrite and to.is_dir() and next(to.iterdir(), None) is not None:
        raise UserError(f"{to} is not empty. Choose another folder, or write into it with --overwrite.")


def _source_folders(session: Session) -> list[Path]:
    """Return the folders that datasets, also those in the trash, were imported from or have linked photos in."""
    linked = session.scalars(select(Image.linked_path).distinct(), execution_options=WITH_TRASHED)
    folders = {Path(path).parent for path in linked if path}
    # A dataset may have come from several places.
    sources = set(session.scalars(select(Image.source).distinct(), execution_options=WITH_TRASHED))
    for source, options in session.execute(select(Dataset.source, Dataset.options)):
        files = DatasetOptions.model_validate(options).files
        sources |= {source, files.images, files.masks, *files.found}
    for path in (Path(source) for source in sources if source):
        if path.is_absolute() and not is_archive(path):  # of an upload only the name is kept
            folders.add(path.parent if path.is_file() else path)
    return sorted(folders)
