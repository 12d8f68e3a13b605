"""Supervisely's meta.json: the classes of a project, with the shape and colour of each.

Format: https://developer.supervisely.com/getting-started/supervisely-annotation-format/project-classes-and-tags
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from db.errors import UserError
from labeling.colors import RGB, from_hex
from labeling.formats.base import BadItemError
from labeling.formats.json_file import read_json
from labeling.formats.labels import check_count

NAME = "meta.json"


@dataclass(frozen=True)
class Meta:
    """The classes of a project, in its order.

    Attributes:
        shapes: by class name, what its objects are drawn as (`polygon`, `bitmap`, ..., `any`); empty where not said.
        colors: by class name.
        notes: sentences on what was assumed.
    """

    shapes: dict[str, str] = field(default_factory=dict)
    colors: dict[str, RGB] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def read_meta(path: Path) -> Meta:
    """Read a project's meta.json.

    Raises:
        UserError: it is no JSON, not a project's, of another kind than images, or names a class twice or none.
    """
    try:
        found = read_json(path)
    except BadItemError as error:
        raise UserError(f"{path}: expected Supervisely's classes. {error}") from error
    classes = found.get("classes") if isinstance(found, dict) else None
    if not isinstance(classes, list) or not all(isinstance(entry, dict) for entry in classes):
        raise UserError(f"{path}: expected a JSON object with a list `classes`, as Supervisely writes it.")
    kind = found.get("projectType", "images")
    if kind not in ("images", "", None):
        raise UserError(f"{path}: expected a project of images, found one of {kind!r}. Export its frames as images.")
    shapes: dict[str, str] = {}
    colors: dict[str, RGB] = {}
    notes: list[str] = []
    for entry in classes:
        title = entry.get("title")
        if not isinstance(title, str) or not title.strip():
            raise UserError(f"{path}: expected classes with a title, found {entry!r}.")
        name = title.strip()
        if name in shapes:
            raise UserError(f"{path} names the class {name!r} twice. Keep one of them.")
        shape, color = entry.get("shape"), entry.get("color")
        shapes[name] = shape if isinstance(shape, str) else ""
        try:
            colors[name] = from_hex(color if isinstance(color, str) else repr(color))
        except UserError:
            notes.append(f"{path.name}: the colour {color!r} of {name!r} is none; it is given another.")
    check_count(len(shapes), str(path))
    return Meta(shapes, colors, tuple(notes))
