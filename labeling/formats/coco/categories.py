"""The categories of a COCO file: what its annotations' `category_id` means."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from db.errors import UserError
from labeling.colors import RGB


@dataclass(frozen=True)
class Category:
    """A category; `is_thing` and `color` are those of COCO's panoptic files, a thing is counted in objects."""

    name: str
    is_thing: bool = False
    color: RGB | None = None


def categories_of(entries: Iterable[Mapping[str, Any]], path: Path) -> dict[str, Category]:
    """Return each category by its id's text, in id order.

    Raises:
        UserError: a category has no id or no name, or two share an id.
    """
    found: dict[str, tuple[Any, Category]] = {}
    for entry in entries:
        key, name = id_text(entry.get("id")), entry.get("name")
        if key is None or not isinstance(name, str) or not name.strip():
            raise UserError(f"{path}: expected categories with an id and a name, found {dict(entry)!r}.")
        if key in found and found[key][1].name != name.strip():
            raise UserError(f"{path}: category id {key} is {found[key][1].name!r} and {name!r}. Give each its own id.")
        is_thing = entry.get("isthing") in (1, "1")
        found[key] = (entry["id"], Category(name.strip(), is_thing, _color(entry.get("color"))))
    ordered = sorted(found.items(), key=lambda item: (isinstance(item[1][0], str), item[1][0]))
    return {key: category for key, (_, category) in ordered}


def id_text(id: Any) -> str | None:
    """Return an id as text: numbers and their text are one id, since writers mix them."""
    if isinstance(id, float) and id.is_integer():
        id = int(id)
    return str(id) if isinstance(id, int | str) and not isinstance(id, bool) else None


def _color(value: Any) -> RGB | None:
    if not isinstance(value, list) or len(value) != 3:
        return None
    if not all(type(channel) is int and 0 <= channel <= 255 for channel in value):
        return None
    return value[0], value[1], value[2]
