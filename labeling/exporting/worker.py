"""What happens to one image in a worker process: its photo and its files of labels are written into the export.

Apart from `labeling.exporting.run`, so that a worker starts without loading a database.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from db.errors import UserError
from db.store import Store
from labeling.annotation import Annotation, Label, Layer, Special
from labeling.exporting.folder import ExportFolder
from labeling.exporting.photos import write_photo
from labeling.exporting.request import Photos
from labeling.formats.base import RoleName
from labeling.formats.writers import WRITERS
from labeling.formats.writing import Part, Picture, WriteRequest
from labeling.formats.written import ExportFormat
from labeling.map_store import load_instances, load_map


@dataclass(frozen=True)
class Job:
    """What all images of an export share.

    Attributes:
        format: name of the writer.
        request: for the writer.
        store: the content store.
        folder: to write into.
        photos: what happens to the photos.
        index: dense index of every class id, merged classes resolved.
        keeps_extra: whether the annotations came in this very format, so that what it says besides is given back.
    """

    format: ExportFormat
    request: WriteRequest
    store: Path
    folder: ExportFolder
    photos: Photos
    index: Mapping[int, int]
    keeps_extra: bool


@dataclass(frozen=True)
class Task:
    """An image: its photo's file and name in the export, its annotation as stored, its class map."""

    job: Job
    name: str
    photo: Path
    content: dict[str, Any]
    pixels_sha256: str
    role: RoleName | None
    subsets: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """What was written of an image; see `labeling.formats.writing`."""

    part: Part
    files: int
    losses: Mapping[str, int]
    is_turned: bool


def write_image(task: Task) -> Outcome:
    """Write one image.

    Raises:
        UserError: its photo cannot be read, or the export cannot be written.
    """
    job, writer = task.job, WRITERS[task.job.format]
    picture = _picture(task)
    written = writer.write(picture)
    photo = writer.photo_path(task.name, task.role)
    job.folder.make([*written.files, *([photo] if job.photos != "none" else [])])
    for name, data in written.files.items():
        job.folder.put(name, data)
    is_turned = write_photo(job.folder, photo, task.photo, job.photos)
    part = Part(task.name, picture.width, picture.height, task.role, task.subsets, written.part)
    return Outcome(part, len(written.files) + (job.photos != "none"), written.losses, is_turned)


def died(task: Task) -> Outcome:
    """Say what to do where the process of an image was ended by the system."""
    raise UserError(
        f"The process that wrote {task.name} was ended by the system, most likely for lack of memory. Close other "
        "programs and export again."
    )


def _picture(task: Task) -> Picture:
    store = Store(task.job.store)
    annotation = _resolved(Annotation.from_json(task.content), task.job)
    return Picture(
        name=task.name,
        annotation=annotation,
        class_map=load_map(store, task.pixels_sha256),
        request=task.job.request,
        base=_map(store, annotation.base),
        paint=_map(store, annotation.paint),
        objects=None if annotation.instances is None else load_instances(store, annotation.instances),
        role=task.role,
        subsets=task.subsets,
    )


def _map(store: Store, layer: Layer | None) -> NDArray[np.uint8] | None:
    return None if layer is None else load_map(store, layer.sha256)


def _resolved(annotation: Annotation, job: Job) -> Annotation:
    """Return an annotation whose labels are dense indices, with what its source said besides where it is of use."""

    def label(stored: Label) -> Label:
        return stored if isinstance(stored, Special) else job.index[int(stored)]

    def layer(stored: Layer | None) -> Layer | None:
        return None if stored is None else replace(stored, legend=tuple(map(label, stored.legend)))

    lost: dict[str, Any] = {} if job.keeps_extra else {"extra": {}}
    return replace(
        annotation,
        shapes=tuple(replace(shape, label=label(shape.label), **lost) for shape in annotation.shapes),
        base=layer(annotation.base),
        paint=layer(annotation.paint),
        **lost,
    )
