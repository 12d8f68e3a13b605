"""An evaluation's report and plots, as the command writes them and as the server sends them."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from tests.support.scenes import COLORS, Scene, Workspace, add_dataset, blocks, workspace
from tests.support.server import serve, visitor
from tests.support.tiny_models import PLAIN, ColorNet, loaded
from training.evaluation.evaluate import EvaluationRequest, evaluate_loaded
from training.evaluation.reporting import page
from training.prediction.inference import Predictor
from workbench.cli.app import app


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    place = workspace(tmp_path_factory.mktemp("home"), ("sky", "road"))
    add_dataset(place, "campus", [Scene(blocks(24, 32, 2))])
    model = loaded(ColorNet(COLORS[:2]), ("road", "sky"), preprocessing=PLAIN)
    predictor = Predictor(model, torch.device("cpu"), "fp32")
    evaluate_loaded(place.home, place.database, predictor, EvaluationRequest("p", "campus"))
    return place


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "plot", lambda found, name, kind: b"<svg xmlns='http://www.w3.org/2000/svg'/>")


def test_the_server_sends_the_page_and_the_plots(place: Workspace, undrawn: None) -> None:
    client = visitor(serve(place.home))
    report = client.get("/api/evaluations/1/report.html", params={"images": 1})
    assert report.status_code == 200
    assert "Evaluation 1: model local on campus" in report.text
    assert report.headers["content-disposition"] == 'attachment; filename="evaluation-1.html"'
    assert "default-src 'none'" in report.headers["content-security-policy"]
    drawn = client.get("/api/evaluations/1/plots/iou.png")
    assert drawn.headers["content-type"] == "image/png"
    with Image.open(io.BytesIO(drawn.content)) as image:
        assert image.width == 1440
    assert client.get("/api/evaluations/1/plots/pie.svg").status_code == 404
    assert client.get("/api/evaluations/9/report.html").status_code == 404
    assert visitor(serve(place.home), logged_in=False).get("/api/evaluations/1/report.html").status_code == 401


def test_the_command_writes_a_page_and_prints_it(
    place: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str], undrawn: None
) -> None:
    arguments = ["report", "1", "--to", str(tmp_path / "r.html"), "--pdf", "--tables", str(tmp_path / "t")]
    app([*arguments, "--home", str(place.home.path), "--json"], standalone_mode=False)
    written: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert written["html"] == str(tmp_path / "r.html")
    assert written["plots"] == []
    assert str(tmp_path / "t" / "classes.tex") in written["tables"]
    pdf = Path(written["pdf"]).read_bytes()
    assert pdf.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) >= 2
