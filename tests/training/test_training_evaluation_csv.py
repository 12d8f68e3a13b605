"""An evaluation's figures as CSV."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import torch

from tests.support.scenes import COLORS, Scene, add_dataset, blocks, workspace
from tests.support.tiny_models import PLAIN, ColorNet, loaded
from training.evaluation.as_csv import figures_csv
from training.evaluation.evaluate import EvaluationRequest, evaluate_loaded
from training.evaluation.report import CLASS_COLUMNS, FIGURES
from training.prediction.inference import Predictor

CLASSES = ("=cmd|' /C calc'!A0", "road, wet", "+1", "@sum", "-absent", 'a "quoted"\u202e name')


def test_figures_are_those_of_json_and_no_cell_is_a_formula(tmp_path: Path) -> None:
    place = workspace(tmp_path, CLASSES)
    add_dataset(place, "campus", [Scene(blocks(40, 56, 4, 3))])  # the last two classes are in no photo
    names = (CLASSES[1], CLASSES[0], "lamp", CLASSES[3])
    predictor = Predictor(loaded(ColorNet(COLORS[:4]), names, preprocessing=PLAIN), torch.device("cpu"), "fp32")
    result = evaluate_loaded(place.home, place.database, predictor, EvaluationRequest("p", "campus", predictions=False))
    values = result.to_json()
    rows = list(csv.reader(io.StringIO(figures_csv(result))))
    breaks = [place for place, row in enumerate(rows) if not row]
    head, figures, classes, matrix = (
        rows[start:end] for start, end in zip([0, *(b + 1 for b in breaks)], [*breaks, len(rows)], strict=True)
    )

    assert dict(head[:6]) == {
        "evaluation": "1",
        "model": "local",
        "dataset": "campus",
        "on": "all",
        "images": "1",
        "size": "original",
    }
    assert [row[1] for row in head if row[0] == "note"] == values["notes"]
    assert figures[1:] == [
        *([name, str(values[name])] for name in FIGURES),
        *(["boundary_f1", "n/a"], ["boundary_iou", "n/a"], ["iiou", "n/a"]),  # nobody has counted them
        ["ece", str(values["calibration"]["ece"])],
    ]
    shown = ["'" + CLASSES[0], CLASSES[1], "'" + CLASSES[2], "'" + CLASSES[3], "'" + CLASSES[4], CLASSES[5]]
    assert classes[0] == ["class", *CLASS_COLUMNS]
    for row, name, known in zip(classes[1:], shown, values["classes"], strict=True):
        assert row == [name, *("n/a" if known[column] is None else str(known[column]) for column in CLASS_COLUMNS)]
    assert classes[-1][1] == "n/a"
    assert matrix[0][1:] == [*shown, "other"]
    assert [row[0] for row in matrix[1:]] == shown
    assert [[int(cell) for cell in row[1:]] for row in matrix[1:]] == values["confusion"]
    assert not [cell for row in rows for cell in row if cell.strip().startswith(("=", "+", "-", "@"))]
