"""The gallery of a project: a page of its images, chosen by what is known of them without opening a file."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db.errors import UserError
from db.schema import Class, Dataset, Image, Role, Subset, SubsetImage
from db.session import Database
from labeling.classes import live_classes
from labeling.datasets import live_datasets
from labeling.gallery_filter import GalleryFilter, Matching, Order, in_order, matching
from labeling.options import DatasetOptions
from labeling.presence import classes_of, roots
from labeling.projects import project_of_id
from labeling.rendering import Scheme, map_version, scheme_for

MAX_PAGE = 500
FEW = 500
"""Images that are found first and sorted then. More are counted, and walked in order until the page is full."""


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
        order: which come first.
        offset: images to leave out first; beyond the last one the page is empty.
        limit: at most so many, 1 to 500.

    Raises:
        NotFoundError: there is no such project, dataset, list or class.
        UserError: offset or limit is out of range.
    """
    if offset < 0 or not 1 <= limit <= MAX_PAGE:
        raise UserError(f"A page has 1 to {MAX_PAGE} images and begins at 0 or later, found {limit} from {offset}.")
    asked = database.kept.get(("gallery", project_id, wanted, order), _Asked)
    with database.read() as session:
        datasets, classes, found = _matching(session, project_id, wanted)
        if asked.before and asked.ids is None:
            asked.ids = array("q", session.scalars(found.whole(order)))
        asked.before = True
        # Numbers first: the order needs no more of the images that are not on the page.
        if asked.ids is not None:
            total, ids = len(asked.ids), asked.ids[offset : offset + limit].tolist()
        else:
            total, ids = _first_page(session, found, order, offset, limit)
        return GalleryPage(total, _images(session, ids, datasets, classes))


def gallery_ids(
    database: Database, project_id: int, wanted: GalleryFilter | None = None, *, order: Order = "path"
) -> list[int]:
    """Return the numbers of all images that fit, in order; arguments and errors as of `gallery_page`."""
    with database.read() as session:
        return list(session.scalars(_matching(session, project_id, wanted)[2].whole(order)))


@dataclass
class _Asked:
    """Whether somebody looked at a page of a list, and all its images from the second page on: none may be."""

    before: bool = False
    ids: array[int] | None = None


def _first_page(session: Session, found: Matching, order: Order, offset: int, limit: int) -> tuple[int, list[int]]:
    """Return how many images fit, and those of a page."""
    few = list(session.scalars(found.found().limit(FEW + 1)))
    if len(few) <= FEW:
        total, ordered = len(few), in_order(select(Image.id).where(Image.id.in_(few)), order)
    else:
        total = session.scalar(found.found().with_only_columns(func.count(Image.id))) or 0
        ordered = found.walked(order)
    return total, list(session.scalars(ordered.offset(offset).limit(limit)))


def _matching(
    session: Session, project_id: int, wanted: GalleryFilter | None
) -> tuple[dict[int, Dataset], list[Class], Matching]:
    project = project_of_id(session, project_id)
    datasets = {row.id: row for row in live_datasets(session, project)}
    classes = live_classes(session, project_id)
    return datasets, classes, matching(session, project, datasets, classes, wanted or GalleryFilter())


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
