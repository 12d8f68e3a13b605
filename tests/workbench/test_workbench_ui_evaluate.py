"""What the page of evaluations offers, starts and tells, without a browser."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
import torch

from db.errors import UserError
from labeling.classes import add_class
from labeling.datasets import list_datasets
from labeling.roles import set_roles
from tests.support.scenes import COLORS, Scene, Workspace, add_dataset, blocks, workspace
from tests.support.server import serve
from tests.support.tiny_models import PLAIN, ColorNet, loaded
from training.evaluation.evaluate import EvaluationRequest, evaluate_loaded
from training.evaluation.mapping import BY_NAME, save_mapping
from training.evaluation.trash import discard_evaluation
from training.prediction.inference import Predictor
from workbench.server.services import Services
from workbench.ui.components.widget import kept_number
from workbench.ui.pages.evaluate import content, read_rows
from workbench.ui.pages.evaluate_form import (
    Form,
    command,
    dataset_classes,
    first_images,
    image_choices,
    lacking,
    mapping_choices,
    model_choices,
    size_fields,
)

CLASSES = ("sky", "<script>alert(1)</script>", "${car}")
CHOSEN: dict[str, Any] = {
    "model": "1:best",
    "dataset": "day",
    "images": "val",
    "size": "original",
    "long": 512,
    "height": 360,
    "width": 480,
    "mapping": BY_NAME,
    "predictions": True,
}


@pytest.fixture
def place(tmp_path: Path) -> Workspace:
    place = workspace(tmp_path, CLASSES)
    scenes = [Scene(blocks(24, 24, 3, n), role, ("dusk",) if n else (), n) for n, role in enumerate(("train", "val"))]
    add_dataset(place, "day", [*scenes, Scene(blocks(24, 24, 3, 5), seed=5)])
    return place


@pytest.fixture
def services(place: Workspace) -> Services:
    return serve(place.home)


def _choices(services: Services) -> list[tuple[str, str]]:
    return image_choices(list_datasets(services.database, "p")[0])


def test_the_command_says_what_was_chosen_and_no_more() -> None:
    plain = ["evaluate", "--dataset=day", "--on=val", "--project=p", "--", "1:best"]
    assert command("p", **CHOSEN) == plain
    assert command("p", **CHOSEN | {"size": "long"})[3] == "--size=long 512"
    changes = {"model": "-model", "size": "exact", "mapping": "mine; rm", "predictions": False}
    everything = command("-p", **CHOSEN | changes)
    assert shlex.join(everything[3:]) == "--size=360x480 '--mapping=mine; rm' --no-predictions --project=-p -- -model"
    refined = {"scales": "0.5, 1", "flip": True, "combine": "max", "window": 321, "crf": 10}
    told = command("p", **CHOSEN | refined)[3:8]
    assert told == ["--scales=0.5,1", "--flip", "--combine=max", "--window=321", "--crf=10"]
    crf = {"crf": 10, "crf_set": "appearance_xy=40, smoothness=2"}
    assert command("p", **CHOSEN | crf)[3:6] == ["--crf=10", "--crf-set=smoothness=2", "--crf-set=appearance_xy=40"]


@pytest.mark.parametrize("wrong", ["appearance", "appearance_xy=wide", "sharpness=3"])
def test_mistakes_in_the_parameters_of_a_crf_are_said(wrong: str) -> None:
    with pytest.raises(UserError, match="CRF"):
        command("p", **CHOSEN | {"crf": 10, "crf_set": wrong})


@pytest.mark.parametrize("missing", ["model", "dataset", "images"])
def test_nothing_starts_before_all_is_chosen(missing: str) -> None:
    with pytest.raises(UserError, match="Choose a model"):
        command("p", **CHOSEN | {missing: None})


@pytest.mark.parametrize(
    ("size", "field", "value"), [("long", "long", None), ("exact", "width", None), ("exact", "height", 0)]
)
def test_a_size_needs_its_numbers(size: str, field: str, value: int | None) -> None:
    with pytest.raises(UserError, match="pixels"):
        command("p", **CHOSEN | {"size": size, field: value})


def test_only_the_numbers_that_a_size_needs_are_shown() -> None:
    shown = {size: [field["visible"] for field in size_fields(size)] for size in ("original", "long", "exact")}
    assert shown == {
        "original": [False, False, False],
        "long": [True, False, False],
        "exact": [False, True, True],
    }


def test_roles_come_first_and_training_images_are_not_what_is_offered_first(services: Services) -> None:
    assert _choices(services) == [
        ("val (1 image)", "val"),
        ("train (1 image)", "train"),
        ("dusk (1 image, list)", "dusk"),
        ("all (3 labelled images)", "all"),
    ]
    assert first_images(_choices(services)) == "val"
    set_roles(services.database, "p", "day", ["001.png"], "train")
    assert first_images(_choices(services)) == "dusk"
    assert (image_choices(None), first_images([])) == ([], None)


@pytest.fixture
def form(services: Services, monkeypatch: pytest.MonkeyPatch) -> Form:
    """The form, in a project with a run's two checkpoints."""
    known = [("1:best · first", "1:best"), ("1:last · first", "1:last")]
    monkeypatch.setattr("workbench.ui.pages.evaluate_form.model_choices", lambda *_: known)
    with gr.Blocks():
        return Form(services, kept_number())


def _chosen(form: Form, **asked: str) -> list[Any]:
    return [field["value"] for field in form.fill(1, asked)[2:5]]


def test_the_address_chooses_what_it_names(form: Form, place: Workspace) -> None:
    add_dataset(place, "evening", [Scene(blocks(24, 24, 3, 9), None, ("fog",), 9)])
    assert _chosen(form) == ["1:best", "day", "val"]
    assert _chosen(form, model="1:last") == ["1:last", "day", "val"]
    assert _chosen(form, dataset="evening") == ["1:best", "evening", "fog"]
    assert _chosen(form, model="1:last", dataset="day", on="dusk") == ["1:last", "day", "dusk"]


@pytest.mark.parametrize(("what", "place_of_it"), [("model", 0), ("dataset", 1), ("on", 2)])
def test_what_an_address_names_that_is_not_there_is_said(form: Form, what: str, place_of_it: int) -> None:
    with pytest.warns(UserWarning, match=f"{what}=&lt;b&gt;gone, which is not here"):
        assert _chosen(form, **{what: "<b>gone"})[place_of_it] is None


def test_who_comes_with_a_model_finds_the_form_open(form: Form, place: Workspace) -> None:
    predictor = Predictor(loaded(ColorNet(COLORS[:3]), CLASSES, preprocessing=PLAIN), torch.device("cpu"), "fp32")
    assert form.fill(1, {})[0]["open"]
    evaluate_loaded(place.home, place.database, predictor, EvaluationRequest("p", "day", predictions=False))
    assert not form.fill(1, {})[0]["open"]
    assert form.fill(1, {"model": "1:best"})[0]["open"]


def test_mappings_and_classes_as_they_are_now(services: Services) -> None:
    save_mapping(services.database, "p", "mine", [("car", CLASSES[2])])
    assert mapping_choices(services, "p") == [("classes of the same name", BY_NAME), ("mine", "mine")]
    add_class(services.database, "p", "lamp")
    assert dataset_classes(services, "p") == [*CLASSES, "lamp"]


def test_what_is_missing_is_said_with_the_way_there(services: Services) -> None:
    datasets = list_datasets(services.database, "p")
    assert model_choices(services, "p") == []
    assert "/data?project=7&tab=import" in lacking(7, [], [])
    assert "/train?project=7" in lacking(7, [], datasets)
    assert lacking(7, [("1:best", "1:best")], datasets) == ""
    set_roles(services.database, "p", "day", ["000.png", "001.png"], None)
    assert "role" in lacking(7, [("1:best", "1:best")], list_datasets(services.database, "p"))


def test_the_widget_is_told_what_runs_what_is_saved_and_what_is_in_the_trash(
    place: Workspace, services: Services
) -> None:
    assert content(services, None) == {"project": None, "pending": [], "mappings": [], "trash": []}
    predictor = Predictor(loaded(ColorNet(COLORS[:3]), CLASSES, preprocessing=PLAIN), torch.device("cpu"), "fp32")
    evaluate_loaded(place.home, place.database, predictor, EvaluationRequest("p", "day", predictions=False))
    save_mapping(services.database, "p", "mine", read_rows([["car", CLASSES[2]], ["lamp", None]]))
    discard_evaluation(place.home, place.database, "p", 1)
    told = content(services, 1)
    assert told["mappings"] == [{"mapping": "mine", "rows": [["car", CLASSES[2]], ["lamp", None]]}]
    assert [row["evaluation"] for row in told["trash"]] == [1]
    assert told["pending"] == []


def test_a_project_that_is_gone_is_said_in_words(services: Services) -> None:
    with pytest.raises(UserError, match="no project"):
        content(services, 99)
