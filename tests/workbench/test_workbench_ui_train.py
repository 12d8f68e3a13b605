"""The training form: what is entered, shown as a command, and run is one thing; mistakes are said before the start."""

from __future__ import annotations

import shlex
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import typer
from starlette.testclient import TestClient

from labeling.projects import create_project
from labeling.roles import assign_roles
from labeling.subsets import add_to_subset
from tests.support.labelled_home import Place, make_place
from tests.support.labelme_folder import make_folder, write_photo
from tests.support.server import serve, visitor
from training.recipe import load_recipe
from training.recipe_form import recipe_schema, recipe_values
from training.runs.creation import TrainRequest
from training.settings import Setting
from training.tasks.files import TaskInfo
from workbench.cli import app
from workbench.server.routes import train
from workbench.server.train_form import TrainForm, setting_text

LENGTHS = ("steps", "epochs", "minutes")
PROJECT = "-p $(rm) 'q' \"x\""


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A project of six labelled photos and one without labels, in the dataset `day`; no roles yet."""
    place = make_place(tmp_path / "home")
    folder = make_folder(tmp_path / "day", [f"{n}" for n in range(6)])
    write_photo(folder / "bare.png", 9)
    place.run_import(folder, project=PROJECT)
    return place


@pytest.fixture
def client(place: Place) -> TestClient:
    return visitor(serve(place.home))


def another(setting: Setting) -> Any:
    """Return a value the setting takes that is not its default."""
    special = {
        "crop": [64, 96],
        "init": "scratch",
        "resize": "long 512",
        "augment.scale": [1, 2],
        "optimizer.betas": [0.5, 0.75],
        "optimizer.no_decay": ["bias", "head_weight"],
        "optimizer.multipliers": {"encoder": 0.1, "head_bias": 20},
        "augment.scales": [1, 2],
    }
    if setting.key in special:
        return special[setting.key]
    if setting.kind == "choice":
        return next((choice for choice in setting.choices if choice != setting.default), setting.default)
    if setting.kind == "boolean":
        return not setting.default
    if setting.kind == "integer":
        return (setting.default or 0) + 7
    assert setting.kind == "number", f"say here what {setting.key} could be"
    return 0.00001 if not setting.minimum else setting.minimum + 0.5


def asked(form: TrainForm, home: Path, monkeypatch: pytest.MonkeyPatch) -> TrainRequest:
    """Return what the command line makes of the form's command."""
    found: list[TrainRequest] = []

    def stop(home: object, database: object, request: TrainRequest, progress: object) -> None:
        found.append(request)
        raise typer.Exit(0)

    monkeypatch.setattr("training.runs.lifecycle.create_run", stop)
    assert app.run([*form.argv(PROJECT), "--home", str(home), "--json"]) == 0
    return found[0]


@pytest.mark.parametrize("length", LENGTHS)
def test_every_setting_comes_back_from_the_command(length: str, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = [each for group in recipe_schema() for each in group.settings]
    values = {each.key: another(each) for each in settings if each.key not in LENGTHS or each.key == length}
    form = TrainForm(architecture="unet", recipe="scratch", settings=values)
    request = asked(form, place.home.path, monkeypatch)
    assert replace(request, settings=dict(request.settings)) == form.request(PROJECT)
    recipe = recipe_values(load_recipe(request.recipe, request.settings))
    assert {key: recipe[key] for key in values} == values


def test_nothing_is_a_value_of_every_setting_that_may_be_empty(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = [each for group in recipe_schema() for each in group.settings]
    values = {each.key: None for each in settings if each.optional and each.key not in LENGTHS}
    assert {"crop", "ema", "early_stop.patience"} <= set(values)
    request = asked(TrainForm(architecture="unet", settings=values), place.home.path, monkeypatch)
    recipe = recipe_values(load_recipe(request.recipe, request.settings))
    assert {key: recipe[key] for key in values} == values


def test_everything_else_of_the_form_comes_back_too(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    form = TrainForm(
        architecture="unet",
        recipe="scratch",
        revision="abc123",
        datasets=("day", "-d x"),
        on="--dusk",
        settings={"options.width": 4, "options.encoder": "none", "options.batch_norm": False},
        device="cpu",
        name=" <b>$HOME</b> 'mine' ",
    )
    request = asked(form, place.home.path, monkeypatch)
    assert replace(request, settings=dict(request.settings)) == form.request(PROJECT)
    assert (request.name, request.on, request.datasets) == ("<b>$HOME</b> 'mine'", "--dusk", ("day", "-d x"))
    options = load_recipe(request.recipe, request.settings).options
    assert options == {"width": 4, "encoder": "none", "batch_norm": False}


@pytest.mark.parametrize(
    "text", ["yes", "null", "1.5", "012", "1:30", "2020-01-01", "[a", "{a: b}", "12", "a: b", "café"]
)
def test_text_stays_the_text_it_is(text: str) -> None:
    assert load_recipe("default", {"init": setting_text("init", text)}).init == text


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch, place: Place) -> list[list[str]]:
    """The commands of the tasks that were started; none is run."""
    found: list[list[str]] = []

    def start(home: object, argv: list[str], **about: Any) -> TaskInfo:
        found.append(argv)
        known: dict[str, Any] = dict.fromkeys(TaskInfo.__dataclass_fields__)
        return TaskInfo(**known | {"id": 1, "argv": tuple(argv), "state": "running", "started_at": datetime.now(UTC)})

    monkeypatch.setattr(train, "start_task", start)
    return found


def test_what_stands_in_the_way_is_said_with_where_to_go(
    place: Place, client: TestClient, started: list[list[str]]
) -> None:
    with place.database.write() as session:
        create_project(session, "empty")

    def look(project: int = 1, **form: Any) -> dict[str, Any]:
        answer = client.post(f"/api/projects/{project}/train/plan", json={"architecture": "unet", **form})
        assert answer.status_code == 200
        return dict(answer.json())

    assert look(2)["obstacle"]["fix"] == "import"
    bare = place.home.path.parent / "bare"
    write_photo(bare / "a.png", 1)
    place.run_import(bare, project="bare")
    assert look(3)["obstacle"]["fix"] == "label"
    seen = look()
    assert (seen["obstacle"]["fix"], seen["choices"], seen["unlabelled"]) == ("roles", {"all": 6}, 1)
    for action in ("estimate", "start"):
        refused = client.post(f"/api/projects/1/train/{action}", json={"architecture": "unet"})
        assert (refused.status_code, "has a role" in refused.json()["error"]) == (400, True)

    everything = look(on="all")
    assert (everything["obstacle"], everything["train"], everything["val"]) == (None, 6, 0)
    assign_roles(place.database, PROJECT, "day", val=1 / 3)
    add_to_subset(place.database, PROJECT, "day", "dusk", ["0.png", "1.png"])
    dealt = look()
    assert (dealt["obstacle"], dealt["train"], dealt["val"]) == (None, 4, 2)
    assert dealt["choices"] == {"all": 6, "train": 4, "val": 2, "dusk": 2}

    for settings, word in (
        ({"crop": "64 by 64"}, "expected HxW"),
        ({"optimizer.lr": "fast"}, "optimizer.lr"),
        ({"options.widht": 4}, "widht"),
        ({"init": str(place.home.path.parent / "secret.pt")}, "expected auto"),
    ):
        obstacle = look(settings=settings)["obstacle"]
        assert (obstacle["fix"], word in obstacle["text"]) == ("settings", True), obstacle
    assert look(settings={"init": "imagenet"})["obstacle"]["fix"] == "settings"
    fetch = look(settings={"init": "imagenet", "options.encoder": "resnet18"})["obstacle"]
    assert fetch["fix"] == "weights"
    assert started == []


def test_a_weights_file_is_taken_only_from_below_the_import_root(place: Place) -> None:
    assign_roles(place.database, PROJECT, "day", val=1 / 3)
    root = place.home.path.parent / "open"
    root.mkdir()
    client = visitor(serve(place.home, root))
    outside = (root / ".." / "w.pt", "/etc/passwd", "~nobody-of-this-name/w.pt", "w\0.pt")
    for path, fine in ((root / "w.pt", True), *((each, False) for each in outside)):
        form = {"architecture": "unet", "settings": {"init": str(path)}}
        obstacle = client.post("/api/projects/1/train/plan", json=form).json()["obstacle"]
        assert (obstacle is None) == fine
    assert (
        client.post("/api/projects/1/train/plan", json={"architecture": "unet", "recipe": "/etc/x.yaml"}).status_code
        == 400
    )


def test_the_command_shown_is_the_command_run(place: Place, client: TestClient, started: list[list[str]]) -> None:
    assign_roles(place.database, PROJECT, "day", val=1 / 3)
    form = {"architecture": "unet", "settings": {"steps": 3, "ema": None}, "name": "it's"}
    shown = client.post("/api/projects/1/train/plan", json=form).json()["command"]
    words = shlex.split(shown)
    assert words[:2] == ["workbench", "train"]
    assert words[-2:] == ["--home", str(place.home.path)]
    assert client.post("/api/projects/1/train/start", json=form).json()["starts"] == shown
    assert client.post("/api/projects/1/train/estimate", json=form).json()["starts"] == shown
    assert started == [words[1:-2], [*words[1:-3], "--estimate"]]


def test_what_the_form_offers(place: Place, client: TestClient) -> None:
    assign_roles(place.database, PROJECT, "day", val=1 / 3)
    offered = client.get("/api/projects/1/train").json()
    assert (offered["datasets"], offered["revisions"], offered["models"]) == (["day"], [], [])
    assert [recipe["name"] for recipe in offered["recipes"]][:2] == ["default", "scratch"]
    keys = {setting["key"] for group in offered["groups"] for setting in group["settings"]}
    assert all(keys <= set(recipe["values"]) for recipe in offered["recipes"])
    (automatic, *others) = client.get("/api/devices").json()["devices"]
    assert (automatic["name"], automatic["busy_with"]) == ("auto", None)
    assert "cpu" in {device["name"] for device in others}
    network = {"classes": 3, "options": {"width": 4, "levels": 2}}
    card = client.post("/api/architectures/unet", json=network).json()
    assert (card["classes"], card["imagenet"], card["imagenet_is_here"]) == (3, None, False)
    assert client.post("/api/architectures/nope", json=network).status_code == 400
