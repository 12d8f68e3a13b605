"""Images of an evaluation, scored and sorted, against figures computed image by image."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from sqlalchemy import update

from db.errors import NotFoundError, UserError
from db.schema import Evaluation, Project, utc_now
from db.store import Store
from labeling.map_store import load_map
from labeling.maps import read_map_png
from tests.support.scenes import COLORS, Scene, Workspace, add_dataset, blocks, workspace
from tests.support.tiny_models import PLAIN, ColorNet, loaded
from training.evaluation.counting import count
from training.evaluation.evaluate import EvaluationRequest, evaluate_loaded
from training.evaluation.gallery import _certainty, evaluation_page
from training.evaluation.mapping import apply, save_mapping
from training.evaluation.metrics import metrics
from training.evaluation.opened import kept_record, open_evaluation
from training.evaluation.parts import parts
from training.prediction.inference import Predictor

CLASSES = ("sky", "road", "tree", "car")
MODEL_CLASSES = ("sky", "tree", "road", "lamp")  # two swapped, one that the data do not have


@pytest.fixture
def place(tmp_path: Path) -> Workspace:
    place = workspace(tmp_path, CLASSES)
    scenes = [Scene(blocks(40, 56, 1 + number % 4, number), seed=number) for number in range(7)]
    add_dataset(place, "campus", [*scenes, Scene(np.full((40, 56), 255, np.uint8))])
    return place


@pytest.fixture
def number(place: Workspace) -> int:
    model = loaded(ColorNet(COLORS[:4]), MODEL_CLASSES, preprocessing=PLAIN)
    predictor = Predictor(model, torch.device("cpu"), "fp32")
    return evaluate_loaded(place.home, place.database, predictor, EvaluationRequest("p", "campus")).id


def _confusions(place: Workspace, number: int, mapping: str | None = None) -> list[np.ndarray]:
    """Return every image's confusion matrix from its two maps, without the stored counts."""
    found = open_evaluation(place.database, number, mapping=mapping)
    store = Store(place.home.store)
    return [
        apply(
            count(
                load_map(store, image.map_sha256),
                read_map_png(found.directory / "index" / f"{place_:06d}.png"),
                len(CLASSES),
                len(MODEL_CLASSES),
            ),
            found.columns,
        )
        for place_, image in enumerate(found.record.images)
    ]


@pytest.mark.parametrize("mapping", [None, "right"])
def test_scores_are_those_of_each_images_own_confusion_matrix(
    place: Workspace, number: int, mapping: str | None
) -> None:
    save_mapping(place.database, "p", "right", list(zip(MODEL_CLASSES, CLASSES, strict=True)))
    expected = [metrics(table) for table in _confusions(place, number, mapping)]
    found = open_evaluation(place.database, number, mapping=mapping)
    page = evaluation_page(found, sort="path")
    assert [image.score for image in page.images] == [pytest.approx(one.miou) for one in expected]
    assert expected[-1].miou is None  # nothing but ignored pixels
    for index, name in enumerate(CLASSES):
        page = evaluation_page(found, sort=f"class:{name}")
        scores = {image.number: image.score for image in page.images}
        assert scores == {n: pytest.approx(one.classes[index].iou) for n, one in enumerate(expected)}
        assert {image.score_name for image in page.images} == {name}


def test_the_worst_come_first_and_those_without_a_score_last(place: Workspace, number: int) -> None:
    found = open_evaluation(place.database, number)
    worst, best = evaluation_page(found), evaluation_page(found, sort="-miou")
    scores = [image.score for image in worst.images if image.score is not None]
    assert scores == sorted(scores)
    assert [image.score for image in best.images if image.score is not None] == scores[::-1]
    assert worst.images[-1].number == best.images[-1].number == 7
    assert worst.images[-1].score is None


def test_a_cell_lists_the_images_with_its_pixels_the_most_first(place: Workspace, number: int) -> None:
    found = open_evaluation(place.database, number)
    tables = _confusions(place, number)
    for cell in [(1, 2), (3, 4), (0, 0), (2, 3)]:
        expected = {n: int(table[cell]) for n, table in enumerate(tables) if table[cell]}
        page = evaluation_page(found, cell=cell)
        assert {image.number: image.pixels_in_cell for image in page.images} == expected
        pixels = [image.pixels_in_cell or 0 for image in page.images]
        assert pixels == sorted(pixels, reverse=True)
        assert page.total == len(expected)
    by_score = evaluation_page(found, cell=(1, 2), sort="miou").images
    assert [image.score for image in by_score] == sorted(image.score or 0 for image in by_score)


def test_pages_and_a_class_that_must_be_there(place: Workspace, number: int) -> None:
    found = open_evaluation(place.database, number)
    everything = evaluation_page(found).images
    assert evaluation_page(found, offset=2, limit=3).images == everything[2:5]
    assert evaluation_page(found, offset=100).images == ()
    page = evaluation_page(found, having="car", sort="path")
    with_car = [n for n, table in enumerate(_confusions(place, number)) if table[3].any() or table[:, 3].any()]
    assert [image.number for image in page.images] == with_car
    assert page.total == len(with_car) < len(everything)


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"sort": "newest"}, "not 'newest'"),
        ({"sort": "cell"}, "needs the cell"),
        ({"sort": "class:boat"}, "no class 'boat'.*sky, road"),
        ({"having": "boat"}, "no class 'boat'"),
        ({"cell": (4, 0)}, "no cell 4,0"),
        ({"cell": (0, -1)}, "no cell 0,-1"),
    ],
)
def test_what_cannot_be_asked_for_is_said(place: Workspace, number: int, choice: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        evaluation_page(open_evaluation(place.database, number), **choice)


def test_what_lies_in_the_trash_is_not_found(place: Workspace, number: int) -> None:
    with pytest.raises(NotFoundError, match="no evaluation 99"):
        open_evaluation(place.database, 99)
    kinds: tuple[type[Project] | type[Evaluation], ...] = (Project, Evaluation)
    for kind in kinds:
        with place.database.write() as session:
            session.execute(update(kind).values(deleted_at=utc_now()))
        with pytest.raises(NotFoundError, match="no evaluation 1"):
            open_evaluation(place.database, number)
        with place.database.write() as session:
            session.execute(update(kind).values(deleted_at=None))
    assert open_evaluation(place.database, number).project == "p"


def test_the_least_sure_come_first_and_older_evaluations_say_what_they_lack(place: Workspace, number: int) -> None:
    found = open_evaluation(place.database, number)
    entropies = [image.entropy for image in found.record.images]
    page = evaluation_page(found, sort="-entropy")
    assert [image.entropy for image in page.images] == sorted((e for e in entropies if e is not None), reverse=True)
    assert page.note is None
    path = found.directory / "evaluation.json"
    record = json.loads(path.read_text())
    for image in record["images"]:
        del image["entropy"], image["confidence"]
    path.write_text(json.dumps(record))
    kept_record.cache_clear()
    _certainty.cache_clear()
    page = evaluation_page(open_evaluation(place.database, number), sort="-entropy")
    assert [image.number for image in page.images] == list(range(8))  # by path
    assert "Evaluate again" in (page.note or "")


def test_a_range_of_scores_and_a_part_of_the_revision(tmp_path: Path) -> None:
    place = workspace(tmp_path, CLASSES)
    scenes = [
        Scene(blocks(40, 56, 1 + n % 4, n), "val" if n % 2 else "train", ("dusk",) if n < 3 else (), n)
        for n in range(6)
    ]
    add_dataset(place, "campus", scenes)
    predictor = Predictor(loaded(ColorNet(COLORS[:4]), MODEL_CLASSES, preprocessing=PLAIN), torch.device("cpu"), "fp32")
    made = evaluate_loaded(place.home, place.database, predictor, EvaluationRequest("p", "campus"))
    found = open_evaluation(place.database, made.id)
    assert parts(found) == {"all": 6, "train": 3, "val": 3, "dusk": 3}
    assert [image.number for image in evaluation_page(found, on="val", sort="path").images] == [1, 3, 5]
    assert {image.number for image in evaluation_page(found, on="dusk").images} == {0, 1, 2}
    scores = [image.score for image in evaluation_page(found).images if image.score is not None]
    assert len(set(scores)) > 2
    low, high = sorted(set(scores))[1], sorted(set(scores))[-2]
    page = evaluation_page(found, min_score=low, max_score=high)
    assert [image.score for image in page.images] == [score for score in scores if low <= score <= high]
    assert page.total == len(page.images) < len(scores)
    by_class = evaluation_page(found, sort="class:sky", min_score=0.5)
    assert all(image.score is not None and image.score >= 0.5 for image in by_class.images)
    for choice, message in (
        ({"on": "night"}, "There are: all, dusk, train, val"),
        ({"max_score": 50}, "0 to 1, not 50"),
    ):
        with pytest.raises(UserError, match=message):
            evaluation_page(found, **choice)
