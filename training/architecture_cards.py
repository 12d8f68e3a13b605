"""What there is to say of an architecture before one trains it: what it is, how large, how much work, what can be set.

The network is built on torch's `meta` device: shapes without numbers, so even the largest costs no memory.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any, Literal

import torch
from torch.utils.flop_counter import FlopCounterMode

from training.architectures import build, family, names, options
from training.settings import Setting, settings_of

SIDE = 512
"""Of the square photo that work is counted for, in pixels."""
CLASSES = 21
"""Classes that are counted for, unless told otherwise: Pascal VOC's."""

Cost = Literal["light", "medium", "heavy"]
_LIGHT, _MEDIUM = 30, 150  # GFLOPs up to which a network counts as such


@dataclass(frozen=True)
class ArchitectureCard:
    """An architecture as one chooses it.

    Attributes:
        name: as commands take it.
        title: its name as people write it.
        year: when it was published.
        paper: authors, title, venue, arXiv number.
        what_it_is: in a plain sentence or two.
        options: what can be set, without the prefix `options.` of a recipe.
        classes: that the figures below are for.
        parameters: numbers that are trained.
        output_stride: pixels of the photo per pixel of the prediction, before it is scaled up.
        gflops: work of one photo of 512 x 512 forward, in 10^9 multiplications and additions; training it takes about
            three times that.
        cost: `light` (goes without a GPU), `medium`, or `heavy` (wants a GPU).
        imagenet: name of the pretrained weights that fit with these options; None where none do.
        imagenet_note: why none do, and what would change that.
    """

    name: str
    title: str
    year: int
    paper: str
    what_it_is: str
    options: tuple[Setting, ...]
    classes: int
    parameters: int
    output_stride: int
    gflops: float
    cost: Cost
    imagenet: str | None
    imagenet_note: str

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)


def architecture_card(
    name: str, *, classes: int = CLASSES, options: Mapping[str, Any] | None = None
) -> ArchitectureCard:
    """Describe an architecture with some options; what was described once is remembered.

    Args:
        name: one of `training.architectures.names()`.
        classes: that it is to predict.
        options: of the architecture; others have their defaults.

    Raises:
        UserError: no such architecture or option, or a value that does not fit.
    """
    return _card(name, classes, json.dumps(dict(options or {}), sort_keys=True))


def architecture_cards(*, classes: int = CLASSES) -> tuple[ArchitectureCard, ...]:
    """Describe every architecture with its default options, the lightest first."""
    return tuple(sorted((architecture_card(name, classes=classes) for name in names()), key=lambda card: card.gflops))


@lru_cache(maxsize=64)
def _card(name: str, classes: int, chosen: str) -> ArchitectureCard:
    about = family(name)
    with torch.device("meta"):
        module = build(name, classes, **json.loads(chosen)).eval()
        photo = torch.empty(1, 3, SIDE, SIDE)
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        out = module.logits(photo).out
    gflops = counter.get_total_flops() / 1e9
    return ArchitectureCard(
        name=name,
        title=about.title,
        year=about.year,
        paper=about.paper,
        what_it_is=about.summary,
        options=tuple(settings_of(options(name), about)),
        classes=classes,
        parameters=sum(parameter.numel() for parameter in module.parameters()),
        output_stride=round(SIDE / out.shape[-1]),
        gflops=gflops,
        cost="light" if gflops <= _LIGHT else "medium" if gflops <= _MEDIUM else "heavy",
        imagenet=module.imagenet,
        imagenet_note=module.imagenet_note,
    )
