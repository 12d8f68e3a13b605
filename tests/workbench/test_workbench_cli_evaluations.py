"""Commands that look into evaluations and at what can be trained."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from db.errors import UserError
from tests.support.scenes import COLORS, Scene, add_dataset, blocks, workspace
from tests.support.tiny_models import PLAIN, ColorNet, loaded
from training.evaluation.evaluate import EvaluationRequest, evaluate_loaded
from training.prediction.inference import Predictor
from workbench.cli.app import app
from workbench.cli.options import Workplace

CLASSES = ("sky", "road, wet", "car")


def _ask(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    app([*arguments, "--json"], standalone_mode=False)
    found = json.loads(capsys.readouterr().out)
    assert isinstance(found, dict)
    return found


@pytest.fixture
def home(tmp_path: Path) -> str:
    place = workspace(tmp_path, CLASSES)
    add_dataset(place, "campus", [Scene(blocks(40, 56, 3, number), seed=number) for number in range(3)])
    model = loaded(ColorNet(COLORS[:3]), ("sky", "car", "road, wet"), preprocessing=PLAIN)
    predictor = Predictor(model, torch.device("cpu"), "fp32")
    evaluate_loaded(place.home, place.database, predictor, EvaluationRequest("p", "campus"))
    return str(tmp_path)


def test_an_evaluation_is_shown_again(home: str, capsys: pytest.CaptureFixture[str]) -> None:
    listed = _ask(capsys, "evaluations", "--home", home)["evaluations"]
    shown = _ask(capsys, "evaluations", "show", "1", "--home", home)
    assert shown["miou"] == listed[0]["miou"]
    app(["evaluations", "show", "1", "--home", home], standalone_mode=False)
    assert "mean IoU" in capsys.readouterr().out


def test_images_behind_a_cell_and_the_worst(home: str, capsys: pytest.CaptureFixture[str]) -> None:
    worst = _ask(capsys, "evaluations", "images", "1", "--home", home, "--limit", "2")
    assert worst["total"] == 3
    assert [image["score"] for image in worst["images"]] == sorted(image["score"] for image in worst["images"])
    cell = _ask(capsys, "evaluations", "images", "1", "--home", home, "--cell", "road, wet,car")
    assert cell["total"] == 3
    assert all(image["pixels_in_cell"] for image in cell["images"])
    none = _ask(capsys, "evaluations", "images", "1", "--home", home, "--cell", "road, wet,other")
    assert none == {"total": 0, "images": [], "note": None}
    most = _ask(capsys, "evaluations", "images", "1", "--home", home, "--sort", "-entropy", "--max-score", "0")
    assert most["total"] == 0
    app(["evaluations", "images", "1", "--home", home, "--cell", "1,2"], standalone_mode=False)
    assert "campus/000.png" in capsys.readouterr().out


def test_figures_for_spreadsheets(home: str, capsys: pytest.CaptureFixture[str]) -> None:
    shown = _ask(capsys, "evaluations", "show", "1", "--home", home)
    app(["evaluations", "show", "1", "--csv", "--home", home], standalone_mode=False)
    assert f"\nmiou,{shown['miou']}\n" in capsys.readouterr().out.replace("\r", "")


def test_curves_of_all_classes_and_of_one(home: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = _ask(capsys, "evaluations", "curves", "1", "--home", home)
    assert [each["name"] for each in found["classes"]] == list(CLASSES)
    one = _ask(capsys, "evaluations", "curves", "1", "--class", "sky", "--home", home)
    assert one["auc"] == found["classes"][0]["auc"] == 1
    for arguments, expected in (([], "road, wet"), (["--class", "sky"], "argmax")):
        app(["evaluations", "curves", "1", *arguments, "--home", home], standalone_mode=False)
        assert expected in capsys.readouterr().out


def test_boundaries_are_counted_when_asked_for(home: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert _ask(capsys, "evaluations", "show", "1", "--home", home)["boundary"] is None
    app(["evaluations", "show", "1", "--home", home], standalone_mode=False)
    assert "`workbench evaluations boundary 1` does it" in capsys.readouterr().out
    found = _ask(capsys, "evaluations", "boundary", "1", "--home", home)
    assert found["boundary"] == _ask(capsys, "evaluations", "show", "1", "--home", home)["boundary"]
    assert found["classes"][0]["boundary_f1"] == 1
    app(["evaluations", "show", "1", "--home", home], standalone_mode=False)
    assert "masks that tell no objects apart" in capsys.readouterr().out


def test_the_trash_and_back(home: str, capsys: pytest.CaptureFixture[str]) -> None:
    _ask(capsys, "discard", "evaluation", "1", "--home", home)
    assert _ask(capsys, "evaluations", "--home", home)["evaluations"] == []
    assert [(i["kind"], i["name"]) for i in _ask(capsys, "trash", "--home", home)["items"]] == [("evaluation", "1")]
    app(["trash", "--home", home], standalone_mode=False)
    assert "campus" in capsys.readouterr().out
    _ask(capsys, "trash", "restore", "evaluation", "1", "--home", home)
    assert [e["evaluation"] for e in _ask(capsys, "evaluations", "--home", home)["evaluations"]] == [1]


def test_images_that_two_evaluations_share(home: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = _ask(capsys, "compare", "1", "1", "--images", "2", "--home", home)["pairs"]
    assert found["total"] == 3
    assert [pair["difference"] for pair in found["images"]] == [0, 0]
    app(["compare", "1", "1", "--images", "2", "--home", home], standalone_mode=False)
    assert "2 of 3 images that both have" in capsys.readouterr().out
    assert "pairs" not in _ask(capsys, "compare", "1", "1", "--home", home)


def test_many_compared_and_where_their_predictions_differ(home: str, capsys: pytest.CaptureFixture[str]) -> None:
    place = Workplace(Path(home))
    model = loaded(ColorNet(COLORS[:3]), ("sky", "road, wet", "car"), preprocessing=PLAIN)
    predictor = Predictor(model, torch.device("cpu"), "fp32")
    for _ in range(2):
        evaluate_loaded(place.home, place.database, predictor, EvaluationRequest("p", "campus"))
    found = _ask(capsys, "compare", "1", "2", "3", "--disputed", "2", "--home", home)
    assert (found["baseline"], [each["b"]["evaluation"] for each in found["comparisons"]]) == (1, [2, 3])
    assert (found["disputes"]["total"], len(found["disputes"]["images"])) == (3, 2)
    app(["compare", "1", "2", "3", "--disputed", "2", "--home", home], standalone_mode=False)
    told = capsys.readouterr().out
    assert "2 of 3 images that all have" in told
    assert "cannot tell" in told  # of three images
    with pytest.raises(UserError, match="Name two"):
        app(["compare", "1", "2", "3", "--images", "2", "--home", home], standalone_mode=False)


def test_architectures_and_settings(capsys: pytest.CaptureFixture[str]) -> None:
    card = _ask(capsys, "archs", "unet", "--set", "encoder=resnet18", "--classes", "3")
    assert (card["classes"], card["imagenet"], card["output_stride"]) == (3, "resnet18", 2)
    assert _ask(capsys, "settings")["groups"][0]["title"] == "Basics"
    for command, expected in (
        (["archs"], "lraspp_mobilenetv3"),
        (["archs", "unet"], "encoder"),
        (["settings"], "poly"),
    ):
        app(command, standalone_mode=False)
        assert expected in capsys.readouterr().out
