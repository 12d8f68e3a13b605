"""COCO files streamed into a temporary index, so that a file of any size is listed in little memory.

The index is a private SQLite database without a name: it spills to the temporary folder and is gone when closed, or
when the process dies. Workers never see it: an item carries its own annotations.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from db.errors import UserError
from labeling.formats.bytes_read import ReadBytes, unheard
from labeling.formats.coco.categories import id_text
from labeling.formats.coco.kinds import Categories, Entry, Kind, keep_image
from labeling.formats.json_stream import stream_objects

_SCHEMA = """
CREATE TABLE image (file INTEGER, id TEXT, name TEXT, width INTEGER, height INTEGER, extra TEXT);
CREATE TABLE annotation (file INTEGER, image TEXT, id TEXT, labelled INTEGER, body TEXT);
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

    def add(self, path: Path, file: int, kind: Kind, categories: Categories, read_bytes: ReadBytes = unheard) -> None:
        """Read images and annotations of a file; all of it or, where it is no JSON, nothing.

        Args:
            path: COCO file.
            file: its number.
            kind: what is kept of its annotations.
            categories: of the file.
            read_bytes: told how many bytes were read; it is read twice.

        Raises:
            UserError: it cannot be read as JSON, or the temporary folder is full.
        """
        images = (
            (file, id_text(entry.get("id")), _text(entry.get("file_name")), *_size(entry), _text(keep_image(entry)))
            for entry in stream(path, "images.item", read_bytes=read_bytes)
        )
        annotations = (
            (file, *_row(entry, kind, categories)) for entry in stream(path, "annotations.item", read_bytes=read_bytes)
        )
        try:
            with self._database:
                self._database.executemany("INSERT INTO image VALUES (?, ?, ?, ?, ?, ?)", images)
                self._database.executemany("INSERT INTO annotation VALUES (?, ?, ?, ?, ?)", annotations)
        except sqlite3.OperationalError as error:
            raise UserError(
                f"{path}: while it is imported, an index of about its size lies in the temporary folder, which could "
                f"not be written ({error}). Make room there, or name another folder in the variable SQLITE_TMPDIR."
            ) from error

    def images(self, file: int, limit: int = -1) -> Iterator[ImageEntry]:
        """Yield a file's images in its order, at most `limit` where that is not negative."""
        rows = self._database.execute(
            "SELECT id, name, width, height FROM image WHERE file = ? ORDER BY rowid LIMIT ?", (file, limit)
        )
        return (ImageEntry(id, json.loads(name), width, height) for id, name, width, height in rows)

    def extra(self, file: int, image: str) -> bytes:
        """Return what a file says of an image besides its photo and its annotations, as JSON."""
        query = "SELECT extra FROM image WHERE file = ? AND id = ? LIMIT 1"
        return str(self._database.execute(query, (file, image)).fetchone()[0]).encode()

    def annotations(self, file: int, image: str) -> bytes:
        """Return an image's annotations as a JSON list of what the file's kind keeps of them."""
        rows = self._database.execute(
            "SELECT body FROM annotation WHERE file = ? AND image = ? ORDER BY rowid", (file, image)
        )
        return ("[" + ",".join(body for (body,) in rows) + "]").encode()

    def first_annotations(self, file: int, limit: int) -> Iterator[dict[str, Any]]:
        """Yield what is kept of the first annotations of a file."""
        rows = self._database.execute(
            "SELECT body FROM annotation WHERE file = ? ORDER BY rowid LIMIT ?", (file, limit)
        )
        return (json.loads(body) for (body,) in rows)

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

    def has_labels(self, file: int) -> bool:
        """Tell whether an annotation of the file has labels of its kind, or whether it has no annotations at all."""
        query = "SELECT count(*), coalesce(sum(labelled), 0) FROM annotation WHERE file = ?"
        total, labelled = self._database.execute(query, (file,)).fetchone()
        return bool(total == 0 or labelled > 0)

    def count_bare(self, file: int) -> int:
        """Return how many images have no annotation."""
        query = (
            "SELECT count(*) FROM image AS i WHERE file = :file AND NOT EXISTS "
            "(SELECT 1 FROM annotation WHERE file = :file AND image = i.id)"
        )
        return int(self._database.execute(query, {"file": file}).fetchone()[0])


def stream(
    path: Path, prefix: str, limit: int | None = None, read_bytes: ReadBytes = unheard
) -> Iterator[dict[str, Any]]:
    """Yield the objects at `images.item`, `annotations.item` or `categories.item` of a file, one at a time.

    Args:
        path: COCO file.
        prefix: which of them.
        limit: bytes to read, None: all.
        read_bytes: told, piece by piece, how many bytes were read.

    Raises:
        UserError: the file cannot be opened, or is no JSON.
    """
    return stream_objects(path, prefix, "COCO's JSON", limit, read_bytes)


def _row(entry: Entry, kind: Kind, categories: Categories) -> tuple[str | None, str | None, bool, str]:
    """Return an annotation's image, id, whether it has labels of the kind, and what is kept of it."""
    body = _text(kind.keep(entry, categories))
    return id_text(entry.get("image_id")), id_text(entry.get("id")), entry.get(kind.content) is not None, body


def _text(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _size(entry: dict[str, Any]) -> tuple[int | None, int | None]:
    width, height = _side(entry.get("width")), _side(entry.get("height"))
    return (width, height) if width and height else (None, None)


def _side(value: Any) -> int | None:
    # `1e9` bounds floats that are not finite as well.
    return int(value) if type(value) in (int, float) and 0 < value < 1e9 and value == int(value) else None
