"""COCO files streamed into a temporary index, so that a file of any size is listed in little memory.

The index is a private SQLite database without a name: it spills to the temporary folder and is gone when closed, or
when the process dies. Workers never see it: an item carries its own annotations.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ijson

from db.errors import UserError

_BOM = b"\xef\xbb\xbf"
_SCHEMA = """
CREATE TABLE image (file INTEGER, id TEXT, name TEXT, width INTEGER, height INTEGER);
CREATE TABLE annotation (file INTEGER, image TEXT, id TEXT, body TEXT);
CREATE INDEX image_of_id ON image (file, id);
CREATE INDEX annotation_of_image ON annotation (file, image);
"""


@dataclass(frozen=True, slots=True)
class ImageEntry:
    """An entry of a COCO file's `images`; None where the entry says nothing usable."""

    id: str | None
    file_name: Any
    width: int | None
    height: int | None


class CocoIndex:
    """Images and annotations of COCO files; `file` is the number under which a file was added."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", check_same_thread=False)
        self._database.executescript(_SCHEMA)

    def add(self, path: Path, file: int, categories: dict[str, str]) -> None:
        """Read images and annotations of a file; all of it or, where it is no JSON, nothing.

        Args:
            path: COCO file.
            file: its number.
            categories: name of each category by its id's text.

        Raises:
            UserError: it cannot be read as JSON.
        """
        images = (
            (file, _text(entry.get("id")), json.dumps(entry.get("file_name")), *_size(entry))
            for entry in stream(path, "images.item")
        )
        annotations = (
            (file, _text(entry.get("image_id")), _text(entry.get("id")), _body(entry, categories))
            for entry in stream(path, "annotations.item")
        )
        with self._database:
            self._database.executemany("INSERT INTO image VALUES (?, ?, ?, ?, ?)", images)
            self._database.executemany("INSERT INTO annotation VALUES (?, ?, ?, ?)", annotations)

    def images(self, file: int, limit: int = -1) -> Iterator[ImageEntry]:
        """Yield a file's images in its order, at most `limit` where that is not negative."""
        rows = self._database.execute(
            "SELECT id, name, width, height FROM image WHERE file = ? ORDER BY rowid LIMIT ?", (file, limit)
        )
        return (ImageEntry(id, json.loads(name), width, height) for id, name, width, height in rows)

    def annotations(self, file: int, image: str) -> bytes:
        """Return an image's annotations as a JSON list of `{id, label, category_id, iscrowd, segmentation}`."""
        rows = self._database.execute(
            "SELECT body FROM annotation WHERE file = ? AND image = ? ORDER BY rowid", (file, image)
        )
        return ("[" + ",".join(body for (body,) in rows) + "]").encode()

    def ambiguous_images(self, file: int) -> dict[str, list[str]]:
        """Return image ids that more than one photo has, each with the photos' names."""
        rows = self._database.execute(
            "SELECT id, json_group_array(DISTINCT name) FROM image WHERE file = ? AND id IS NOT NULL "
            "GROUP BY id HAVING count(DISTINCT name) > 1",
            (file,),
        )
        return {id: [str(json.loads(name)) for name in json.loads(names)] for id, names in rows}

    def count_orphans(self, file: int) -> tuple[int, list[str]]:
        """Return how many annotations belong to no image of the file, and up to five of the image ids they name."""
        rows = self._database.execute(
            "SELECT image, count(*) FROM annotation AS a WHERE file = :file AND NOT EXISTS "
            "(SELECT 1 FROM image WHERE file = :file AND id = a.image) GROUP BY image ORDER BY image",
            {"file": file},
        ).fetchall()
        return sum(count for _, count in rows), [str(image) for image, _ in rows[:5]]

    def repeated_ids(self, file: int) -> int:
        """Return how many annotation ids occur more than once."""
        query = (
            "SELECT count(*) FROM (SELECT 1 FROM annotation WHERE file = ? AND id IS NOT NULL "
            "GROUP BY id HAVING count(*) > 1)"
        )
        return int(self._database.execute(query, (file,)).fetchone()[0])

    def has_segmentation(self, file: int) -> bool:
        """Tell whether an annotation of the file has a segmentation, or whether it has no annotations at all."""
        query = (
            "SELECT count(*), coalesce(sum(body NOT LIKE '%\"segmentation\":null}'), 0) FROM annotation WHERE file = ?"
        )
        total, segmented = self._database.execute(query, (file,)).fetchone()
        return bool(total == 0 or segmented > 0)

    def count_bare(self, file: int) -> int:
        """Return how many images have no annotation."""
        query = (
            "SELECT count(*) FROM image AS i WHERE file = :file AND NOT EXISTS "
            "(SELECT 1 FROM annotation WHERE file = :file AND image = i.id)"
        )
        return int(self._database.execute(query, {"file": file}).fetchone()[0])


def stream(path: Path, prefix: str) -> Iterator[dict[str, Any]]:
    """Yield the objects at an ijson prefix (`images.item`) of a JSON file, one at a time; {} for what is no object.

    Raises:
        UserError: the file cannot be opened, or is no JSON.
    """
    try:
        with path.open("rb") as file:
            if file.read(len(_BOM)) != _BOM:
                file.seek(0)
            for entry in ijson.items(file, prefix, use_float=True):
                yield entry if isinstance(entry, dict) else {}
    except (ijson.JSONError, ValueError) as error:
        cause = " ".join(str(error).split())
        raise UserError(f"{path}: expected COCO's JSON, found text that is none: {cause}.") from error
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}).") from error


def categories_of(entries: Iterable[dict[str, Any]], path: Path) -> dict[str, str]:
    """Return the name of each category by its id's text, in id order.

    Raises:
        UserError: a category has no id or no name, or two share an id.
    """
    found: dict[str, tuple[Any, str]] = {}
    for entry in entries:
        key, name = _text(entry.get("id")), entry.get("name")
        if key is None or not isinstance(name, str) or not name.strip():
            raise UserError(f"{path}: expected categories with an id and a name, found {entry!r}.")
        if key in found and found[key][1] != name.strip():
            raise UserError(f"{path}: category id {key} is {found[key][1]!r} and {name!r}. Give each its own id.")
        found[key] = (entry["id"], name.strip())
    ordered = sorted(found.items(), key=lambda item: (isinstance(item[1][0], str), item[1][0]))
    return {key: name for key, (_, name) in ordered}


def _body(entry: dict[str, Any], categories: dict[str, str]) -> str:
    kept = {
        "id": entry.get("id"),
        "label": categories.get(_text(entry.get("category_id")) or ""),
        "category_id": entry.get("category_id"),
        "iscrowd": entry.get("iscrowd") in (1, "1"),
        "segmentation": entry.get("segmentation"),
    }
    return json.dumps(kept, separators=(",", ":"))


def _text(id: Any) -> str | None:
    """Return an id as text: numbers and their text are one id, since writers mix them."""
    if isinstance(id, float) and id.is_integer():
        id = int(id)
    return str(id) if isinstance(id, int | str) and not isinstance(id, bool) else None


def _size(entry: dict[str, Any]) -> tuple[int | None, int | None]:
    width, height = _side(entry.get("width")), _side(entry.get("height"))
    return (width, height) if width and height else (None, None)


def _side(value: Any) -> int | None:
    # `1e9` bounds floats that are not finite as well.
    return int(value) if type(value) in (int, float) and 0 < value < 1e9 and value == int(value) else None
