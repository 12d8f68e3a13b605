"""Where an import goes: its project, dataset, first classes and lists, found or made in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.errors import UserError
from db.schema import Dataset, Image, Project
from db.session import Database
from labeling.classes import ensure_class, live_classes
from labeling.colors import to_hex
from labeling.formats.base import Listing
from labeling.importing.request import ImportRequest
from labeling.names import clean_name, is_background, is_reserved
from labeling.options import DatasetOptions
from labeling.projects import create_project, current_or_none, find_project
from labeling.subsets import ensure_subsets


@dataclass(frozen=True)
class StoredDataset:
    """What is stored of a dataset before an import.

    Attributes:
        options: its options.
        source: where it was last imported from.
        linked: whether its photos are linked.
        photos: sha256 of every photo by relative path.
        here: paths of the images that were last imported from where the request names.
    """

    options: DatasetOptions
    source: str
    linked: bool
    photos: dict[str, str]
    here: frozenset[str]


@dataclass(frozen=True)
class Target:
    """Where an import writes.

    Attributes:
        project_id: row of the project.
        dataset_id: row of the dataset.
        project: name.
        dataset: name.
        list_ids: subset ids by name, of the source's lists and the request's.
        governed: ids of the subsets that the source's lists define.
    """

    project_id: int
    dataset_id: int
    project: str
    dataset: str
    list_ids: dict[str, int]
    governed: frozenset[int]


def find_stored(database: Database, request: ImportRequest) -> StoredDataset | None:
    """Return what is stored of the dataset that a request names; None for a new one.

    Raises:
        UserError: the dataset is in the trash or was imported in another format, or no project can be chosen.
    """
    with database.read() as session:
        project = _existing_project(session, request)
        row = None if project is None else _existing_dataset(session, project, request)
        if row is None:
            return None
        query = select(Image.path, Image.sha256, Image.source).where(Image.dataset_id == row.id)
        images = session.execute(query).all()
        return StoredDataset(
            options=DatasetOptions.model_validate(row.options),
            source=row.source,
            linked=row.linked,
            photos={path: sha for path, sha, _ in images},
            here=frozenset(path for path, _, source in images if source == request.remembered),
        )


def background_of(database: Database, request: ImportRequest) -> str | None:
    """Return the project's own class for unlabelled pixels: its first one, if that is called so."""
    with database.read() as session:
        project = _existing_project(session, request)
        first = [] if project is None else live_classes(session, project.id)[:1]
        return first[0].name if first and is_background(first[0].name) else None


def open_target(
    database: Database, request: ImportRequest, listing: Listing, options: DatasetOptions, link: bool
) -> Target:
    """Find or make the project, the dataset, the classes the source lists, and its lists.

    Classes that are new come in the source's index order; where unlabelled pixels become a class, that one first.

    Raises:
        UserError: a name is not one, there would be more than 254 classes, or as `find_stored`.
    """
    with database.write() as session:
        project = _existing_project(session, request)
        if project is None:
            project = _new_project(session, request)
        dataset = _existing_dataset(session, project, request)
        if dataset is None:
            name = clean_name(request.dataset_name, "dataset")
            dataset = Dataset(project_id=project.id, name=name, format=request.format, source="", options={})
            session.add(dataset)
        dataset.source, dataset.linked = request.remembered, link
        dataset.options = options.model_dump(mode="json")
        session.flush()
        _ensure_classes(session, project, listing, options)
        lists = ensure_subsets(session, dataset.id, [*listing.subsets, *_list_names(request.lists)])
        governed = frozenset(lists[name] for name in listing.subsets)
        return Target(project.id, dataset.id, project.name, dataset.name, lists, governed)


def resolved_name(name: str, options: DatasetOptions) -> str | None:
    """Return what a source's name becomes: a class name, `ignore`, `unlabelled`, or None where it is dropped."""
    name = name.strip()
    target = options.mapping.get(name, name)
    return None if target is None else target.strip()


def _existing_project(session: Session, request: ImportRequest) -> Project | None:
    """Return the project of a request, None where it is to be made."""
    if request.project is not None:
        known = session.scalar(select(Project.id).where(Project.name == request.project.strip()))
        return None if known is None else find_project(session, request.project)
    return current_or_none(session)


def _new_project(session: Session, request: ImportRequest) -> Project:
    name = request.project or request.folder_name
    if request.project is None and session.scalar(select(Project.id).where(Project.name == name)) is not None:
        raise UserError(
            f"There is no current project, and one named {name!r} like the folder is there already. Choose it with "
            f"`workbench use {name}`, or name another (--project)."
        )
    return create_project(session, name)


def _existing_dataset(session: Session, project: Project, request: ImportRequest) -> Dataset | None:
    name = request.dataset_name.strip()
    row = session.scalar(select(Dataset).where(Dataset.project_id == project.id, Dataset.name == name))
    if row is None:
        return None
    if row.deleted_at is not None:
        raise UserError(f"The dataset {name!r} is in the trash. Restore it, or import under another name (--dataset).")
    if row.format != request.format:
        raise UserError(
            f"The dataset {name!r} was imported as {row.format}, this import is {request.format}. Import under another "
            "name (--dataset)."
        )
    return row


def _ensure_classes(session: Session, project: Project, listing: Listing, options: DatasetOptions) -> None:
    colors = {name: to_hex(color) for name, color in listing.colors.items()}
    first = {"background": options.background, "ignore": None}.get(options.unlabelled, options.unlabelled)
    names: dict[str, str | None] = {} if first is None else {first: colors.get(first)}
    for name in listing.classes:
        target = resolved_name(name, options)
        if target is not None and not is_reserved(target):
            names.setdefault(target, colors.get(name))
    for name, color in names.items():
        ensure_class(session, project, name, color)


def _list_names(names: Sequence[str]) -> list[str]:
    return [clean_name(name, "list") for name in names]
