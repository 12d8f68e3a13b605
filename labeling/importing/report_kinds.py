"""The files of an import's report by kind of trouble: hundreds of lines are seldom of more than a few kinds."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from labeling.importing.report import Action, FileReport

_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_FILE = re.compile(r"[^\s,;:()…]*(?:/[^\s,;:()]*|\.(?:jpe?g|png|bmp|tiff?|webp|json|txt|xml|mat)\b)", re.IGNORECASE)
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_DETAIL = re.compile(r"(not valid JSON).*|(cannot be decoded: (?!the file)).*")  # what a parser says differs by place


@dataclass(frozen=True)
class Kind:
    """Files to which the same happened for the same reason.

    Attributes:
        key: the reason without what is each file's own.
        action: what happened to them.
        count: how many there are.
        file: the first of them.
        reason: its reason, in full.
    """

    key: str
    action: Action
    count: int
    file: str
    reason: str


def key_of(file: FileReport) -> str:
    """Return the reason of a file without names, numbers and quotations: the same for files with the same trouble."""
    path = PurePosixPath(file.file)
    text = _DETAIL.sub(lambda match: match[1] or match[2], _QUOTED.sub("…", file.reason))
    # Names may hold blanks, so the file's own goes before what looks like a name.
    text = re.sub(rf"(?<!\w){re.escape(path.stem)}(?!\w)", "…", text) if path.stem else text
    return _NUMBER.sub("…", _FILE.sub("…", text))


def kinds_of(files: Iterable[FileReport]) -> tuple[Kind, ...]:
    """Return the kinds of trouble, the one of the most files first."""
    kinds: dict[tuple[str, str], Kind] = {}
    for file in files:
        key = key_of(file)
        before = kinds.get((file.action, key))
        first = Kind(key, file.action, 1, file.file, file.reason)
        kinds[file.action, key] = first if before is None else replace(before, count=before.count + 1)
    return tuple(sorted(kinds.values(), key=lambda kind: -kind.count))
