"""An evaluation's figures as a file, and the images that two evaluations share, over the server."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from starlette.testclient import TestClient

from db.errors import UserError
from tests.support.scenes import COLORS, Scene, add_dataset, blocks, workspace
from tests.support.server import serve, visitor
from tests.support.tiny_models import PLAIN, ColorNet, loaded
from training.evaluation.compare import MOST
from training.evaluation.derived.resamples import WORTH_KEEPING
from training.evaluation.evaluate import EvaluationRequest, evaluate_loaded
from training.evaluation.mapping import save_mapping
from training.prediction.inference import Predictor
from workbench.server.routes.comparisons import AT_ONCE

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


def test_several_beside_the_first_and_their_images_in_pages(client: TestClient) -> None:
    root = "/api/evaluations/compare/several"
    found = client.get(f"{root}?ids=2,1").json()
    assert [each["evaluation"] for each in found["evaluations"]] == [2, 1]
    assert (found["computed"], found["comparisons"][0]["metrics"]["miou"]["b"]) == (True, 1)
    assert [row["name"] for row in found["classes"]] == list(CLASSES)
    assert all(row["color"].startswith("#") for row in found["classes"])
    assert found["comparisons"][0]["classes"][1]["iou"]["verdict"] == "cannot tell"  # of so few images
    pages = [client.get(f"{root}/images?ids=1,2&sort=disputed&{more}").json() for more in ("limit=2", "offset=2")]
    images = [image for page in pages for image in page["images"]]
    assert ({page["total"] for page in pages}, len(images)) == ({3}, 3)
    changes = [image["scores"][1] - image["scores"][0] for image in images]
    assert changes == sorted(changes)
    assert (pages[0]["sort"], pages[0]["compared"]) == ("lost", False)  # nobody compared them, and nobody can
    assert "stored no predictions" in pages[0]["obstacle"]
    assert client.post(f"{root}/start", json={"ids": [1, 2], "predictions": True}).status_code == 400
    models = client.get(f"{root}/models?ids=1,2").json()
    assert [model["run"] for model in models["models"]] == [None, None]
    for ids, status in (("1,9", 404), ("1", 400), ("1,x", 400), ("1,2,2", 400)):
        assert client.get(f"{root}?ids={ids}").status_code == status


def test_with_very_many_images_intervals_are_left_to_a_task(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert MOST * (WORTH_KEEPING - 1) <= AT_ONCE  # what no task would keep, a page computes
    monkeypatch.setattr("workbench.server.routes.comparisons.AT_ONCE", 2)
    found = client.get("/api/evaluations/compare/several?ids=1,2").json()
    miou = found["comparisons"][0]["metrics"]["miou"]
    assert not found["computed"]
    assert (miou["low"], miou["verdict"], miou["difference"]) == (None, "cannot tell", miou["b"] - miou["a"])
    started: list[list[str]] = []

    def start(_: object, argv: list[str], **__: object) -> None:
        started.append(argv)
        raise UserError("Not in a test.")

    monkeypatch.setattr("workbench.server.routes.comparisons.start_task", start)
    client.post("/api/evaluations/compare/several/start", json={"ids": [2, 1]})
    assert started == [["compare", "--project=p", "2", "1"]]
