"""What every loss of the family keeps: ignore, weights, its definition's gradient, half precision, sums that add up.

Each is held against its definition written out image by image in float64, whose gradient is autograd's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from tests.support.tiny_models import LocalNet
from training.architectures.contract import Logits
from training.losses.presence import presence_sum
from training.losses.segmentation import SegmentationLoss
from training.losses.valid import ValidPixels
from training.recipe_parts import TERMS, Loss

K = 4
WEIGHTS = torch.tensor([0.5, 1.0, 2.0, 4.0])
SIZE = (9, 11)

Literal = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
"""Of one image's valid pixels: logits (M, K), labels (M,), colours and positions (M, 5), class weights (K,)."""


def cross_entropy(logits: Tensor, labels: Tensor, features: Tensor, weights: Tensor) -> Tensor:
    return F.cross_entropy(logits, labels, weight=weights, reduction="sum")


def smoothed(logits: Tensor, labels: Tensor, features: Tensor, weights: Tensor) -> Tensor:
    return F.cross_entropy(logits, labels, weight=weights, reduction="sum", label_smoothing=0.2)


def focal(logits: Tensor, labels: Tensor, features: Tensor, weights: Tensor) -> Tensor:
    p = logits.softmax(dim=1)[range(len(labels)), labels]
    return (weights[labels] * (1 - p) ** 1.5 * -p.log()).sum()


def ohem(logits: Tensor, labels: Tensor, features: Tensor, weights: Tensor) -> Tensor:
    p = logits.softmax(dim=1)[range(len(labels)), labels]
    hardest = sorted(range(len(p)), key=lambda pixel: p[pixel].item())
    least = -(-len(p) // 4)
    chosen = hardest[: max(least, sum(p[pixel] < 0.1 for pixel in hardest))]
    return len(p) * (weights[labels[chosen]] * -p[chosen].log()).mean()


def over_classes(figure: Callable[[Tensor, Tensor], Tensor]) -> Literal:
    """Return the weighted mean, over the classes there are, of a figure of p(class) and whether it is the class."""

    def loss(logits: Tensor, labels: Tensor, features: Tensor, weights: Tensor) -> Tensor:
        there = labels.unique().tolist()
        p = logits.softmax(dim=1)
        figures = [weights[c] * figure(p[:, c], (labels == c).double()) for c in there]
        return torch.stack(figures).sum() / weights[there].sum()

    return loss


def dice(p: Tensor, g: Tensor) -> Tensor:
    return 1 - 2 * (p * g).sum() / (p.sum() + g.sum())


def tversky(p: Tensor, g: Tensor) -> Tensor:
    hits = (p * g).sum()
    return 1 - hits / (hits + 0.3 * (p * (1 - g)).sum() + 0.7 * ((1 - p) * g).sum())


def lovasz(p: Tensor, g: Tensor) -> Tensor:
    """Equation by equation: the Jaccard loss of the k worst pixels being wrong, for every k."""
    errors, order = (g - p).abs().sort(descending=True)
    g = g[order]
    total, before = torch.zeros((), dtype=p.dtype), 0.0
    for k in range(1, len(g) + 1):
        hits, union = g[k:].sum(), g.sum() + (1 - g[:k]).sum()
        jaccard = float(1 - hits / union)
        total, before = total + errors[k - 1] * (jaccard - before), jaccard
    return total


def affinity(logits: Tensor, labels: Tensor, features: Tensor, weights: Tensor) -> Tensor:
    p = logits.softmax(dim=1)
    image = (-(features[:, None] - features[None]).abs().sum(dim=2)).exp()
    predicted = p @ p.T
    pairs = weights[labels][:, None] * weights[labels][None]
    common = (pairs * image * predicted).sum()
    return 1 - common / ((pairs * image**2).sum() * (pairs * predicted**2).sum()).sqrt()


CASES: dict[str, tuple[Loss, Literal, bool]] = {  # settings, definition, whether it counts by pixels
    "cross_entropy": (Loss(), cross_entropy, True),
    "label_smoothing": (Loss(label_smoothing=0.2), smoothed, True),
    "focal": (Loss(cross_entropy=0, focal=1, focal_gamma=1.5), focal, True),
    "ohem": (Loss(cross_entropy=0, ohem=1, ohem_threshold=0.1, ohem_keep=0.25), ohem, True),
    "dice": (Loss(cross_entropy=0, dice=1), over_classes(dice), False),
    "tversky": (Loss(cross_entropy=0, tversky=1), over_classes(tversky), False),
    "lovasz": (Loss(cross_entropy=0, lovasz=1), over_classes(lovasz), False),
    "affinity": (Loss(cross_entropy=0, affinity=1), affinity, False),
}
every_loss = pytest.mark.parametrize("name", CASES)


def test_every_term_of_a_recipe_is_held_to_the_contract() -> None:
    assert {term for loss, _, _ in CASES.values() for term in TERMS if getattr(loss, term)} == set(TERMS)


class TwoHeads(LocalNet):
    head_weights: ClassVar[dict[str, float]] = {"aux": 0.4}


def draw(classes: int = K, images: int = 3) -> tuple[Tensor, Tensor, Tensor]:
    """Return logits, labels with some ignored, and photos."""
    generator = torch.Generator().manual_seed(7)
    logits = torch.randn(images, classes, *SIZE, generator=generator) * 2
    labels = torch.randint(0, classes, (images, *SIZE), generator=generator, dtype=torch.uint8)
    labels[torch.rand(labels.shape, generator=generator) < 0.3] = 255
    return logits, labels, torch.randint(0, 256, (images, 3, *SIZE), generator=generator, dtype=torch.uint8)


def value(
    name: str, logits: Tensor, labels: Tensor, photos: Tensor, weights: Tensor | None = None, aux: Tensor | None = None
) -> Tensor:
    loss = SegmentationLoss(TwoHeads(K), CASES[name][0], weights)
    heads = {} if aux is None else {"aux": aux}
    return loss(Logits(logits, heads), labels, ValidPixels([labels]), photos)


def literal(name: str, logits: Tensor, labels: Tensor, photos: Tensor, weights: Tensor) -> Tensor:
    _, definition, by_pixel = CASES[name]
    rows, columns = torch.meshgrid(*(torch.linspace(0, 0.1, side).double() for side in SIZE), indexing="ij")
    total = torch.zeros((), dtype=torch.float64)
    for image, label, photo in zip(logits, labels, photos, strict=True):
        known = label != 255
        if known.any():
            features = torch.stack([*(photo.double() / 255), columns, rows])[:, known].T
            total = total + definition(image[:, known].T, label[known].long(), features, weights.double())
    valid = labels != 255
    return total / (valid.sum() if by_pixel else valid.flatten(1).any(dim=1).sum())


def with_gradient(loss: Tensor, leaf: Tensor) -> tuple[Tensor, Tensor]:
    (gradient,) = torch.autograd.grad(loss, leaf)
    return loss.detach(), gradient


@every_loss
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("confident", [1, 8])
def test_it_is_its_definition_and_so_is_its_gradient(name: str, weighted: bool, confident: float) -> None:
    logits, labels, photos = draw()
    logits *= confident
    labels[1, :, 2:] = 255  # one image has little to say
    ours, exact = logits.clone().requires_grad_(), logits.double().requires_grad_()
    weights = WEIGHTS if weighted else None
    found, gradient = with_gradient(value(name, ours, labels, photos, weights), ours)
    expected, slope = with_gradient(literal(name, exact, labels, photos, WEIGHTS if weighted else torch.ones(K)), exact)
    torch.testing.assert_close(found.double(), expected, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(gradient.double(), slope, rtol=1e-4, atol=1e-6)


@every_loss
def test_what_is_ignored_has_no_say(name: str) -> None:
    logits, labels, photos = draw()
    ignored = (labels == 255).unsqueeze(1)
    other = torch.where(ignored, torch.randn_like(logits) * 1000, logits)
    seen = torch.where(ignored, 255 - photos, photos)
    one, two = logits.requires_grad_(), other.requires_grad_()
    first, slope = with_gradient(value(name, one, labels, photos, WEIGHTS), one)
    second, changed = with_gradient(value(name, two, labels, seen, WEIGHTS), two)
    assert torch.equal(first, second)
    assert torch.equal(slope, changed)
    assert not slope.masked_select(ignored).any()
    assert slope.masked_select(~ignored).any()


@every_loss
def test_class_weights_count(name: str) -> None:
    logits, labels, photos = draw()
    assert value(name, logits, labels, photos, WEIGHTS) != value(name, logits, labels, photos)
    torch.testing.assert_close(
        value(name, logits, labels, photos, torch.ones(K)), value(name, logits, labels, photos), rtol=1e-5, atol=1e-6
    )


@every_loss
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_keeps_its_type_and_comes_near(name: str, dtype: torch.dtype) -> None:
    logits, labels, photos = draw()
    ours, exact = logits.to(dtype).requires_grad_(), logits.to(dtype).float().requires_grad_()
    with torch.autocast("cpu", dtype):
        loss = value(name, ours, labels, photos, WEIGHTS)
    found, gradient = with_gradient(loss, ours)
    expected, slope = with_gradient(value(name, exact, labels, photos, WEIGHTS), exact)
    assert (found.dtype, gradient.dtype) == (torch.float32, dtype)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(gradient.float(), slope, rtol=2e-2, atol=float(slope.abs().max()) * 1e-2)


@every_loss
def test_a_network_of_one_class_has_nothing_to_learn(name: str) -> None:
    logits, labels, photos = draw(classes=1)
    found, gradient = with_gradient(value(name, logits.requires_grad_(), labels, photos), logits)
    assert torch.isfinite(found)
    torch.testing.assert_close(gradient, torch.zeros_like(gradient), rtol=0, atol=1e-6)


@every_loss
def test_an_image_of_nothing_but_ignore_changes_nothing(name: str) -> None:
    logits, labels, photos = draw()
    labels[2] = 255
    found, gradient = with_gradient(value(name, logits.requires_grad_(), labels, photos, WEIGHTS), logits)
    torch.testing.assert_close(found, value(name, logits[:2], labels[:2], photos[:2], WEIGHTS))
    assert not gradient[2].any()


@every_loss
def test_a_batch_of_nothing_but_ignore_has_no_loss_and_no_gradient(name: str) -> None:
    logits, labels, photos = draw()
    labels[:] = 255
    found, gradient = with_gradient(value(name, logits.requires_grad_(), labels, photos), logits)
    assert found == 0
    assert not gradient.any()


@every_loss
def test_the_passes_of_a_step_add_up_to_the_whole_batch(name: str) -> None:
    logits, labels, photos = draw()
    labels[0, 1:] = 255
    loss = SegmentationLoss(LocalNet(K), CASES[name][0], WEIGHTS)
    whole = value(name, logits, labels, photos, WEIGHTS)
    cuts = [slice(0, 1), slice(1, 3)]
    valid = ValidPixels([labels[cut] for cut in cuts])
    parts = [loss(Logits(logits[cut]), labels[cut], valid, photos[cut]) for cut in cuts]
    torch.testing.assert_close(parts[0] + parts[1], whole)


@every_loss
def test_the_processes_of_a_step_add_up_to_the_whole_batch(name: str) -> None:
    logits, labels, photos = draw()
    loss = SegmentationLoss(LocalNet(K), CASES[name][0], WEIGHTS)
    cuts = [slice(0, 2), slice(2, 3)]
    pixels = ValidPixels([labels])
    # Each process counts its own and is told the sum: pixels and images of this batch, whichever it asks for.
    by_pixel = CASES[name][2]
    known = pixels.at(SIZE) if by_pixel else pixels.images(SIZE)
    parts = [loss(Logits(logits[c]), labels[c], ValidPixels([labels[c]], lambda _: known), photos[c]) for c in cuts]
    torch.testing.assert_close(parts[0] + parts[1], value(name, logits, labels, photos, WEIGHTS))


@every_loss
def test_every_head_has_the_whole_loss_by_its_weight(name: str) -> None:
    logits, labels, photos = draw()
    aux = logits.flip(1)
    alone = [value(name, head, labels, photos, WEIGHTS) for head in (logits, aux)]
    torch.testing.assert_close(value(name, logits, labels, photos, WEIGHTS, aux), alone[0] + 0.4 * alone[1])


@every_loss
@pytest.mark.parametrize("at", ["logits", "input"])
def test_a_head_may_be_smaller_than_its_labels(name: str, at: str) -> None:
    logits, labels, photos = draw()
    small = F.avg_pool2d(logits, 2).requires_grad_()
    loss = SegmentationLoss(LocalNet(K), CASES[name][0].model_copy(update={"at": at}), WEIGHTS)
    found, gradient = with_gradient(loss(Logits(small), labels, ValidPixels([labels]), photos), small)
    assert found > 0
    assert gradient.any()


def test_terms_add_up_by_their_weights() -> None:
    logits, labels, photos = draw()
    loss = Loss(cross_entropy=0.85, dice=0.5, affinity=0.15)
    both = SegmentationLoss(LocalNet(K), loss, WEIGHTS)(Logits(logits), labels, ValidPixels([labels]), photos)
    terms = {"cross_entropy": 0.85, "dice": 0.5, "affinity": 0.15}
    expected = sum(weight * value(name, logits, labels, photos, WEIGHTS) for name, weight in terms.items())
    torch.testing.assert_close(both, torch.as_tensor(expected))


class Presence(LocalNet):
    head_weights: ClassVar[dict[str, float]] = {"presence": 0.2}


@pytest.mark.parametrize(("asked", "weight"), [(None, 0.2), (0.0, 0.0), (3.0, 3.0)])
def test_presence_has_the_networks_weight_unless_the_recipe_says_another(asked: float | None, weight: float) -> None:
    logits, labels, _ = draw()
    there = logits.mean(dim=(2, 3))
    loss = SegmentationLoss(Presence(K), Loss(presence=asked), None)
    valid = ValidPixels([labels])
    extra = loss(Logits(logits, presence=there), labels, valid) - loss(Logits(logits), labels, valid)
    torch.testing.assert_close(extra, weight * presence_sum(there, labels) / 3, rtol=1e-4, atol=1e-6)


def test_the_affinity_wants_the_photos() -> None:
    logits, labels, _ = draw()
    loss = SegmentationLoss(LocalNet(K), CASES["affinity"][0], None)
    with pytest.raises(ValueError, match="photos"):
        loss(Logits(logits), labels, ValidPixels([labels]))
