"""Batch normalisation moved to another domain, without labels.

`reestimate` is AdaBN (Li et al., Revisiting batch normalization for practical domain adaptation, 2016, arXiv
1603.04779): each layer's mean and variance are measured anew on photos of the other domain; no weight is trained.
`minimise_entropy` is TENT (Wang et al., Tent: fully test-time adaptation by entropy minimization, ICLR 2021, arXiv
2006.10726): the layers' scales and shifts are trained to make predictions sure, while they normalise by the batch.
There it goes on with every photo that is predicted; here it is done once, over the photos given, and statistics are
measured afterwards and kept: the result is a model as any other, whose answer does not depend on the photos before.

While photos pass, a layer normalises by their own statistics, so that deeper layers see what they will see. A layer
whose map is too small for that, as after a global pooling, goes on with the statistics it had.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from db.errors import UserError
from training.architectures.contract import Architecture

LEARNING_RATE = 1e-3
"""Of Adam, as TENT has it for all but ImageNet."""
_FEWEST_VALUES = 32  # a channel's values in a batch, below which their variance says little


class _Sums:
    """Sums of what a layer was given, by channel, in float64."""

    def __init__(self, channels: int) -> None:
        self.first, self.second = torch.zeros(channels, dtype=torch.float64), torch.zeros(channels, dtype=torch.float64)
        self.count = 0

    def add(self, x: Tensor) -> None:
        values = x.detach().transpose(0, 1).flatten(1).double()
        self.first += values.sum(dim=1).cpu()
        self.second += values.square().sum(dim=1).cpu()
        self.count += values.shape[1]

    def statistics(self) -> tuple[Tensor, Tensor]:
        """Return mean and unbiased variance, float64 (channels,)."""
        mean = self.first / self.count
        spread = (self.second / self.count - mean.square()).clamp(min=0)
        return mean, spread * self.count / max(1, self.count - 1)


def reestimate(architecture: Architecture, batches: Iterable[Tensor]) -> int:
    """Replace the statistics of all batch normalisation by those of some photos; the architecture ends in eval mode.

    Args:
        architecture: changed in place.
        batches: network inputs, float (N, 3, H, W).

    Returns:
        The number of layers.

    Raises:
        UserError: the network has no batch normalisation, or there is no photo.
    """
    layers = _layers(architecture)
    sums = {layer: _Sums(layer.num_features) for layer in layers}
    with torch.no_grad(), _by_batch(architecture, layers, sums):
        for batch in batches:
            architecture.logits(batch)
    if not any(each.count for each in sums.values()):
        raise UserError("There is no photo to measure statistics on.")
    for layer, each in sums.items():
        if each.count and layer.running_mean is not None and layer.running_var is not None:
            mean, variance = each.statistics()
            layer.running_mean.copy_(mean)
            layer.running_var.copy_(variance)
    return len(layers)


def minimise_entropy(
    architecture: Architecture, batches: Iterable[Tensor], *, learning_rate: float = LEARNING_RATE
) -> list[float]:
    """Train scales and shifts of all batch normalisation to make predictions sure, a step a batch.

    The statistics stay as they were: call `reestimate` afterwards. The architecture ends in eval mode.

    Args:
        architecture: changed in place.
        batches: network inputs, float (N, 3, H, W).
        learning_rate: of Adam.

    Returns:
        The mean entropy of a pixel's prediction, in nats, before each step.

    Raises:
        UserError: the network has no batch normalisation with scales and shifts.
    """
    layers = _layers(architecture)
    wanted = [each for layer in layers for each in (layer.weight, layer.bias) if each is not None]
    if not wanted:
        raise UserError(f"The batch normalisation of {architecture.name} has no scales and shifts to train.")
    needed = {each: each.requires_grad for each in architecture.parameters()}
    entropies: list[float] = []
    try:
        architecture.requires_grad_(False)
        for each in wanted:
            each.requires_grad_(True)
        optimizer = torch.optim.Adam(wanted, lr=learning_rate)
        with torch.enable_grad(), _by_batch(architecture, layers, {}):
            for batch in batches:
                logits = architecture.logits(batch).out.float()
                entropy = torch.special.entr(logits.softmax(dim=1)).sum(dim=1).mean()
                optimizer.zero_grad(set_to_none=True)
                entropy.backward()
                optimizer.step()
                entropies.append(entropy.item())
    finally:
        for each, grad in needed.items():
            each.requires_grad_(grad)
            each.grad = None
    return entropies


def _layers(architecture: Architecture) -> list[_BatchNorm]:
    found = [each for each in architecture.modules() if isinstance(each, _BatchNorm) and each.running_mean is not None]
    if not found:
        raise UserError(
            f"The network {architecture.name} has no batch normalisation, which is all that this changes. Try the "
            "style of home, several looks or a CRF."
        )
    return found


@contextmanager
def _by_batch(architecture: Architecture, layers: list[_BatchNorm], sums: dict[_BatchNorm, _Sums]) -> Iterator[None]:
    """Have layers normalise by the batch where that is large enough, and add up what they are given."""
    architecture.eval()
    kept = [(layer, layer.momentum, layer.num_batches_tracked) for layer in layers]

    def before(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        assert isinstance(layer, _BatchNorm)
        x = inputs[0]
        layer.training = x.numel() // x.shape[1] >= _FEWEST_VALUES
        if layer in sums:
            sums[layer].add(x)

    handles = [layer.register_forward_pre_hook(before) for layer in layers]
    for layer in layers:
        layer.momentum = 0.0  # in training mode torch would move the statistics,
        layer.num_batches_tracked = None  # and count
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
        for layer, momentum, tracked in kept:
            layer.momentum, layer.num_batches_tracked = momentum, tracked
        architecture.eval()
