"""Batch normalisation moved to another domain."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from db.errors import UserError
from tests.support.tiny_models import LocalNet
from training.adaptation.batch_norm import minimise_entropy, reestimate
from training.architectures import build
from training.architectures.contract import Architecture, Logits


class Normalised(LocalNet):
    """Two normalised layers, one of them after a global pooling."""

    def __init__(self, num_classes: int = 3) -> None:
        super().__init__(num_classes)
        self.norm = nn.BatchNorm2d(3)
        self.pooled = nn.BatchNorm2d(3)

    def logits(self, x: Tensor) -> Logits:
        x = self.norm(x)
        return Logits(self.layer(x + self.pooled(x.mean(dim=(2, 3), keepdim=True))))


def _batches(shift: float, count: int = 6, seed: int = 0) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    scales = torch.rand(count, generator=generator) + 0.5
    return [shift + scale * torch.randn(2, 3, 8, 12, generator=generator) for scale in scales]


def _state(module: Architecture) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in module.state_dict().items()}


def test_statistics_are_those_of_all_photos_together() -> None:
    module, batches = Normalised(), _batches(3.0)
    assert reestimate(module, batches) == 2
    values = torch.cat(batches).transpose(0, 1).flatten(1).double()
    after = _state(module)
    assert torch.allclose(after["norm.running_mean"].double(), values.mean(dim=1), atol=1e-5)
    assert torch.allclose(after["norm.running_var"].double(), values.var(dim=1), rtol=1e-5)
    assert not module.training
    assert not module.norm.training


def test_a_layer_behind_a_global_pooling_gets_statistics_of_all_photos_too() -> None:
    module = Normalised()
    reestimate(module, _batches(3.0, count=40))
    # What it is given was normalised by the batch: means about zero, and far less spread than a pixel's.
    after = _state(module)
    assert after["pooled.running_mean"].abs().max() < 0.2
    assert 0 < after["pooled.running_var"].max() < 0.5


def test_nothing_but_statistics_changes() -> None:
    module = Normalised()
    before = _state(module)
    reestimate(module, _batches(1.0))
    changed = {name for name, value in module.state_dict().items() if not torch.equal(value, before[name])}
    assert changed == {f"{layer}.running_{what}" for layer in ("norm", "pooled") for what in ("mean", "var")}
    assert module.norm.momentum == 0.1


def test_entropy_falls_and_only_scales_and_shifts_are_trained() -> None:
    torch.manual_seed(0)
    module = Normalised()
    before = _state(module)
    entropies = minimise_entropy(module, _batches(1.0, count=60), learning_rate=0.02)
    assert len(entropies) == 60
    assert sum(entropies[-10:]) < 0.8 * sum(entropies[:10])
    changed = {name for name, value in module.state_dict().items() if not torch.equal(value, before[name])}
    assert changed == {"norm.weight", "norm.bias", "pooled.weight", "pooled.bias"}
    assert all(parameter.requires_grad and parameter.grad is None for parameter in module.parameters())


def test_the_first_step_is_torchs_own_of_that_loss() -> None:
    torch.manual_seed(1)
    ours = Normalised()
    peer = copy.deepcopy(ours)
    (batch,) = _batches(0.5, count=1)
    minimise_entropy(ours, [batch])
    peer.train()
    peer.pooled.eval()
    optimizer = torch.optim.Adam([*peer.norm.parameters(), *peer.pooled.parameters()], lr=1e-3)
    torch.distributions.Categorical(logits=peer.logits(batch).out.permute(0, 2, 3, 1)).entropy().mean().backward()
    optimizer.step()
    assert torch.allclose(ours.norm.weight, peer.norm.weight, atol=1e-6)
    assert torch.allclose(ours.pooled.bias, peer.pooled.bias, atol=1e-6)


def test_a_network_without_batch_normalisation_is_refused() -> None:
    for change in (reestimate, minimise_entropy):
        with pytest.raises(UserError, match="no batch normalisation"):
            change(LocalNet(3), _batches(0))


def test_no_photo_changes_nothing() -> None:
    module = Normalised()
    before = _state(module)
    with pytest.raises(UserError, match="no photo"):
        reestimate(module, [])
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())


@pytest.mark.parametrize(
    ("name", "options"),
    [("deeplabv3", {"encoder": "resnet18", "rate": 6}), ("unet", {"width": 4, "levels": 2}), ("segformer", {})],
)
def test_real_networks_are_moved_with_one_photo_a_batch(name: str, options: dict[str, object]) -> None:
    torch.manual_seed(0)
    module = build(name, 3, **options)
    photos = [batch[:1].repeat(1, 1, 8, 6) for batch in _batches(1.0, count=2)]
    entropies = minimise_entropy(module, photos)
    reestimate(module, photos)
    with torch.inference_mode():
        assert torch.isfinite(module(photos[0])).all()
    assert all(value == value for value in entropies)
