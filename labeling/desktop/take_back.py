"""Taking changes back from labelme: every changed label file becomes a new annotation version, or is named and kept."""

from __future__ import annotations

import hashlib
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from sqlalchemy import select

from db.errors import UserError
from db.home import Home
from db.locks import LockHeldError, hold
from db.schema import AnnotationVersion, Dataset, Image, Project
from db.session import Database
from db.store import Store
from labeling.annotation import Annotation, Label, Special
from labeling.annotations import append_version, user_name
from labeling.classes import ensure_class, live_classes
from labeling.desktop.changes import Changes, compare
from labeling.desktop.hand_out import label_document
from labeling.desktop.sessions import HandedOut, Manifest, Session, find_session
from labeling.formats.base import BadItemError
from labeling.formats.labelme.document import Document, parse_document, read_document
from labeling.formats.labels import BACKGROUND_NAME, PLAIN_BACKGROUND
from labeling.map_store import load_map
from labeling.maps import MapError
from labeling.names import is_reserved
from labeling.options import DatasetOptions
from labeling.progress import Progress, silent
from labeling.rendering import render_versions, scheme_for

ORIGIN = "labelme"

Action = Literal["stored", "unchanged", "conflict", "broken", "gone", "foreign"]
_SETTLED: tuple[Action, ...] = ("stored", "unchanged", "gone")


@dataclass(frozen=True)
class TakenBack:
    """What became of an image, or of a file that was not handed out.

    Attributes:
        path: of the image; of a file in the folder where it is `foreign`.
        action: stored: a new version; unchanged; conflict: changed here meanwhile as well; broken: its label file
            cannot be stored; gone: its label file was deleted, its labels are kept here; foreign: left alone.
        reason: a sentence, empty where nothing is to be said.
        added: count of shapes.
        removed: likewise.
        changed: likewise.
        pixels: count of pixels of another class than before; None where nothing was stored, or where the project lacks
            the class of unlabelled pixels.
    """

    path: str
    action: Action
    reason: str = ""
    added: int = 0
    removed: int = 0
    changed: int = 0
    pixels: int | None = None


@dataclass(frozen=True)
class SessionReport:
    """What was taken back from a session.

    Attributes:
        session: its number.
        dataset: name.
        counts: images (and foreign files) per action.
        files: those of which there is something to say, by path.
        classes: names that became classes.
        folder: where what is not stored lies; None where all of it is, and the folder is gone.
        sentence: all that, in short.
    """

    session: int
    dataset: str
    counts: dict[str, int]
    files: tuple[TakenBack, ...]
    classes: tuple[str, ...]
    folder: Path | None
    sentence: str


def take_back(
    home: Home,
    database: Database,
    number: int,
    *,
    on_conflict: Literal["ours", "theirs"] = "ours",
    author: str | None = None,
    progress: Progress = silent,
) -> SessionReport:
    """Store what was changed in a session. Killed at any point and run again, it goes on where it was.

    An image that was changed here as well since it was handed out is a conflict: the version here stays, labelme's
    stays as a file. What is stored leaves the folder; the folder goes when nothing is left in it.

    Args:
        home: holds the session.
        database: its database.
        number: of the session.
        on_conflict: `theirs` makes labelme's the newest version; the one here remains as an older one.
        author: written into the versions; None is the user of this login.
        progress: told the images done.

    Raises:
        UserError: there is no such session, or labelme still shows it.
    """
    session = find_session(home, number)
    try:
        with hold(session.lock, wait=False):
            work = _Work(home, database, session, session.manifest(), on_conflict, author or user_name())
            return work.report(list(work.outcomes(progress)))
    except LockHeldError:
        raise UserError(
            f"labelme still shows session {number}, in {session.photos}. Close its window; then its changes are taken "
            "back."
        ) from None


class _BrokenError(Exception):
    """A label file that cannot be stored; the message says why."""


@dataclass
class _Work:
    """Taking one session back."""

    home: Home
    database: Database
    session: Session
    manifest: Manifest
    on_conflict: str
    author: str
    classes: list[str] = field(default_factory=list)
    versions: dict[str, tuple[int | None, int]] = field(default_factory=dict)

    def outcomes(self, progress: Progress) -> Iterator[TakenBack]:
        """Yield what becomes of every image that was handed out."""
        for done, given in enumerate(self.manifest.images, start=1):
            try:
                yield self._take(given)
            except (_BrokenError, BadItemError, UserError) as error:
                yield TakenBack(given.path, "broken", f"{error}; its file is kept: {self._file(given)}")
            progress(done, len(self.manifest.images), "images taken back")

    def report(self, outcomes: Sequence[TakenBack]) -> SessionReport:
        """Remove what is stored from the folder, and say what became of everything."""
        pixels = self._pixels()
        outcomes = [replace(each, pixels=pixels.get(each.path)) for each in outcomes]
        settled = {each.path for each in outcomes if each.action in _SETTLED}
        left = tuple(given for given in self.manifest.images if given.path not in settled)
        foreign = [TakenBack(path, "foreign", "it was not handed out and is left alone") for path in self._foreign()]
        folder = None
        if left or foreign:
            folder = self.session.photos
            self.session.write(self.manifest.model_copy(update={"images": left}))
            for given in self.manifest.images:
                if given.path in settled:
                    self._file(given).unlink(missing_ok=True)
                    (self.session.photos / given.path).unlink(missing_ok=True)
        else:
            # The manifest last: a folder without one is swept away, one with it is taken back again.
            shutil.rmtree(self.session.photos)
            shutil.rmtree(self.session.path)
        told = [each for each in outcomes if each.action != "unchanged" or each.reason]
        counts = Counter(each.action for each in (*outcomes, *foreign))
        return SessionReport(
            session=self.session.id,
            dataset=self.manifest.dataset,
            counts=dict(counts.items()),
            files=(*sorted(told, key=lambda each: each.path), *foreign),
            classes=tuple(self.classes),
            folder=folder,
            sentence=_sentence(counts, self.classes, folder),
        )

    def _file(self, given: HandedOut) -> Path:
        return self.session.photos / given.label_path

    def _take(self, given: HandedOut) -> TakenBack:
        try:
            data = self._file(given).read_bytes()
        except FileNotFoundError:
            if given.sha256 is None:
                return TakenBack(given.path, "unchanged")
            return TakenBack(given.path, "gone", "its label file was deleted in labelme; its labels are kept here")
        sha = hashlib.sha256(data).hexdigest()
        if sha == given.sha256:
            return TakenBack(given.path, "unchanged")
        changes = self._changes(given, read_document(self._file(given)))
        return TakenBack(given.path, "unchanged") if changes is None else self._store(given, changes, sha)

    def _changes(self, given: HandedOut, returned: Document) -> Changes | None:
        with self.database.read() as reading:
            size = reading.execute(select(Image.width, Image.height).where(Image.id == given.image_id)).one_or_none()
            query = select(AnnotationVersion.content).where(AnnotationVersion.id == given.version_id)
            content = reading.scalar(query)
        if size is None:
            raise _BrokenError("its image is no longer in the dataset (look in the trash)")
        width, height = size
        said = returned.fields.get("imageWidth"), returned.fields.get("imageHeight")
        if said not in ((width, height), (None, None)):
            raise _BrokenError(f"it is about a photo of {said[0]} x {said[1]} pixels, the image has {width} x {height}")
        if content is None:
            # A file where there was none is a label, also one without shapes.
            empty = Annotation(width, height)
            found = compare(empty, Document({}, [], ()), returned, base_masks=0, meaning=self._meaning)
            return found or Changes(empty)
        stored = Annotation.from_json(content)
        try:
            document, base = label_document(Store(self.home.store), stored, self.manifest.names, given.path)
        except (FileNotFoundError, MapError) as error:
            raise _BrokenError(f"a map that it was handed out with is lost or broken ({error})") from error
        return compare(stored, parse_document(document), returned, base_masks=base, meaning=self._meaning)

    def _meaning(self, name: str) -> Label:
        """Return the class that had this name when it was handed out, a special, or the name of a class to be made."""
        if is_reserved(name):
            return Special(name)
        ids = {known: number for number, known in self.manifest.names.items()}
        plain = PLAIN_BACKGROUND if name == BACKGROUND_NAME else name
        return ids.get(name, ids.get(plain, plain))

    def _store(self, given: HandedOut, changes: Changes, sha: str) -> TakenBack:
        with self.database.write() as writing:
            head_id = writing.scalar(select(Image.head_id).where(Image.id == given.image_id))
            mine = (AnnotationVersion.image_id == given.image_id, AnnotationVersion.origin == ORIGIN)
            query = select(AnnotationVersion.id).where(*mine, AnnotationVersion.source_digest == sha)
            if head_id != given.version_id and writing.scalar(query) is not None:
                return TakenBack(given.path, "unchanged", "it was stored before")  # and then killed
            if head_id != given.version_id and self.on_conflict == "ours":
                return TakenBack(
                    given.path,
                    "conflict",
                    f"changed here and in labelme; the version here is kept, labelme's is {self._file(given)} "
                    "(--on-conflict theirs takes it; delete the file to let it go)",
                )
            project = writing.get_one(Project, self.manifest.project_id)
            known = {row.name for row in live_classes(writing, project.id)}
            names = dict.fromkeys(s.label for s in changes.annotation.shapes if _is_name(s.label))
            made = {name: ensure_class(writing, project, str(name)).id for name in names}
            shapes = tuple(replace(s, label=made.get(s.label, s.label)) for s in changes.annotation.shapes)
            version_id = append_version(
                writing,
                image_id=given.image_id,
                parent_id=head_id,
                content=replace(changes.annotation, shapes=shapes).to_json(),
                author=self.author,
                origin=ORIGIN,
                source_digest=sha,
            )
        self.classes += [str(name) for name in made if name not in known]
        self.versions[given.path] = head_id, version_id
        reasons = list(changes.notes)
        if head_id != given.version_id:
            reasons.insert(0, "changed here as well; labelme's was taken, the version here remains as an older one")
        return TakenBack(given.path, "stored", "; ".join(reasons), changes.added, changes.removed, changes.changed)

    def _pixels(self) -> dict[str, int]:
        """Return how many pixels of each stored image became another class."""
        if not self.versions:
            return {}
        with self.database.read() as reading:
            dataset = reading.get_one(Dataset, self.manifest.dataset_id)
            classes = live_classes(reading, self.manifest.project_id)
        try:
            scheme = scheme_for(DatasetOptions.model_validate(dataset.options), classes, dataset.name)
        except UserError:  # the class of unlabelled pixels is missing, which every command that needs it says
            return {}
        store, wanted = Store(self.home.store), [v for pair in self.versions.values() for v in pair if v is not None]
        maps = render_versions(self.database, store, scheme, wanted).maps
        found = {}
        for path, (before, after) in self.versions.items():
            old: Any = scheme.unlabelled if before is None else load_map(store, maps[before])
            found[path] = int(np.count_nonzero(load_map(store, maps[after]) != old))
        return found

    def _foreign(self) -> list[str]:
        """Return the files in the folder that were not handed out."""
        ours = {path for given in self.manifest.images for path in (given.path, given.label_path)}
        files = (path for path in self.session.photos.rglob("*") if path.is_file() or path.is_symlink())
        return sorted({path.relative_to(self.session.photos).as_posix() for path in files} - ours)


def _is_name(label: Label) -> bool:
    return isinstance(label, str) and not isinstance(label, Special)


def _sentence(counts: Counter[Action], classes: Sequence[str], folder: Path | None) -> str:
    words: dict[Action, str] = {
        "stored": "stored",
        "conflict": "changed here as well, kept as files",
        "broken": "that cannot be stored, kept as files",
        "gone": "whose label file was deleted, their labels kept",
        "foreign": "in the folder that were not handed out",
    }
    parts = [f"{counts[action]} {said}" for action, said in words.items() if counts[action]]
    text = f"Taken back from labelme: {', '.join(parts)}." if parts else "Nothing was changed in labelme."
    if classes:
        text += f" New classes: {', '.join(classes)}."
    return text if folder is None else f"{text} What is left lies in {folder}."
