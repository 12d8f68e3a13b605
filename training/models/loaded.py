"""A model that is ready to predict."""

from __future__ import annotations

from dataclasses import dataclass

from training.architectures.contract import Architecture
from training.models.spec import ModelSpec


@dataclass(frozen=True)
class LoadedModel:
    """Weights in a network, with what is known about them.

    Attributes:
        module: the network in eval mode.
        spec: class list, preprocessing, lineage.
        sha256: of the weights' file; tells two models apart whatever they are called.
        reference: what names it for good: `12:best` (also where the user said `12`), an imported model's name, a
            bundle's path.
    """

    module: Architecture
    spec: ModelSpec
    sha256: str
    reference: str
