"""Figures against hand computation, a literal re-statement of the rules, and torchmetrics."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from torchmetrics.functional.classification import (
    multiclass_accuracy,
    multiclass_f1_score,
    multiclass_jaccard_index,
    multiclass_precision,
)

from training.evaluation.metrics import ClassMetrics, metrics


def test_two_classes_by_hand() -> None:
    result = metrics(np.array([[3, 1], [0, 4]]))
    assert result.pa == 7 / 8
    assert result.ma == (3 / 4 + 4 / 4) / 2
    assert result.miou == pytest.approx((3 / 4 + 4 / 5) / 2)
    assert result.fwiou == pytest.approx(0.5 * 3 / 4 + 0.5 * 4 / 5)
    assert result.precision == pytest.approx((3 / 3 + 4 / 5) / 2)
    assert result.f1 == pytest.approx((6 / 7 + 8 / 9) / 2)
    assert result.pixels == 8


def test_class_absent_from_truth_and_prediction_is_left_out_of_every_mean() -> None:
    with_absent = metrics(np.array([[3, 1, 0], [0, 4, 0], [0, 0, 0]]))
    assert with_absent.classes[2] == ClassMetrics(None, None, None, None, 0, 0)
    without = metrics(np.array([[3, 1], [0, 4]]))
    assert (with_absent.miou, with_absent.ma, with_absent.f1) == (without.miou, without.ma, without.f1)


def test_class_present_but_never_predicted_has_no_precision_and_zero_iou() -> None:
    result = metrics(np.array([[5, 0], [2, 0]]))
    assert result.classes[1] == ClassMetrics(iou=0, precision=None, recall=0, f1=0, pixels=2, predicted=0)
    assert result.miou == pytest.approx(5 / 7 / 2)
    assert result.precision == 5 / 7


def test_class_only_predicted_has_no_recall_and_counts_in_miou() -> None:
    result = metrics(np.array([[5, 2], [0, 0]]))
    assert result.classes[1] == ClassMetrics(iou=0, precision=0, recall=None, f1=0, pixels=0, predicted=2)
    assert result.miou == pytest.approx(5 / 7 / 2)
    assert result.ma == 5 / 7
    assert result.fwiou == 5 / 7


def test_other_column_counts_as_errors() -> None:
    result = metrics(np.array([[3, 0, 1], [0, 4, 0]]))
    assert result.pa == 7 / 8
    assert result.classes[0] == ClassMetrics(iou=3 / 4, precision=1.0, recall=3 / 4, f1=6 / 7, pixels=4, predicted=3)


def test_nothing_counted_gives_no_figures() -> None:
    result = metrics(np.zeros((2, 3), np.int64))
    assert (result.pa, result.ma, result.miou, result.fwiou, result.precision, result.f1) == (None,) * 6


@pytest.mark.parametrize(
    "wrong", [np.zeros((2, 4), int), np.zeros((3, 2), int), np.zeros((2, 2)), np.array([[-1]]), np.zeros(4, int)]
)
def test_refuses_what_is_no_confusion(wrong: np.ndarray) -> None:
    with pytest.raises(ValueError, match="expected"):
        metrics(wrong)


def _literal(confusion: np.ndarray) -> dict[str, float | None]:
    """The definitions, pixel group by pixel group, in plain Python."""
    k = len(confusion)
    true_positive, false_positive, false_negative = [0] * k, [0] * k, [0] * k
    for truth, row in enumerate(confusion.tolist()):
        for predicted, number in enumerate(row):
            if truth == predicted:
                true_positive[truth] += number
                continue
            false_negative[truth] += number
            if predicted < k:
                false_positive[predicted] += number
    total = sum(map(sum, confusion.tolist()))
    ious, recalls, weighted = [], [], 0.0
    for hits, extra, missed in zip(true_positive, false_positive, false_negative, strict=True):
        if hits + extra + missed:
            ious.append(hits / (hits + extra + missed))
            weighted += (hits + missed) / max(total, 1) * ious[-1]
        if hits + missed:
            recalls.append(hits / (hits + missed))
    return {
        "pa": sum(true_positive) / total if total else None,
        "ma": sum(recalls) / len(recalls) if recalls else None,
        "miou": sum(ious) / len(ious) if ious else None,
        "fwiou": weighted if total else None,
    }


@given(
    st.integers(1, 6).flatmap(
        lambda k: st.sampled_from([k, k + 1]).flatmap(
            lambda columns: npst.arrays(np.int64, (k, columns), elements=st.integers(0, 5) | st.integers(0, 2**40))
        )
    )
)
def test_agrees_with_the_literal_definitions(confusion: np.ndarray) -> None:
    result = metrics(confusion)
    for name, expected in _literal(confusion).items():
        assert getattr(result, name) == pytest.approx(expected), name


def test_agrees_with_torchmetrics_where_every_class_is_present() -> None:
    generator = np.random.default_rng(3)
    truth, prediction = generator.integers(0, 5, (2, 4000))
    confusion = np.zeros((5, 5), np.int64)
    np.add.at(confusion, (truth, prediction), 1)
    result = metrics(confusion)
    pair = torch.from_numpy(prediction), torch.from_numpy(truth)
    assert result.miou == pytest.approx(multiclass_jaccard_index(*pair, 5).item(), abs=1e-6)
    assert result.ma == pytest.approx(multiclass_accuracy(*pair, 5).item(), abs=1e-6)
    assert result.precision == pytest.approx(multiclass_precision(*pair, 5, average="macro").item(), abs=1e-6)
    assert result.f1 == pytest.approx(multiclass_f1_score(*pair, 5, average="macro").item(), abs=1e-6)
