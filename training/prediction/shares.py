"""How much of a photo each class has, and where several models agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from labeling.colors import from_hex, next_color, to_hex


class ClassShare(BaseModel):
    """A class of the model and its share of a photo's pixels, 0..1."""

    model_config = ConfigDict(frozen=True)

    name: str
    color: str
    share: float


class SharedClass(BaseModel):
    """A class that at least one of several models knows, by its name.

    Attributes:
        name: of the class.
        color: `#rrggbb`.
        shares: of the pixels, 0..1, model by model; None where the model does not know the class.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    color: str
    shares: tuple[float | None, ...]


class Pair(BaseModel):
    """Two models, by their places, and the share of the pixels, 0..1, that get the same class from both."""

    model_config = ConfigDict(frozen=True)

    a: int
    b: int
    agree: float


class Beside(BaseModel):
    """What several models say of the same pixels.

    Attributes:
        classes: of all models together, in the order of the first that knows each.
        agree: share of the pixels, 0..1, that get the same class, by name, from all of them.
        pairs: the same of each two.
    """

    model_config = ConfigDict(frozen=True)

    classes: tuple[SharedClass, ...]
    agree: float
    pairs: tuple[Pair, ...]


@dataclass(frozen=True)
class Counted:
    """Pixels, in numbers that can be added.

    Attributes:
        pixels: of the photos.
        classes: that got each class of each model, int64 (models, classes of all together).
        pairs: that got the same class from each two models.
        all: that got the same class from all.
    """

    pixels: int
    classes: NDArray[np.int64]
    pairs: tuple[int, ...]
    all: int

    def __add__(self, other: Counted) -> Counted:
        """Return the pixels of both."""
        pairs = tuple(a + b for a, b in zip(self.pairs, other.pairs, strict=True))
        return Counted(self.pixels + other.pixels, self.classes + other.classes, pairs, self.all + other.all)


def class_shares(classes: Sequence[str], palette: NDArray[np.uint8], counts: NDArray[np.int64]) -> list[ClassShare]:
    """Return each class's share of the pixels counted.

    Args:
        classes: names in the order of the indices.
        palette: uint8 (K, 3), RGB.
        counts: pixels of each class, int64 (K,).
    """
    pixels = max(1, int(counts.sum()))
    return [
        ClassShare(name=name, color=to_hex((int(red), int(green), int(blue))), share=int(count) / pixels)
        for name, (red, green, blue), count in zip(classes, palette, counts, strict=True)
    ]


class SharedClasses:
    """The classes of several models together: those of one name are one.

    Attributes:
        names: in the order of the first model that knows each.
        palette: uint8 (names, 3): the colours of the first model that knows the class, unless another class has it.
        places: of each model's classes among the names, uint16 (K,).
    """

    def __init__(self, models: Sequence[tuple[Sequence[str], NDArray[np.uint8]]]) -> None:
        """Put together the classes of these models, each with the palette, uint8 (K, 3)."""
        colors: dict[str, str] = {}
        for classes, palette in models:
            for name, (red, green, blue) in zip(classes, palette, strict=True):
                if name not in colors:
                    color = to_hex((int(red), int(green), int(blue)))
                    colors[name] = next_color(colors.values()) if color in colors.values() else color
        self.names = tuple(colors)
        self.palette = np.array([from_hex(color) for color in colors.values()], np.uint8)
        order = {name: place for place, name in enumerate(colors)}
        self.places = [np.array([order[name] for name in classes], np.uint16) for classes, _ in models]

    def unmatched(self) -> list[tuple[str, list[int]]]:
        """Return the classes that not every model knows, each with the places of those that do."""
        knowing = [(name, [m for m, own in enumerate(self.places) if at in own]) for at, name in enumerate(self.names)]
        return [(name, models) for name, models in knowing if len(models) < len(self.places)]

    def count(self, maps: Sequence[NDArray[np.uint8]]) -> Counted:
        """Count what the models say of a photo, each uint8 (H, W), an index into its own classes."""
        named = [own[index] for own, index in zip(self.places, maps, strict=True)]
        same = [a == b for a, b in combinations(named, 2)]
        everywhere = np.logical_and.reduce(same) if same else np.ones_like(named[0], bool)
        counts = np.array([np.bincount(each.reshape(-1), minlength=len(self.names)) for each in named], np.int64)
        return Counted(
            named[0].size, counts, tuple(int(np.count_nonzero(each)) for each in same), int(everywhere.sum())
        )

    def told(self, counted: Counted) -> Beside:
        """Return shares of the pixels counted."""
        known = [set(own.tolist()) for own in self.places]
        pixels = max(1, counted.pixels)
        return Beside(
            classes=tuple(
                SharedClass(
                    name=name,
                    color=to_hex((int(red), int(green), int(blue))),
                    shares=tuple(
                        int(counted.classes[m, at]) / pixels if at in own else None for m, own in enumerate(known)
                    ),
                )
                for at, (name, (red, green, blue)) in enumerate(zip(self.names, self.palette, strict=True))
            ),
            agree=counted.all / pixels,
            pairs=tuple(
                Pair(a=a, b=b, agree=count / pixels)
                for (a, b), count in zip(combinations(range(len(known)), 2), counted.pairs, strict=True)
            ),
        )
