"""What can only be said of an architecture by building it: its size, its work, its memory, its drawing.

The network is built on torch's `meta` device: shapes without numbers, so even the largest costs no memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.utils.flop_counter import FlopCounterMode

from training.architecture_cards import SIDE, ArchitectureCard, Described, cost_of
from training.architectures import build, family, options
from training.architectures.contract import Architecture
from training.drawing.boxes import draw
from training.drawing.data import Drawing
from training.drawing.trace import trace
from training.settings import settings_of

PREDICTION = "prediction"
"""Name of the output that is no further head."""


def describe(name: str, classes: int, given: Mapping[str, Any]) -> Described:
    """Build an architecture and measure it.

    Raises:
        UserError: no such architecture or option, or a value that does not fit.
    """
    about = family(name)
    with torch.device("meta"):
        network = build(name, classes, **given)
        photo = torch.empty(1, 3, SIDE, SIDE)
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        out = network.eval().logits(photo).out
    gflops = counter.get_total_flops() / 1e9
    card = ArchitectureCard(
        name=name,
        title=about.title,
        year=about.year,
        paper=about.paper,
        what_it_is=about.summary,
        options=tuple(settings_of(options(name), about)),
        classes=classes,
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        output_stride=round(SIDE / out.shape[-1]),
        gflops=gflops,
        cost=cost_of(gflops),
        kept_bytes=kept_for_backward(network, photo),
        weight_bytes=sum(parameter.numel() * parameter.element_size() for parameter in network.parameters()),
        imagenet=network.imagenet,
        imagenet_note=network.imagenet_note,
        exports=tuple(sorted(network.exports)),
        exports_note=network.exports_note,
    )
    return Described(card, drawing_of(network, photo))


def kept_for_backward(network: Architecture, photo: Tensor) -> int:
    """Return the bytes that a forward pass in training keeps until the backward pass has used them.

    Every storage counts once, however many tensors look at it; parameters and buffers, which are there anyway, do not.

    Args:
        network: is left in train mode.
        photo: network input (N, 3, H, W), on the network's device.
    """
    there = {tensor.untyped_storage()._cdata for tensor in (*network.parameters(), *network.buffers())}
    kept: dict[int, torch.UntypedStorage] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept[storage._cdata] = storage
        return tensor

    with saved_tensors_hooks(keep, lambda tensor: tensor):
        logits = network.train().logits(photo)
    del logits
    return sum(storage.nbytes() for identity, storage in kept.items() if identity not in there)


def drawing_of(network: Architecture, photo: Tensor) -> Drawing:
    """Draw what happens while a square photo passes through a network as it is trained, further heads included.

    Args:
        network: is left in train mode.
        photo: network input (1, 3, S, S), on the network's device.
    """

    def run(x: Tensor) -> dict[str, Tensor]:
        logits = network.logits(x)
        presence = {} if logits.presence is None else {"presence": logits.presence}
        return {PREDICTION: network.enlarged(logits.out, x), **logits.heads, **presence}

    with torch.no_grad():
        watched = trace(network.train(), photo, run)
    return draw(watched, _names(network, network.encoder()), PREDICTION)


def _names(network: nn.Module, part: nn.Module) -> set[str]:
    inside = {id(parameter) for parameter in part.parameters()}
    return {name for name, parameter in network.named_parameters() if id(parameter) in inside}
