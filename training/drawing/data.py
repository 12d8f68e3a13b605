"""A drawing of a network as data: boxes and arrows. Loads no torch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Shape = tuple[int, ...]
Kind = Literal["photo", "part", "operation", "output"]


@dataclass(frozen=True)
class Node:
    """A box.

    Attributes:
        id: place in the drawing's list.
        kind: the `photo`; a `part` with modules; an `operation`, a function without parameters; an `output`.
        name: of the modules in the network, or what the operation does, or the output's name.
        modules: classes of what it consists of, with how often each comes.
        shapes: of the tensors that leave it, without the batch: channels, height, width of a map.
        parameters: numbers in it that are trained; those of a part met again count once, where it is first.
        again: the weights are those of a box before.
        pretrained: it belongs to the part of the network that pretrained weights fill.
        training_only: nothing that leaves it reaches the prediction: only the loss sees it.
    """

    id: int
    kind: Kind
    name: str
    modules: str
    shapes: tuple[Shape, ...]
    parameters: int = 0
    again: bool = False
    pretrained: bool = False
    training_only: bool = False


@dataclass(frozen=True)
class Edge:
    """A tensor from one box to another.

    Attributes:
        source: id of the box it leaves.
        target: id of the box that takes it.
        shape: with which it leaves, without the batch.
        through: operations without parameters that it passes on the way.
        skips: there is another, longer way between the two: the tensor is used later again.
    """

    source: int
    target: int
    shape: Shape
    through: tuple[str, ...]
    skips: bool


@dataclass(frozen=True)
class Drawing:
    """A network as boxes, in the order they were at work, and arrows."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]


def ranks_of(count: int, edges: Iterable[Edge]) -> list[int]:
    """Return of each box how many there are before it on the longest way from the photo."""
    ranks = [0] * count
    for edge in sorted(edges, key=lambda edge: edge.target):
        ranks[edge.target] = max(ranks[edge.target], ranks[edge.source] + 1)
    return ranks
