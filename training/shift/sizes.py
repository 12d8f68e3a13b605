"""How large objects are, home against elsewhere, as shares of their photos.

An object is a labelled shape or an object of an imported object map where there is one; what else a class covers is
counted by its connected parts (8 neighbours). Parts below `SPECK` of the photo are left out: the crumbs that labels
leave along edges would outnumber everything else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from training.shift.effect import Size, cliffs_delta, median, size_of

SPECK = 1e-4
"""Of a photo's pixels: 17 of 480x360."""


@dataclass(frozen=True)
class Objects:
    """Objects of one or more photos.

    Attributes:
        classes: uint8 (N,).
        shares: of their photo's pixels, float32 (N,), 0..1.
    """

    classes: NDArray[np.uint8]
    shares: NDArray[np.float32]

    @classmethod
    def join(cls, parts: Sequence[Objects]) -> Objects:
        """Put the objects of several photos together."""
        none = cls(np.empty(0, np.uint8), np.empty(0, np.float32))
        several = [none, *parts]
        return cls(
            np.concatenate([each.classes for each in several]), np.concatenate([each.shares for each in several])
        )


@dataclass(frozen=True)
class ClassSizes:
    """The objects of a class in each domain, the first of which is home.

    Attributes:
        name: of the class.
        objects: how many.
        medians: of their shares of the photo; None where there are none.
        deltas: Cliff's delta of the sizes against home's; None at home and where there are too few.
        sizes: the same in a word.
    """

    name: str
    objects: tuple[int, ...]
    medians: tuple[float | None, ...]
    deltas: tuple[float | None, ...]
    sizes: tuple[Size | None, ...]


def find_objects(truth: NDArray[np.uint8], numbers: NDArray[np.int32] | None, classes: int) -> Objects:
    """Return the objects of one photo.

    Args:
        truth: class map, uint8 (H, W); what is not below `classes` is ignored.
        numbers: of its objects, int32 (H, W), 0 where none is; None where none are known.
        classes: how many there are.
    """
    found: list[tuple[int, int]] = []
    rest = truth
    if numbers is not None and numbers.any():
        inside = (numbers > 0) & (truth < classes)
        pairs, pixels = np.unique(numbers[inside].astype(np.int64) * 256 + truth[inside], return_counts=True)
        found += zip((pairs % 256).tolist(), pixels.tolist(), strict=True)
        rest = np.where(numbers > 0, np.uint8(255), truth)
    for place in np.unique(rest[rest < classes]).tolist():
        _, _, stats, _ = cv2.connectedComponentsWithStats((rest == place).astype(np.uint8), connectivity=8)
        found += [(place, area) for area in stats[1:, cv2.CC_STAT_AREA].tolist()]
    kept = [(place, area / truth.size) for place, area in found if area >= SPECK * truth.size]
    return Objects(np.array([place for place, _ in kept], np.uint8), np.array([share for _, share in kept], np.float32))


def size_shifts(names: Sequence[str], domains: Sequence[Objects]) -> tuple[ClassSizes, ...]:
    """Compare the objects of each domain, class by class, with those of the first."""
    return tuple(
        _shift(name, [each.shares[each.classes == place] for each in domains]) for place, name in enumerate(names)
    )


def _shift(name: str, domains: Sequence[NDArray[np.float32]]) -> ClassSizes:
    deltas = [None, *(cliffs_delta(domains[0], there) for there in domains[1:])]
    return ClassSizes(
        name=name,
        objects=tuple(map(len, domains)),
        medians=tuple(map(median, domains)),
        deltas=tuple(deltas),
        sizes=tuple(map(size_of, deltas)),
    )
