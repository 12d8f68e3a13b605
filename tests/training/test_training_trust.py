"""Likely label errors: confident learning against cleanlab, regions, ranking, verdicts; and what is plainly odd."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from db.errors import UserError
from db.schema import Evaluation
from labeling.annotation import IGNORE
from tests.support.scenes import COLORS, Scene, Workspace, add_dataset, blocks, paint, png, workspace
from tests.support.tiny_models import PLAIN, ColorNet, loaded
from training.evaluation.evaluate import EvaluationRequest, evaluate_loaded
from training.evaluation.opened import OpenEvaluation, open_evaluation
from training.prediction.inference import Predictor
from training.prediction.predicted import SCORE_BINS
from training.trust.find import find_doubts, suspect_picture
from training.trust.ranking import errors_csv, image_maps, label_errors
from training.trust.regions import regions
from training.trust.sanity import evaluation_sanity, sanity
from training.trust.store import doubts_path
from training.trust.suspects import NEVER, surprise, suspects, thresholds
from training.trust.verdicts import said_right, say_right
from training.trust.worth import best_evaluation, warnings

CLASSES = ("sky", "road", "tree", "car")
CLEANLAB_THRESHOLDS = (0.564318, 0.561715, 0.55298, 0.540952)
CLEANLAB_ISSUES = 857


def _stored(
    labels: NDArray[np.uint8], probabilities: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.uint8], NDArray[np.uint8]]:
    """Return what an evaluation stores of probabilities (K, H, W): histograms, winners, their confidence."""
    classes = len(probabilities)
    scores = np.zeros((classes, classes, SCORE_BINS), np.int64)
    bins = np.minimum((probabilities * SCORE_BINS).astype(int), SCORE_BINS - 1)
    for model in range(classes):
        np.add.at(scores[model], (labels, bins[model]), 1)
    confidence = np.round(probabilities.max(axis=0) * 255).astype(np.uint8)
    return scores, probabilities.argmax(axis=0).astype(np.uint8), confidence


def test_suspects_are_as_many_as_cleanlab_counts() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, (60, 80)).astype(np.uint8)
    logits = rng.normal(0, 1.5, (4, 60, 80)) + 2 * (labels == np.arange(4)[:, None, None])
    scores, winners, confidence = _stored(labels, np.exp(logits) / np.exp(logits).sum(axis=0))
    limits = thresholds(scores, np.arange(4))
    # LabelInspector of cleanlab 2.9.0, fed with the probabilities themselves: get_confident_thresholds, get_num_issues.
    # Importing it takes seconds. We see 255 steps of the probabilities, and means of 100 bins.
    np.testing.assert_allclose(limits, CLEANLAB_THRESHOLDS, atol=0.5 / SCORE_BINS)
    assert suspects(labels, winners, confidence, limits).sum() == pytest.approx(CLEANLAB_ISSUES, rel=0.01)


def test_thresholds_add_up_what_counts_as_one_class_and_leave_out_what_nothing_is_labelled_as() -> None:
    scores = np.zeros((3, 2, 10), np.int64)
    scores[0, 0, [6, 2]] = 5  # 0.65 and 0.25: a mean of 0.45
    scores[1, 0, 1] = 10  # 0.15
    scores[2, 0, 3] = 10
    np.testing.assert_allclose(thresholds(scores, np.array([0, 0, 1])), [0.6, NEVER])
    pixel = np.zeros((1, 1), np.uint8)
    assert not suspects(pixel, pixel + 1, pixel + 255, np.array([0.6, NEVER])).any()
    assert not suspects(pixel, pixel + 2, pixel + 255, np.array([0.0, 0.0])).any()  # no class of the dataset
    assert not suspects(pixel + IGNORE, pixel, pixel + 255, np.array([0.0, 0.0])).any()


def test_regions_are_joined_by_label_and_class_seen_and_thin_ones_come_last() -> None:
    truth, seen = np.zeros((100, 120), np.uint8), np.zeros((100, 120), np.uint8)
    seen[20:40, 30:50] = 1  # a square
    seen[20:40, 50:60] = 2  # beside it, another class
    seen[90:92, 5:100] = 1  # a strip
    seen[0, 0] = 1  # a pixel
    found = regions(truth, seen, truth != seen)
    assert [(r.label, r.seen, r.pixels, r.left, r.top, r.width, r.height) for r, _ in found] == [
        (0, 1, 400, 30, 20, 20, 20),
        (0, 2, 200, 50, 20, 10, 20),
        (0, 1, 190, 5, 90, 95, 2),
    ]
    assert [round(region.radius) for region, _ in found] == [10, 5, 1]
    assert all(mask.shape == (r.height, r.width) and mask.sum() == r.pixels for r, mask in found)


def test_what_a_model_confuses_everywhere_surprises_less() -> None:
    counts = np.array([[900, 90, 10], [5, 5, 0]])
    unlike = surprise(counts, np.array([0, 1, 2]))
    assert unlike.shape == (2, 2)
    assert unlike[0, 1] == pytest.approx(-np.log(91 / 1003))
    assert unlike[0, 0] < unlike[0, 1]


def _evaluate(place: Workspace, dataset: str, names: tuple[str, ...] = CLASSES, *, predictions: bool = True) -> int:
    """Evaluate a model that reads colours, and calls them by these names."""
    predictor = Predictor(loaded(ColorNet(COLORS[:4]), names, preprocessing=PLAIN), torch.device("cpu"), "fp32")
    request = EvaluationRequest("p", dataset, predictions=predictions)
    return evaluate_loaded(place.home, place.database, predictor, request).id


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, int]:
    """Return six images of which one is labelled wrongly, evaluated with a model that reads their colours."""
    place = workspace(tmp_path_factory.mktemp("trust"), CLASSES)
    scenes = [Scene(blocks(40, 56, 3, number), seed=number) for number in range(5)]
    wrong = blocks(40, 56, 3, 9)
    seen = wrong.copy()
    wrong[4:20, 6:30] = 3  # nothing is one
    photos = [png(paint(scene.truth, scene.seed)) for scene in scenes]
    add_dataset(place, "campus", [*scenes, Scene(wrong)], [*photos, png(paint(seen, 9))])
    return place, _evaluate(place, "campus")


@pytest.fixture
def found(place: tuple[Workspace, int]) -> OpenEvaluation:
    return open_evaluation(place[0].database, place[1])


def test_a_wrong_label_is_listed_first_until_somebody_says_that_it_is_right(
    place: tuple[Workspace, int], found: OpenEvaluation
) -> None:
    database = place[0].database
    with pytest.raises(UserError, match="workbench label-errors"):
        label_errors(database, found)
    told = list[int]()
    find_doubts(found, lambda done, total, what: told.append(done))
    assert told == [1, 2, 3, 4, 5, 6]
    page = label_errors(database, found)
    (wrong,) = page.images
    assert (wrong.path, wrong.state, wrong.number) == ("005.png", "open", 5)
    assert {region.label for region in wrong.regions} == {"car"}
    assert sum(region.pixels for region in wrong.regions) == 16 * 24
    assert wrong.quality == pytest.approx(1 - 384 / (40 * 56 - 3))
    car = page.classes[3]
    assert (car.name, car.images, car.pixels) == ("car", 1, 384)
    assert page.warnings == ("The model does not say what it was trained on, so leaks cannot be excluded.",)
    assert label_errors(database, found, seen="car").total == 0
    assert errors_csv(page).splitlines()[1].startswith("5,campus/005.png,open,")
    assert suspect_picture(found, 5, 0).path.is_file()

    say_right(database, found.project_id, "campus", image_maps(found, [5]) | {"gone.png": "0" * 64})
    say_right(database, found.project_id, "campus", image_maps(found, [5]))  # twice is once
    assert label_errors(database, found).states == {"open": 0, "right": 1, "changed": 0}
    say_right(database, found.project_id, "campus", image_maps(found, [5]), right=False)
    assert label_errors(database, found).total == 1
    assert said_right(database, found.project_id, "campus") == set()
    with pytest.raises(UserError, match="0 to 5"):
        image_maps(found, [6])


def test_a_damaged_file_is_told(place: tuple[Workspace, int], found: OpenEvaluation) -> None:
    find_doubts(found)
    path = doubts_path(found.directory, found.columns)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(UserError, match="damaged"):
        label_errors(place[0].database, found)


def _kinds(pairs: list[list[int]], by_image: list[list[int]]) -> list[str]:
    return [notice.kind for notice in sanity(np.array(by_image), np.array(pairs), ("a", "b", "c"), ("x",))]


def test_what_is_plainly_odd() -> None:
    fine = [[5, 1, 0, 0], [1, 5, 0, 0], [0, 1, 2, 0]]
    assert _kinds(fine, [[15, 3]]) == []
    assert _kinds([[0] * 4] * 3, [[0, 0]]) == ["nothing-counted"]
    assert _kinds([[5, 0, 0, 0], [3, 0, 0, 0], [1, 0, 0, 0]], [[9, 1]]) == ["one-class"]
    assert _kinds([[5, 1, 0, 0], [1, 5, 0, 0], [1, 0, 0, 0]], [[13, 2]]) == ["never-predicted"]
    assert _kinds([[5, 1, 1, 2], [1, 5, 0, 0], [0] * 4], [[15, 2], [0, 0]]) == [
        "all-ignored",
        "without-target",
        "never-present",
    ]
    assert _kinds([[5, 1, 0, 0], [1, 5, 0, 0], [0] * 4], [[12, 2]]) == ["absent"]
    assert _kinds(fine, [[5, 1], [10, 1], [0, 0]]) == ["all-ignored", "one-class-images"]


def test_an_evaluation_tells_what_is_odd(place: tuple[Workspace, int], found: OpenEvaluation) -> None:
    (notice,) = evaluation_sanity(place[0].database, found)
    assert notice.kind == "never-predicted"
    assert notice.classes == ("car",)


def test_a_model_that_is_mostly_wrong_is_told_so_and_a_better_one_is_named(tmp_path: Path) -> None:
    place = workspace(tmp_path, CLASSES)
    database = place.database
    assert best_evaluation(database, "p") is None
    for name in ("dusk", "night"):
        add_dataset(place, name, [Scene(np.repeat(np.arange(4, dtype=np.uint8), 5).reshape(4, 5))])
    swapped = ("sky", "tree", "road", "car")
    bad = _evaluate(place, "dusk", swapped)
    alone = warnings(database, open_evaluation(database, bad))[0]
    assert alone == (
        "The model is wrong on 50 % of these pixels: what it doubts is more often its own error. "
        "A better model's evaluation of these images tells more."
    )
    good, unstored, elsewhere = (
        _evaluate(place, "dusk"),
        _evaluate(place, "dusk", predictions=False),
        _evaluate(place, "night", swapped),
    )
    best = best_evaluation(database, "p")
    assert best is not None
    assert best.id == good  # neither the newest, nor the one without predictions
    (told, unknown) = warnings(database, open_evaluation(database, bad))
    assert f"Evaluation {good} tells more: " in told
    assert told.endswith(" on dusk, wrong on 0 %.")
    assert warnings(database, open_evaluation(database, good)) == (unknown,)
    assert "A better model's" in warnings(database, open_evaluation(database, elsewhere))[0]
    with database.write() as session:
        for row in (session.get_one(Evaluation, number) for number in (good, unstored)):
            row.summary = {**row.summary, "leaks": 1}
    best = best_evaluation(database, "p", "dusk")
    assert best is not None
    assert best.id == bad
