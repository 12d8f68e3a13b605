"""Roles: train, val or test, exclusive and sticky. Only images without one are ever given one."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from db.errors import UserError
from db.schema import Image, Role
from db.session import Database
from labeling.chunks import chunks
from labeling.datasets import UNASSIGNED, find_dataset, image_ids, role_counts
from labeling.formats.base import RoleName
from labeling.presence import classes_of
from labeling.projects import find_project
from labeling.stratify import shares, stratify

By = Literal["random", "folder", "prefix"]
_ATTEMPTS = 5

ROLES: tuple[RoleName, ...] = get_args(RoleName)


@dataclass(frozen=True)
class _Labelled:
    image_id: int
    path: str
    role: str | None
    classes: frozenset[int]


def assign_roles(
    database: Database,
    project: str | None,
    dataset: str,
    *,
    val: float = 0.2,
    test: float = 0.0,
    by: By = "random",
    seed: int = 0,
) -> dict[str, int]:
    """Give every labelled image without a role one, so that `val` and `test` come to their shares of all labelled.

    Roles already there stay and count towards the shares. The rest is stratified: every class is shown in every role
    in about the same share. The same images and seed give the same roles, whatever the order of import.

    Args:
        database: the database.
        project: name; None is the current one, or the only one.
        dataset: name.
        val: fraction of the labelled images, 0 to 1.
        test: likewise; the two together below 1.
        by: `random`: each image by itself; `folder`: images of one folder stay together; `prefix`: images of one
            folder whose names begin alike do (`group_of`), such as frames of one place or day. A group of which
            images have a role already follows it (train, where they have several).
        seed: decides between equals.

    Returns:
        The images per role afterwards, `none` for those without one (unlabelled ones).

    Raises:
        UserError: there is no such dataset, it has no labelled image, the fractions are none, all images are in
            one group, or others kept changing the dataset meanwhile.
    """
    if not (0 <= val < 1 and 0 <= test < 1 and val + test < 1):
        raise UserError(f"val and test are fractions that leave some images for train, found {val} and {test}.")
    for _ in range(_ATTEMPTS):
        with database.read() as session:
            dataset_id = find_dataset(session, find_project(session, project), dataset).id
            seen, images = _state(session, dataset_id), _labelled(session, dataset_id)
        units = _units(images, by)
        _refuse_indivisible(images, units, dataset, by, val + test)
        given = _divide(images, units, (1 - val - test, val, test), seed)
        # Dividing takes long: other writers wait only for this part.
        with database.write() as session:
            if _state(session, dataset_id) == seen:
                origin = f"{by}:{seed}"
                rows = [{"image_id": id_, "role": role, "origin": origin} for id_, role in sorted(given.items())]
                if rows:
                    session.execute(insert(Role), rows)
                return role_counts(session, dataset_id)
    raise UserError(f"The labels or roles of {dataset!r} are being changed all the time. Try again when that is over.")


def set_roles(
    database: Database, project: str | None, dataset: str, paths: Sequence[str], role: RoleName | None
) -> dict[str, int]:
    """Give chosen images a role, or take theirs away: the one way in which a role that was given changes.

    Revisions that were frozen keep the roles they hold.

    Args:
        database: the database.
        project: name; None is the current one, or the only one.
        dataset: name.
        paths: relative paths of its images.
        role: train, val or test; None takes the role away.

    Returns:
        The images per role afterwards, `none` for those without one.

    Raises:
        UserError: there is no such dataset, or it has no image of one of these paths; then nothing was changed.
    """
    with database.write() as session:
        dataset_id = find_dataset(session, find_project(session, project), dataset).id
        ids = image_ids(session, dataset_id, dataset, paths)
        give_role(session, ids, role, origin="set")
        return role_counts(session, dataset_id)


def give_role(session: Session, image_ids: Sequence[int], role: RoleName | None, *, origin: str) -> dict[str, int]:
    """Give images a role, also those that have another one, or take theirs away (None).

    Args:
        session: that may write.
        image_ids: their numbers, each once.
        role: train, val, test or None.
        origin: who says so; kept with the role. What has the role already keeps the origin it has.

    Returns:
        How many had another role, by that role, `none` for those without one.
    """
    roles: dict[int, str] = {}
    for chunk in chunks(image_ids):
        roles |= dict(session.execute(select(Role.image_id, Role.role).where(Role.image_id.in_(chunk))).all())
    others = [id_ for id_ in image_ids if roles.get(id_) != role]
    for chunk in chunks(others):
        session.execute(delete(Role).where(Role.image_id.in_(chunk)))
    if role is not None and others:
        session.execute(insert(Role), [{"image_id": id_, "role": role, "origin": origin} for id_ in others])
    return dict(Counter(roles.get(id_, UNASSIGNED) for id_ in others))


def group_of(path: str, by: By) -> str:
    """Return the name of the group an image belongs to.

    Args:
        path: relative POSIX path of the image.
        by: `folder`: the folder. `prefix`: the folder and the file's name up to its last separator (one of `_-. ` and
            space), or without separators up to the digits at its end: `0001TP_006690.jpg` is of `0001TP`,
            `IMG0012.jpg` of `IMG`. `random`: every image is a group.
    """
    pure = PurePosixPath(path)
    if by == "random":
        return path
    if by == "folder":
        return str(pure.parent)
    prefix = re.sub(r"([_\-. ]+[^_\-. ]*|\d+)\Z", "", pure.stem)
    return str(pure.parent / f"{prefix}*")


def _refuse_indivisible(
    images: Sequence[_Labelled], units: Sequence[list[_Labelled]], dataset: str, by: By, held_out: float
) -> None:
    if not images:
        raise UserError(f"The dataset {dataset!r} has no labelled image, so there is nothing to divide.")
    if by != "random" and len(units) == 1 and held_out > 0:
        raise UserError(
            f"All {len(images)} labelled images of {dataset!r} are in one group by {by}, so they cannot be "
            "divided. Divide them by another rule (--by random)."
        )


def _state(session: Session, dataset_id: int) -> list[tuple[int, int | None, str | None]]:
    """Return what a division depends on: every image, its newest annotation, its role."""
    query = select(Image.id, Image.head_id, Role.role).outerjoin(Role, Role.image_id == Image.id)
    rows = session.execute(query.where(Image.dataset_id == dataset_id).order_by(Image.id))
    return [(image_id, head_id, role) for image_id, head_id, role in rows]


def _labelled(session: Session, dataset_id: int) -> list[_Labelled]:
    query = (
        select(Image.id, Image.path, Role.role, Image.head_id)
        .outerjoin(Role, Role.image_id == Image.id)
        .where(Image.dataset_id == dataset_id, Image.head_id.is_not(None))
        .order_by(Image.path)
    )
    rows = session.execute(query).all()
    shown = classes_of(session, [head_id for *_, head_id in rows if head_id is not None])
    return [_Labelled(image_id, path, role, shown[head_id]) for image_id, path, role, head_id in rows if head_id]


def _units(images: Sequence[_Labelled], by: By) -> list[list[_Labelled]]:
    groups = defaultdict[str, list[_Labelled]](list)
    for image in images:
        groups[group_of(image.path, by)].append(image)
    return list(groups.values())


def _divide(
    images: Sequence[_Labelled], units: Sequence[list[_Labelled]], fractions: tuple[float, ...], seed: int
) -> dict[int, str]:
    """Return the role of every image that had none, by image id."""
    classes = sorted(set[int]().union(*(image.classes for image in images)))
    held = {image.image_id: image.role for image in images if image.role is not None}
    free: list[list[_Labelled]] = []
    given: dict[int, str] = {}
    for unit in units:
        present = {image.role for image in unit if image.role is not None}
        new = [image for image in unit if image.role is None]
        if present:
            role = present.pop() if len(present) == 1 else "train"
            given |= {image.image_id: role for image in new}
        elif new:
            free.append(new)
    taken = held | given
    counts = [[image for image in images if taken.get(image.image_id) == role] for role in ROLES]
    room = np.array(shares(len(images), fractions)) - [len(role) for role in counts]
    # Whole counts, at least one where there are enough: a class in two images is in train and in val.
    due = [shares(int(total), fractions) for total in _presence([images], classes)[0]]
    wanted = np.array(due, np.int64).reshape(-1, len(ROLES)).T - _presence(counts, classes)
    sizes = np.array([len(unit) for unit in free], np.int64)
    dealt = stratify(_presence(free, classes), sizes, wanted, np.maximum(room, 0), seed)
    _leave_none_empty(dealt, sizes, fractions, [len(role) for role in counts])
    for unit, role_index in zip(free, dealt, strict=True):
        given |= {image.image_id: ROLES[role_index] for image in unit}
    return given


def _presence(units: Sequence[Sequence[_Labelled]], classes: Sequence[int]) -> NDArray[np.int64]:
    """Return (units, classes) counts of images that show the class."""
    column = {class_id: place for place, class_id in enumerate(classes)}
    presence = np.zeros((len(units), len(classes)), np.int64)
    for row, unit in zip(presence, units, strict=True):
        for image in unit:
            row[[column[class_id] for class_id in image.classes]] += 1
    return presence


def _leave_none_empty(
    dealt: NDArray[np.int64], sizes: NDArray[np.int64], fractions: Sequence[float], held: Sequence[int]
) -> None:
    """Give val or test the smallest group of train where large groups left it without any."""
    for role in range(1, len(fractions)):
        train = np.flatnonzero(dealt == 0)
        if fractions[role] > 0 and not held[role] and not (dealt == role).any() and len(train) + bool(held[0]) > 1:
            dealt[train[sizes[train].argmin()]] = role
