"""Classes that are taken for one another stand together."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from training.evaluation.class_order import alike_order


def test_what_is_confused_stands_together_and_what_is_absent_last() -> None:
    counts = np.diag([90, 80, 70, 0, 60, 50, 40]).astype(np.int64)
    for truth, predicted in ((0, 4), (4, 0), (1, 6), (6, 1), (2, 5)):
        counts[truth, predicted] = 30
    order = alike_order(np.hstack([counts, np.ones((7, 1), np.int64)])[:, :8])
    assert sorted(order) == list(range(7))
    for first, second in ((0, 4), (1, 6), (2, 5)):
        assert abs(order.index(first) - order.index(second)) == 1


def test_a_class_without_a_pixel_is_last() -> None:
    counts = np.diag([5, 0, 5, 5, 0]).astype(np.int64)
    assert alike_order(counts)[-2:] == (1, 4)
    assert alike_order(np.zeros((2, 3), np.int64)) == (0, 1)


def test_neighbours_are_as_near_as_one_tree_lets_them_be() -> None:
    # Each class is taken for the next one alone. Average linkage joins pairs, which turned rightly give that chain.
    counts = np.diag([100] * 8) + np.diag([40, 10, 40, 5, 40, 10, 40], 1)
    order = alike_order(counts.astype(np.int64))
    assert order in (tuple(range(8)), tuple(reversed(range(8))))
    near = np.sqrt((counts / counts.sum(axis=1, keepdims=True) + (counts / counts.sum(axis=1, keepdims=True)).T) / 2)
    assert sum(near[a, b] for a, b in itertools.pairwise(order)) >= sum(near[i, i + 1] for i in range(7)) - 1e-12


@given(st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_every_class_is_there_once(classes: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    counts = draw.integers(0, 9, (classes, classes + 1)) * draw.integers(0, 2, (classes, classes + 1))
    assert sorted(alike_order(counts.astype(np.int64))) == list(range(classes))
