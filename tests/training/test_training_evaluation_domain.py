"""Evaluations that change photos' looks or leave classes out, on painted photos whose right answer a network knows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from db.errors import UserError
from labeling.revisions import freeze
from tests.support.scenes import COLORS, Scene, Workspace, add_dataset, blocks, paint, png, workspace
from tests.support.tiny_models import PLAIN, ColorNet, loaded
from training.adaptation.home_photos import home_style
from training.evaluation.evaluate import EvaluationRequest, evaluate, evaluate_loaded
from training.evaluation.report import EvaluationReport
from training.models.bundle import save_bundle
from training.models.spec import Ancestor, ModelSpec
from training.prediction.inference import Predictor
from training.prediction.style import KIND_NAMES, KINDS, Kind

CLASSES = ("sky", "road", "tree")
MODEL = (*CLASSES, "sofa")
CPU = torch.device("cpu")


@pytest.fixture
def place(tmp_path: Path) -> Workspace:
    """Photos by day, and the same scenes at dusk: half as bright."""
    place = workspace(tmp_path, CLASSES)
    maps = [blocks(48, 64, 3, number) for number in range(4)]
    add_dataset(place, "day", [Scene(truth, "train", seed=number) for number, truth in enumerate(maps)])
    dark = [png((paint(truth, number) * 0.5).astype(np.uint8)) for number, truth in enumerate(maps)]
    add_dataset(place, "dusk", [Scene(truth, seed=number) for number, truth in enumerate(maps)], dark)
    return place


def _predictor(classes: int = 3) -> Predictor:
    return Predictor(loaded(ColorNet(COLORS[:classes]), MODEL[:classes], preprocessing=PLAIN), CPU, "fp32")


def _restricted(place: Workspace, *, restrict: bool) -> EvaluationReport:
    # The model's colours are turned by one, so that it takes much for a sofa, which the dataset has none of.
    model = loaded(ColorNet([*COLORS[:2], COLORS[29], COLORS[2]]), MODEL, preprocessing=PLAIN)
    return evaluate_loaded(
        place.home, place.database, Predictor(model, CPU, "fp32"), EvaluationRequest("p", "day", restrict=restrict)
    )


def test_without_a_restriction_the_argmax_comes_first_and_other_is_an_error(place: Workspace) -> None:
    free, restricted = (_restricted(place, restrict=choice) for choice in (False, True))
    assert free.confusion[:, -1].sum() > 0
    assert restricted.confusion[:, -1].sum() == 0
    assert restricted.confusion.sum() == free.confusion.sum()
    assert restricted.record.refinement.only == CLASSES
    assert str(restricted.record.refinement) == "argmax over 3 classes"
    # Whoever got a class of the dataset's keeps it.
    assert (restricted.confusion[:, :-1] >= free.confusion[:, :-1]).all()


def test_confidence_is_shared_among_the_classes_that_are_left(place: Workspace) -> None:
    record = _restricted(place, restrict=True).record
    assert all(image.confidence is not None and image.confidence <= 1 for image in record.images)


def test_a_restriction_to_nothing_is_refused(place: Workspace) -> None:
    model = loaded(ColorNet(COLORS[:2]), ("sofa", "chair"), preprocessing=PLAIN)
    with pytest.raises(UserError, match="none is left to choose"):
        evaluate_loaded(
            place.home, place.database, Predictor(model, CPU, "fp32"), EvaluationRequest("p", "day", restrict=True)
        )


def _trained_by_day(place: Workspace, tmp_path: Path) -> Path:
    digest = freeze(place.home, place.database, project="p").digest
    path = tmp_path / "model.safetensors"
    spec = ModelSpec(
        architecture="plainconv",
        classes=CLASSES,
        preprocessing=PLAIN,
        lineage=(Ancestor(revision=digest, datasets=("day",), on="train"),),
    )
    from training.architectures import build

    save_bundle(path, build("plainconv", 3, width=4), spec.model_copy(update={"options": {"width": 4}}))
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_photos_at_dusk_are_given_the_look_of_those_the_model_was_trained_on(place: Workspace, kind: Kind) -> None:
    digest = freeze(place.home, place.database, project="p").digest
    lineage = (Ancestor(revision=digest, datasets=("day",), on="train"),)
    model = loaded(ColorNet(COLORS[:3]), CLASSES, preprocessing=PLAIN, lineage=lineage)
    style = home_style(place.home, place.database, model, kind)
    assert (style.of, style.images) == ("day, train", 4)
    plain = Predictor(model, CPU, "fp32")
    styled = plain.refined(plain.refinement.model_copy(update={"style": style}))
    request = EvaluationRequest("p", "dusk")
    before, after = (evaluate_loaded(place.home, place.database, each, request) for each in (plain, styled))
    assert (after.metrics.pa or 0) > (before.metrics.pa or 1) + 0.1
    assert str(after.record.refinement) == f"style of day, train ({KIND_NAMES[kind]})"
    assert after.record.refinement.style == style


def test_the_command_measures_the_look_itself(place: Workspace, tmp_path: Path) -> None:
    path = _trained_by_day(place, tmp_path)
    found = evaluate(
        place.home, place.database, project="p", model=str(path), dataset="dusk", style="histogram", device="cpu"
    )
    assert found.to_json()["refinement"] == "style of day, train (histogram)"


def test_a_model_from_elsewhere_has_no_home_here(place: Workspace) -> None:
    with pytest.raises(UserError, match="trained here"):
        home_style(place.home, place.database, _predictor().model, "histogram")
