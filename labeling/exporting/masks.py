"""Exporting class maps alone, as index PNGs that any other program reads."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from db.errors import UserError
from db.home import Home
from db.session import Database
from db.store import Store
from labeling.classes import live_classes
from labeling.colors import RGB, from_hex
from labeling.datasets import find_dataset
from labeling.exporting.folder import ExportFolder, export_folder
from labeling.exporting.guard import refuse_folder
from labeling.exporting.images import labelled_images
from labeling.map_store import load_map
from labeling.maps import map_palette, write_map_png
from labeling.mask_names import mask_names
from labeling.options import DatasetOptions
from labeling.progress import Progress, silent
from labeling.projects import find_project
from labeling.rendering import render_versions, scheme_for
from labeling.workers import map_in_order

CLASSES_FILE = "classes.txt"


@dataclass(frozen=True)
class ExportReport:
    """Where the masks lie and how many there are. Images without labels have none."""

    to: Path
    images: int


@dataclass(frozen=True)
class _WriteTask:
    store: Path
    pixels_sha256: str
    folder: ExportFolder
    name: str
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
        project: name; None is the current one, or the only one.
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
        images, _ = labelled_images(session, row)
        refuse_folder(session, home, to, overwrite=overwrite)
    scheme = scheme_for(DatasetOptions.model_validate(row.options), classes, row.name)
    rendered = render_versions(database, store, scheme, [image.head_id for image in images], progress)
    dense = [other for other in classes if other.merged_into_id is None]
    palette = map_palette([from_hex(other.color) for other in dense])
    heads = {image.path: image.head_id for image in images}
    names = mask_names(list(heads))
    with export_folder(to) as folder:
        folder.make([CLASSES_FILE, *names.values()])
        folder.put(CLASSES_FILE, "".join(f"{other.name}\n" for other in dense).encode())
        tasks = [
            _WriteTask(store.root, rendered.maps[heads[path]], folder, name, palette) for path, name in names.items()
        ]
        for done, _ in enumerate(map_in_order(_write, tasks, on_death=_died), start=1):
            progress(done, len(tasks), "masks")
    return ExportReport(to, len(tasks))


def _write(task: _WriteTask) -> None:
    task.folder.put(task.name, write_map_png(load_map(Store(task.store), task.pixels_sha256), task.palette))


def _died(task: _WriteTask) -> None:
    raise UserError(f"The process that wrote {task.name} was ended by the system. Run the export again.")
