"""How sure a figure is: the bootstrap over images (Efron, 1979), paired where two evaluations hold the same images.

An image is what is drawn, never a pixel: the pixels of one photo are no independent witnesses. Each resample draws as
many images as there are, with replacement, and computes every figure from the sums of their counts, as the figures
themselves are computed. An interval is the middle 95 % of what the resamples give (the percentile interval). Two
evaluations of the same images are resampled together, so that what is hard in a photo is hard for both and cancels.

It holds for the figures of one test set and one pair of models: it knows nothing of other seeds of the training. Among
twenty classes, one interval is expected to miss by chance.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from training.evaluation.per_image import ClassSums

RESAMPLES = 2000
SEED = 0
LEVEL = 0.95
FEW_IMAGES = 20
"""Of fewer images than this, intervals are said to be rough."""
FEWEST_IMAGES = 5
"""Of fewer images than this there are no intervals: too few of the possible draws differ."""
Verdict = Literal["better", "worse", "cannot tell"]
_DRAWN_AT_ONCE = 100  # bounds memory: draws times images, as float64
_MOSTLY = 0.95  # a figure that more of the resamples lack than this leaves has no interval


@dataclass(frozen=True)
class Interval:
    """The middle of what the resamples give, in the figure's own unit."""

    low: float
    high: float

    def to_json(self) -> dict[str, float]:
        """Return plain JSON values."""
        return {"low": self.low, "high": self.high}


@dataclass(frozen=True)
class Figures:
    """Figures of each resample; fractions, NaN where not defined.

    Attributes:
        whole: by the names of `training.evaluation.report.FIGURES`, float64 (resamples,).
        classes: by the names of its `CLASS_FIGURES`, float64 (resamples, K).
    """

    whole: dict[str, NDArray[np.float64]]
    classes: dict[str, NDArray[np.float64]]


def resample(sums: ClassSums, *, resamples: int = RESAMPLES, seed: int = SEED) -> Figures:
    """Compute every figure in each resample of an evaluation's images.

    Two evaluations resampled with one seed and as many images are drawn alike: with their images in one order that
    makes them paired. With seeds of their own they are independent.

    Args:
        sums: of every image.
        resamples: how many.
        seed: of the draws.
    """
    table = np.concatenate([sums.hits, sums.truth, sums.predicted], axis=1)
    hits, truth, predicted = np.split(resampled_sums(table, resamples=resamples, seed=seed), 3, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):  # 0 / 0 is NaN: not defined
        classes = {
            "iou": hits / (truth + predicted - hits),
            "precision": hits / predicted,
            "recall": hits / truth,
            "f1": 2 * hits / (truth + predicted),
        }
        pixels = truth.sum(axis=1)
        weighted = np.where(truth > 0, truth * classes["iou"], 0).sum(axis=1)
        whole = {
            "pa": hits.sum(axis=1) / pixels,
            "ma": mean_of_classes(classes["recall"]),
            "miou": mean_of_classes(classes["iou"]),
            "fwiou": weighted / pixels,
            "precision": mean_of_classes(classes["precision"]),
            "recall": mean_of_classes(classes["recall"]),
            "f1": mean_of_classes(classes["f1"]),
        }
    return Figures(whole, classes)


def resampled_sums(counts: NDArray[np.int64], *, resamples: int = RESAMPLES, seed: int = SEED) -> NDArray[np.float64]:
    """Return the sums of counts (images, n) over the images of each resample, (resamples, n); see `resample`."""
    return np.concatenate([weights @ counts for weights in _draws(len(counts), resamples, seed)])


def mean_of_classes(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean of (resamples, K) over the classes that are defined, (resamples,); NaN where none is."""
    defined = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        return np.where(defined, values, 0).sum(axis=1) / defined.sum(axis=1)


def interval(values: NDArray[np.float64]) -> Interval | None:
    """Return the middle 95 % of a figure's resamples (n,); None where too many of them lack it."""
    defined = values[~np.isnan(values)]
    if len(defined) == 0 or len(defined) < _MOSTLY * len(values):
        return None
    low, high = np.quantile(defined, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(low), float(high))


def verdict(difference: Interval | None) -> Verdict:
    """Say what an interval of a difference, new minus old, says of the new one."""
    if difference is None or difference.low <= 0 <= difference.high:
        return "cannot tell"
    return "better" if difference.low > 0 else "worse"


def told(images: int) -> dict[str, Any]:
    """Return, as plain JSON values, what belongs beside intervals: how they were made."""
    return {"level": LEVEL, "resamples": RESAMPLES, "seed": SEED, "images": images, "few_images": images < FEW_IMAGES}


def _draws(images: int, resamples: int, seed: int) -> Iterator[NDArray[np.float64]]:
    """Yield how often each image is drawn, (up to `_DRAWN_AT_ONCE`, images)."""
    random = np.random.default_rng(seed)
    shares = np.full(images, 1 / images)
    for start in range(0, resamples, _DRAWN_AT_ONCE):
        yield random.multinomial(images, shares, min(_DRAWN_AT_ONCE, resamples - start)).astype(np.float64)
