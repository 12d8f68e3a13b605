"""Two evaluations side by side."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from db.errors import UserError
from labeling.classes import add_class
from tests.support.scenes import COLORS, Scene, Workspace, add_dataset, blocks, workspace
from tests.support.tiny_models import PLAIN, ColorNet, loaded
from training.evaluation.compare import compare
from training.evaluation.compare_images import paired_images
from training.evaluation.evaluate import EvaluationRequest, evaluate_loaded
from training.evaluation.gallery import evaluation_page
from training.evaluation.opened import open_evaluation
from training.evaluation.report import CLASS_FIGURES, FIGURES
from training.prediction.inference import Predictor

FEW = "Images: only 1. Intervals are rough, and none below 5."
CLASSES = ("sky", "road", "tree")


def _evaluate(place: Workspace, dataset: str, names: tuple[str, ...]) -> int:
    model = loaded(ColorNet(COLORS[:3]), names, preprocessing=PLAIN)
    predictor = Predictor(model, torch.device("cpu"), "fp32")
    request = EvaluationRequest("p", dataset, predictions=False)
    return evaluate_loaded(place.home, place.database, predictor, request).id


def _told(a: object, b: object, difference: object, low: object = None, high: object = None) -> dict[str, object]:
    return {"a": a, "b": b, "difference": difference, "low": low, "high": high, "verdict": "cannot tell"}


@pytest.fixture
def place(tmp_path: Path) -> Workspace:
    place = workspace(tmp_path, CLASSES)
    add_dataset(place, "day", [Scene(blocks(32, 32, 3, 1))])
    add_dataset(place, "dusk", [Scene(blocks(32, 40, 2, 2))])  # no tree there
    return place


def test_every_figure_of_both_and_the_difference(place: Workspace) -> None:
    right = _evaluate(place, "day", CLASSES)
    wrong = _evaluate(place, "day", ("sky", "tree", "road"))
    result = compare(place.home, place.database, project="p", a=right, b=wrong)
    values = result.to_json()
    assert tuple(values["metrics"]) == FIGURES
    assert values["metrics"]["miou"] == _told(1, pytest.approx(1 / 3), pytest.approx(-2 / 3))
    assert [row["name"] for row in values["classes"]] == list(CLASSES)
    assert values["classes"][1].keys() == {"name", *CLASS_FIGURES}
    assert values["classes"][1]["iou"] == _told(1, 0, -1)
    assert result.notes == (FEW,)


def test_a_class_only_one_of_them_has_is_compared_with_nothing(place: Workspace) -> None:
    day = _evaluate(place, "day", CLASSES)
    add_class(place.database, "p", "car")
    dusk = _evaluate(place, "dusk", CLASSES)
    result = compare(place.home, place.database, project="p", a=day, b=dusk)
    assert list(result.classes) == [*CLASSES, "car"]
    assert result.classes["tree"]["iou"].to_json() == _told(1, None, None)
    assert result.classes["car"]["iou"].to_json() == _told(None, None, None)
    revisions = (result.a.record.revision[:12], result.b.record.revision[:12])
    assert result.notes == (
        *result.doubts,
        f"Revision: a = {revisions[0]}, b = {revisions[1]}.",
    )
    assert result.doubts == (
        "Tested on: a = day (all), b = dusk (all).",
        "Their images differ: they have none in common.",
        "Their class lists differ: means over the classes are of other classes.",
        "Only in b: car.",
        FEW,
    )


def test_images_that_both_have_come_in_pairs_those_that_lost_most_first(place: Workspace) -> None:
    add_dataset(place, "week", [Scene(blocks(32, 32, 3, number), seed=number) for number in range(5)])
    right, wrong = _evaluate(place, "week", CLASSES), _evaluate(place, "week", ("sky", "tree", "road"))
    first, second = (open_evaluation(place.database, number) for number in (right, wrong))
    page = paired_images(first, second)
    assert page.total == 5
    assert all(pair.a.path == pair.b.path and pair.a.score == 1 for pair in page.images)
    worst_first = [image.path for image in evaluation_page(second).images]
    assert [pair.b.path for pair in page.images] == worst_first
    differences = [pair.difference for pair in page.images]
    assert differences == [pytest.approx((pair.b.score or 0) - 1) for pair in page.images]
    assert paired_images(first, second, offset=1, limit=2).images == page.images[1:3]
    assert paired_images(second, first).images[0].difference == -max(d for d in differences if d is not None)


def test_evaluations_of_other_images_have_no_pairs(place: Workspace) -> None:
    numbers = _evaluate(place, "day", CLASSES), _evaluate(place, "dusk", CLASSES)
    page = paired_images(*(open_evaluation(place.database, number) for number in numbers))
    assert (page.total, page.images) == (0, ())


def test_of_the_same_images_even_a_small_difference_has_a_verdict(place: Workspace) -> None:
    add_dataset(place, "week", [Scene(blocks(16, 16, 3, number), seed=number) for number in range(8)])
    right, wrong = _evaluate(place, "week", CLASSES), _evaluate(place, "week", ("sky", "tree", "road"))
    worse = compare(place.home, place.database, project="p", a=right, b=wrong)
    assert worse.paired
    assert worse.figures["miou"].verdict == "worse"
    assert worse.classes["sky"]["iou"].to_json() == _told(1, 1, 0, 0, 0)
    same = compare(place.home, place.database, project="p", a=right, b=right)
    assert {pair.verdict for pair in same.figures.values()} == {"cannot tell"}


def test_other_images_are_resampled_by_themselves(place: Workspace) -> None:
    for name, seed in (("week", 0), ("month", 100)):
        add_dataset(place, name, [Scene(blocks(16, 16, 3, seed + n), seed=seed + n) for n in range(8)])
    swapped = ("sky", "tree", "road")
    numbers = _evaluate(place, "week", swapped), _evaluate(place, "month", swapped)
    result = compare(place.home, place.database, project="p", a=numbers[0], b=numbers[1])
    found = result.figures["pa"]
    assert not result.paired
    assert found.interval is not None
    assert found.interval.low < (found.difference or 0) < found.interval.high


def test_what_is_not_there_is_named(place: Workspace) -> None:
    with pytest.raises(UserError, match="no evaluation 99"):
        compare(place.home, place.database, project="p", a=99, b=99)
