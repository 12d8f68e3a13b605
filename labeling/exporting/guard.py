"""Where an export may write."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.errors import UserError
from db.home import Home
from db.schema import Dataset, Image
from db.session import WITH_TRASHED
from labeling.importing.archives import is_archive
from labeling.options import DatasetOptions


def refuse_file(path: Path, *, overwrite: bool) -> None:
    """Refuse to write a file where one is, or where there is no folder.

    Raises:
        UserError: the folder is missing, the path is a folder, or the file exists and may not be replaced.
    """
    if not path.parent.is_dir():
        raise UserError(f"The folder {path.parent} does not exist. Make it first, or choose another one.")
    if path.exists() and (path.is_dir() or not overwrite):
        raise UserError(f"{path} exists. Choose another name" + ("." if path.is_dir() else ", or add --overwrite."))


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
