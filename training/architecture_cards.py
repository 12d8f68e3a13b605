"""What there is to say of an architecture before one trains it: what it is, how large, how much work, what can be set.

Measuring it takes torch and up to a second, so what was measured is remembered: in the process, and in the home, where
the list is read in an instant and without loading torch. A card in the home is found by what it was made from, code and
versions of libraries included, so it is never out of date.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache, lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from db.errors import UserError
from db.files import write_atomic
from db.home import Home
from training.architectures import names
from training.drawing.data import Drawing
from training.drawing.svg import to_svg
from training.settings import Setting

SIDE = 512
"""Of the square photo that work and memory are counted for, in pixels."""
CLASSES = 21
"""Classes that are counted for, unless told otherwise: Pascal VOC's."""
COPIES = {"SGD with momentum": 3, "AdamW": 4}
"""What training holds of every weight, whatever the batch: itself, its gradient, and what the optimiser remembers."""
KEPT_CARDS = 500
"""Cards in a home; the oldest go."""

Cost = Literal["light", "medium", "heavy"]
_LIGHT, _MEDIUM = 30, 150  # GFLOPs up to which a network counts as such
_MADE_FROM = ("architectures/*.py", "drawing/*.py", "architecture_*.py", "settings.py")
_LIBRARIES = ("torch", "torchvision", "timm", "transformers", "segmentation-models-pytorch")


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
        kept_bytes: what a training step keeps of one photo of 512 x 512 from the forward to the backward pass, in
            fp32; grows with the batch and the crop. The loss's own share is not in it.
        weight_bytes: of the weights in fp32. Training holds them several times (`COPIES`), whatever the batch.
        imagenet: name of the pretrained weights that fit with these options; None where none do.
        imagenet_note: why none do, and what would change that.
        exports: formats it can be exported in, beside the bundle and plain safetensors.
        exports_note: what is missing there or to be known, why, and which architecture does without.
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
    kept_bytes: int
    weight_bytes: int
    imagenet: str | None
    imagenet_note: str
    exports: tuple[str, ...]
    exports_note: str

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class Described:
    """An architecture's card and its drawing."""

    card: ArchitectureCard
    drawing: Drawing

    def svg(self, options: Mapping[str, Any] | None = None) -> str:
        """Return the drawing as an SVG document. `options`: that it is of, to be named in its title."""
        return to_svg(self.drawing, ", ".join([self.card.title, *(f"{k}={v}" for k, v in (options or {}).items())]))


_DESCRIBED = TypeAdapter(Described)


def architecture_card(
    name: str, *, classes: int = CLASSES, options: Mapping[str, Any] | None = None, home: Home | None = None
) -> ArchitectureCard:
    """Describe an architecture with some options.

    Args:
        name: one of `training.architectures.names()`.
        classes: that it is to predict.
        options: of the architecture; others have their defaults.
        home: whose cards are looked up and added to; None measures.

    Raises:
        UserError: no such architecture or option, or a value that does not fit.
    """
    return described(name, classes=classes, options=options, home=home).card


def architecture_cards(*, classes: int = CLASSES, home: Home | None = None) -> tuple[ArchitectureCard, ...]:
    """Describe every architecture with its default options, the lightest first; see `architecture_card`."""
    cards = (architecture_card(name, classes=classes, home=home) for name in names())
    return tuple(sorted(cards, key=lambda card: card.gflops))


def described(
    name: str, *, classes: int = CLASSES, options: Mapping[str, Any] | None = None, home: Home | None = None
) -> Described:
    """Return an architecture's card and drawing; see `architecture_card`."""
    return _described(name, classes, json.dumps(dict(options or {}), sort_keys=True), home)


def cost_of(gflops: float) -> Cost:
    """Say how much work that is for a photo of 512 x 512."""
    return "light" if gflops <= _LIGHT else "medium" if gflops <= _MEDIUM else "heavy"


@lru_cache(maxsize=256)
def _described(name: str, classes: int, chosen: str, home: Home | None) -> Described:
    made_from = f"{_fingerprint()} {name} {classes} {chosen}"
    path = None if home is None else home.cards / f"{hashlib.sha256(made_from.encode()).hexdigest()[:32]}.json"
    if path is not None and (found := _read(path)) is not None:
        return found
    from training.architecture_figures import describe  # loads torch

    found = describe(name, classes, json.loads(chosen))
    if path is not None:
        _write(path, found)
    return found


def _read(path: Path) -> Described | None:
    try:
        return _DESCRIBED.validate_json(path.read_bytes())
    except (OSError, ValidationError):  # not there, or of no use: it is measured again
        return None


def _write(path: Path, found: Described) -> None:
    with suppress(OSError, UserError):  # a home that cannot be written to costs time, nothing else
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, _DESCRIBED.dump_json(found))
        cards = sorted(path.parent.glob("*.json"), key=lambda card: card.stat().st_mtime, reverse=True)
        for old in cards[KEPT_CARDS:]:
            old.unlink(missing_ok=True)


@cache
def _fingerprint() -> str:
    """Return a digest of the code and of the versions of the libraries that decide what a card says."""
    digest = hashlib.sha256()
    folder = Path(__file__).parent
    for path in sorted(path for pattern in _MADE_FROM for path in folder.glob(pattern)):
        digest.update(path.read_bytes())
    for library in _LIBRARIES:
        with suppress(PackageNotFoundError):
            digest.update(f"{library} {version(library)}".encode())
    return digest.hexdigest()
