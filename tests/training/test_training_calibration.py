"""Reliability diagrams, against another implementation and by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torchmetrics.functional.classification import binary_calibration_error

from training.evaluation.calibration import calibration
from training.evaluation.work import CALIBRATION_BINS

K_TRUTH, K_MODEL, PIXELS = 3, 5, 4000
COLUMNS = np.array([0, 1, 1, 3, 2])  # two model classes on one, one without a target


def _counted(generator: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Return pixels (truth, winner, stored confidence) and their two histograms."""
    truth, winner = generator.integers(0, K_TRUTH, PIXELS), generator.integers(0, K_MODEL, PIXELS)
    stored = (255 * generator.beta(4, 1, PIXELS)).astype(np.int64).clip(0, 254)  # torchmetrics gives 1 a bin of its own
    pixels = np.zeros((CALIBRATION_BINS, K_TRUTH, K_MODEL), np.int64)
    np.add.at(pixels, (stored * CALIBRATION_BINS // 256, truth, winner), 1)
    winners = np.zeros((256, K_MODEL), np.int64)
    np.add.at(winners, (stored, winner), 1)
    return truth, winner, stored, pixels, winners


def _ece(stored: np.ndarray, right: np.ndarray) -> float:
    confidence = torch.from_numpy(stored / 255)
    return float(binary_calibration_error(confidence, torch.from_numpy(right.astype(np.int64)), CALIBRATION_BINS, "l1"))


def test_the_error_is_torchmetrics_of_the_whole_and_of_each_class_under_a_mapping() -> None:
    truth, winner, stored, pixels, winners = _counted(np.random.default_rng(3))
    found = calibration(pixels, winners, COLUMNS, K_TRUTH)
    right = COLUMNS[winner] == truth
    assert found.whole.ece == pytest.approx(_ece(stored, right), abs=1e-6)
    assert found.whole.gap == pytest.approx((stored / 255).mean() - right.mean())
    for index, reliability in enumerate(found.classes):
        ours = COLUMNS[winner] == index
        assert reliability.ece == pytest.approx(_ece(stored[ours], right[ours]), abs=1e-6)
        assert sum(each.pixels for each in reliability.bins) == ours.sum()


def test_every_bin_holds_the_pixels_between_its_ends() -> None:
    truth, winner, stored, pixels, winners = _counted(np.random.default_rng(4))
    right = COLUMNS[winner] == truth
    for each in calibration(pixels, winners, COLUMNS, K_TRUTH).whole.bins:
        inside = (stored / 255 >= each.start) & (stored / 255 < each.end)
        assert each.pixels == inside.sum()
        if not each.pixels:
            assert each.confidence is each.accuracy is None
            continue
        assert each.confidence == pytest.approx((stored[inside] / 255).mean())
        assert each.accuracy == pytest.approx(right[inside].mean())


def test_older_evaluations_know_the_whole_exactly_and_a_class_within_a_bin() -> None:
    _, _, _, pixels, winners = _counted(np.random.default_rng(5))
    exact, older = (calibration(pixels, counts, COLUMNS, K_TRUTH) for counts in (winners, winners.sum(axis=1)))
    assert older.whole.ece == pytest.approx(exact.whole.ece)
    for ours, theirs in zip(exact.classes, older.classes, strict=True):
        assert ours.ece is not None
        assert ours.ece == pytest.approx(theirs.ece, abs=1 / CALIBRATION_BINS)


def test_nothing_predicted_is_not_calibrated() -> None:
    pixels, winners = np.zeros((32, 2, 2), np.int64), np.zeros((256, 2), np.int64)
    pixels[31, 0, 0] = winners[255, 0] = 7
    found = calibration(pixels, winners, np.array([0, 1]), 2)
    assert found.whole.ece == 0  # sure, and right
    assert found.classes[1].ece is found.classes[1].gap is None
    with pytest.raises(ValueError, match="as many confidences as pixels"):
        calibration(pixels, 2 * winners, np.array([0, 1]), 2)
