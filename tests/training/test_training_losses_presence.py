"""The presence loss: against torch's own, ignore left out, and a share of the step like every other head."""

from __future__ import annotations

from typing import ClassVar

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from tests.support.tiny_models import LocalNet
from training.architectures.contract import Logits
from training.losses.presence import presence_sum, present
from training.losses.segmentation import SegmentationLoss
from training.losses.valid import ValidPixels
from training.recipe_parts import Loss

K = 4


def draw(images: int = 3) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(2, (images, 6, 8), generator=generator, dtype=torch.uint8)
    labels[0, 0, 0] = 3
    labels[:, 2:4] = 255
    return torch.randn(images, K, generator=generator), labels


def test_one_pixel_is_presence_and_ignored_pixels_are_none() -> None:
    _, labels = draw()
    literal = [[bool((image == c).any()) for c in range(K)] for image in labels]
    assert present(labels, K).tolist() == literal
    assert present(labels, K)[:, 3].tolist() == [True, False, False]


def test_it_is_the_mean_binary_cross_entropy_of_torch() -> None:
    logits, labels = draw()
    expected = F.binary_cross_entropy_with_logits(logits, present(labels, K).float())
    torch.testing.assert_close(presence_sum(logits, labels) / len(labels), expected)
    weights = torch.tensor([1.0, 0.5, 2.0, 4.0])
    weighted = F.binary_cross_entropy_with_logits(logits, present(labels, K).float(), weight=weights / weights.mean())
    torch.testing.assert_close(presence_sum(logits, labels, weights) / len(labels), weighted)
    torch.testing.assert_close(presence_sum(logits, labels, weights * 9), presence_sum(logits, labels, weights))


def test_an_image_without_a_valid_pixel_has_no_say() -> None:
    logits, labels = draw()
    labels[1] = 255
    logits.requires_grad_(True)
    presence_sum(logits, labels).backward()
    assert logits.grad is not None
    assert not logits.grad[1].any()
    assert logits.grad[0].all()


class Presence(LocalNet):
    head_weights: ClassVar[dict[str, float]] = {"presence": 0.2}


@pytest.mark.parametrize("at", ["logits", "input"])
def test_it_is_added_by_its_weight_and_parts_of_a_step_add_up(at: str) -> None:
    presence, labels = draw()
    labels[2] = 255
    out = torch.randn(3, K, 3, 4, generator=torch.Generator().manual_seed(1))
    loss = SegmentationLoss(Presence(K), Loss.model_validate({"at": at}), None)
    valid = ValidPixels([labels[:1], labels[1:]])
    plain = loss(Logits(out), labels, valid)
    whole = loss(Logits(out, presence=presence), labels, valid)
    torch.testing.assert_close(whole - plain, 0.2 * presence_sum(presence, labels) / 2)
    parts = [loss(Logits(out[part], presence=presence[part]), labels[part], valid) for part in (slice(1), slice(1, 3))]
    torch.testing.assert_close(parts[0] + parts[1], whole)
