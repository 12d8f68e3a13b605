"""Photos made to look like those a model was trained on, before it sees them: no weight changes.

Two ways. `histogram`: the levels of each channel are moved so that their distribution becomes that of the home photos
(histogram specification, Gonzalez and Woods). `fourier`: the amplitudes of the lowest frequencies, which hold a photo's
light and tint, are replaced by the home photos' mean ones, the phases kept (FDA: Yang and Soatto, CVPR 2020, equations
2 to 4, there from the other side: they give home photos the target's look to train on).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, model_validator

Kind = Literal["histogram", "fourier"]
KINDS: tuple[Kind, ...] = ("histogram", "fourier")
KIND_NAMES: dict[Kind, str] = {"histogram": "histogram", "fourier": "low frequencies"}
"""What people call them."""
LOWEST = 3
"""Frequencies that `fourier` replaces: up to so many waves across a photo, on each axis. FDA's beta of 0.01 is as many
for a photo whose shorter side has 300 to 400 pixels."""
_LEVELS = 256


class Style(BaseModel):
    """What home photos look like, in the numbers that a way needs.

    Attributes:
        kind: which way.
        of: whose look it is, in words: `day, train`.
        images: how many photos it was measured on.
        table: for `histogram` three rows of 256, the share of pixels at or below each level of R, G and B; for
            `fourier` three rows of (2 LOWEST + 1) * (2 LOWEST + 1), the mean amplitude a pixel of each frequency,
            vertical waves -LOWEST..LOWEST in the outer order, horizontal ones in the inner.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    of: str
    images: int
    table: tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]

    @model_validator(mode="after")
    def _as_many_as_needed(self) -> Style:
        wanted = _LEVELS if self.kind == "histogram" else (2 * LOWEST + 1) ** 2
        if any(len(row) != wanted for row in self.table):
            raise ValueError(f"expected three rows of {wanted} numbers")
        return self

    def apply(self, photo: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return a photo uint8 (H, W, 3) RGB with this look."""
        table = np.asarray(self.table)
        if self.kind == "histogram":
            return _specified(photo, table)
        return _with_amplitudes(photo, table.reshape(3, 2 * LOWEST + 1, 2 * LOWEST + 1))


def measure_style(photos: Iterable[NDArray[np.uint8]], kind: Kind, of: str) -> Style:
    """Measure what photos look like; each counts the same, whatever its size.

    Args:
        photos: uint8 (H, W, 3) RGB.
        kind: for which way.
        of: whose look it is, in words.

    Raises:
        ValueError: there is no photo.
    """
    measure = _cumulative if kind == "histogram" else _amplitudes
    total, images = np.zeros(1), 0
    for photo in photos:
        total, images = total + measure(photo), images + 1
    if not images:
        raise ValueError("expected at least one photo")
    rows = (total / images).reshape(3, -1).round(6).tolist()
    return Style(kind=kind, of=of, images=images, table=(tuple(rows[0]), tuple(rows[1]), tuple(rows[2])))


def _cumulative(photo: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the share of pixels at or below each level, (3, 256)."""
    counts = [np.bincount(photo[..., channel].ravel(), minlength=_LEVELS) for channel in range(3)]
    return np.cumsum(counts, axis=1) / (photo.shape[0] * photo.shape[1])


def _specified(photo: NDArray[np.uint8], wanted: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Move each level to the home level of the same rank: the middle of its own pixels' ranks."""
    found = _cumulative(photo)
    middle = found - np.diff(found, axis=1, prepend=0) / 2
    levels = np.arange(_LEVELS, dtype=np.float64)
    # The rank of a level is the middle of its pixels' ranks on both sides, so that a photo of the home stays as it is.
    home = wanted - np.diff(wanted, axis=1, prepend=0) / 2
    moved = [np.interp(middle[channel], *_rising(home[channel], wanted[channel], levels)) for channel in range(3)]
    table = np.rint(np.stack(moved, axis=1)).astype(np.uint8)[None]
    return np.asarray(cv2.LUT(photo, table), np.uint8)


def _rising(
    ranks: NDArray[np.float64], cumulative: NDArray[np.float64], levels: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the ranks and levels of those levels that home photos have: the others have no rank of their own."""
    present = np.diff(cumulative, prepend=0) > 0
    return ranks[present], levels[present]


def _amplitudes(photo: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the amplitude a pixel of the lowest frequencies, (3, 2 LOWEST + 1, 2 LOWEST + 1)."""
    spectrum = np.fft.fft2(photo, axes=(0, 1))
    rows, columns = _places(photo)
    lowest = np.abs(spectrum[np.ix_(rows, columns)]) / (photo.shape[0] * photo.shape[1])
    return np.asarray(lowest.transpose(2, 0, 1), np.float64)


def _with_amplitudes(photo: NDArray[np.uint8], amplitudes: NDArray[np.float64]) -> NDArray[np.uint8]:
    spectrum = np.fft.fft2(photo, axes=(0, 1))
    rows, columns = _places(photo)
    place = np.ix_(rows, columns)
    found = spectrum[place]
    wanted = amplitudes.transpose(1, 2, 0) * (photo.shape[0] * photo.shape[1])
    spectrum[place] = wanted * np.exp(1j * np.angle(found))
    return np.clip(np.rint(np.fft.ifft2(spectrum, axes=(0, 1)).real), 0, _LEVELS - 1).astype(np.uint8)


def _places(photo: NDArray[np.uint8]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return where frequencies -LOWEST..LOWEST lie in a spectrum's rows and columns.

    A photo of fewer than 2 LOWEST + 1 pixels a side has not so many: the places wrap around, and its last word counts.
    """
    waves = np.arange(-LOWEST, LOWEST + 1)
    return waves % photo.shape[0], waves % photo.shape[1]
