"""How sure figures are: the bootstrap over images."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats
from scipy.sparse import csr_array

from training.evaluation.bootstrap import Interval, interval, resample, verdict
from training.evaluation.metrics import metrics
from training.evaluation.per_image import ClassSums, class_sums
from training.evaluation.report import CLASS_FIGURES, FIGURES

K = 3
COLUMNS = np.array(
    [0, 1, 2, 3, 1], np.intp
)  # five classes of the model: the fourth has no target, the fifth shares one


def _counts(seed: int, images: int, models: int = len(COLUMNS)) -> NDArray[np.int64]:
    random = np.random.default_rng(seed)
    table = random.integers(0, 50, (images, K, models))
    return table * (random.random(table.shape) < 0.7)


def _sums(tables: NDArray[np.int64]) -> ClassSums:
    return class_sums(csr_array(tables.reshape(len(tables), -1)), COLUMNS, K)


def _confusion(table: NDArray[np.int64]) -> NDArray[np.int64]:
    mapped = np.zeros((K, K + 1), np.int64)
    for model, column in enumerate(COLUMNS):
        mapped[:, column] += table[:, model]
    return mapped


@given(st.integers(0, 1000))
@settings(max_examples=25, deadline=None)
def test_a_resample_has_the_figures_that_the_metrics_have_of_its_images(seed: int) -> None:
    tables = _counts(seed, images=4)
    drawn = resample(_sums(tables), resamples=3, seed=seed)
    weights = np.random.default_rng(seed).multinomial(4, np.full(4, 1 / 4), 3)
    for number, weight in enumerate(weights):
        expected = metrics(_confusion(np.einsum("i,itm->tm", weight, tables)))
        for name in FIGURES:
            assert drawn.whole[name][number] == pytest.approx(_or_nan(getattr(expected, name)), nan_ok=True)
        for name in CLASS_FIGURES:
            figures = [_or_nan(getattr(row, name)) for row in expected.classes]
            assert drawn.classes[name][number] == pytest.approx(figures, nan_ok=True)


def test_the_interval_is_the_one_that_scipy_finds() -> None:
    tables = _counts(5, images=40)
    ours = interval(resample(_sums(tables), seed=1).whole["miou"])

    def miou(numbers: NDArray[np.intp]) -> float:
        return metrics(_confusion(tables[numbers].sum(axis=0))).miou or 0

    peer = stats.bootstrap(
        (np.arange(40),), miou, vectorized=False, n_resamples=1500, method="percentile", random_state=2
    ).confidence_interval
    width = peer.high - peer.low
    assert ours is not None
    assert ours.low == pytest.approx(peer.low, abs=0.1 * width)
    assert ours.high == pytest.approx(peer.high, abs=0.1 * width)


def test_a_small_gain_that_every_image_has_is_seen_in_pairs_and_not_without() -> None:
    random = np.random.default_rng(0)
    hard = random.uniform(0.2, 0.9, 60)  # how much of an image is right differs a lot from image to image
    a, b = (_of_shares(share) for share in (hard, hard + 0.02))

    def difference(seed: int) -> Interval | None:
        return interval(resample(b, seed=seed).whole["pa"] - resample(a, seed=0).whole["pa"])

    assert verdict(difference(seed=0)) == "better"
    assert verdict(difference(seed=1)) == "cannot tell"


def test_a_figure_that_many_resamples_lack_has_no_interval() -> None:
    tables = np.zeros((5, K, len(COLUMNS)), np.int64)
    tables[:, 0, 0] = 10
    tables[0, 1, 1] = 10  # one image in five has the class: every third resample does not
    drawn = resample(_sums(tables))
    assert interval(drawn.classes["iou"][:, 1]) is None
    assert interval(drawn.classes["iou"][:, 2]) is None
    assert interval(drawn.classes["iou"][:, 0]) == Interval(1, 1)
    assert verdict(None) == "cannot tell"


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0.1, 0.2, "better"), (-0.2, -0.1, "worse"), (-0.1, 0.1, "cannot tell"), (0, 0, "cannot tell")],
)
def test_a_verdict_needs_all_of_the_interval_on_one_side(low: float, high: float, expected: str) -> None:
    assert verdict(Interval(low, high)) == expected


def _of_shares(right: NDArray[np.float64]) -> ClassSums:
    pixels = np.full((len(right), 1), 1000.0)
    hits = np.round(1000 * right)[:, None]
    return ClassSums(hits, pixels, pixels)


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else value
