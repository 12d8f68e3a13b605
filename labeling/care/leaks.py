"""Images that show the same but have different roles: what is trained on is tested on as well.

The groups of a project are searched for once, until an image comes, goes or changes; roles are looked up every time.
Groups across datasets count as well: a revision holds them all.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.errors import NotFoundError, UserError
from db.home import Home
from db.schema import Image, Project, Role
from db.session import Database
from labeling.care.groups import Reason
from labeling.care.search import Found, Searched, kept, search, searched
from labeling.datasets import UNASSIGNED, find_dataset, live_datasets
from labeling.formats.base import RoleName
from labeling.progress import Progress, silent
from labeling.projects import find_project
from labeling.roles import ROLES, give_role

_DIGITS = 10


@dataclass(frozen=True)
class GroupImage:
    """An image of a group.

    Attributes:
        id: its number.
        dataset: name of its dataset.
        path: relative POSIX path there.
        role: train, val, test, or None.
        photo_version: eight digits that change with the photo.
    """

    id: int
    dataset: str
    path: str
    role: str | None
    photo_version: str


@dataclass(frozen=True)
class Group:
    """Images that show the same.

    Attributes:
        id: hexadecimal digits; others as soon as an image joins or leaves it.
        reasons: how many of the pairs that join it have each reason, the strongest reason first.
        roles: its images per role, `none` for those without one; roles without images are left out.
        images: by dataset and path.
    """

    id: str
    reasons: dict[Reason, int]
    roles: dict[str, int]
    images: tuple[GroupImage, ...]

    @property
    def leaks(self) -> bool:
        """Whether it crosses roles."""
        return len(self.roles.keys() & set(ROLES)) > 1

    def to_json(self) -> dict[str, Any]:
        """Return plain values, and whether it leaks."""
        return {**vars(self), "images": [vars(image) for image in self.images], "leaks": self.leaks}


@dataclass(frozen=True)
class Groups:
    """The groups of a project, or of a dataset in it.

    Attributes:
        groups: those that leak (all of them where asked for): those that leak first, then by their first image.
        leaking: how many leak.
        joined: how many there are, leaking or not.
        images: how many images were compared.
        unread: how many photos could be compared by their bytes and hashes alone.
        unread_why: why, the first few sentences.
    """

    groups: tuple[Group, ...]
    leaking: int
    joined: int
    images: int
    unread: int
    unread_why: tuple[str, ...]


@dataclass(frozen=True)
class Moved:
    """What was moved.

    Attributes:
        groups: ids.
        to: the role that all images of the groups have now.
        images: how many had another one, by the role they had (`none` for no role).
    """

    groups: tuple[str, ...]
    to: str
    images: dict[str, int]


def find_groups(
    home: Home,
    database: Database,
    *,
    project: str | None = None,
    dataset: str | None = None,
    every: bool = False,
    progress: Progress = silent,
) -> Groups:
    """Return the images that show the same, searching where an image came, went or changed since the last search.

    Args:
        home: holds photos and what was found.
        database: its database.
        project: name; None is the current one, or the only one.
        dataset: only groups with an image of it; None is any.
        every: also groups that cross no roles.
        progress: told the photos read and looked at.

    Raises:
        UserError: there is no such project or dataset, or what was found cannot be written.
    """
    with database.read() as session:
        owner = find_project(session, project)
        _check_dataset(session, owner, dataset)
        images = searched(session, owner)
    found = kept(home, owner.id, images) or search(home, database, owner.id, images, progress)
    return _told(database, owner, found, images, dataset, every=every)


def known_groups(
    home: Home, database: Database, *, project: str | None = None, dataset: str | None = None, every: bool = False
) -> Groups | None:
    """Return what `find_groups` would where it need not search, else None: it reads no photo.

    Raises:
        UserError: there is no such project or dataset.
    """
    with database.read() as session:
        owner = find_project(session, project)
        _check_dataset(session, owner, dataset)
        images = searched(session, owner)
    found = kept(home, owner.id, images)
    return None if found is None else _told(database, owner, found, images, dataset, every=every)


def move_groups(
    home: Home,
    database: Database,
    ids: Sequence[str],
    role: RoleName,
    *,
    project: str | None = None,
    progress: Progress = silent,
) -> Moved:
    """Give all images of some groups one role, also those that have another one or none.

    Revisions that were frozen keep the roles they hold.

    Args:
        home: holds what was found.
        database: its database.
        ids: of the groups, or how they begin; empty means all that leak.
        role: train, val or test.
        project: name; None is the current one, or the only one.
        progress: as `find_groups` is given, which is called first.

    Raises:
        UserError: there is no such project or group (any more: images came, went or changed); nothing was moved then.
    """
    known = find_groups(home, database, project=project, every=True, progress=progress)
    chosen = [_named(known, id_) for id_ in dict.fromkeys(ids)] or [group for group in known.groups if group.leaks]
    before = Counter[str]()
    with database.write() as session:
        for group in chosen:
            given = give_role(session, [image.id for image in group.images], role, origin=f"leak:{group.id}")
            before.update(given)
    return Moved(tuple(group.id for group in chosen), role, dict(before))


def _named(known: Groups, id_: str) -> Group:
    wanted = id_.strip().lower()
    found = [group for group in known.groups if wanted and group.id.startswith(wanted)]
    if len(found) == 1:
        return found[0]
    if found:
        raise UserError(f"Several groups begin with {id_!r}: {', '.join(group.id for group in found[:10])}.")
    raise NotFoundError(
        f"There is no group {id_!r}. A group gets another id when images join or leave it; `workbench leaks --all` "
        "lists those there are now."
    )


def _told(
    database: Database, project: Project, found: Found, images: Searched, dataset: str | None, *, every: bool
) -> Groups:
    with database.read() as session:
        ids = [row.id for row in live_datasets(session, project)]
        query = select(Role.image_id, Role.role).join(Image, Image.id == Role.image_id)
        roles = dict(session.execute(query.where(Image.dataset_id.in_(ids))).all())
    photos = dict(zip(images.numbers, images.photos, strict=True))

    def image(number: int) -> GroupImage:
        photo = photos[number]
        return GroupImage(number, photo.dataset, photo.path, roles.get(number), photo.image_sha256[:8])

    groups = []
    leaking = joined = 0
    for group in found.groups:
        if dataset is not None and all(photos[number].dataset != dataset for number in group.images):
            continue
        counts = Counter(roles.get(number) for number in group.images)
        leaks = len(counts.keys() - {None}) > 1
        joined += 1
        leaking += leaks
        if leaks or every:
            members = tuple(map(image, group.images))
            by_role = {role: counts[role] for role in ROLES if counts[role]}
            none = {UNASSIGNED: counts[None]} if counts[None] else {}
            groups.append(Group(_id(members), group.reasons, by_role | none, members))
    groups.sort(key=lambda group: not group.leaks)  # stable: by their first image otherwise
    return Groups(tuple(groups), leaking, joined, len(images.numbers), found.unread, found.unread_why)


def _id(images: Sequence[GroupImage]) -> str:
    told = "\n".join(f"{image.dataset}/{image.path}" for image in images)
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]


def _check_dataset(session: Session, project: Project, dataset: str | None) -> None:
    if dataset is not None:
        find_dataset(session, project, dataset)
