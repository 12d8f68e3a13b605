"""How photos look: five figures of each, all measured at one size, so that cameras of any resolution compare.

- brightness: the mean luma (ITU-R BT.601), in grey levels of 255.
- contrast: its standard deviation (RMS contrast: Peli, Contrast in complex images, JOSA A 7, 1990).
- colour: the mean chroma, the length of (a*, b*) in CIE 1976 L*a*b* under D65.
- warmth: the mean b* there: blue is negative, yellow positive.
- sharpness: the variance of the Laplacian of luma (Pech-Pacheco et al., Diatom autofocusing in brightfield microscopy:
  a comparative study, ICPR 2000). Noise raises it as fine detail does, and it grows with contrast, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from training.shift.effect import Size, cliffs_delta, median, size_of

LONG_SIDE = 320
"""Of a photo when it is measured."""
BINS = 30


@dataclass(frozen=True)
class Look:
    """A figure of a photo: its name, its unit, and what more and less of it are called."""

    name: str
    unit: str
    more: str
    less: str


LOOKS = (
    Look("brightness", "of 255", "brighter", "darker"),
    Look("contrast", "of 255", "richer in contrast", "flatter"),
    Look("colour", "chroma", "more colourful", "paler"),
    Look("warmth", "b*", "warmer", "colder"),
    Look("sharpness", "variance", "more fine detail or noise", "less fine detail"),
)


@dataclass(frozen=True)
class LookShift:
    """One look, home against each target; the first of every tuple is home.

    Attributes:
        name: of `LOOKS`.
        edges: of the bins, ascending.
        counts: photos in each bin, of each domain.
        medians: of each domain.
        deltas: Cliff's delta of each against home; None at home and where there are too few photos.
        sizes: the same in a word.
    """

    name: str
    edges: tuple[float, ...]
    counts: tuple[tuple[int, ...], ...]
    medians: tuple[float | None, ...]
    deltas: tuple[float | None, ...]
    sizes: tuple[Size | None, ...]


def measure(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the looks of a photo, uint8 (H, W, 3), in the order of `LOOKS`: float32 (5,)."""
    height, width = rgb.shape[:2]
    scale = LONG_SIDE / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    luma = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
    lab = cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    chroma = np.hypot(lab[..., 1], lab[..., 2])
    edges = cv2.Laplacian(luma, cv2.CV_32F)
    found = (luma.mean(), luma.std(), chroma.mean(), lab[..., 2].mean(), edges.var(dtype=np.float64))
    return np.array(found, np.float32)


def look_shifts(domains: Sequence[NDArray[np.float32]]) -> tuple[LookShift, ...]:
    """Compare the looks of each domain, (photos, 5), with those of the first."""
    return tuple(_shift(look.name, [found[:, place] for found in domains]) for place, look in enumerate(LOOKS))


def _shift(name: str, domains: Sequence[NDArray[np.float32]]) -> LookShift:
    values = np.concatenate(domains).astype(np.float64)
    edges = np.histogram_bin_edges(values, BINS)
    deltas = [None, *(cliffs_delta(domains[0], there) for there in domains[1:])]
    return LookShift(
        name=name,
        edges=tuple(edges.tolist()),
        counts=tuple(tuple(np.histogram(found, edges)[0].tolist()) for found in domains),
        medians=tuple(median(found) for found in domains),
        deltas=tuple(deltas),
        sizes=tuple(map(size_of, deltas)),
    )
