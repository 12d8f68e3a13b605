"""Lists Label Studio's tasks: their photos, and what of the files cannot be used."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from db.errors import UserError
from labeling.formats.base import IMAGE_SUFFIXES, BadItemError, Item, Listing, Problem, ReadRequest, iter_image_files
from labeling.formats.bytes_read import BytesRead
from labeling.formats.labels import read_labels
from labeling.formats.labelstudio.files import EXPORT_AS_JSON, candidates, find_masks, holds_tasks, stream_tasks
from labeling.formats.labelstudio.index import TaskIndex
from labeling.formats.labelstudio.photos import PhotoFinder
from labeling.formats.labelstudio.tasks import Task, is_task, read_task
from labeling.formats.lazy_items import LazyItems
from labeling.formats.places import Place

_SHOWN = 5


@dataclass(frozen=True)
class Payload:
    """What reading a task needs: its photo, its annotation, and that one's number in the index (None: it has none)."""

    photo: Place
    number: int | None
    body: bytes = b""


def list_source(request: ReadRequest) -> Listing:
    """List the tasks of a JSON export, or of the JSON files of a folder.

    Photos lie in `--images DIR`, or anywhere in the folder of the file.

    Raises:
        UserError: there is no such export, it is another of Label Studio's, or none of its photos is found.
    """
    source = request.source
    files = _files(source)
    root = request.images or (source if source.is_dir() else source.parent)
    if not root.is_dir():
        raise UserError(f"{root}: expected the folder of the photos, found none.")
    nearby = list(_photos(root, everywhere=source.is_dir() or request.images is not None))
    lister = _Lister(PhotoFinder(root, nearby), root)
    read_bytes = BytesRead(request.progress, files)
    for file in files:
        name = file.relative_to(source).as_posix() if source.is_dir() else file.name
        try:
            for place, entry in enumerate(stream_tasks(file, read_bytes)):
                lister.add(entry, f"{name}: task {entry.get('id', place)}")
        except UserError as error:
            if len(files) == 1:
                raise
            lister.problems.append(Problem(name, str(error)))
    if not lister.items:
        first = f" (such as {lister.problems[0].reason})" if lister.problems else ""
        raise UserError(f"{source}: found no photo of its tasks in {root}{first}. Give --images DIR.")
    left = len(set(nearby) - {item.path for item in lister.items})
    bare = (f"{left} photos are in no task: left out.",) if left else ()
    return Listing(
        items=LazyItems(sorted(lister.items, key=lambda item: item.path), lister.fill),
        classes=read_labels(request.classes_file) if request.classes_file else (),
        background="background",
        raster="center",
        overlap="order",
        notes=(*lister.notes(), *bare),
        skipped=tuple(lister.problems),
        folders=(root,),
    )


class _Lister:
    """Collects the items, and keeps account of what does not become one."""

    def __init__(self, finder: PhotoFinder, root: Path) -> None:
        self._finder, self._root = finder, root
        self._index = TaskIndex()
        self._owners: dict[str, str] = {}
        self._remarks: dict[str, list[str]] = {}
        self.items: list[Item] = []
        self.problems: list[Problem] = []

    def add(self, entry: dict[str, object], where: str) -> None:
        """Add a task, or say why it is none."""
        try:
            if not is_task(entry):
                raise BadItemError("it is no task: expected an object with `data` and `annotations`.")
            self._add(read_task(entry), where)
        except BadItemError as error:
            self.problems.append(Problem(where, str(error)))

    def fill(self, item: Item) -> Item:
        """Return an item with its annotation."""
        number = item.payload.number
        return item if number is None else replace(item, payload=replace(item.payload, body=self._index.body(number)))

    def notes(self) -> tuple[str, ...]:
        """Return a sentence for everything that was decided for some tasks, with the first of them."""
        return tuple(
            f"{len(tasks)} tasks {what} ({', '.join(tasks[:_SHOWN])}{', ...' if len(tasks) > _SHOWN else ''})."
            for what, tasks in self._remarks.items()
        )

    def _add(self, task: Task, where: str) -> None:
        photo = self._finder.find(task.photos)
        if photo is None:
            raise BadItemError(f"its photo {task.photos[0]!r} is not in {self._root}.")
        owner = self._owners.setdefault(photo, where)
        if owner != where:
            raise BadItemError(f"it is about {photo}, as {owner} is. Delete one of the two.")
        number = None if task.body is None else self._index.add(task.body)
        self.items.append(Item(photo, photo, Payload(Place(self._root, photo), number)))
        if task.annotations > 1:
            self._remark("have several annotations: the newest that is not cancelled was taken", task)
        if task.cancelled and not task.annotations:
            self._remark("have cancelled annotations only: their photos are unlabelled", task)
        if task.predictions:
            self._remark("have predictions, which are a model's and were not read", task)

    def _remark(self, what: str, task: Task) -> None:
        self._remarks.setdefault(what, []).append(task.id)


def _files(source: Path) -> list[Path]:
    if source.is_file():
        next(stream_tasks(source), None)  # what is wrong with the one file that was named is said
    found = [path for path in candidates(source) if holds_tasks(path)] if source.exists() else []
    if found:
        return found
    if masks := find_masks(source):
        raise UserError(
            f"{source}: found the masks of Label Studio's brush export ({masks[0]}), which do not name their photos. "
            f"{EXPORT_AS_JSON}"
        )
    raise UserError(f"{source}: expected Label Studio's JSON export, a list of tasks with `data`, found none.")


def _photos(root: Path, *, everywhere: bool) -> Iterable[str]:
    """Return the photos below a folder; of the folder of a file only those in it, which may be a home directory."""
    if everywhere:
        return (path.relative_to(root).as_posix() for path in iter_image_files(root))
    return (path.name for path in sorted(root.iterdir()) if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file())
