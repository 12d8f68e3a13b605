"""How often classes occur, home against elsewhere.

The distance of two lists of shares is their total variation, half the sum of the absolute differences: the share of the
pixels that would have to change their class to make one list the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Counted:
    """What the labels of a domain's photos hold.

    Attributes:
        pixels: of each class, int64 (K,); ignored ones are none's.
        images: labelled photos that show it, int64 (K,).
        labelled: photos with labels.
    """

    pixels: NDArray[np.int64]
    images: NDArray[np.int64]
    labelled: int


@dataclass(frozen=True)
class ClassFrequency:
    """A class in each domain, the first of which is home; None where a domain has no labels.

    Attributes:
        name: of the class.
        pixels: its share of the pixels that are not ignored.
        images: the share of the labelled photos that show it.
    """

    name: str
    pixels: tuple[float | None, ...]
    images: tuple[float | None, ...]


@dataclass(frozen=True)
class Frequencies:
    """Every class, and for each domain its distance from home and the classes that only one of the two has.

    Attributes:
        classes: in index order.
        distances: total variation of the shares of pixels, 0..1; None at home and where one has no labels.
        only_home: classes home shows and the domain does not; empty likewise.
        only_there: the other way round.
    """

    classes: tuple[ClassFrequency, ...]
    distances: tuple[float | None, ...]
    only_home: tuple[tuple[str, ...], ...]
    only_there: tuple[tuple[str, ...], ...]


def frequencies(names: Sequence[str], domains: Sequence[Counted]) -> Frequencies:
    """Compare the classes of each domain with those of the first."""
    pixels = [_shares(found.pixels, int(found.pixels.sum())) for found in domains]
    images = [_shares(found.images, found.labelled) for found in domains]
    home = pixels[0]
    absent: list[tuple[tuple[str, ...], tuple[str, ...]]] = [((), ())]
    distances: list[float | None] = [None]
    for there in pixels[1:]:
        if home is None or there is None:
            distances.append(None)
            absent.append(((), ()))
            continue
        distances.append(float(np.abs(home - there).sum() / 2))
        absent.append((_named(names, (home > 0) & (there == 0)), _named(names, (home == 0) & (there > 0))))
    return Frequencies(
        classes=tuple(
            ClassFrequency(
                name,
                tuple(None if found is None else float(found[place]) for found in pixels),
                tuple(None if found is None else float(found[place]) for found in images),
            )
            for place, name in enumerate(names)
        ),
        distances=tuple(distances),
        only_home=tuple(pair[0] for pair in absent),
        only_there=tuple(pair[1] for pair in absent),
    )


def _shares(counts: NDArray[np.int64], whole: int) -> NDArray[np.float64] | None:
    return counts / whole if whole else None


def _named(names: Sequence[str], which: NDArray[np.bool_]) -> tuple[str, ...]:
    return tuple(name for name, chosen in zip(names, which, strict=True) if chosen)
