"""A task of Label Studio's JSON export: which of its annotations counts, and where its photo may be.

Format: https://labelstud.io/guide/task_format ("Label Studio JSON format of annotated tasks"). Before version 1.0 an
annotation was called a completion. Of several annotations that were not cancelled the newest counts, as in Label
Studio's own converters (`annotation_result_from_task` in HumanSignal/label-studio-sdk,
src/label_studio_sdk/converter/converter.py).
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import parse_qs, urlsplit

from labeling.formats.base import IMAGE_SUFFIXES, BadItemError
from labeling.formats.extra import kept

PACKED = "base64"
"""Key under which the bytes of an `rle` stand in a task's body: a list of numbers would be four times as long."""

ANNOTATIONS = ("annotations", "completions")
"""Keys of a task's annotations: that of today, and that of before version 1.0."""

_MIN_ONLY = frozenset({"annotation_id", "annotator", "lead_time"})
_PATHS = {"d", "filepath"}  # queries that hold a path: /data/local-files/?d=..., /storage-data/uploaded/?filepath=...
_UPLOADED = re.compile(r"[0-9a-f]{8}-(?=.)")  # what Label Studio puts before the name of an uploaded file


@dataclass(frozen=True)
class Task:
    """A task.

    Attributes:
        id: as text.
        photos: where its photo may be, as paths; the likeliest first.
        body: its annotation as JSON, `{"result": [...], "extra": {...}}`; None: nobody annotated it.
        annotations: those that were not cancelled.
        cancelled: those that were.
        predictions: how many there are.
    """

    id: str
    photos: tuple[str, ...]
    body: bytes | None
    annotations: int
    cancelled: int
    predictions: int


def is_task(entry: Mapping[str, Any]) -> bool:
    """Tell whether a JSON object is a task of the JSON export."""
    return isinstance(entry.get("data"), dict) and any(isinstance(entry.get(key), list) for key in ANNOTATIONS)


def is_min(entry: Mapping[str, Any]) -> bool:
    """Tell whether a JSON object is one of the export JSON-MIN."""
    return not is_task(entry) and len(_MIN_ONLY & entry.keys()) > 1


def read_task(entry: Mapping[str, Any]) -> Task:
    """Return a task.

    Raises:
        BadItemError: it names no photo, or several, or is nested too deeply.
    """
    found = [annotation for annotation in _annotations(entry) if isinstance(annotation, dict)]
    valid, newest = _valid(found), newest_annotation(entry)
    predictions = entry.get("predictions")
    body = None if newest is None else json.dumps(_body(entry, newest), separators=(",", ":")).encode()
    return Task(
        id=str(entry.get("id")),
        photos=_photos(entry),
        body=body,
        annotations=len(valid),
        cancelled=len(found) - len(valid),
        predictions=len(predictions) if isinstance(predictions, list) else 0,
    )


def newest_annotation(entry: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the annotation of a task that counts; None: nobody annotated it, or all was cancelled."""
    valid = _valid(_annotations(entry))
    # Of equally old ones the last. Dates are compared as text; those of before version 1.0 are numbers of ten digits.
    newest = max(range(len(valid)), key=lambda place: (str(valid[place].get("created_at")), place), default=None)
    return None if newest is None else valid[newest]


def _annotations(entry: Mapping[str, Any]) -> Sequence[Any]:
    return next((found for key in ANNOTATIONS if isinstance(found := entry.get(key), list)), ())


def _valid(annotations: Sequence[Any]) -> list[Mapping[str, Any]]:
    found = [annotation for annotation in annotations if isinstance(annotation, dict)]
    return [annotation for annotation in found if not (annotation.get("was_cancelled") or annotation.get("skipped"))]


def _body(entry: Mapping[str, Any], annotation: Mapping[str, Any]) -> dict[str, Any]:
    results = annotation.get("result")
    # What a task counts and dates changes with every look at it, and is not kept.
    task = {key: entry[key] for key in ("id", "data", "meta") if entry.get(key) not in (None, {})}
    about, _ = kept(annotation, frozenset({"result", "prediction"}))
    extra, _ = kept({**task, "annotation": {key: about[key] for key in about if about[key] is not None}}, frozenset())
    return {"result": [_packed(result) for result in results] if isinstance(results, list) else [], "extra": extra}


def _packed(result: Any) -> Any:
    """Return a result with its `rle` as one text."""
    value = result.get("value") if isinstance(result, dict) else None
    if not isinstance(value, dict) or not isinstance(value.get("rle"), list):
        return result
    try:
        rle: Any = {PACKED: base64.b64encode(bytes(value["rle"])).decode()}
    except (TypeError, ValueError):  # not numbers of a byte; said when the result is read
        rle = None
    return {**result, "value": {**value, "rle": rle}}


def _photos(entry: Mapping[str, Any]) -> tuple[str, ...]:
    data: Mapping[str, Any] = entry["data"]
    if any(isinstance(value, list) and value and all(map(_is_photo, value)) for value in data.values()):
        raise BadItemError("it is about several photos, and annotations of such tasks are not read.")
    values = [data[key] for key in sorted(data, key=lambda key: key not in ("image", "img", "photo"))]
    urls = [value for value in values if _is_photo(value)]
    uploaded = entry.get("file_upload")
    urls += [uploaded] if _is_photo(uploaded) else []
    paths = dict.fromkeys(form for url in urls for form in _forms(url))
    if not paths:
        raise BadItemError(f"its data names no photo: {json.dumps(data)[:80]}")
    return tuple(paths)


def _is_photo(value: Any) -> bool:
    if not isinstance(value, str) or len(value) > 4096:
        return False
    return any(PurePosixPath(path).suffix.lower() in IMAGE_SUFFIXES for path in _forms(value))


def _forms(url: str) -> Sequence[str]:
    """Return the paths that a URL or path may mean: as it is, without what Label Studio put before the name."""
    try:
        parts = urlsplit(url)
        query = parse_qs(parts.query)
    except ValueError:  # brackets that are no address
        return ()
    named = next((query[key][0] for key in _PATHS if key in query), None)
    path = named if named is not None else url if not parts.scheme or len(parts.scheme) == 1 else parts.path
    path = path.replace("\\", "/")
    folder, _, name = path.rpartition("/")
    plain = _UPLOADED.sub("", name, count=1) if _UPLOADED.match(name) else name
    return [path] if plain == name else [path, f"{folder}/{plain}" if folder else plain]
