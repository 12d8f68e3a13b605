"""What happens to one item of a source in a worker process: read, check, store the bytes; no database."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from PIL import Image

from db.errors import UserError
from db.staging import Staged, stage
from db.store import Store
from labeling.annotation import SEE_THROUGH, Annotation, Label, Layer, Special
from labeling.formats.base import BadItemError, BaseMap, Item, ReadRequest, Record
from labeling.formats.codecs import CODECS
from labeling.importing.lost_shapes import notes_on_lost
from labeling.map_store import stage_instances, stage_map
from labeling.names import clean_class_name
from labeling.photos import PhotoError, inspect_photo


@dataclass(frozen=True)
class Job:
    """What all items of an import share; sent to the workers once an item, so it is small."""

    format: str
    request: ReadRequest
    store: Path
    link: bool


@dataclass(frozen=True)
class Task:
    """One item, and the sha256 of the photo that is stored for it (None: a new image)."""

    job: Job
    item: Item
    known_sha256: str | None


@dataclass(frozen=True)
class Photo:
    """A photo that lies in the store, or stays where it is. Width and height in pixels after EXIF rotation.

    `is_link` tells whether a link at the source led to it.
    """

    sha256: str
    width: int
    height: int
    byte_size: int
    perceptual_hash: str | None  # None where the photo is the known one, whose hash is stored
    linked_path: str | None = None
    linked_mtime_ns: int | None = None
    is_link: bool = False


@dataclass(frozen=True)
class Prepared:
    """An item that is ready to be written into the database.

    Attributes:
        item: the item.
        photo: its photo.
        content: `Annotation.to_json()` with class names as labels; None for an unlabelled photo.
        names: the class names in it, each once, in drawing order.
        digest: sha256 of content and photo, before names become classes.
        repairs: what was put right while reading.
        staged: what has to be settled in the content store before the item is committed.
    """

    item: Item
    photo: Photo
    content: dict[str, Any] | None
    names: tuple[str, ...]
    digest: str
    repairs: tuple[str, ...]
    staged: tuple[Staged, ...]


@dataclass(frozen=True)
class Refused:
    """An item that cannot be imported, and why."""

    item: Item
    reason: str


def prepare(task: Task) -> Prepared | Refused:
    """Read one item and stage what belongs into the content store.

    Raises:
        UserError: the store cannot be written. What is wrong with the item itself is returned, not raised.
    """
    try:
        _refuse_path(task.item.path)
        with warnings.catch_warnings():  # of a process with one thread that works
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # refused with a reason anyway
            record = CODECS[task.job.format].read(task.item, task.job.request)
            return _prepare(task, record)
    except UserError:
        raise
    except (BadItemError, PhotoError) as error:
        return Refused(task.item, str(error))
    except Exception as error:
        # One bad file never stops a folder, whatever it does to the parsers.
        return Refused(task.item, f"it cannot be read ({type(error).__name__}: {error})")


def died(task: Task) -> Refused:
    """Return the result of a task whose process died."""
    return Refused(task.item, "the process that read it died, of a broken file or for lack of memory")


def _refuse_path(path: str) -> None:
    pure = PurePosixPath(path)
    if not path or pure.is_absolute() or ".." in pure.parts or "\0" in path:
        raise BadItemError(f"its path {path!r} leads out of the dataset; paths are relative, without '..'")
    try:
        path.encode()
    except UnicodeEncodeError:
        raise BadItemError("its name holds bytes that are not UTF-8; rename it") from None


def _prepare(task: Task, record: Record) -> Prepared:
    store = Store(task.job.store)
    photo, photo_staged = _photo(task, record, store)
    content, names, map_staged = _content(record, store) if record.labelled else (None, (), ())
    canonical = json.dumps([photo.sha256, content], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    digest = hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()
    repairs = (*record.repairs, *notes_on_lost(record))
    return Prepared(task.item, photo, content, names, digest, repairs, (*photo_staged, *map_staged))


def _photo(task: Task, record: Record, store: Store) -> tuple[Photo, tuple[Staged, ...]]:
    file = record.photo if isinstance(record.photo, Path) else None
    # Looked at before reading, so that a change meanwhile shows as a later modification.
    mtime_ns = None if file is None else file.stat().st_mtime_ns
    data = record.photo if isinstance(record.photo, bytes) else record.photo.read_bytes()
    sha = hashlib.sha256(data).hexdigest()
    perceptual_hash = None
    if sha != task.known_sha256:
        info = inspect_photo(data)
        if (info.width, info.height) != (record.width, record.height):
            raise BadItemError(
                f"the photo is {info.width} x {info.height} pixels where {record.width} x {record.height} were read a "
                "moment ago; it changed while it was imported, so import again"
            )
        perceptual_hash = info.perceptual_hash
    is_link = file is not None and file.is_symlink()
    photo = Photo(sha, record.width, record.height, len(data), perceptual_hash, is_link=is_link)
    if task.job.link and file is not None:
        return replace(photo, linked_path=str(file.resolve()), linked_mtime_ns=mtime_ns), ()
    return photo, () if store.is_whole(sha, len(data)) else (stage(store, sha, data),)


def _content(record: Record, store: Store) -> tuple[dict[str, Any], tuple[str, ...], tuple[Staged, ...]]:
    labels = [*(record.base.legend if record.base else ()), *(shape.label for shape in record.shapes)]
    _check_names(labels)
    base, staged = (None, ()) if record.base is None else _layer(record.base, record, store)
    instances, more = (None, ()) if record.base is None else _instances(record.base, store)
    annotation = Annotation(
        record.width, record.height, shapes=record.shapes, base=base, instances=instances, extra=record.extra
    )
    shown = [*(base.legend if base else ()), *(shape.label for shape in record.shapes)]
    return annotation.to_json(), tuple(dict.fromkeys(_names(shown))), (*staged, *more)


def _names(labels: Iterable[Label]) -> list[str]:
    return [str(label) for label in labels if isinstance(label, str) and not isinstance(label, Special)]


def _check_names(labels: Iterable[Label]) -> None:
    for name in _names(labels):
        try:
            clean_class_name(name)
        except ValueError as error:
            raise BadItemError(str(error)) from None


def _instances(base: BaseMap, store: Store) -> tuple[str | None, tuple[Staged, ...]]:
    if base.instances is None or not base.instances.any():
        return None, ()
    if base.instances.shape != base.pixels.shape:
        (height, width), (rows, columns) = base.instances.shape, base.pixels.shape
        raise BadItemError(
            f"the map of its objects is {width} x {height} pixels, that of its classes {columns} x {rows}; make them "
            "the same size"
        )
    return stage_instances(store, base.instances)


def _layer(base: BaseMap, record: Record, store: Store) -> tuple[Layer, tuple[Staged, ...]]:
    if base.pixels.shape != (record.height, record.width):
        height, width = base.pixels.shape
        raise BadItemError(
            f"the mask is {width} x {height} pixels, its photo {record.width} x {record.height}; "
            "make them the same size"
        )
    present = np.flatnonzero(np.bincount(base.pixels.ravel(), minlength=256))
    beyond = [int(value) for value in present if len(base.legend) <= value < SEE_THROUGH]
    if beyond:
        raise BadItemError(f"the mask has the value {beyond[0]}, for which there is no class; give the class list")
    # A value that no pixel has says nothing: without it the legend tells which classes the image shows.
    shown = set(present.tolist())
    end = 1 + max((value for value in shown if value < len(base.legend)), default=-1)
    legend = tuple(base.legend[value] if value in shown else Special.UNLABELLED for value in range(end))
    sha, staged = stage_map(store, base.pixels)
    return Layer(sha, legend), staged
