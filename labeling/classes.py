"""The classes of a project: one table, stable ids, dense indices only where class maps are made.

The dense class list is every live class that is not merged into another, in the order of `position`; the index of a
class in a class map is its place there. New classes are appended, so no index shifts silently.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.errors import NotFoundError, UserError
from db.schema import Class, Dataset, Project
from db.session import Database
from labeling.annotation import MAX_CLASSES
from labeling.colors import differs, from_hex, likely_color, next_color, to_hex
from labeling.names import clean_class_name, is_background, is_reserved
from labeling.options import DatasetOptions
from labeling.presence import merged_below, roots
from labeling.projects import find_project

HOTKEYS = tuple("123456789")


@dataclass(frozen=True)
class ClassInfo:
    """A class as lists show it.

    Attributes:
        id: stable, never reused.
        index: dense index in class maps, 0..253; None while merged into another class.
        name: unique in the project.
        color: `#rrggbb`.
        hotkey: one of 1 to 9, or None.
        merged_into: name of the class it is merged into, or None.
    """

    id: int
    index: int | None
    name: str
    color: str
    hotkey: str | None
    merged_into: str | None


def list_classes(database: Database, project: str | None = None) -> list[ClassInfo]:
    """Return the live classes in index order, the merged ones last.

    Args:
        database: the database.
        project: its name; None is the current one, or the only one.

    Raises:
        UserError: there is no such project.
    """
    with database.read() as session:
        rows = live_classes(session, find_project(session, project).id)
    names = {row.id: row.name for row in rows}
    dense = [row for row in rows if row.merged_into_id is None]
    merged = [row for row in rows if row.merged_into_id is not None]
    return [_info(row, index, names) for index, row in enumerate(dense)] + [_info(row, None, names) for row in merged]


def live_classes(session: Session, project_id: int) -> list[Class]:
    """Return the rows of the classes that are not deleted, merged ones included, by position."""
    query = select(Class).where(Class.project_id == project_id, Class.deleted_at.is_(None))
    return list(session.scalars(query.order_by(Class.position, Class.id)))


def dense_index(classes: list[Class]) -> dict[int, int]:
    """Return the dense index (0..253) of every class id, merged ones under the index of what they are merged into."""
    dense = [row.id for row in classes if row.merged_into_id is None]
    index = {class_id: place for place, class_id in enumerate(dense)}
    return {row: index[root] for row, root in roots(classes).items()}


def ensure_class(session: Session, project: Project, name: str, color: str | None = None) -> Class:
    """Return the class of this name, created at the end of the list where missing.

    Raises:
        UserError: the name is not one or is reserved, or the project would have more than 254 classes.
    """
    cleaned = _checked(name)
    row = session.scalar(select(Class).where(Class.project_id == project.id, Class.name == cleaned))
    if row is not None and row.deleted_at is None:
        return row
    live = live_classes(session, project.id)
    if sum(other.merged_into_id is None for other in live) >= MAX_CLASSES:
        raise UserError(
            f"The project {project.name!r} has {MAX_CLASSES} classes, the most an 8-bit class map can hold (254 and "
            f"255 are reserved), so {cleaned!r} cannot be added. Merge classes, or map {cleaned!r} to an existing "
            "class or to nothing when importing."
        )
    position = 1 + max((other.position for other in live), default=-1)
    if row is None:
        row = Class(project_id=project.id, name=cleaned, position=position, color="")
        session.add(row)
    row.deleted_at, row.merged_into_id, row.position = None, None, position
    row.color = color or default_color(cleaned, [other.color for other in live if other.id != row.id])
    session.flush()
    return row


def add_class(database: Database, project: str | None, name: str, color: str | None = None) -> None:
    """Add a class at the end of the list.

    Raises:
        UserError: there is one of this name, the name or colour is not one, or there are 254 classes already.
    """
    with database.write() as session:
        row = find_project(session, project)
        if _named(session, row, name) is not None:
            raise UserError(f"The project {row.name!r} has a class {name.strip()!r} already.")
        ensure_class(session, row, name, None if color is None else to_hex(from_hex(color)))


def rename_class(database: Database, project: str | None, name: str, new_name: str) -> None:
    """Give a class another name; a later import of a source that uses the old one still finds the class.

    Raises:
        UserError: there is no such class, or the new name is not one or is taken (merge the two instead).
    """
    with database.write() as session:
        owner = find_project(session, project)
        row = find_class(session, owner, name)
        old, new = row.name, _checked(new_name)
        if new == old:
            return
        if session.scalar(select(Class.id).where(Class.project_id == owner.id, Class.name == new)) is not None:
            raise UserError(
                f"There is a class {new!r} already. To make one class of the two, merge {old!r} into {new!r}."
            )
        row.name = new
        for dataset in session.scalars(select(Dataset).where(Dataset.project_id == owner.id)):
            dataset.options = _renamed(DatasetOptions.model_validate(dataset.options), old, new).model_dump(mode="json")


def recolor_class(database: Database, project: str | None, name: str, color: str) -> None:
    """Give a class another colour, `#rrggbb`.

    Raises:
        UserError: there is no such class, or the colour is not one.
    """
    with database.write() as session:
        find_class(session, find_project(session, project), name).color = to_hex(from_hex(color))


def merge_class(database: Database, project: str | None, name: str, into: str) -> None:
    """Merge a class into another one: from the next freeze on its pixels are the other's. `unmerge_class` undoes it.

    Raises:
        UserError: there is no such class, or `into` is the class itself or merged into it.
    """
    with database.write() as session:
        row, target = mergeable(session, find_project(session, project), name, into)
        row.merged_into_id = target.id


def mergeable(session: Session, project: Project, name: str, into: str) -> tuple[Class, Class]:
    """Return the rows of two classes of which the first can be merged into the second.

    Raises:
        UserError: there is no such class, or `into` is the class itself or merged into it.
    """
    row, target = find_class(session, project, name), find_class(session, project, into)
    if target.id in merged_below(live_classes(session, project.id), row.id):
        raise UserError(f"{row.name!r} cannot be merged into {target.name!r}: that is itself, or merged into it.")
    return row, target


def set_hotkey(database: Database, project: str | None, name: str, key: str | None) -> None:
    """Give a class one of the keys 1 to 9 of the editor, or take its key away (None).

    Raises:
        UserError: there is no such class, it is no such key, or another class has it.
    """
    if key is not None and key not in HOTKEYS:
        raise UserError(f"A class's key is one of 1 to 9, found {key!r}.")
    with database.write() as session:
        owner = find_project(session, project)
        row = find_class(session, owner, name)
        taken = [other for other in live_classes(session, owner.id) if key is not None and other.hotkey == key]
        if taken and taken[0].id != row.id:
            raise UserError(f"The key {key} is {taken[0].name!r} already. Take it away there first, or choose another.")
        row.hotkey = key


def unmerge_class(database: Database, project: str | None, name: str) -> None:
    """Undo `merge_class`: the class takes its old place in the list again.

    Raises:
        UserError: there is no such class, or there are 254 live ones already.
    """
    with database.write() as session:
        owner = find_project(session, project)
        row = find_class(session, owner, name)
        dense = [other for other in live_classes(session, owner.id) if other.merged_into_id is None]
        if row.merged_into_id is not None and len(dense) >= MAX_CLASSES:
            raise UserError(f"There are {MAX_CLASSES} classes already, the most there can be. Merge another one first.")
        row.merged_into_id = None


def find_class(session: Session, project: Project, name: str) -> Class:
    """Return the live class of this name.

    Raises:
        NotFoundError: there is none; the message lists those there are.
    """
    row = _named(session, project, name)
    if row is None:
        names = ", ".join(other.name for other in live_classes(session, project.id)) or "none yet"
        raise NotFoundError(f"The project {project.name!r} has no class {name!r}. Classes: {names}.")
    return row


def _named(session: Session, project: Project, name: str) -> Class | None:
    query = select(Class).where(Class.project_id == project.id, Class.name == name.strip(), Class.deleted_at.is_(None))
    return session.scalar(query)


def _checked(name: str) -> str:
    try:
        cleaned = clean_class_name(name)
    except ValueError as error:
        raise UserError(f"{str(error)[0].upper()}{str(error)[1:]}.") from None
    if is_reserved(cleaned):
        raise UserError(f"{cleaned!r} is not a class: it marks pixels that are left out. Choose another name.")
    return cleaned


def default_color(name: str, used: list[str]) -> str:
    """Return the colour of a class that comes without one: the expected one, else one far from those in use."""
    expected = "#000000" if is_background(name) else likely_color(name)
    return expected if expected is not None and differs(expected, used) else next_color(used)


def _renamed(options: DatasetOptions, old: str, new: str) -> DatasetOptions:
    """Return the options with the class's new name wherever they name the class, and the old one mapped to it."""
    mapping: dict[str, str | None] = {
        source: new if target == old else target for source, target in options.mapping.items()
    }
    mapping.setdefault(old, new)
    change: dict[str, object] = {"mapping": mapping}
    if options.background == old:
        change["background"] = new
    if options.unlabelled == old:
        change["unlabelled"] = new
    return options.model_copy(update=change)


def _info(row: Class, index: int | None, names: Mapping[int, str]) -> ClassInfo:
    merged = None if row.merged_into_id is None else names.get(row.merged_into_id)
    return ClassInfo(row.id, index, row.name, row.color, row.hotkey, merged)
