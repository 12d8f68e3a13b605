"""An evaluation's figures as a file, and the images that two evaluations share, over the server."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from starlette.testclient import TestClient

from tests.support.scenes import COLORS, Scene, add_dataset, blocks, workspace
from tests.support.server import serve, visitor
from tests.support.tiny_models import PLAIN, ColorNet, loaded
from training.evaluation.evaluate import EvaluationRequest, evaluate_loaded
from training.evaluation.mapping import save_mapping
from training.prediction.inference import Predictor

CLASSES = ("sky", "=road()", "car")


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    """Evaluation 1 is right, 2 takes the road for cars; a mapping `right` puts that right again."""
    place = workspace(tmp_path, CLASSES)
    add_dataset(place, "campus", [Scene(blocks(40, 56, 3, number), seed=number) for number in range(3)])
    swapped = ("sky", "car", "=road()")
    for names in (CLASSES, swapped):
        predictor = Predictor(loaded(ColorNet(COLORS[:3]), names, preprocessing=PLAIN), torch.device("cpu"), "fp32")
        evaluate_loaded(place.home, place.database, predictor, EvaluationRequest("p", "campus", predictions=False))
    save_mapping(place.database, "p", "right", list(zip(swapped, CLASSES, strict=True)))
    return visitor(serve(place.home))


def test_figures_come_as_a_file_under_the_mapping_asked_for(client: TestClient) -> None:
    answer = client.get("/api/evaluations/2/figures.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="evaluation-2.csv"'
    assert "\r\n'=road(),0.0,0.0,0.0," in answer.text
    assert "\r\nmiou,1.0\r\n" in client.get("/api/evaluations/2/figures.csv?mapping=right").text
    assert client.get("/api/evaluations/9/figures.csv").status_code == 404


def test_images_of_two_in_pages(client: TestClient) -> None:
    first = client.get("/api/evaluations/compare/images?a=1&b=2&limit=2").json()
    rest = client.get("/api/evaluations/compare/images?a=1&b=2&offset=2").json()
    assert (first["total"], len(first["images"]), len(rest["images"])) == (3, 2, 1)
    differences = [pair["difference"] for pair in first["images"] + rest["images"]]
    assert differences == sorted(differences)
    assert all(pair["a"]["path"] == pair["b"]["path"] for pair in first["images"])
    assert client.get("/api/evaluations/compare/images?a=1&b=9").status_code == 404
