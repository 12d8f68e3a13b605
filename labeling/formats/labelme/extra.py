"""What a label file says that draws nothing: kept by the reader under the file's own keys, given back by the writer.

What labelme writes anew whenever it saves (its version, where the photo lies and how large it is, the photo itself)
is no part of it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from labeling.formats.base import BadItemError

DOCUMENT_KEYS = frozenset({"version", "shapes", "imagePath", "imageData", "imageHeight", "imageWidth"})
SHAPE_KEYS = frozenset({"label", "points", "group_id", "shape_type", "mask"})

MAX_KEPT = 16 * 2**20
"""Characters of all that is kept of one file. It lies in the database, with every version of the annotation."""

_DEEPEST = 50  # levels; whoever writes the database stands deeper in the stack than whoever read the file


def kept(fields: Mapping[str, Any], drawn: frozenset[str]) -> tuple[dict[str, Any], list[str]]:
    """Return what is kept of a JSON object, and the keys that cannot be: a number of theirs is not finite.

    Args:
        fields: the object.
        drawn: its keys that say what is drawn, or that labelme writes anew.

    Raises:
        BadItemError: it is nested too deeply.
    """
    found, lost = {}, []
    for key, value in fields.items():
        if key in drawn or _says_nothing(key, value):
            continue
        if is_plain(value):
            found[key] = value
        else:
            lost.append(key)
    return found, lost


def is_plain(value: Any, depth: int = 0) -> bool:
    """Tell whether a value of a JSON file is JSON: Python reads NaN and Infinity too, databases do not.

    Raises:
        BadItemError: it is nested too deeply.
    """
    if depth > _DEEPEST:
        raise BadItemError("the label file is nested too deeply to be labelme's")
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, dict):
        return all(is_plain(part, depth + 1) for part in value.values())
    return not isinstance(value, list) or all(is_plain(part, depth + 1) for part in value)


def check_size(extras: Sequence[Mapping[str, Any]]) -> None:
    """Refuse to keep more of one file than a database should hold.

    Raises:
        BadItemError: it is more than `MAX_KEPT`.
    """
    size = sum(len(json.dumps(extra)) for extra in extras if extra)
    if size > MAX_KEPT:
        raise BadItemError(
            f"beside its shapes and photo it holds {size // 2**20} MiB, more than the {MAX_KEPT // 2**20} MiB that are "
            "kept of a label file; take out what is not labelme's"
        )


def _says_nothing(key: str, value: Any) -> bool:
    """Whether it is what labelme writes where nothing was said; `flags` was a list in labelme 3.0."""
    if key == "flags":
        return not value or not isinstance(value, dict)
    return key == "description" and not value
