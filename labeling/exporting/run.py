"""Exporting a dataset in a format that other programs read.

Worker processes write the images, each on its own; this process writes the files that are about all of them. A new
folder appears under its name when all of it is there.
"""

from __future__ import annotations

import pickle
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import IO, Any

from sqlalchemy import select

from db.home import Home
from db.schema import AnnotationVersion, Class
from db.session import Database
from db.store import Store
from labeling.chunks import chunks
from labeling.classes import live_classes
from labeling.colors import RGB, from_hex, next_color, to_hex
from labeling.datasets import find_dataset
from labeling.exporting.folder import export_folder
from labeling.exporting.guard import refuse_folder
from labeling.exporting.images import ExportImage, labelled_images
from labeling.exporting.names import export_names
from labeling.exporting.request import DatasetExport, ExportRequest, Loss, Renamed, check_choices
from labeling.exporting.worker import Job, Outcome, Task, died, write_image
from labeling.formats.class_names import check_names
from labeling.formats.lists import list_names
from labeling.formats.writers import WRITERS
from labeling.formats.writing import Part, WriteRequest
from labeling.formats.written import EXPORTS
from labeling.linked import photo_path
from labeling.maps import VOC_VOID
from labeling.options import DatasetOptions
from labeling.progress import Progress, silent
from labeling.projects import find_project
from labeling.rendering import render_versions, scheme_for
from labeling.workers import map_in_order


def export_dataset(
    home: Home, database: Database, request: ExportRequest, progress: Progress = silent
) -> DatasetExport:
    """Write the labelled images of a dataset, or of one of its roles or lists, with their photos.

    Args:
        home: holds the content store.
        database: its database.
        request: what to export.
        progress: told the class maps rendered and the images written.

    Raises:
        UserError: there is no such dataset, role or list, or nothing labelled in it; the folder is not empty, or lies
            in (or around) one that photos or labels come from or the workbench home; the format cannot carry the name
            of a class; a photo is gone or has changed; a disk that is full.
    """
    check_choices(request)
    store, to = Store(home.store), request.location
    with database.read() as session:
        owner = find_project(session, request.project)
        row = find_dataset(session, owner, request.dataset)
        classes = live_classes(session, owner.id)
        images, unlabelled = labelled_images(session, row, request.on)
        refuse_folder(session, home, to, overwrite=request.overwrite)
    options = DatasetOptions.model_validate(row.options)
    scheme = scheme_for(options, classes, row.name)
    dense = [each for each in classes if each.merged_into_id is None]
    wanted, notes = _write_request(request, options, dense, scheme.unlabelled)
    notes += check_names(wanted, request.format)
    rendered = render_versions(database, store, scheme, [image.head_id for image in images], progress)
    names = export_names([image.path for image in images], stems=EXPORTS[request.format].stems)
    with export_folder(to) as folder:
        job = Job(
            format=request.format,
            request=wanted,
            store=store.root,
            folder=folder,
            photos=request.photos,
            index=scheme.index,
            keeps_extra=row.format == request.format,
        )
        tasks = _tasks(database, store, job, images, names, rendered.maps)
        tally = _write(job, tasks, len(images), progress)
    renamed = tuple(Renamed(path, name) for path, name in names.items() if path != name)
    notes += [*_renamed_lists(request, images), *_remarks(request, unlabelled, tally.turned, len(renamed))]
    return DatasetExport(
        to=to,
        format=request.format,
        images=len(images),
        files=tally.files,
        losses=tally.losses(),
        renamed=renamed,
        notes=tuple(notes),
    )


class _Tally:
    """Counts what was written, while it is."""

    def __init__(self) -> None:
        self.files = self.turned = 0
        self._images, self._counts = Counter[str](), Counter[str]()

    def add(self, outcome: Outcome) -> None:
        self.files += outcome.files
        self.turned += outcome.is_turned
        self._counts.update(outcome.losses)
        self._images.update(outcome.losses.keys())

    def losses(self) -> tuple[Loss, ...]:
        return tuple(Loss(what, images, self._counts[what]) for what, images in self._images.most_common())


class _Spool:
    """The parts of all images in order, kept in a file without a name: they may be more than memory holds."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._count = file, 0

    def add(self, part: Part) -> None:
        pickle.dump(part, self._file)
        self._count += 1

    def __iter__(self) -> Iterator[Part]:
        self._file.seek(0)
        return (pickle.load(self._file) for _ in range(self._count))  # our own, written a moment ago


def _write(job: Job, tasks: Iterator[Task], total: int, progress: Progress) -> _Tally:
    tally = _Tally()
    with tempfile.TemporaryFile() as file:
        spool = _Spool(file)
        for done, outcome in enumerate(map_in_order(write_image, tasks, on_death=died), start=1):
            tally.add(outcome)
            spool.add(outcome.part)
            progress(done, total, "images")
        for name, pieces in WRITERS[job.format].finish(spool, job.request):
            job.folder.make([name])
            job.folder.stream(name, pieces)
            tally.files += 1
    return tally


def _tasks(
    database: Database,
    store: Store,
    job: Job,
    images: Sequence[ExportImage],
    names: Mapping[str, str],
    maps: Mapping[int, str],
) -> Iterator[Task]:
    for chunk in chunks(images):
        query = select(AnnotationVersion.id, AnnotationVersion.content)
        with database.read() as session:
            wanted = query.where(AnnotationVersion.id.in_([image.head_id for image in chunk]))
            contents: dict[int, dict[str, Any]] = dict(session.execute(wanted).all())
        for image in chunk:
            yield Task(
                job=job,
                name=names[image.path],
                photo=photo_path(database, store, image),
                content=contents[image.head_id],
                pixels_sha256=maps[image.head_id],
                role=image.role,
                subsets=image.subsets,
            )


def _write_request(
    request: ExportRequest, options: DatasetOptions, dense: Sequence[Class], unlabelled: int
) -> tuple[WriteRequest, list[str]]:
    colors, changed = _own_colors([(row.name, from_hex(row.color)) for row in dense])
    wanted = WriteRequest(
        classes=tuple(row.name for row in dense),
        colors=colors,
        unlabelled=unlabelled,
        rule=options.raster,
        overlap=options.overlap,
        line_width=options.line_width,
        point_radius=options.point_radius,
    )
    chosen = {name: value for name in ("objects", "masks") if (value := getattr(request, name)) is not None}
    return replace(wanted, **chosen), changed if EXPORTS[request.format].masks else []


def _own_colors(classes: Sequence[tuple[str, RGB]]) -> tuple[tuple[RGB, ...], list[str]]:
    """Return a colour of its own for every class, none that of what is ignored, and a sentence for each change."""
    taken, colors, changed = {VOC_VOID, *(color for _, color in classes)}, list[RGB](), list[str]()
    for name, color in classes:
        if color in colors or color == VOC_VOID:
            own = from_hex(next_color(map(to_hex, sorted(taken))))
            changed.append(f"The class {name!r} has the colour {to_hex(own)}: its own is another one's as well.")
            color = own
        colors.append(color)
        taken.add(color)
    return tuple(colors), changed


def _renamed_lists(request: ExportRequest, images: Sequence[ExportImage]) -> Iterator[str]:
    for name, own in list_names((image.role, image.subsets) for image in images).items():
        if name != own and EXPORTS[request.format].lists:
            yield (
                f"The list {name!r} is called {own!r} here: one of its name is taken for the role, which "
                "has other images."
            )


def _remarks(request: ExportRequest, unlabelled: int, turned: int, renamed: int) -> Iterator[str]:
    if unlabelled:
        yield f"Images without labels are left out: {unlabelled}."
    if turned and request.photos == "none":
        yield (
            f"{turned} photos carry an EXIF rotation: their labels fit them as they are shown upright, and not for a "
            "program that does not heed it."
        )
    elif turned:
        yield (
            f"{turned} photos carry an EXIF rotation: they were written upright, JPEGs at quality 95, so that their "
            "labels fit whether or not a program heeds it."
        )
    if renamed:
        yield f"{renamed} photos have another name here, as not every system can hold their own."
