"""What a source may be, and how much of it is read to tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

MAX_SAMPLED_BYTES = 64 * 2**20

Name = TypeVar("Name")


@dataclass(frozen=True)
class Guess:
    """A format that a source may be.

    Attributes:
        format: as `workbench import` names it.
        evidence: sentences on what speaks for it.
        images: photos that it would import.
        labels: those of them with labels.
        classes: how often each class was seen in what was read (shapes; of masks: files), by name or mask value, the
            most frequent first. A source may hold more.
        classes_from: what was read for that, in words.
        options: options of the import that fit, by their names there (`classes_file`, `images`, `unlabelled`, ...).
        problems: sentences on what was wrong in what was read.
    """

    format: str
    evidence: tuple[str, ...]
    images: int
    labels: int
    classes: dict[str, int]
    classes_from: str
    options: dict[str, str]
    problems: tuple[str, ...] = ()


def spread(names: Sequence[Name], count: int) -> list[Name]:
    """Return at most `count` of the names, evenly spread, the first among them."""
    step = max(1.0, len(names) / count)
    return [names[int(place * step)] for place in range(min(count, len(names)))]


def few(sentences: Sequence[str], count: int = 5) -> tuple[str, ...]:
    """Return the first sentences, and how many more there are."""
    rest = len(sentences) - count
    return (*sentences[:count], f"and {rest} more") if rest > 0 else tuple(sentences)
