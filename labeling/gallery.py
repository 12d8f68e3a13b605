"""The gallery of a project: a page of its images, chosen by what is known of them without opening a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, UnaryExpression, func, select
from sqlalchemy.orm import Session

from db.errors import NotFoundError, UserError
from db.schema import Class, Dataset, Image, Project, Role, Subset, SubsetImage, VersionClass
from db.session import Database
from labeling.classes import find_class, live_classes
from labeling.datasets import UNASSIGNED, find_dataset, live_datasets
from labeling.formats.base import RoleName
from labeling.gallery_orders import orders_of
from labeling.options import DatasetOptions
from labeling.presence import classes_of, merged_below, roots
from labeling.projects import project_of_id
from labeling.rendering import Scheme, map_version, scheme_for

Order = Literal["path", "-path", "newest"]

MAX_PAGE = 500


@dataclass(frozen=True)
class GalleryFilter:
    """Which images: those that all of these are true of. None means: whatever.

    Attributes:
        dataset: name.
        subset: name of a list, in whichever dataset there is one.
        role: train, val, test, or `none` for images without one.
        class_: name of a class that the image shows, itself or merged into it (`labeling.presence` says what shows).
        labelled: whether it has an annotation.
        text: a part of its path; ASCII letters match in either case.
    """

    dataset: str | None = None
    subset: str | None = None
    role: RoleName | Literal["none"] | None = None
    class_: str | None = None
    labelled: bool | None = None
    text: str | None = None


@dataclass(frozen=True)
class GalleryImage:
    """An image as the gallery shows it.

    Attributes:
        id: its number, as addresses name it.
        dataset: name.
        path: relative POSIX path in the dataset.
        width: pixels, after EXIF rotation.
        height: likewise.
        role: train, val, test, or None.
        subsets: names of its lists, sorted.
        classes: names of the live classes it shows, in index order.
        labelled: whether it has an annotation.
        photo_version: eight digits that change with the photo.
        map_version: eight digits that change whenever its class map may; None for an unlabelled image, which has none.
    """

    id: int
    dataset: str
    path: str
    width: int
    height: int
    role: str | None
    subsets: tuple[str, ...]
    classes: tuple[str, ...]
    labelled: bool
    photo_version: str
    map_version: str | None


@dataclass(frozen=True)
class GalleryPage:
    """Some images in order, of `total` that fit the filter."""

    total: int
    images: tuple[GalleryImage, ...]


def gallery_page(
    database: Database,
    project_id: int,
    wanted: GalleryFilter | None = None,
    *,
    order: Order = "path",
    offset: int = 0,
    limit: int = 48,
) -> GalleryPage:
    """Return a page of the gallery.

    Args:
        database: the database.
        project_id: the project's number.
        wanted: which images; None means all.
        order: `path`: by dataset and path; `-path`: the other way round; `newest`: those labelled last first, then the
            unlabelled ones, those added last first.
        offset: images to leave out first; beyond the last one the page is empty.
        limit: at most so many, 1 to 500.

    Raises:
        NotFoundError: there is no such project, dataset, list or class.
        UserError: offset or limit is out of range.
    """
    if offset < 0 or not 1 <= limit <= MAX_PAGE:
        raise UserError(f"A page has 1 to {MAX_PAGE} images and begins at 0 or later, found {limit} from {offset}.")
    stamp = database.stamp()
    with database.read() as session:
        project = project_of_id(session, project_id)
        datasets = {row.id: row for row in live_datasets(session, project)}
        classes = live_classes(session, project_id)
        chosen = _datasets(session, project, datasets, wanted or GalleryFilter())
        conditions = _conditions(session, project, chosen, classes, wanted or GalleryFilter())
        query = _ordered(project, chosen, conditions, order)
        known = orders_of(database).ids((project_id, wanted, order), stamp, lambda: session.scalars(query))
        if known is not None:
            page = known[offset : offset + limit].tolist()
            return GalleryPage(len(known), _images(session, page, datasets, classes))
        total = session.scalar(select(func.count(Image.id)).where(Image.dataset_id.in_(chosen), *conditions)) or 0
        # Numbers first: the order needs no more of the images that are not on the page.
        ids = list(session.scalars(query.offset(offset).limit(limit)))
        return GalleryPage(total, _images(session, ids, datasets, classes))


def gallery_ids(
    database: Database, project_id: int, wanted: GalleryFilter | None = None, *, order: Order = "path"
) -> list[int]:
    """Return the numbers of all images that fit, in order; arguments and errors as of `gallery_page`."""
    with database.read() as session:
        project = project_of_id(session, project_id)
        datasets = {row.id: row for row in live_datasets(session, project)}
        classes = live_classes(session, project_id)
        chosen = _datasets(session, project, datasets, wanted or GalleryFilter())
        conditions = _conditions(session, project, chosen, classes, wanted or GalleryFilter())
        return list(session.scalars(_ordered(project, chosen, conditions, order)))


_ORDERS: Mapping[Order, tuple[UnaryExpression[Any], ...]] = {
    "path": (Dataset.name.asc(), Image.path.asc()),
    "-path": (Dataset.name.desc(), Image.path.desc()),
    "newest": (Image.head_id.is_(None).asc(), Image.head_id.desc(), Image.id.desc()),
}


def _ordered(
    project: Project, datasets: Sequence[int], conditions: Sequence[ColumnElement[bool]], order: Order
) -> Select[Any]:
    # SQLite walks its indexes by the project and sorts nothing; by the datasets it would sort, so the sum hides them.
    chosen = select(Image.id).join(Dataset, Dataset.id == Image.dataset_id)
    chosen = chosen.where(Dataset.project_id == project.id, (Image.dataset_id + 0).in_(datasets), *conditions)
    return chosen.order_by(*_ORDERS[order])


def _datasets(
    session: Session, project: Project, datasets: Mapping[int, Dataset], wanted: GalleryFilter
) -> Sequence[int]:
    return list(datasets) if wanted.dataset is None else [find_dataset(session, project, wanted.dataset).id]


def _conditions(
    session: Session, project: Project, ids: Sequence[int], classes: Sequence[Class], wanted: GalleryFilter
) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.subset is not None:
        lists = _subset_ids(session, ids, wanted.subset)
        members = select(SubsetImage.image_id).where(SubsetImage.subset_id.in_(lists))
        conditions.append(Image.id.in_(members))
    if wanted.role is not None:
        given = select(Role.image_id).where(Role.image_id == Image.id)
        if wanted.role == UNASSIGNED:
            conditions.append(~given.exists())
        else:
            conditions.append(given.where(Role.role == wanted.role).exists())
    if wanted.class_ is not None:
        target = find_class(session, project, wanted.class_).id
        counted = merged_below(classes, target)
        showing = select(VersionClass.version_id).where(VersionClass.version_id == Image.head_id)
        conditions.append(showing.where(VersionClass.class_id.in_(counted)).exists())
    if wanted.labelled is not None:
        conditions.append(Image.head_id.is_not(None) if wanted.labelled else Image.head_id.is_(None))
    if wanted.text:
        conditions.append(Image.path.contains(wanted.text, autoescape=True))
    return conditions


def _subset_ids(session: Session, dataset_ids: Sequence[int], name: str) -> list[int]:
    ids = list(session.scalars(select(Subset.id).where(Subset.dataset_id.in_(dataset_ids), Subset.name == name)))
    if not ids:
        raise NotFoundError(f"There is no list {name!r} in these datasets (any more).")
    return ids


def _images(
    session: Session, ids: Sequence[int], datasets: Mapping[int, Dataset], classes: Sequence[Class]
) -> tuple[GalleryImage, ...]:
    """Return the images of these numbers, in their order."""
    # Columns, not objects: making a hundred objects takes longer than finding them.
    columns = (Image.id, Image.dataset_id, Image.path, Image.width, Image.height, Image.sha256, Image.head_id)
    query = select(*columns, Role.role).outerjoin(Role).where(Image.id.in_(ids))
    rows = {row.id: row for row in session.execute(query)}
    subsets = _subset_names(session, ids)
    shown = classes_of(session, [row.head_id for row in rows.values() if row.head_id is not None])
    root = roots(classes)
    schemes = {each: _scheme(datasets[each], classes) for each in {row.dataset_id for row in rows.values()}}
    places = {row.id: (place, row.name) for place, row in enumerate(classes)}
    images = []
    for row in (rows[id_] for id_ in ids):
        present = {root[class_id] for class_id in shown.get(row.head_id or 0, ()) if class_id in root}
        images.append(
            GalleryImage(
                id=row.id,
                dataset=datasets[row.dataset_id].name,
                path=row.path,
                width=row.width,
                height=row.height,
                role=row.role,
                subsets=subsets.get(row.id, ()),
                classes=tuple(name for _, name in sorted(places[class_id] for class_id in present)),
                labelled=row.head_id is not None,
                photo_version=row.sha256[:8],
                map_version=None if row.head_id is None else map_version(schemes[row.dataset_id], row.head_id),
            )
        )
    return tuple(images)


def _subset_names(session: Session, ids: Sequence[int]) -> dict[int, tuple[str, ...]]:
    names: dict[int, tuple[str, ...]] = {}
    query = select(SubsetImage.image_id, Subset.name).join(Subset, Subset.id == SubsetImage.subset_id)
    for image_id, name in session.execute(query.where(SubsetImage.image_id.in_(ids)).order_by(Subset.name)):
        names[image_id] = (*names.get(image_id, ()), name)
    return names


def _scheme(dataset: Dataset, classes: Sequence[Class]) -> Scheme:
    return scheme_for(DatasetOptions.model_validate(dataset.options), list(classes), dataset.name)
