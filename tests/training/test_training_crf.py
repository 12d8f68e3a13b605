"""Dense CRF: against the literal sums over all pairs of pixels, and what must not change its result."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from training.crf import mean_field
from training.crf.gaussian import along, smooth
from training.crf.lattice import Lattice
from training.crf.mean_field import in_torch, iterate, refine
from training.crf.parameters import REPORTED, CrfParameters


def scene(seed: int, height: int = 12, width: int = 12, classes: int = 4) -> tuple[Tensor, Tensor]:
    """Return unsure probabilities (1, K, H, W) and a photo (1, 3, H, W) of two areas with a slanted border."""
    generator = torch.Generator().manual_seed(seed)
    side = (torch.arange(width) + torch.arange(height)[:, None] // 2 > width * 0.6).long()
    photo = torch.tensor([[200, 60, 30], [40, 90, 220]])[side].permute(2, 0, 1)
    photo = (photo + torch.randint(-6, 7, photo.shape, generator=generator)).clamp(0, 255).to(torch.uint8)
    logits = torch.randn(classes, height, width, generator=generator)
    logits[:2] += 2 * torch.stack([side == 0, side == 1])
    return logits.softmax(dim=0)[None], photo[None]


def exact_kernel(features: Tensor) -> Tensor:
    """Return the kernel between all points, symmetrically normalised, float64 (P, P)."""
    kernel = (-torch.cdist(features.double(), features.double()).square() / 2).exp()
    scale = kernel.sum(dim=1).rsqrt()
    return scale[:, None] * kernel * scale


def literal(probabilities: Tensor, photo: Tensor, parameters: CrfParameters) -> Tensor:
    """Refine as the equations say, with every pair of pixels."""
    classes, height, width = probabilities.shape[1:]
    place = torch.cartesian_prod(torch.arange(float(height)), torch.arange(float(width)))
    color = photo[0].flatten(1).T.float()
    bilateral = torch.cat([place / parameters.appearance_xy, color / parameters.appearance_rgb], dim=1)
    message = parameters.smoothness * exact_kernel(place / parameters.smoothness_xy)
    message += parameters.appearance * exact_kernel(bilateral)
    unary = probabilities[0].flatten(1).T.double().clamp(min=1e-5).log()
    belief = unary.softmax(dim=1)
    for _ in range(parameters.iterations):
        belief = (unary + message @ belief).softmax(dim=1)
    return belief.T.reshape(1, classes, height, width)


PARAMETERS = (
    CrfParameters(),
    CrfParameters(smoothness=0, appearance_xy=5, appearance_rgb=20),
    CrfParameters(appearance=0, smoothness_xy=2),
)


@pytest.fixture(params=["compiled loops", "torch"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the loops of the CPU, then what a GPU is given."""
    if request.param == "torch":
        monkeypatch.setattr(mean_field, "in_compiled_loops", in_torch)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("parameters", PARAMETERS)
@pytest.mark.parametrize("seed", range(5))
def test_it_is_close_to_the_sums_over_all_pairs(seed: int, parameters: CrfParameters) -> None:
    # The lattice is piecewise linear between its corners, so that no more than this can be asked of it.
    probabilities, photo = scene(seed)
    ours, expected = refine(probabilities, photo, parameters), literal(probabilities, photo, parameters)
    assert (ours - expected).abs().mean() < 0.003
    assert (ours - expected).abs().max() < 0.06
    assert (ours.argmax(dim=1) == expected.argmax(dim=1)).float().mean() >= 0.99
    assert (probabilities.argmax(dim=1) == expected.argmax(dim=1)).float().mean() < 0.95  # there was something to do


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("parameters", [*PARAMETERS, CrfParameters(smoothness=0, appearance=0)])
def test_compiled_loops_give_what_torch_does(
    parameters: CrfParameters, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenes = [scene(seed, height=23, width=31, classes=5) for seed in (7, 8)]
    probabilities, photos = (torch.cat(each) for each in zip(*scenes, strict=True))
    photos[1] = torch.randint(0, 256, photos[1].shape, generator=torch.Generator().manual_seed(9))  # corners galore
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    looped = list(iterate(probabilities, photos, parameters, [1, 10]))
    monkeypatch.setattr(mean_field, "in_compiled_loops", in_torch)
    for ours, expected in zip(looped, iterate(probabilities, photos, parameters, [1, 10]), strict=True):
        torch.testing.assert_close(ours, expected, atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize("deviation", [0.4, 1, 6])
def test_the_gaussian_is_exact(deviation: float) -> None:
    values = torch.rand(2, 9, 14, 3, generator=torch.Generator().manual_seed(0))
    place = torch.cartesian_prod(torch.arange(9.0), torch.arange(14.0)) / deviation
    expected = exact_kernel(place) @ values.double().flatten(1, 2)
    smoothed = smooth(values, along(deviation, 9), along(deviation, 14))
    torch.testing.assert_close(smoothed.flatten(1, 2), expected.float(), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("dimensions", [1, 2, 5])
def test_the_lattice_filters_as_the_exact_kernel_does(dimensions: int) -> None:
    generator = torch.Generator().manual_seed(dimensions)
    features = torch.rand(400, dimensions, generator=generator) * 3
    values = torch.rand(400, 3, generator=generator)
    filtered = Lattice(features, torch.zeros(400, dtype=torch.long)).filter(values)
    expected = exact_kernel(features) @ values.double()
    assert (filtered - expected).abs().mean() < 0.03 * expected.mean()


def test_what_is_sure_everywhere_stays() -> None:
    probabilities, photo = scene(0)
    even = torch.full_like(probabilities, 1 / 4)
    torch.testing.assert_close(refine(even, photo), even)
    one = torch.zeros_like(probabilities)
    one[:, 2] = 1
    torch.testing.assert_close(refine(one, photo), one, atol=1e-4, rtol=0)


def test_the_result_is_of_probabilities() -> None:
    probabilities, photo = scene(1)
    refined = refine(probabilities, photo)
    assert refined.min() >= 0
    torch.testing.assert_close(refined.sum(dim=1), torch.ones(1, 12, 12))


def test_no_iteration_changes_nothing_and_each_is_one_more() -> None:
    probabilities, photo = scene(2)
    steps = list(iterate(probabilities, photo, REPORTED, range(4)))
    assert torch.equal(steps[0], probabilities)
    for iterations, step in enumerate(steps):
        assert torch.equal(step, refine(probabilities, photo, CrfParameters(iterations=iterations)))
    assert not torch.equal(steps[1], steps[3])


def test_classes_may_be_in_any_order() -> None:
    probabilities, photo = scene(3)
    order = [2, 0, 3, 1]
    torch.testing.assert_close(refine(probabilities[:, order], photo), refine(probabilities, photo)[:, order])


def test_images_of_a_batch_know_nothing_of_each_other() -> None:
    scenes = [scene(seed) for seed in (4, 5, 6)]
    alone = torch.cat([refine(probabilities, photo) for probabilities, photo in scenes])
    together = refine(torch.cat([each for each, _ in scenes]), torch.cat([photo for _, photo in scenes]))
    torch.testing.assert_close(together, alone)
    backwards = refine(torch.cat([each for each, _ in scenes[::-1]]), torch.cat([photo for _, photo in scenes[::-1]]))
    torch.testing.assert_close(backwards.flip(0), alone)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (7, 1)])
def test_any_size_will_do(shape: tuple[int, int]) -> None:
    probabilities = torch.rand(1, 3, *shape).softmax(dim=1)
    refined = refine(probabilities, torch.zeros(1, 3, *shape, dtype=torch.uint8))
    torch.testing.assert_close(refined.sum(dim=1), torch.ones(1, *shape))


def test_photos_of_another_size_are_refused() -> None:
    probabilities, photo = scene(0)
    with pytest.raises(ValueError, match="do not fit"):
        refine(probabilities, photo[..., :-1])
