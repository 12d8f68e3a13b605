"""The affinity loss: the same in tiles, pieces and the dense form; within its memory; and its picture."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from training.losses import affinity_tiles
from training.losses.affinity import affinity_sum
from training.losses.affinity_picture import affinity_picture


def draw(side: int, classes: int = 5, images: int = 2) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(side)
    logits = torch.randn(images, classes, side, side + 1, generator=generator) * 3
    labels = torch.randint(0, classes, (images, side, side + 1), generator=generator, dtype=torch.uint8)
    labels[torch.rand(labels.shape, generator=generator) < 0.2] = 255
    return logits, labels, torch.rand(images, 3, side, side + 1, generator=generator)


def dense(logits: Tensor, labels: Tensor, colors: Tensor, position: float = 0.1) -> Tensor:
    """Return the loss with both matrices written out, in float64."""
    total = torch.zeros((), dtype=torch.float64)
    height, width = labels.shape[1:]
    where = torch.meshgrid(torch.linspace(0, 1, height).double(), torch.linspace(0, 1, width).double(), indexing="ij")
    for image, label, color in zip(logits.double(), labels, colors.double(), strict=True):
        known = label != 255
        c, xy, p = (each[:, known].T for each in (color, torch.stack(where), image.softmax(dim=0)))
        distance = torch.cdist(c, c, p=1) + position * torch.cdist(xy, xy, p=1)
        image_affinity, predicted = (-distance).exp(), p @ p.T
        total = total + 1 - (image_affinity * predicted).sum() / (image_affinity.norm() * predicted.norm())
    return total


@pytest.mark.parametrize("budget", [1, 256 << 20])
def test_it_is_the_dense_form_at_32x32_whatever_the_tiles(budget: int) -> None:
    logits, labels, colors = draw(32)
    ours, theirs = logits.clone().requires_grad_(), logits.double().requires_grad_()
    loss, expected = affinity_sum(ours, labels, colors, budget=budget), dense(theirs, labels, colors)
    loss.backward()
    expected.backward()
    assert loss.item() == pytest.approx(expected.item(), abs=1e-5)
    assert ours.grad is not None
    assert theirs.grad is not None
    torch.testing.assert_close(ours.grad.double(), theirs.grad, rtol=1e-5, atol=1e-5 * float(theirs.grad.abs().max()))


def test_tiles_on_a_gpu_are_computed_alike() -> None:
    """The operations a GPU runs, run here."""
    features, others = torch.rand(5, 7), torch.rand(5, 9)
    out = affinity_tiles.image_affinity(features, others, torch.empty(63), torch.empty(0)).clone()
    torch.testing.assert_close(affinity_tiles.image_affinity_by_torch(features, others, torch.empty(63)), out)
    torch.testing.assert_close(out, (-torch.cdist(features.T, others.T, p=1)).exp())


@pytest.mark.parametrize(("pixels", "width"), [(50176, 21), (1024, 4), (262144, 254), (5, 1), (0, 3)])
@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_blocks_cover_all_pixels_within_the_budget(pixels: int, width: int, device: str) -> None:
    budget = 256 << 20
    runs = list(affinity_tiles.blocks(pixels, width, torch.device(device), budget))
    assert [index for run in runs for index in (run.start, run.stop)][1:-1:2] == [run.start for run in runs[1:]]
    assert sum(run.stop - run.start for run in runs) == pixels
    side = max((run.stop - run.start for run in runs), default=0)
    tiles = 4 * side**2 * (1 if device == "cpu" else 2)
    assert tiles + 3 * 4 * pixels * width <= budget or side == affinity_tiles.SMALLEST


def test_pieces_are_images_by_themselves_but_for_where_they_lie() -> None:
    logits, labels, colors = draw(12)
    labels[0, :6, :6] = 255  # a piece without a valid pixel has no say
    rows, columns = (slice(0, 6), slice(6, 12)), (slice(0, 6), slice(6, 13))
    corners = [(Ellipsis, top, left) for top in rows for left in columns]
    parts = [
        [
            affinity_sum(logits[n][None][corner], labels[n][None][corner], colors[n][None][corner], position=0)
            for corner in corners
            if (labels[n][corner] != 255).any()
        ]
        for n in range(2)
    ]
    expected = sum(torch.stack(each).mean() for each in parts)
    assert [len(each) for each in parts] == [3, 4]
    torch.testing.assert_close(affinity_sum(logits, labels, colors, pieces=2, position=0), expected)
    # A column more than pixels: pieces of nothing.
    many = affinity_sum(logits, labels, colors, pieces=20)
    assert torch.isfinite(many)


def test_reduced_resolution_is_that_of_the_means() -> None:
    logits, labels, colors = draw(15)
    logits, labels, colors = logits[..., :15], labels[..., :15], colors[..., :15]
    labels[:, :3, :3] = 255
    p = torch.zeros(2, 5, 5, 5)
    c = torch.zeros(2, 3, 5, 5)
    small = torch.zeros(2, 5, 5, dtype=torch.uint8)
    for n, i, j in np.ndindex(2, 5, 5):
        cell = np.s_[n, 3 * i : 3 * i + 3, 3 * j : 3 * j + 3]
        known = labels[cell] != 255
        if not known.any():
            small[n, i, j] = 255
            continue
        p[n, :, i, j] = logits.softmax(1)[n, :, cell[1], cell[2]][:, known].mean(dim=1)
        c[n, :, i, j] = colors[n, :, cell[1], cell[2]][:, known].mean(dim=1)
    expected = affinity_sum(p.clamp(min=1e-30).log(), small, c)  # softmax undoes the logarithm
    torch.testing.assert_close(affinity_sum(logits, labels, colors, long_side=5), expected, rtol=1e-4, atol=1e-6)


def test_a_class_without_weight_is_as_good_as_ignored() -> None:
    logits, labels, colors = draw(9)
    weights = torch.tensor([0.0, 1.0, 1.0, 1.0, 1.0])
    without = labels.masked_fill(labels == 0, 255)
    torch.testing.assert_close(affinity_sum(logits, labels, colors, weights), affinity_sum(logits, without, colors))
    assert affinity_sum(logits, labels, colors, torch.zeros(5)) == 0


def test_pixels_that_look_alike_are_to_be_predicted_alike() -> None:
    colors = torch.zeros(1, 3, 8, 8)
    colors[..., 4:] = 1
    labels = torch.zeros(1, 8, 8, dtype=torch.uint8)
    halves = torch.zeros(1, 2, 8, 8)
    halves[:, 0, :, :4] = 20
    halves[:, 1, :, 4:] = 20
    stripes = torch.zeros(1, 2, 8, 8)
    stripes[:, 0, ::2] = 20
    stripes[:, 1, 1::2] = 20
    assert affinity_sum(halves, labels, colors) < 0.02 < affinity_sum(stripes, labels, colors)


def test_the_picture_shows_both_matrices_side_by_side() -> None:
    photo = np.zeros((40, 60, 3), np.uint8)
    photo[:, 30:] = 255
    labels = np.zeros((40, 60), np.uint8)
    labels[:, 30:] = 1
    labels[:10] = 255
    picture = affinity_picture(photo, labels, long_side=6)
    assert picture.shape == (24, 24 + 4 + 24, 3)  # 4x6 pixels
    assert picture.dtype == np.uint8
    left, right = picture[:, :24, 0], picture[:, 28:, 0]
    # The first row of pixels is ignored: grey in both, and not between 0 and 1.
    assert (picture[:6] == picture[0, 0]).all(axis=2)[:, :24].all()
    first = 6  # the first pixel of the second row, of the left half
    assert left[first, first] == right[first, first] == 255
    assert (right[first, 6:9] == 255).all()
    assert (right[first, 9:12] == 0).all()
    assert left[first, 7] > 240
    assert left[first, 9] < 20
    np.testing.assert_array_equal(left, left.T)


def test_the_picture_takes_probabilities_too() -> None:
    photo = np.full((4, 4, 3), 7, np.uint8)
    sure = np.full((2, 4, 4), 0.5, np.float32)
    right = affinity_picture(photo, sure, long_side=4)[:, 20:, 0]
    assert (right == 128).all()
