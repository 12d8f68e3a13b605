"""Cross-entropy, class weights, and the loss of a step: what the contract of all losses does not say already."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from tests.support.tiny_models import LocalNet
from training.architectures.contract import Logits
from training.losses import pixelwise, valid
from training.losses.class_weights import class_weights
from training.losses.cross_entropy import cross_entropy_sum
from training.losses.segmentation import SegmentationLoss
from training.losses.valid import ValidPixels, resize_labels
from training.recipe_parts import Loss

K = 4


def draw(seed: int, shape: tuple[int, int, int] = (3, 5, 7)) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(shape[0], K, *shape[1:], generator=generator) * 3
    labels = torch.randint(0, K, shape, generator=generator, dtype=torch.uint8)
    labels[torch.rand(shape, generator=generator) < 0.3] = 255
    return logits, labels


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), weighted=st.booleans(), last=st.booleans())
def test_value_and_gradient_are_those_of_torch(seed: int, weighted: bool, last: bool) -> None:
    logits, labels = draw(seed)
    weights = torch.tensor([0.5, 1.0, 2.0, 4.0]) if weighted else None
    if last:
        logits = logits.contiguous(memory_format=torch.channels_last)
    ours, theirs = logits.clone().requires_grad_(), logits.clone().requires_grad_()
    value = cross_entropy_sum(ours, labels, weights)
    expected = F.cross_entropy(theirs, labels.long(), weight=weights, ignore_index=255, reduction="sum")
    torch.testing.assert_close(value, expected)
    value.backward()
    expected.backward()
    torch.testing.assert_close(ours.grad, theirs.grad)


def test_small_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    logits, labels = draw(1)
    whole = cross_entropy_sum(logits, labels)
    monkeypatch.setattr(pixelwise, "CHUNK", 1)
    torch.testing.assert_close(cross_entropy_sum(logits, labels), whole)


class TwoHeads(LocalNet):
    head_weights: ClassVar[dict[str, float]] = {"aux": 0.4}


@pytest.mark.parametrize("at", ["logits", "input"])
def test_parts_of_a_step_add_up_to_the_whole(at: str) -> None:
    logits, _ = draw(4, (4, 6, 8))
    _, labels = draw(5, (4, 12, 16))
    labels[0] = 255  # one pass has nearly nothing to say; a mean of means would give it half the vote
    loss = SegmentationLoss(TwoHeads(K), Loss.model_validate({"at": at}), torch.tensor([0.5, 1.0, 2.0, 4.0]))

    def head(part: slice) -> Logits:
        return Logits(logits[part], {"aux": logits[part] * 2})

    whole = loss(head(slice(0, 4)), labels, ValidPixels([labels]))
    parts = [labels[:2], labels[2:]]
    step = ValidPixels(parts)
    halves = [loss(head(slice(0, 2)), parts[0], step), loss(head(slice(2, 4)), parts[1], step)]
    torch.testing.assert_close(halves[0] + halves[1], whole)


def test_the_labels_of_a_step_are_resized_once_each_to_be_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[int] = []

    def counting(labels: Tensor, size: tuple[int, int]) -> Tensor:
        counted.append(len(labels))
        return resize_labels(labels, size)

    parts = [draw(seed, (1, 12, 16))[1] for seed in range(5)]
    pixels = ValidPixels(parts)
    monkeypatch.setattr(valid, "resize_labels", counting)
    for _ in parts:
        assert pixels.at((6, 8)) == sum(int((resize_labels(part, (6, 8)) != 255).sum()) for part in parts)
    assert len(counted) == len(parts)


def test_each_place_of_the_loss_is_what_it_says() -> None:
    logits, _ = draw(4, (2, 6, 8))
    _, labels = draw(5, (2, 12, 16))
    at_input = SegmentationLoss(LocalNet(K), Loss(at="input"), None)(Logits(logits), labels, ValidPixels([labels]))
    up = F.interpolate(logits, size=(12, 16), mode="bilinear")
    torch.testing.assert_close(at_input, F.cross_entropy(up, labels.long(), ignore_index=255))
    at_logits = SegmentationLoss(LocalNet(K), Loss(at="logits"), None)(Logits(logits), labels, ValidPixels([labels]))
    small = resize_labels(labels, (6, 8))
    torch.testing.assert_close(at_logits, F.cross_entropy(logits, small.long(), ignore_index=255))


def test_median_frequency_is_that_of_segnet() -> None:
    histograms = np.array([[90, 10, 0], [50, 0, 50]])
    weights = class_weights(histograms, Loss(class_weights="median_frequency"))
    frequency = np.array([140 / 200, 10 / 100, 50 / 100])
    expected = np.median(frequency) / frequency
    expected *= 200 / (expected * [140, 10, 50]).sum()
    assert weights is not None
    np.testing.assert_allclose(weights, expected, rtol=1e-6)


def test_a_power_softens_the_weights() -> None:
    histograms = np.array([[6400, 100]])
    loss = Loss(class_weights="median_frequency", max_weight=1000)
    plain = class_weights(histograms, loss)
    softened = class_weights(histograms, loss.model_copy(update={"power": 0.5}))
    assert plain is not None
    assert softened is not None
    assert plain[1] / plain[0] == pytest.approx(64)
    assert softened[1] / softened[0] == pytest.approx(8)
    assert (softened * histograms[0]).sum() / histograms.sum() == pytest.approx(1)


def test_effective_number_counts_images() -> None:
    histograms = np.array([[1, 9], [1, 0], [1, 0]])
    weights = class_weights(histograms, Loss(class_weights="effective_number", beta=0.9))
    assert weights is not None
    assert weights[1] / weights[0] == pytest.approx((1 - 0.9**3) / (1 - 0.9))


def test_weights_have_a_mean_of_one_over_pixels_a_limit_and_no_hole() -> None:
    histograms = np.array([[1_000_000, 1, 0]])
    weights = class_weights(histograms, Loss(class_weights="median_frequency", max_weight=5))
    assert weights is not None
    assert (weights * histograms[0]).sum() / histograms.sum() == pytest.approx(1)
    assert weights[1] / weights[0] == pytest.approx(5)
    assert weights[2] == 1
    assert class_weights(histograms, Loss()) is None
