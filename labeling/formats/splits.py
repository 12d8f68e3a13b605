"""Names of lists and folders that tell a role."""

from __future__ import annotations

import re

from labeling.formats.base import RoleName

_ROLES: dict[str, RoleName] = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}


def role_of(name: str) -> RoleName | None:
    """Return the role that a list or folder of this name gives: `train`, `valid`, `test2017`; else None."""
    match = re.fullmatch(r"([a-z]+)(\d{4})?", name.lower())
    return _ROLES.get(match[1]) if match else None
