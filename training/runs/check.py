"""What a training would be trained on, and what stands in its way, told before anything is started."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from db.errors import UserError
from db.home import Home
from db.session import Database
from db.store import Store
from labeling.datasets import list_datasets
from labeling.manifest import Manifest
from labeling.revisions import find_revision, load_manifest, outline
from training.evaluation.selection import choices, lacks_roles, select, split
from training.recipe import Recipe
from training.runs.creation import TrainRequest, settle_recipe

Fix = Literal["import", "label", "roles", "data", "settings", "weights"]
"""Where it is put right: bring photos in, label them, deal out roles, choose other images, other settings, fetch
weights."""


@dataclass(frozen=True)
class Obstacle:
    """Why a training cannot be started, in words, and where that is put right."""

    text: str
    fix: Fix


@dataclass(frozen=True)
class Outlook:
    """What a training would be trained on.

    Attributes:
        train: images to train on.
        val: images to validate on.
        choices: images of every role and subset that may be trained on.
        unlabelled: images left out because nobody labelled them yet.
        obstacle: None where it can be started.
    """

    train: int = 0
    val: int = 0
    choices: dict[str, int] = field(default_factory=dict)
    unlabelled: int = 0
    obstacle: Obstacle | None = None


def look_ahead(home: Home, database: Database, request: TrainRequest) -> Outlook:
    """Look up what a training would use. Nothing is frozen, rendered or measured, so it takes no time.

    What shows only in the photos and weights themselves, the estimate and the start tell.
    """
    seen = _look_at_data(home, database, request)
    return seen if seen.obstacle else replace(seen, obstacle=_look_at_settings(home, request))


def _look_at_data(home: Home, database: Database, request: TrainRequest) -> Outlook:
    try:
        manifest, seen = _manifest(home, database, request)
        if manifest is None:
            return seen
        candidates = select(manifest, request.datasets)
        seen = replace(seen, choices=choices(candidates))
        if lacks_roles(candidates, request.on):
            text = "No image has a role yet. Deal out train and val first, or train on all images without validation."
            return replace(seen, obstacle=Obstacle(text, "roles"))
        train, val = split(manifest, request.datasets, request.on)
        return replace(seen, train=len(train), val=len(val))
    except UserError as error:
        return Outlook(obstacle=Obstacle(str(error), "data"))


def _manifest(home: Home, database: Database, request: TrainRequest) -> tuple[Manifest | None, Outlook]:
    if request.revision is not None:
        revision = find_revision(database, request.project, request.revision)
        return load_manifest(Store(home.store), revision.digest), Outlook(unlabelled=revision.unlabelled)
    found = list_datasets(database, request.project)
    wanted = [dataset for dataset in found if not request.datasets or dataset.name in request.datasets]
    images, labelled = sum(each.images for each in wanted), sum(each.labelled for each in wanted)
    seen = Outlook(unlabelled=images - labelled)
    if not images:
        return None, replace(seen, obstacle=Obstacle("There are no photos to train on yet. Bring some in.", "import"))
    if not labelled:
        return None, replace(seen, obstacle=Obstacle(f"None of the {images} photos is labelled yet.", "label"))
    return outline(database, project=request.project, datasets=request.datasets), seen


def _look_at_settings(home: Home, request: TrainRequest) -> Obstacle | None:
    try:
        recipe = settle_recipe(request)
    except UserError as error:
        return Obstacle(str(error), "settings")
    return _look_at_weights(home, request.architecture, recipe) if recipe.init == "imagenet" else None


def _look_at_weights(home: Home, architecture: str, recipe: Recipe) -> Obstacle | None:
    from training.architecture_cards import architecture_card
    from training.weights.catalogue import find_weights, how_to_get, locate

    card = architecture_card(architecture, options=recipe.options, home=home)
    if card.imagenet is None:
        return Obstacle(f"No ImageNet weights fit {card.title} with these options. {card.imagenet_note}", "settings")
    weights = find_weights(card.imagenet)
    if locate(weights, home) is None:
        if weights.url is None:
            text = f"The ImageNet weights {weights.name} are not on this computer yet: {how_to_get(weights)}."
            return Obstacle(text, "settings")
        return Obstacle(f"The ImageNet weights {card.imagenet} are not on this computer yet.", "weights")
    return None
