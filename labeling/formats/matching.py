"""Which mask belongs to which photo, by name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from labeling.formats.base import Problem


@dataclass(frozen=True)
class Named:
    """A file's name below its folder, and the key that photo and mask have in common (often its stem)."""

    key: str
    name: str

    @property
    def full_key(self) -> str:
        """The key with the file's suffix: tells `a.jpg` from `a.png` where both exist."""
        return self.key + PurePosixPath(self.name).suffix


@dataclass(frozen=True)
class Match:
    """A photo and its mask (None: it has none)."""

    photo: Named
    mask: Named | None


@dataclass(frozen=True)
class Matches:
    """Photos in the order given, each with at most one mask; names that are left over, and why."""

    matches: tuple[Match, ...]
    photo_problems: tuple[Problem, ...]
    mask_problems: tuple[Problem, ...]


def match(photos: Sequence[Named], masks: Iterable[Named], *, what: str = "mask") -> Matches:
    """Find each photo's mask: the one named like the whole file (`a.jpg.png`), else the one named like its stem.

    A photo with two masks, and photos that share one, are problems rather than a choice made in silence. `what` is the
    word for a mask in their reasons.
    """
    masks_by_key: dict[str, list[Named]] = defaultdict(list)
    for mask in masks:
        masks_by_key[mask.key].append(mask)
    claims: dict[str, list[Named]] = defaultdict(list)
    for photo in photos:
        claims[photo.full_key if photo.full_key in masks_by_key else photo.key].append(photo)
    matches: list[Match] = []
    problems: list[Problem] = []
    for photo in photos:
        key = photo.full_key if photo.full_key in masks_by_key else photo.key
        own = masks_by_key.get(key, [])
        others = [other.name for other in claims[key] if other is not photo]
        if len(own) > 1:
            names = ", ".join(mask.name for mask in own)
            problems.append(Problem(photo.name, f"Expected one {what}, found several: {names}. Keep one."))
        elif own and others:
            example = f"a.jpg{PurePosixPath(own[0].name).suffix}"
            reason = (
                f"The {what} {own[0].name} fits {', '.join(others)} too. Name each after the whole photo ({example})."
            )
            problems.append(Problem(photo.name, reason))
        else:
            matches.append(Match(photo, own[0] if own else None))
    alone = [mask for key, group in masks_by_key.items() if key not in claims for mask in group]
    lonely = tuple(Problem(mask.name, f"A {what} without a photo of its name.") for mask in alone)
    return Matches(tuple(matches), tuple(problems), lonely)
