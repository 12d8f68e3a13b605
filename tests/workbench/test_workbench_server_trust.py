"""Likely label errors and what is plainly odd, over the routes, and by the command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from tests.support.scenes import COLORS, Scene, add_dataset, blocks, paint, png, workspace
from tests.support.server import serve, visitor
from tests.support.tiny_models import PLAIN, ColorNet, loaded
from training.evaluation.evaluate import EvaluationRequest, evaluate_loaded
from training.prediction.inference import Predictor
from workbench.cli.app import run

CLASSES = ("sky", "road", "tree", "=car")


def test_a_doubted_image_is_listed_by_both_until_it_is_said_to_be_right(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = workspace(tmp_path / "home", CLASSES)
    labels = blocks(40, 56, 3, 9)
    photo = png(paint(labels, 9))
    labels[4:20, 6:30] = 3  # nothing is one
    plain = blocks(40, 56, 3, 1)
    add_dataset(place, "campus", [Scene(labels), Scene(plain)], [photo, png(paint(plain, 1))])
    predictor = Predictor(loaded(ColorNet(COLORS[:4]), CLASSES, preprocessing=PLAIN), torch.device("cpu"), "fp32")
    number = evaluate_loaded(place.home, place.database, predictor, EvaluationRequest("p", "campus")).id
    client = visitor(serve(place.home))
    root = f"/api/evaluations/{number}"
    before = client.get(f"{root}/label-errors").json()
    assert (before["made"], before["about"]["images"]) == (False, 2)
    assert client.get(f"{root}/label-errors.csv").status_code == 400
    assert client.get("/api/projects/1/label-errors").json() == {"evaluation": number}

    asked = ["label-errors", str(number), "--home", str(place.home.path), "--project", "p", "--json"]
    assert run(asked) == 0
    told = json.loads(capsys.readouterr().out)
    found = client.get(f"{root}/label-errors").json()
    assert found["images"] == told["images"]
    (image,) = found["images"]
    assert (image["path"], image["regions"][0]["label"]) == ("000.png", "=car")
    assert client.get(f"{root}/label-errors/0/suspects", params={"size": 0}).headers["content-type"] == "image/png"
    assert ",'=car," in client.get(f"{root}/label-errors.csv").text

    assert client.post(f"{root}/label-errors/said", json={"images": [0], "right": True}).status_code == 200
    assert client.get(f"{root}/label-errors").json()["states"] == {"open": 0, "right": 1, "changed": 0}
    assert run([*asked, "--reopen", "0"]) == 0
    assert json.loads(capsys.readouterr().out)["total"] == 1
    assert run([*asked, "--class", "none"]) == 2
    assert "no class" in capsys.readouterr().out

    (notice,) = client.get(f"{root}/sanity").json()["notices"]
    assert (notice["kind"], notice["classes"]) == ("never-predicted", ["=car"])
