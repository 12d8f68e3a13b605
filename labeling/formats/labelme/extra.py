"""What a labelme file says that draws nothing.

What labelme writes anew whenever it saves (its version, where the photo lies and how large it is, the photo itself)
is no part of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from labeling.formats import extra

DOCUMENT_KEYS = frozenset({"version", "shapes", "imagePath", "imageData", "imageHeight", "imageWidth"})
SHAPE_KEYS = frozenset({"label", "points", "group_id", "shape_type", "mask"})


def kept(fields: Mapping[str, Any], drawn: frozenset[str]) -> tuple[dict[str, Any], list[str]]:
    """Return `labeling.formats.extra.kept` of what says anything."""
    said = {key: value for key, value in fields.items() if key not in drawn and not _says_nothing(key, value)}
    return extra.kept(said, drawn) if said else ({}, [])


def _says_nothing(key: str, value: Any) -> bool:
    """Whether it is what labelme writes where nothing was said; `flags` was a list in labelme 3.0."""
    if key == "flags":
        return not value or not isinstance(value, dict)
    return key == "description" and not value
