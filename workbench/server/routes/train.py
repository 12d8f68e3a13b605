"""Training from the browser: what there is to choose, what a choice means, measuring it, starting it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from db.errors import UserError
from labeling.classes import list_classes
from labeling.datasets import list_datasets
from labeling.revisions import RevisionInfo, list_revisions
from training.devices import list_devices
from training.models.names import model_names
from training.recipe import Recipe, load_recipe
from training.recipe import names as recipe_names
from training.recipe_form import recipe_schema, recipe_values, schema_json
from training.runs.check import Obstacle, Outlook, look_ahead
from training.tasks.files import shell_line
from training.tasks.lifecycle import start_task
from workbench.plain import plain
from workbench.server.services import Services
from workbench.server.train_form import TrainForm, check_init
from workbench.server.tray import task_entry

_REVISIONS = 50


class Network(BaseModel):
    """An architecture with options, to be described."""

    classes: int = Field(ge=1, le=254)
    options: dict[str, Any] = Field(default_factory=dict)


class Fetch(BaseModel):
    """Weights of the catalogue, by name."""

    weights: str


def router(services: Services) -> APIRouter:
    """Return the routes. torch is loaded by whoever first asks for architectures or devices."""
    routes = APIRouter(prefix="/api")

    def start(project: int, form: TrainForm, title: str, option: str) -> dict[str, Any]:
        name = services.name_of(project)
        if obstacle := _outlook(services, name, form).obstacle:
            raise UserError(obstacle.text)
        link = f"/train?project={project}" if option == "--estimate" else f"/runs?project={project}"
        argv = [*form.argv(name), option]
        task = start_task(services.home, argv, title=title, project_id=project, link=link)
        return task_entry(services, task) | {"starts": command(name, form)}

    def command(project: str, form: TrainForm) -> str:
        return shell_line([*form.argv(project), "--detach"], services.home.path)

    @routes.get("/architectures")
    def architectures() -> dict[str, Any]:
        """The architectures with their default options, the lightest first, as far as they are described by now."""
        cards, waiting = services.architectures.so_far()
        return {"architectures": plain(cards), "waiting": waiting}

    @routes.post("/architectures/{name}")
    def architecture(name: str, network: Network) -> dict[str, Any]:
        """One architecture with options, its drawing, and whether the weights that fit it lie on this computer."""
        from training.architecture_cards import COPIES, described
        from training.weights.catalogue import find_weights, how_to_get, locate

        found = described(name, classes=network.classes, options=network.options, home=services.home)
        card = found.card
        weights = find_weights(card.imagenet) if card.imagenet else None
        there = weights is not None and locate(weights, services.home) is not None
        by_hand = how_to_get(weights) if weights and weights.url is None else ""
        held = {name: copies * card.weight_bytes for name, copies in COPIES.items()}
        told = {"imagenet_is_here": there, "imagenet_by_hand": by_hand, "held_bytes": held}
        return card.to_json() | told | {"drawing": found.svg(network.options)}

    @routes.get("/devices")
    def devices() -> dict[str, Any]:
        """What there is to train on, and who is at it."""
        return {"devices": plain(list_devices(services.home))}

    @routes.get("/projects/{project}/train")
    def choices(project: int) -> dict[str, Any]:
        """What the form offers."""
        name = services.name_of(project)
        classes = [each for each in list_classes(services.database, name) if each.merged_into is None]
        return {
            "classes": len(classes),
            "datasets": [dataset.name for dataset in list_datasets(services.database, name)],
            "revisions": [_revision(each) for each in list_revisions(services.database, name)[:_REVISIONS]],
            "models": plain(model_names(services.home, services.database, name)),
            "recipes": [_recipe(load_recipe(recipe)) for recipe in _recipes()],
            "groups": schema_json(recipe_schema()),
            "files_below": None if services.import_root is None else str(services.import_root),
        }

    @routes.post("/projects/{project}/train/plan")
    def look(project: int, form: TrainForm) -> dict[str, Any]:
        """The command that a form stands for, what it would train on, and what stands in its way."""
        name = services.name_of(project)
        return {**plain(_outlook(services, name, form)), "command": command(name, form)}

    @routes.post("/projects/{project}/train/estimate")
    def estimate(project: int, form: TrainForm) -> dict[str, Any]:
        """Measure a training, by a task; nothing of it stays."""
        return start(project, form, f"Estimate {form.name.strip() or form.architecture}", "--estimate")

    @routes.post("/projects/{project}/train/start")
    def begin(project: int, form: TrainForm) -> dict[str, Any]:
        """Start a training, by a task that ends once its trainer lives; its result names the run."""
        return start(project, form, f"Start training {form.name.strip() or form.architecture}", "--detach")

    @routes.post("/projects/{project}/train/weights")
    def fetch(project: int, wanted: Fetch) -> dict[str, Any]:
        """Download weights of the catalogue, by a task: nothing is fetched unless somebody asks."""
        from training.weights.catalogue import find_weights

        weights = find_weights(wanted.weights)
        argv = ["weights", "fetch", weights.name]
        link = f"/train?project={project}"
        title = f"Fetch weights {weights.name}"
        return task_entry(services, start_task(services.home, argv, title=title, project_id=project, link=link))

    return routes


def _outlook(services: Services, project: str, form: TrainForm) -> Outlook:
    seen = look_ahead(services.home, services.database, form.request(project))
    try:
        check_init(services, project, form)
    except UserError as error:
        return replace(seen, obstacle=seen.obstacle or Obstacle(str(error), "settings"))
    return seen


def _recipes() -> list[str]:
    """Return the recipes as one tries them: for everyone first, then the papers'."""
    return sorted(recipe_names(), key=lambda name: (name not in ("default", "scratch", "strong"), name))


def _recipe(recipe: Recipe) -> dict[str, Any]:
    about = {"name": recipe.name, "about": recipe.about, "claims": plain(recipe.claims)}
    return about | {"default_epochs": recipe.default_epochs, "values": recipe_values(recipe)}


def _revision(info: RevisionInfo) -> dict[str, Any]:
    fields = ("digest", "images", "unlabelled", "created_at")
    return {**plain({name: getattr(info, name) for name in fields}), "classes": len(info.classes)}
