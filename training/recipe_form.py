"""The recipe as a form: its settings in groups, the few that everybody looks at first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import reduce
from operator import getitem
from typing import Any

from training.recipe import Recipe
from training.settings import Setting, settings_of

# What is not a person's choice in a form: what a recipe says of itself, and the architecture's options, which have a
# form of their own.
_LEFT_OUT = ("name", "about", "claims", "options", "default_epochs")
_BASICS = ("steps", "epochs", "minutes", "batch", "crop", "init", "optimizer.lr", "augment.scale", "augment.flip")
_REST = {  # a whole part, or single settings
    "Optimiser": ("optimizer",),
    "Learning rate over time": ("schedule",),
    "Loss": ("loss",),
    "Augmentation": ("augment",),
    "Weights": ("init_parts", "freeze_encoder", "thaw_at", "frozen_bn", "ema"),
    "Validation and stopping": ("validation", "early_stop", "checkpoint_every"),
    "Photos": ("resize", "pack_long_side", "pack"),
    "Computing": ("accumulate", "precision", "channels_last", "compile", "deterministic", "seed"),
}


@dataclass(frozen=True)
class SettingGroup:
    """Settings that belong together. `basic`: shown at once, the others folded."""

    title: str
    basic: bool
    settings: tuple[Setting, ...]


def recipe_schema() -> tuple[SettingGroup, ...]:
    """Return everything a person may set in a recipe, each setting once, the basics first."""
    known = {setting.key: setting for setting in settings_of(Recipe, Recipe, without=_LEFT_OUT)}
    basics = SettingGroup("Basics", True, tuple(known.pop(key) for key in _BASICS))
    groups = [basics]
    for title, names in _REST.items():
        keys = [key for key in known if key in names or key.partition(".")[0] in names]
        groups.append(SettingGroup(title, False, tuple(known.pop(key) for key in keys)))
    if known:
        raise RuntimeError(f"settings of a recipe that are in no group of its form: {', '.join(known)}")
    return tuple(groups)


def schema_json(groups: Sequence[SettingGroup]) -> list[dict[str, Any]]:
    """Return plain JSON values."""
    return [asdict(group) for group in groups]


def recipe_values(recipe: Recipe) -> dict[str, Any]:
    """Return what a recipe says of every setting in the form, by key, and the options of its architecture."""
    document = recipe.model_dump(mode="json")
    keys = [setting.key for group in recipe_schema() for setting in group.settings]
    values = {key: reduce(getitem, key.split("."), document) for key in keys}
    return values | {f"options.{name}": value for name, value in document["options"].items()}
