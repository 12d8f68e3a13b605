"""What a check finds: one record a kind of fault, with the files it concerns and the way out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from labeling.map_counts import Counts

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
"""error: cannot be trained on. warning: a training would learn or be judged wrongly. note: worth knowing."""

Kind = Literal[
    "other-size",
    "out-of-range",
    "case-variants",
    "grey-colours",
    "smeared",
    "all-ignored",
    "tiny",
    "no-role",
    "no-roles",
    "no-validation",
    "unlabelled-role",
    "not-in-train",
    "not-in-val",
    "rare",
    "unused",
    "leaks",
]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class Finding:
    """Something that is wrong, or may be.

    Attributes:
        kind: what it is, for scripts and buttons.
        severity: how bad it is.
        text: what was found and what it means, in sentences.
        remedy: what to do, in a sentence.
        command: the words after `workbench` that do it; empty where it takes a person.
        dataset: of the files; None where it concerns the whole project.
        files: relative paths in the dataset; all of them.
        classes: names of the classes that it is about.
    """

    kind: Kind
    severity: Severity
    text: str
    remedy: str
    command: tuple[str, ...] = ()
    dataset: str | None = None
    files: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()


@dataclass(frozen=True)
class CheckedImage:
    """An image as a check sees it.

    Attributes:
        dataset: name of its dataset.
        path: relative POSIX path there.
        width: pixels of the photo, after EXIF rotation.
        height: likewise.
        role: train, val, test, or None.
        labelled: whether it has an annotation.
        size: (width, height) that its annotation was made for; None where it is not known.
        map_sha256: of its class map; None where there is none yet.
        counts: pixels of each value of its class map; None where they were never counted.
    """

    dataset: str
    path: str
    width: int
    height: int
    role: str | None
    labelled: bool
    size: tuple[int, int] | None = None
    map_sha256: str | None = None
    counts: Counts | None = None


def by_severity(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Return findings, the worst first."""
    return tuple(sorted(findings, key=lambda each: (SEVERITIES.index(each.severity), KINDS.index(each.kind))))


def some(count: int, what: str) -> str:
    """Return a count with its noun: `1 image`, `1,200 images`."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def listed(names: Sequence[str], most: int = 8) -> str:
    """Return names in quotes, those beyond the first few counted."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(repr(name) for name in names[:most]) + more
