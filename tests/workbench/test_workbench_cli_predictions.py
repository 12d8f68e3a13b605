"""What the page of models in use predicted, on the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from db.home import Home
from tests.support.scenes import workspace
from training.prediction.predictions import PredictionRecord, find_prediction
from workbench.cli.app import app, run

PREDICTED = "predictions/1"


@pytest.fixture
def home(tmp_path: Path) -> str:
    """Two predicted folders whose tasks are kept no longer: one was done, the other broken off."""
    workspace(tmp_path, ("sky",))
    for number, name in ((1, "evening"), (2, "<b>night</b>")):
        folder = tmp_path / PREDICTED / str(number)
        folder.mkdir(parents=True)
        record = PredictionRecord(model="3:best", source=name, task=90 + number, started_at=1e9)
        (folder / "prediction.json").write_text(record.model_dump_json())
    (tmp_path / PREDICTED / "1" / "files" / "index").mkdir(parents=True)
    return str(tmp_path)


def ask(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    app([*arguments, "--json"], standalone_mode=False)
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_predictions_are_listed_and_deleted(home: str, capsys: pytest.CaptureFixture[str]) -> None:
    night, evening = ask(capsys, "predictions", "--home", home)["predictions"]
    assert (night["id"], night["source"], night["state"]) == (2, "<b>night</b>", "interrupted")
    assert (evening["id"], evening["model"], evening["state"]) == (1, "3:best", "finished")
    assert Path(evening["folder"], "index").is_dir()
    app(["predictions", "--home", home], standalone_mode=False)
    assert "<b>night</b>" in capsys.readouterr().out

    left = ask(capsys, "predictions", "delete", "1", "--home", home)["predictions"]
    assert [each["id"] for each in left] == [2]
    assert not Path(evening["folder"]).parent.exists()
    assert find_prediction(Home(Path(home)), 1, 2).record.source == "<b>night</b>"
    assert run(["predictions", "delete", "1", "--home", home]) == 2
    assert "no prediction 1" in capsys.readouterr().err
