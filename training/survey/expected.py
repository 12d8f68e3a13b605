"""How accurate a model will be where nobody labelled anything, from how sure it is alone.

Three estimates of the pixel accuracy, all learnt on a home whose labels are known:

- `atc`, average thresholded confidence (Garg et al., Leveraging unlabeled data to predict out-of-distribution
  performance, ICLR 2022): the share of pixels above that confidence which, at home, as many pixels are above as are
  right.
- `confidence`: the mean confidence, less what it is too high at home (difference of confidences, Guillory et al., ICCV
  2021).
- `entropy`: the line through the home photos' accuracies against their mean entropies (least squares), read at the
  entropy of each photo.

They assume that being unsure means the same here and there. None knows of a shift that leaves the network sure and
wrong: their errors on labelled datasets belong beside them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

LEVELS = 256
_FEWEST_PHOTOS = 5


@dataclass(frozen=True)
class Known:
    """What is known of labelled photos.

    Attributes:
        confidence: pixels by the winner's probability, 0..255 for 0..1, (256,).
        accuracy: share of them that are right, 0..1.
        accuracies: the same of each photo, (N,); NaN where all of it is ignored.
        entropies: mean entropy of each photo, (N,); NaN where nobody measured it.
    """

    confidence: NDArray[np.int64]
    accuracy: float
    accuracies: NDArray[np.float64]
    entropies: NDArray[np.float64]


@dataclass(frozen=True)
class Expected:
    """Estimates of the pixel accuracy, 0..1; `entropy` is None where home has no line."""

    atc: float
    confidence: float
    entropy: float | None

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return dict(vars(self))


def expected_accuracy(home: Known, confidence: NDArray[np.int64], entropies: NDArray[np.float64]) -> Expected:
    """Estimate the pixel accuracy on photos without labels.

    Args:
        home: what the estimates learn from.
        confidence: pixels of the photos by the winner's probability, (256,).
        entropies: of the photos, (M,); NaN where nobody measured it.

    Raises:
        ValueError: home or photos have no pixel.
    """
    if not home.confidence.sum() or not confidence.sum():
        raise ValueError("expected pixels at home and in the photos")
    too_high = _mean_confidence(home.confidence) - home.accuracy
    return Expected(
        atc=_share_above(confidence, _level_below(home.confidence, 1 - home.accuracy)),
        confidence=float(np.clip(_mean_confidence(confidence) - too_high, 0, 1)),
        entropy=_on_the_line(home, entropies[~np.isnan(entropies)]),
    )


def no_line(home: Known) -> str | None:
    """Return why home has no line of accuracies against entropies, as what is said of it; None where it has one."""
    x = home.entropies[_measured(home)]
    if np.isnan(home.entropies).all():
        return "is older than entropies by image: evaluate again"
    if len(x) < _FEWEST_PHOTOS:
        return f"has {len(x)} photos to learn from, and {_FEWEST_PHOTOS} are needed"
    return "has the same entropy on all its photos" if np.ptp(x) == 0 else None


def _mean_confidence(pixels: NDArray[np.int64]) -> float:
    return float(pixels @ np.arange(LEVELS) / (LEVELS - 1) / pixels.sum())


def _level_below(pixels: NDArray[np.int64], share: float) -> float:
    """Return the level that this share of the pixels is below, between two levels in proportion."""
    below = np.concatenate([[0.0], np.cumsum(pixels) / pixels.sum()])
    rising = np.concatenate([[True], np.diff(below) > 0])
    return float(np.interp(share, below[rising], np.arange(LEVELS + 1)[rising]))


def _share_above(pixels: NDArray[np.int64], level: float) -> float:
    below = np.concatenate([[0.0], np.cumsum(pixels) / pixels.sum()])
    return float(1 - np.interp(level, np.arange(LEVELS + 1), below))


def _on_the_line(home: Known, entropies: NDArray[np.float64]) -> float | None:
    if len(entropies) == 0 or no_line(home):
        return None
    both = _measured(home)
    slope, height = np.polyfit(home.entropies[both], home.accuracies[both], 1)
    return float(np.clip(slope * entropies + height, 0, 1).mean())


def _measured(home: Known) -> NDArray[np.bool_]:
    return ~np.isnan(home.accuracies) & ~np.isnan(home.entropies)
