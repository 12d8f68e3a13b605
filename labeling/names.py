"""What may be a name: of a project, a dataset, a subset, a class."""

from __future__ import annotations

import unicodedata

from db.errors import UserError
from labeling.annotation import Special

MAX_NAME = 200
MAX_CLASS_NAME = 1000
_RESERVED = frozenset(special.value for special in Special)


def clean_name(name: str, what: str) -> str:
    """Return the stripped name of a project, dataset or subset.

    Args:
        name: as typed, or as found in a source.
        what: the noun of the message: "project", "dataset", "list".

    Raises:
        UserError: it is empty, longer than 200 characters, or holds a control character or a slash (names stand in
            manifests, in deep links and in front of relative paths).
    """
    cleaned = name.strip()
    if not cleaned or len(cleaned) > MAX_NAME or "/" in cleaned or "\\" in cleaned or _has_control(cleaned):
        raise UserError(
            f"A {what} is named by 1 to {MAX_NAME} characters without slashes or line breaks, found {_shown(name)}. "
            "Choose another name."
        )
    return cleaned


def clean_class_name(name: str) -> str:
    """Return the stripped class name. Any printable text is a class name, also `../../x` and `=cmd()`.

    Raises:
        ValueError: it is empty, longer than 1000 characters, or holds a control character such as a line break, which
            the one-name-a-line files of every format cannot carry.
    """
    cleaned = name.strip()
    if not cleaned:
        raise ValueError("a class name is empty; name it in the label file")
    if len(cleaned) > MAX_CLASS_NAME:
        raise ValueError(
            f"a class name has {len(cleaned)} characters, at most {MAX_CLASS_NAME} are allowed: {_shown(cleaned)}"
        )
    if _has_control(cleaned):
        raise ValueError(f"a class name holds a line break or another control character: {_shown(cleaned)}")
    return cleaned


def is_reserved(name: str) -> bool:
    """Tell whether a label means something other than a class (`ignore`, `unlabelled`)."""
    return name in _RESERVED


def _has_control(text: str) -> bool:
    return any(unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} for character in text)


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")


def is_background(name: str) -> bool:
    """Tell whether a class is what is left when everything else is labelled: `background`, labelme's `_background_`."""
    return name.strip("_").lower() == "background"
