"""Exporting class maps as index PNGs that any other program reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.errors import UserError
from db.files import explain_os_errors, write_atomic
from db.home import Home
from db.schema import Class, Dataset, Image
from db.session import WITH_TRASHED, Database
from db.store import Store
from labeling.classes import live_classes
from labeling.colors import RGB, from_hex
from labeling.datasets import find_dataset
from labeling.importing.archives import is_archive
from labeling.map_store import load_map
from labeling.maps import write_map_png
from labeling.mask_names import mask_names
from labeling.options import DatasetOptions
from labeling.progress import Progress, silent
from labeling.projects import find_project
from labeling.rendering import render_versions, scheme_for
from labeling.workers import map_in_order

CLASSES_FILE = "classes.txt"
_IGNORE_COLOR: RGB = (224, 224, 192)  # Pascal VOC's


@dataclass(frozen=True)
class ExportReport:
    """Where the masks lie and how many there are. Images without labels have none."""

    to: Path
    images: int


@dataclass(frozen=True)
class _WriteTask:
    store: Path
    pixels_sha256: str
    to: Path
    palette: tuple[RGB, ...]


def export_masks(
    home: Home,
    database: Database,
    *,
    project: str | None = None,
    dataset: str,
    to: Path,
    overwrite: bool = False,
    progress: Progress = silent,
) -> ExportReport:
    """Write the class map of every labelled image of a dataset as an index PNG with the classes' colours.

    Values are dense class indices, 255 is ignore; `classes.txt` beside them names the classes in index order. The
    photos' folders are kept; a mask has its photo's stem, or its whole name where two photos share one (`a.jpg.png`).

    Args:
        home: holds the content store.
        database: its database.
        project: name; None is the current one.
        dataset: name.
        to: folder, made where missing.
        overwrite: write into a folder that is not empty, replacing files of the same names and leaving the others.
        progress: told the masks rendered and written.

    Raises:
        UserError: there is no such dataset or nothing labelled in it, `to` is not empty, or it lies in (or around) a
            folder that a dataset's photos or labels come from or the workbench home.
    """
    store, to = Store(home.store), to.expanduser().resolve()
    with database.read() as session:
        owner = find_project(session, project)
        row = find_dataset(session, owner, dataset)
        classes = live_classes(session, owner.id)
        kept = _source_folders(session)
        query = select(Image.path, Image.head_id).where(Image.dataset_id == row.id, Image.head_id.is_not(None))
        heads = {path: head for path, head in session.execute(query.order_by(Image.path)) if head is not None}
    if not heads:
        raise UserError(f"The dataset {dataset!r} has no labelled image, so there is no mask to export.")
    _refuse_folder(to, [*kept, home.path], overwrite=overwrite)
    scheme = scheme_for(DatasetOptions.model_validate(row.options), classes, row.name)
    rendered = render_versions(database, store, scheme, list(heads.values()), progress)
    dense = [other for other in classes if other.merged_into_id is None]
    palette = _palette(dense)
    tasks = [
        _WriteTask(store.root, rendered.maps[heads[path]], to / name, palette)
        for path, name in mask_names(list(heads)).items()
    ]
    with explain_os_errors(to):
        for folder in sorted({task.to.parent for task in tasks}):
            folder.mkdir(parents=True, exist_ok=True)
    write_atomic(to / CLASSES_FILE, "".join(f"{other.name}\n" for other in dense).encode())
    for done, _ in enumerate(map_in_order(_write, tasks, on_death=_died), start=1):
        progress(done, len(tasks), "masks")
    return ExportReport(to, len(tasks))


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


def _refuse_folder(to: Path, kept: Sequence[Path], *, overwrite: bool) -> None:
    for folder in kept:
        if to.is_relative_to(folder) or folder.is_relative_to(to):
            raise UserError(
                f"{to} lies in or around {folder}, which an export never writes into. Choose another folder."
            )
    if to.exists() and not to.is_dir():
        raise UserError(f"{to} is a file; an export needs a folder.")
    if not overwrite and to.is_dir() and next(to.iterdir(), None) is not None:
        raise UserError(f"{to} is not empty. Choose another folder, or write into it with --overwrite.")


def _palette(dense: Sequence[Class]) -> tuple[RGB, ...]:
    colors = [from_hex(row.color) for row in dense]
    return (*colors, *[(0, 0, 0)] * (255 - len(colors)), _IGNORE_COLOR)


def _write(task: _WriteTask) -> None:
    write_atomic(task.to, write_map_png(load_map(Store(task.store), task.pixels_sha256), task.palette))


def _died(task: _WriteTask) -> None:
    raise UserError(f"The process that wrote {task.to} was ended by the system. Run the export again with --overwrite.")
