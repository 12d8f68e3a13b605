"""Counts against a literal loop, beyond float precision, and on tensors."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from training.evaluation.counting import count, count_tensor


def _literal(truth: np.ndarray, prediction: np.ndarray, k_truth: int, k_model: int) -> np.ndarray:
    table = np.zeros((k_truth, k_model), np.int64)
    for true, predicted in zip(truth.ravel().tolist(), prediction.ravel().tolist(), strict=True):
        if true != 255:
            table[true, predicted] += 1
    return table


@st.composite
def map_pairs(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, int, int]:
    k_truth, k_model = draw(st.integers(1, 254)), draw(st.integers(1, 254))
    shape = draw(npst.array_shapes(min_dims=1, max_dims=3, max_side=12))
    truth = draw(npst.arrays(np.uint8, shape, elements=st.integers(0, k_truth - 1) | st.just(255)))
    prediction = draw(npst.arrays(np.uint8, shape, elements=st.integers(0, k_model - 1)))
    return truth, prediction, k_truth, k_model


@given(map_pairs())
def test_both_counts_equal_the_literal_loop(pair: tuple[np.ndarray, np.ndarray, int, int]) -> None:
    truth, prediction, k_truth, k_model = pair
    expected = _literal(truth, prediction, k_truth, k_model)
    np.testing.assert_array_equal(count(truth, prediction, k_truth, k_model), expected)
    total = torch.ones(k_truth, k_model, dtype=torch.int64)
    count_tensor(total, torch.from_numpy(truth), torch.from_numpy(prediction).long())
    np.testing.assert_array_equal(total.numpy(), expected + 1)


def test_views_count_like_copies() -> None:
    generator = np.random.default_rng(0)
    truth, prediction = generator.integers(0, 3, (2, 40, 60)).astype(np.uint8)
    np.testing.assert_array_equal(
        count(truth[::2, ::-3], prediction[::2, ::-3], 3, 3),
        count(truth[::2, ::-3].copy(), prediction[::2, ::-3].copy(), 3, 3),
    )


def test_a_cell_above_what_float32_holds_is_exact() -> None:
    pixels = 2**24 + 3
    zeros = np.broadcast_to(np.zeros(1, np.uint8), (pixels,))
    assert count(zeros, zeros, 1, 1).item() == pixels
    total = torch.zeros(1, 1, dtype=torch.int64)
    count_tensor(total, torch.zeros(pixels, dtype=torch.uint8), torch.zeros(pixels, dtype=torch.uint8))
    assert total.item() == pixels


@pytest.mark.parametrize(
    ("truth", "prediction", "message"),
    [
        ([0, 7, 254], [0, 0, 0], r"truth values below 3 .* found \[7, 254\]"),
        ([0, 1, 255], [0, 5, 0], r"predicted values below 2, found \[5\]"),
        ([0, 255], [0, 255], r"predicted values below 2, found \[255\]"),
    ],
)
def test_values_outside_their_classes_are_named(truth: list[int], prediction: list[int], message: str) -> None:
    pair = np.array(truth, np.uint8), np.array(prediction, np.uint8)
    with pytest.raises(ValueError, match=message):
        count(*pair, 3, 2)
    with pytest.raises(ValueError, match=message):
        count_tensor(torch.zeros(3, 2, dtype=torch.int64), *map(torch.from_numpy, pair))


def test_colours_are_never_compared_as_indices() -> None:
    # A prediction turned back into colours has three values a pixel: compared value by value with a class map it
    # would seem right wherever a channel happens to equal an index.
    classes = np.zeros((4, 4), np.uint8)
    with pytest.raises(ValueError, match="one shape"):
        count(classes, np.zeros((4, 4, 3), np.uint8), 2, 2)
    with pytest.raises(ValueError, match="expected predicted values below 2, found"):
        count(np.zeros((4, 4, 3), np.uint8), np.full((4, 4, 3), 128, np.uint8), 2, 2)
    with pytest.raises(ValueError, match="expected uint8"):
        count(classes, np.zeros((4, 4)), 2, 2)  # type: ignore[arg-type]
