"""A run as it was asked for and as it was settled: its recipe, its data, its machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from training.engine.decisions import read_decisions
from training.engine.rundir import RunDirectory
from training.recipe import load_recipe, names
from training.recipe_form import recipe_schema, recipe_values
from training.runs.lifecycle import RunInfo

_SETTLED = (
    *("device", "precision", "channels_last", "threads", "steps", "steps_per_epoch", "validate_every", "init"),
    *("checkpoint_every", "placement", "images", "validation_images", "seconds_per_step", "peak_memory"),
)


@dataclass(frozen=True)
class UsedSetting:
    """A setting of the recipe. `changed`: it differs from the recipe of that name."""

    key: str
    value: Any
    changed: bool


@dataclass(frozen=True)
class UsedGroup:
    """Settings that belong together, as in the form."""

    title: str
    settings: tuple[UsedSetting, ...]


@dataclass(frozen=True)
class RunDetails:
    """What a run was asked to do.

    Attributes:
        recipe: name of the recipe it began with.
        groups: of all settings.
        datasets: trained on; empty for all of the revision.
        on: subset or role trained on.
        device: as asked, `auto` for one.
        settled: what was decided before the first step (see `training.engine.decisions`); None until then.
    """

    recipe: str
    groups: tuple[UsedGroup, ...]
    datasets: tuple[str, ...]
    on: str
    device: str
    settled: dict[str, Any] | None


def run_details(run: RunInfo) -> RunDetails:
    """Read what a run was asked to do.

    Raises:
        UserError: its files are damaged.
    """
    directory = RunDirectory(run.directory)
    command, decisions = directory.command(), read_decisions(directory.decisions)
    recipe = command.recipe
    used = recipe_values(recipe)
    usual = recipe_values(load_recipe(recipe.name)) if recipe.name in names() else used
    keys = {"Architecture": [key for key in used if key.startswith("options.")]}
    keys |= {group.title: [setting.key for setting in group.settings] for group in recipe_schema()}
    groups = tuple(
        UsedGroup(title, tuple(UsedSetting(key, used[key], used[key] != usual.get(key)) for key in members))
        for title, members in keys.items()
        if members
    )
    settled = None if decisions is None else decisions.model_dump(mode="json", include=set(_SETTLED))
    return RunDetails(recipe.name, groups, command.datasets, command.on, command.device, settled)
