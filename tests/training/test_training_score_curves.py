"""ROC and precision-recall from binned probabilities, against exact ones of the probabilities as they were."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchmetrics.functional.classification import binary_auroc, binary_average_precision

from training.evaluation.binned_curve import binned_curve
from training.evaluation.curves import score_curves

BINS = 100


def _histogram(scores: np.ndarray) -> np.ndarray:
    return np.bincount(np.minimum(scores * BINS, BINS - 1).astype(np.int64), minlength=BINS)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    pixels=st.integers(2, 400),
    skill=st.sampled_from([0.0, 0.3, 0.9]),
    decimals=st.integers(1, 6),
)
def test_the_exact_areas_lie_in_the_ranges_told(seed: int, pixels: int, skill: float, decimals: int) -> None:
    generator = np.random.default_rng(seed)
    truth = generator.random(pixels) < 0.2
    truth[:2] = True, False
    scores = np.round(
        np.clip(generator.random(pixels) * (1 - skill) + truth * skill * generator.random(pixels), 0, 1), decimals
    )
    found = binned_curve(_histogram(scores[truth]), _histogram(scores[~truth]))
    score, target = torch.from_numpy(scores), torch.from_numpy(truth.astype(np.int64))
    assert float(binary_auroc(score, target)) == pytest.approx(found.auc, abs=found.auc_error + 1e-6)
    low, high = found.average_precision_range
    assert low - 1e-6 <= float(binary_average_precision(score, target)) <= high + 1e-6
    assert low - 1e-12 <= found.average_precision <= high + 1e-12


def test_points_are_those_of_every_threshold() -> None:
    generator = np.random.default_rng(1)
    truth, scores = generator.random(3000) < 0.3, generator.random(3000)
    found = binned_curve(_histogram(scores[truth]), _histogram(scores[~truth]))
    for place, threshold in enumerate(found.thresholds[1:], 1):
        called = np.minimum(scores * BINS, BINS - 1).astype(int) >= round(threshold * BINS)
        assert found.recall[place] == pytest.approx(called[truth].mean())
        assert found.false_positive_rate[place] == pytest.approx(called[~truth].mean())
        assert found.precision[place] == pytest.approx(truth[called].mean())
    assert (found.recall[0], found.false_positive_rate[0], np.isnan(found.precision[0])) == (0, 0, True)


def test_classes_under_a_mapping_and_those_that_have_no_curve() -> None:
    truth_classes, model_classes = ("road", "sky", "tree", "boat"), ("street", "sky", "oak", "pine", "boat")
    columns = np.array([0, 4, 2, 2, 3])  # nothing leads to the sky, two to the tree
    scores = np.random.default_rng(2).integers(0, 50, (5, 4, BINS))
    scores[:, 3] = 0  # no boat in the truth
    confusion = np.array([[8, 0, 1, 1, 0], [2, 0, 0, 0, 8], [0, 0, 10, 0, 0], [0, 0, 0, 0, 0]])
    road, sky, tree, boat = score_curves(scores, columns, confusion, truth_classes, model_classes)
    expected = binned_curve(scores[0, 0], scores[0, 1:].sum(axis=0))
    assert road.curve is not None
    assert (road.curve.auc, road.note) == (expected.auc, None)
    assert vars(road.working_point) == {"recall": 0.8, "false_positive_rate": 0.1, "precision": 0.8}
    assert (sky.curve, tree.curve, boat.curve) == (None, None, None)
    assert sky.note == "No class of the model leads to it."
    assert "oak, pine" in (tree.note or "")
    assert "truth" in (boat.note or "")
    values = road.to_json(points=True)
    assert len(values["points"]) == BINS + 1
    assert values["points"][0]["precision"] is None
    assert sky.to_json(points=True)["points"] == []
