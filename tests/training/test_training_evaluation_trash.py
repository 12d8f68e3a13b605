"""Evaluations in the trash: restorable for thirty days, then gone with their files."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import torch

from db.errors import NotFoundError
from db.schema import Evaluation, utc_now
from labeling.projects import create_project
from tests.support.scenes import COLORS, Scene, Workspace, add_dataset, blocks, workspace
from tests.support.tiny_models import PLAIN, ColorNet, loaded
from training.evaluation.evaluate import EvaluationRequest, evaluate_loaded, list_evaluations, read_evaluation
from training.evaluation.trash import discard_evaluation, list_trashed_evaluations, restore_evaluation, sweep_trash
from training.prediction.inference import Predictor

CLASSES = ("sky", "road")


@pytest.fixture
def place(tmp_path: Path) -> Workspace:
    """Two evaluations, 1 and 2."""
    place = workspace(tmp_path, CLASSES)
    add_dataset(place, "day", [Scene(blocks(24, 24, 2, 1))])
    predictor = Predictor(loaded(ColorNet(COLORS[:2]), CLASSES, preprocessing=PLAIN), torch.device("cpu"), "fp32")
    for _ in range(2):
        evaluate_loaded(place.home, place.database, predictor, EvaluationRequest("p", "day", predictions=False))
    return place


def _listed(place: Workspace) -> list[int]:
    return [found.id for found in list_evaluations(place.database, "p")]


def _trashed(place: Workspace) -> list[int]:
    return [found.evaluation for found in list_trashed_evaluations(place.home, place.database, "p")]


def test_a_discarded_evaluation_comes_back_as_it_was(place: Workspace) -> None:
    before = read_evaluation(place.home, place.database, "p", 1).to_json()
    discard_evaluation(place.home, place.database, "p", 1)
    assert (_listed(place), _trashed(place)) == ([2], [1])
    with pytest.raises(NotFoundError, match="no evaluation 1"):
        read_evaluation(place.home, place.database, "p", 1)
    restore_evaluation(place.home, place.database, "p", 1)
    assert (_listed(place), _trashed(place)) == ([2, 1], [])
    assert read_evaluation(place.home, place.database, "p", 1).to_json() == before


def test_after_thirty_days_files_are_gone_and_the_number_stays_taken(place: Workspace) -> None:
    discard_evaluation(place.home, place.database, "p", 1)
    with place.database.write() as session:
        row = session.get_one(Evaluation, 1)
        row.deleted_at = utc_now() - timedelta(days=31)
        directory = place.home.path / row.directory
    discard_evaluation(place.home, place.database, "p", 2)
    assert not directory.exists()
    assert (_listed(place), _trashed(place)) == ([], [2])
    assert sweep_trash(place.home, place.database) == []
    with pytest.raises(NotFoundError, match="holds no evaluation 1"):
        restore_evaluation(place.home, place.database, "p", 1)


def test_only_what_is_there_is_discarded_and_restored(place: Workspace) -> None:
    with place.database.write() as session:
        create_project(session, "other")
    for project, number in (("other", 1), ("p", 9)):
        with pytest.raises(NotFoundError):
            discard_evaluation(place.home, place.database, project, number)
    discard_evaluation(place.home, place.database, "p", 1)
    for project, number in (("other", 1), ("p", 2), ("p", 9)):
        with pytest.raises(NotFoundError, match="The trash holds no evaluation"):
            restore_evaluation(place.home, place.database, project, number)
