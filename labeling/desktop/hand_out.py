"""Handing images out to labelme: their photos and label files into the folder of a session."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, get_args

from PIL import Image as Picture
from sqlalchemy import select
from sqlalchemy.orm import Session as DatabaseSession

from db.errors import NotFoundError, UserError
from db.files import explain_os_errors
from db.home import Home
from db.schema import AnnotationVersion, Class, Dataset, Image, Project, utc_now
from db.session import Database
from db.store import Store
from labeling.annotation import Annotation
from labeling.chunks import chunks
from labeling.classes import live_classes
from labeling.datasets import find_dataset, image_ids, live_datasets, subset_counts
from labeling.desktop.changes import presentable
from labeling.desktop.program import FIRST_WITH_MASKS, Labelme
from labeling.desktop.sessions import HandedOut, Manifest, Session, list_sessions, new_session
from labeling.formats.base import RoleName
from labeling.formats.labelme.write import base_masks, labelme_document
from labeling.formats.labels import IGNORE_NAME
from labeling.gallery import gallery_ids
from labeling.gallery_filter import GalleryFilter
from labeling.images import ProjectPhoto
from labeling.linked import photo_path
from labeling.map_store import load_map
from labeling.maps import MapError
from labeling.photos import PhotoError, read_header, read_photo
from labeling.progress import Progress, silent
from labeling.projects import find_project


@dataclass(frozen=True)
class LabelRequest:
    """What is to be labelled.

    Attributes:
        project: name; None is the current one, or the only one.
        dataset: name; None where the project has one only.
        on: a list of the dataset, or a role; None is all of it.
        images: relative paths; none is all of them.
    """

    project: str | None = None
    dataset: str | None = None
    on: str | None = None
    images: tuple[str, ...] = ()


@dataclass(frozen=True)
class LeftOut:
    """An image that is not handed out, and why."""

    path: str
    reason: str


@dataclass(frozen=True)
class Given:
    """A session as it was made.

    Attributes:
        session: the session.
        manifest: what it is about.
        labels: file of the names to choose from.
        flags: file of the flags a photo may have; None where none has any.
        left_out: images that are not in it.
    """

    session: Session
    manifest: Manifest
    labels: Path
    flags: Path | None
    left_out: tuple[LeftOut, ...]


@dataclass
class _Plan:
    """What is handed out of a dataset: rows read once."""

    project: Project
    dataset: Dataset
    images: list[Image]
    names: dict[int, str]
    labels: list[str]
    left_out: list[LeftOut] = field(default_factory=list)
    flags: set[str] = field(default_factory=set)


def hand_out(
    home: Home, database: Database, request: LabelRequest, program: Labelme, progress: Progress = silent
) -> Given:
    """Put photos and label files into a folder of their own.

    Photos that nobody may write to, as those in the content store, are hard links; others are copies, so that nothing
    done to them in the folder reaches the original.

    Args:
        home: holds the content store, and the sessions.
        database: its database.
        request: which images.
        program: labelme as it is installed.
        progress: told the images done.

    Raises:
        UserError: there is no such dataset, list or image, none is left to hand out, some of them are handed out
            already, or the disk is full.
    """
    plan = _plan(database, request)
    with new_session(home) as session:
        _refuse_taken(home, plan)
        with explain_os_errors(session.path):
            images = tuple(_hand_out(plan, home, database, program, session.photos, progress))
            if not images:
                raise UserError(_nothing(plan))
            labels = _write_names(session.path / "labels.txt", [IGNORE_NAME, *plan.labels])
            flags = _write_names(session.path / "flags.txt", sorted(plan.flags)) if plan.flags else None
        manifest = Manifest(
            project_id=plan.project.id,
            project=plan.project.name,
            dataset_id=plan.dataset.id,
            dataset=plan.dataset.name,
            labelme=program.version,
            started_at=utc_now(),
            names=plan.names,
            images=images,
        )
        session.write(manifest)
    return Given(session, manifest, labels, flags, tuple(plan.left_out))


def label_document(
    store: Store, annotation: Annotation, names: Mapping[int, str], photo_name: str
) -> tuple[bytes, int]:
    """Return the label file of an annotation as it is handed out, and how many of its first shapes are the base map.

    Raises:
        FileNotFoundError: a map of it is not in the store.
        MapError: or is broken.
    """
    shown = presentable(annotation)
    base, paint = (None if layer is None else load_map(store, layer.sha256) for layer in (shown.base, shown.paint))
    document = labelme_document(shown, names, image_path=photo_name, base=base, paint=paint)
    return document, base_masks(shown, base)


def all_names(session: DatabaseSession, project_id: int) -> dict[int, str]:
    """Return the name of every class of a project by its number, deleted ones included."""
    return dict(session.execute(select(Class.id, Class.name).where(Class.project_id == project_id)).all())


def _plan(database: Database, request: LabelRequest) -> _Plan:
    with database.read() as session:
        project = find_project(session, request.project)
        dataset = find_dataset(session, project, request.dataset) if request.dataset else _only(session, project)
        classes = [row for row in live_classes(session, project.id) if row.merged_into_id is None]
        plan = _Plan(project, dataset, [], all_names(session, project.id), [row.name for row in classes])
        lists = subset_counts(session, dataset.id)
        named = set(image_ids(session, dataset.id, dataset.name, request.images))
    ids = gallery_ids(database, project.id, _filter(dataset, request.on, lists))
    wanted = [number for number in ids if number in named] if request.images else ids
    with database.read() as session:
        for chunk in chunks(wanted):
            plan.images += session.scalars(select(Image).where(Image.id.in_(chunk)).order_by(Image.path))
    return plan


def _only(session: DatabaseSession, project: Project) -> Dataset:
    datasets = live_datasets(session, project)
    if len(datasets) == 1:
        return datasets[0]
    names = ", ".join(row.name for row in datasets) or "none yet"
    raise UserError(f"Which dataset of {project.name!r} is to be labelled? Name it with --dataset. Datasets: {names}.")


def _filter(dataset: Dataset, on: str | None, lists: Mapping[str, int]) -> GalleryFilter:
    if on is None or on in lists:
        return GalleryFilter(dataset=dataset.name, subset=on)
    for role in get_args(RoleName):
        if on == role:
            return GalleryFilter(dataset=dataset.name, role=role)
    names = ", ".join(lists) or "none"
    raise NotFoundError(
        f"The dataset {dataset.name!r} has no list {on!r}, and it is no role (train, val, test). Lists: {names}."
    )


def _refuse_taken(home: Home, plan: _Plan) -> None:
    """Raise where images are handed out already: two would draw on one photo, and one of them in vain."""
    wanted = {image.id for image in plan.images}
    for info in list_sessions(home, plan.project.id):
        taken = [given.path for given in Session(info.folder.parent).manifest().images if given.image_id in wanted]
        if taken:
            more = f" and {len(taken) - 1} more" if len(taken) > 1 else ""
            state = (
                "is open in labelme" if info.open else "waits to be taken back (workbench label --desktop --collect)"
            )
            raise UserError(
                f"{taken[0]}{more} of these images are handed out already: session {info.id}, begun "
                f"{info.started_at.astimezone():%Y-%m-%d %H:%M}, {state}. It lies in {info.folder}."
            )


def _hand_out(
    plan: _Plan, home: Home, database: Database, program: Labelme, folder: Path, progress: Progress
) -> Iterator[HandedOut]:
    """Write the photos and label files of a plan; what cannot be is noted in the plan."""
    contents = _contents(database, plan.images)
    store, files = Store(home.store), dict[str, str]()
    for done, image in enumerate(plan.images, start=1):
        given = HandedOut(image_id=image.id, path=image.path, version_id=image.head_id)
        other = files.setdefault(given.label_path.casefold(), image.path)
        try:
            if other != image.path:
                raise _LeftOutError(f"labelme would write its labels into the file of {other}; label it by itself")
            if image.head_id is None:
                document = None
            else:
                document = _document(plan, store, program, Annotation.from_json(contents(image.head_id)), image)
            _place_photo(photo_path(database, store, _photo(plan, image)), folder / image.path)
        except (_LeftOutError, UserError, PhotoError) as error:
            plan.left_out.append(LeftOut(image.path, str(error)))
            continue
        if document is not None:
            (folder / given.label_path).write_bytes(document)
            given = given.model_copy(update={"sha256": hashlib.sha256(document).hexdigest()})
        yield given
        progress(done, len(plan.images), "images handed out")


def _document(plan: _Plan, store: Store, program: Labelme, annotation: Annotation, image: Image) -> bytes:
    masks = annotation.base or annotation.paint or any(s.patch is not None or s.holes for s in annotation.shapes)
    if masks and not program.shows_masks:
        needed = ".".join(map(str, FIRST_WITH_MASKS))
        raise _LeftOutError(f"its labels are masks, which labelme shows from {needed} on; this is {program.version}")
    try:
        document, _ = label_document(store, annotation, plan.names, PurePosixPath(image.path).name)
    except (FileNotFoundError, MapError) as error:
        raise _LeftOutError(f"its labels are made of a map that is lost or broken ({error})") from error
    flags = annotation.extra.get("flags")
    plan.flags.update(flags if isinstance(flags, dict) else ())
    return document


def _contents(database: Database, images: Sequence[Image]) -> Callable[[int], dict[str, Any]]:
    """Return how to get the content of a version, of which some are read at a time."""
    order = [image.head_id for image in images if image.head_id is not None]
    ahead, known = chunks(order), dict[int, dict[str, Any]]()

    def content(version_id: int) -> dict[str, Any]:
        while version_id not in known:
            query = select(AnnotationVersion.id, AnnotationVersion.content)
            with database.read() as session:
                known.update(dict(session.execute(query.where(AnnotationVersion.id.in_(next(ahead)))).all()))
        return known.pop(version_id)

    return content


def _photo(plan: _Plan, image: Image) -> ProjectPhoto:
    return ProjectPhoto(plan.dataset.name, image.path, image.sha256)


def _place_photo(photo: Path, target: Path) -> None:
    """Put a photo into the folder: a link where nobody can spoil it there, else a copy."""
    target.parent.mkdir(parents=True, exist_ok=True)
    header = read_header(photo)
    if header.format == "TIFF" and header.orientation != 1:
        # labelme shows TIFFs as they are stored, whatever their EXIF orientation says.
        Picture.fromarray(read_photo(photo)).save(target, "TIFF")
        return
    if not os.access(photo, os.W_OK):
        with suppress(OSError):  # another filesystem, or one without links
            os.link(photo, target)
            return
    shutil.copyfile(photo, target)


def _write_names(path: Path, names: Sequence[str]) -> Path:
    path.write_text("".join(f"{name}\n" for name in names), "utf-8")
    return path


def _nothing(plan: _Plan) -> str:
    if plan.left_out:
        first = plan.left_out[0]
        return f"None of the {len(plan.left_out)} images can be handed out. {first.path}: {first.reason}."
    return f"There is no image to label: none of the dataset {plan.dataset.name!r} was asked for."


class _LeftOutError(Exception):
    """An image that is not handed out; the message says why."""
