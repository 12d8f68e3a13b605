"""What a label file says that draws nothing: kept by the reader under the file's own keys, given back by the writer."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from labeling.formats.base import BadItemError

MAX_KEPT = 16 * 2**20
"""Characters of all that is kept of one file. It lies in the database, with every version of the annotation."""

_DEEPEST = 50  # levels; whoever writes the database stands deeper in the stack than whoever read the file


def kept(fields: Mapping[str, Any], drawn: frozenset[str]) -> tuple[dict[str, Any], list[str]]:
    """Return what is kept of a JSON object, and the keys that cannot be: a number of theirs is not finite.

    Args:
        fields: the object.
        drawn: its keys that say what is drawn, or that the format's writer writes anew.

    Raises:
        BadItemError: it is nested too deeply.
    """
    plain = {key: is_plain(value) for key, value in fields.items() if key not in drawn}
    return {key: fields[key] for key in plain if plain[key]}, [key for key in plain if not plain[key]]


def is_plain(value: Any, depth: int = 0) -> bool:
    """Tell whether a value of a JSON file is JSON: Python reads NaN and Infinity too, databases do not.

    Raises:
        BadItemError: it is nested too deeply.
    """
    if depth > _DEEPEST:
        raise BadItemError("the label file is nested too deeply")
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
            "kept of a label file; take out what is not about the picture"
        )
