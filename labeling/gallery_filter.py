"""Which images of a project fit a filter, as queries: in an order, or whichever come first.

SQLite knows neither how many images have a role or show a class nor where they lie, and of several lists to begin with
it may choose the longest, or all of them nested. So the queries leave it no choice: `+ 0` hides a column from its
choice of indexes (https://www.sqlite.org/optoverview.html, 8), and a condition that is to be looked up for one
image after the other is a correlated EXISTS. The indexes of `image` hold all that is looked at.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, UnaryExpression, select
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import InstrumentedAttribute

from db.errors import NotFoundError
from db.schema import Class, Dataset, Image, Project, Role, Subset, SubsetImage, VersionClass
from labeling.classes import find_class
from labeling.datasets import UNASSIGNED, find_dataset
from labeling.formats.base import RoleName
from labeling.presence import merged_below

Order = Literal["path", "-path", "newest"]
"""`path`: by dataset and path; `-path`: the other way round; `newest`: those labelled last first, then the unlabelled
ones, those added last first."""


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
class Matching:
    """The images that fit a filter, as queries of their numbers.

    Attributes:
        project_id: the project's number.
        finding: conditions that begin at the list which is likely to be the shortest: for counting, for few or all.
        walking: the same, looked up for one image after the other: for an order in which a page soon is full.
        listed: whether there is such a list, so that the datasets' images are not all looked at.
    """

    project_id: int
    finding: tuple[ColumnElement[bool], ...]
    walking: tuple[ColumnElement[bool], ...]
    listed: bool

    def found(self) -> Select[Any]:
        """Return the query of them in no order."""
        return select(Image.id).where(*self.finding)

    def walked(self, order: Order) -> Select[Any]:
        """Return the query of the first of them in an order, which an index has already: nothing is sorted."""
        query = in_order(select(Image.id).where(*self.walking), order)
        return query if order == "newest" else query.where(Dataset.project_id == self.project_id)

    def whole(self, order: Order) -> Select[Any]:
        """Return the query of all of them in an order."""
        return in_order(self.found(), order) if self.listed else self.walked(order)


def in_order(images: Select[Any], order: Order) -> Select[Any]:
    """Return a query of images with its order."""
    by_dataset = images if order == "newest" else images.join(Dataset, Dataset.id == Image.dataset_id)
    return by_dataset.order_by(*_ORDERS[order])


_ORDERS: Mapping[Order, tuple[UnaryExpression[Any], ...]] = {
    "path": (Dataset.name.asc(), Image.path.asc()),
    "-path": (Dataset.name.desc(), Image.path.desc()),
    "newest": (Image.head_id.desc().nulls_last(), Image.id.desc()),
}


def matching(
    session: Session,
    project: Project,
    datasets: Collection[int],
    classes: Sequence[Class],
    wanted: GalleryFilter,
) -> Matching:
    """Return the images of a project that fit a filter.

    Args:
        session: any session.
        project: the project.
        datasets: the numbers of its live datasets.
        classes: its live classes.
        wanted: which images.

    Raises:
        NotFoundError: there is no such dataset, list or class.
    """
    chosen = list(datasets) if wanted.dataset is None else [find_dataset(session, project, wanted.dataset).id]
    lists = _lists(session, project, chosen, classes, wanted)
    each = [rows.where(key == column).exists() for column, key, rows in lists]
    rest = _rest(wanted)
    walking = ((Image.dataset_id + 0).in_(chosen), *each, *rest)
    if not lists:
        return Matching(project.id, (Image.dataset_id.in_(chosen), *rest), walking, listed=False)
    column, _, rows = lists[0]
    return Matching(project.id, (column.in_(rows), walking[0], *each[1:], *rest), walking, listed=True)


_List = tuple[InstrumentedAttribute[Any], InstrumentedAttribute[int], Select[Any]]


def _lists(
    session: Session, project: Project, datasets: Sequence[int], classes: Sequence[Class], wanted: GalleryFilter
) -> list[_List]:
    """Return which column of an image is to be in which column of which rows, what is shorter as a rule first."""
    lists: list[_List] = []
    if wanted.subset is not None:
        subsets = _subset_ids(session, datasets, wanted.subset)
        members = select(SubsetImage.image_id).where(SubsetImage.subset_id.in_(subsets))
        lists.append((Image.id, SubsetImage.image_id, members))
    if wanted.class_ is not None:
        counted = merged_below(classes, find_class(session, project, wanted.class_).id)
        showing = select(VersionClass.version_id).where(VersionClass.class_id.in_(counted))
        lists.append((Image.head_id, VersionClass.version_id, showing))
    if wanted.role not in (None, UNASSIGNED):
        lists.append((Image.id, Role.image_id, select(Role.image_id).where(Role.role == wanted.role)))
    return lists


def _rest(wanted: GalleryFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.role == UNASSIGNED:
        conditions.append(Image.id.not_in(select(Role.image_id)))
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
