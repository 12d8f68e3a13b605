"""Boundary F1, boundary IoU and instance-weighted IoU, against their definitions done one class at a time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from sqlalchemy import select

from db.errors import UserError
from db.schema import AnnotationVersion, Dataset, Image
from labeling.annotation import IGNORE, Annotation, Shape
from labeling.annotations import append_version
from tests.support.scenes import COLORS, Scene, Workspace, add_dataset, blocks, workspace
from tests.support.tiny_models import PLAIN, ColorNet, loaded
from training.evaluation.derived.boundary import boundary_counts
from training.evaluation.derived.boundary_figures import TOLERANCE, WIDTH, boundary_figures
from training.evaluation.derived.derive import derive_shapes
from training.evaluation.derived.objects import object_counts, object_iou, wrong_pixels
from training.evaluation.evaluate import EvaluationRequest, evaluate_loaded
from training.evaluation.mapping import save_mapping
from training.evaluation.opened import open_evaluation
from training.evaluation.report import EvaluationReport, read_evaluation
from training.prediction.inference import Predictor

CLASSES = ("sky", "road", "tree", "car")


def _scene(seed: int, height: int, width: int, classes: int, ignored: float) -> tuple[np.ndarray, np.ndarray]:
    """Return a truth of blobs, some of it ignored, and a prediction that is mostly like it; `classes` for none."""
    generator = np.random.default_rng(seed)
    small = generator.random((classes, 4, 4)).astype(np.float32)
    smooth = np.stack([cv2.resize(each, (width, height), interpolation=cv2.INTER_CUBIC) for each in small])
    noise = cv2.blur(generator.random((height, width)).astype(np.float32), (5, 5))
    truth = np.asarray(smooth.argmax(axis=0), np.uint8)
    prediction = np.asarray((smooth + noise * generator.random((classes, 1, 1))).argmax(axis=0), np.uint8)
    prediction[: height // 5] = classes
    truth[cv2.blur(generator.random((height, width)).astype(np.float32), (5, 5)) < 0.4 * ignored + 0.2] = IGNORE
    return truth, prediction


def _by_definition(truth: np.ndarray, prediction: np.ndarray, classes: int) -> np.ndarray:
    """Count with SciPy's distances and repeated erosions, each class apart."""
    cross = ndimage.generate_binary_structure(2, 1)
    diagonal = float(np.hypot(*truth.shape))
    near, times = TOLERANCE * diagonal, max(1, round(WIDTH * diagonal))
    valid = truth != IGNORE
    sure = valid if valid.all() else valid & (ndimage.distance_transform_edt(valid) >= max(near, 1.01))

    def meets(line: np.ndarray, other: np.ndarray) -> int:
        return int((line & (ndimage.distance_transform_edt(~other) < near)).sum()) if other.any() else 0

    def strip(mask: np.ndarray) -> np.ndarray:
        eroded = ndimage.binary_erosion(mask, np.ones((3, 3), bool), iterations=times, border_value=0)
        return np.asarray(mask & ~eroded)

    rows = []
    for index in range(classes):
        true = (truth == index) & ndimage.binary_dilation((truth != index) & valid, cross)
        drawn = (prediction == index) & ndimage.binary_dilation(prediction != index, cross)
        strips = strip(truth == index), strip((prediction == index) & valid)
        common, either = (strips[0] & strips[1]).sum(), (strips[0] | strips[1]).sum()
        rows.append([true.sum(), meets(true, drawn), (drawn & sure).sum(), meets(drawn & sure, true), common, either])
    return np.array(rows)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    size=st.tuples(st.integers(1, 90), st.integers(1, 400)),
    classes=st.sampled_from([1, 3, 9, 70]),
    ignored=st.sampled_from([0.0, 0.5]),
)
def test_counts_are_those_of_the_definitions(seed: int, size: tuple[int, int], classes: int, ignored: float) -> None:
    truth, prediction = _scene(seed, *size, classes, ignored)
    np.testing.assert_array_equal(
        boundary_counts(truth, prediction, classes), _by_definition(truth, prediction, classes)
    )


def test_figures_are_sums_over_images_and_the_mean_of_an_image_stands_beside_them() -> None:
    first = [[10, 5, 20, 10, 3, 6], [0, 0, 4, 0, 0, 9], [0, 0, 0, 0, 0, 0]]
    second = [[30, 30, 10, 10, 1, 10], [4, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0]]
    found = boundary_figures(np.array([first, second]))
    precision, recall = 20 / 30, 35 / 40
    assert found.class_f1[0] == pytest.approx(2 * precision * recall / (precision + recall))
    assert list(found.class_f1[1:]) == [0, None]
    assert list(found.class_iou) == [4 / 16, 0, None]
    assert found.f1 == pytest.approx((found.class_f1[0] or 0) / 2)
    assert found.iou == pytest.approx(1 / 8)
    assert found.f1_by_image == pytest.approx((0.5 / 2 + 1 / 2) / 2)


def _weighted_iou(truths: list, predictions: list, objects: list, index: int) -> float | None:
    """Compute a class's iIoU as the evaluation of Cityscapes does, object by object, but for the mean size."""
    masks = [
        (number, (found == value) & (truths[number] == index))
        for number, found in enumerate(objects)
        for value in np.unique(found[found > 0])
    ]
    masks = [(number, mask) for number, mask in masks if mask.any()]
    if not masks:
        return None
    mean = float(np.mean([mask.sum() for _, mask in masks]))
    hits = [(predictions[number][mask] == index).sum() * mean / mask.sum() for number, mask in masks]
    misses = [(predictions[number][mask] != index).sum() * mean / mask.sum() for number, mask in masks]
    wrong = sum(
        ((prediction == index) & (truth != index) & (truth != IGNORE)).sum()
        for truth, prediction in zip(truths, predictions, strict=True)
    )
    return float(sum(hits) / (sum(hits) + sum(misses) + wrong))


def test_every_object_weighs_the_same() -> None:
    truths, predictions = zip(*(_scene(seed, 40, 60, 3, 0.3) for seed in range(3)), strict=True)
    generator = np.random.default_rng(9)
    objects = [np.kron(generator.integers(0, 5, (4, 6)), np.ones((10, 10), int)).astype(np.int32) for _ in truths]
    objects[1][objects[1] == 2] = 26001  # numbers may be any
    parts = [(*maps, 3) for maps in zip(truths, predictions, objects, strict=True)]
    counted = np.concatenate([object_counts(*part) for part in parts])
    wrong = np.sum([wrong_pixels(t, p, k) for t, p, _, k in parts], axis=0)
    figures, counts = object_iou(counted, wrong)
    for index in range(3):
        assert figures[index] == pytest.approx(_weighted_iou(list(truths), list(predictions), objects, index))
        assert counts[index] == (counted[:, 0] == index).sum()
    assert object_iou(counted[counted[:, 0] != 1], wrong)[0][1] is None


@pytest.fixture
def place(tmp_path: Path) -> Workspace:
    place = workspace(tmp_path, CLASSES)
    add_dataset(place, "campus", [Scene(blocks(60, 90, 4, number), seed=number) for number in range(3)])
    return place


def _evaluate(place: Workspace, **choices: Any) -> EvaluationReport:
    model = loaded(ColorNet(COLORS[:4]), ("sky", "tree", "road", "car"), preprocessing=PLAIN)
    predictor = Predictor(model, torch.device("cpu"), "fp32")
    return evaluate_loaded(place.home, place.database, predictor, EvaluationRequest("p", "campus", **choices))


def test_counted_once_for_each_mapping_and_read_with_the_figures(place: Workspace) -> None:
    number = _evaluate(place).id
    before = read_evaluation(place.home, place.database, "p", number)  # as a server keeps it
    assert before.to_json()["boundary"] is before.to_json()["classes"][0]["boundary_f1"] is None
    told: list[int] = []
    derive_shapes(place.database, open_evaluation(place.database, number), lambda done, total, what: told.append(done))
    assert told == [1, 2, 3]
    found = read_evaluation(place.home, place.database, "p", number).to_json()
    assert before.to_json() == found
    by_name = {row["name"]: row for row in found["classes"]}
    assert by_name["sky"]["boundary_iou"] == by_name["car"]["boundary_iou"] == by_name["car"]["boundary_f1"] == 1
    assert by_name["road"]["boundary_iou"] == 0
    assert "3 of 3 images are labelled by masks" in found["instances"].pop("note")
    assert found["instances"] == {"iiou": None, "objects": 0, "images": 0}
    save_mapping(place.database, "p", "right", [("tree", "road"), ("road", "tree"), ("sky", "sky"), ("car", "car")])
    other = open_evaluation(place.database, number, mapping="right")
    assert read_evaluation(place.home, place.database, "p", number, "right").shapes is None
    derive_shapes(place.database, other)
    mapped = read_evaluation(place.home, place.database, "p", number, "right")
    assert mapped.figures()["boundary_f1"] == mapped.figures()["boundary_iou"] == 1
    (path,) = (path for path in (other.directory / "derived").iterdir() if other.version in path.name)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(UserError, match="makes it again"):
        read_evaluation(place.home, place.database, "p", number, "right").to_json()


def test_without_predictions_there_is_nothing_to_count_in(place: Workspace) -> None:
    number = _evaluate(place, predictions=False).id
    with pytest.raises(UserError, match="Evaluate again without --no-predictions"):
        derive_shapes(place.database, open_evaluation(place.database, number))


def _box(label: int, *corners: float) -> Shape:
    return Shape("rectangle", label, ((corners[0], corners[1]), (corners[2], corners[3])))


def test_objects_are_those_of_the_version_that_was_evaluated(place: Workspace) -> None:
    with place.database.write() as session:
        session.scalars(select(Dataset)).one().options = {"unlabelled": "ignore", "raster": "labelme"}
        image = session.scalars(select(Image).where(Image.path == "001.png")).one()
        shapes = (_box(1, 0, 0, 40, 40), _box(4, 50, 10, 60, 20), _box(4, 70, 0, 89, 59))
        content = Annotation(90, 60, shapes=shapes).to_json()
        options: dict[str, Any] = {"author": "test", "origin": "workbench"}
        append_version(session, image_id=image.id, parent_id=image.head_id, content=content, **options)
    number = _evaluate(place).id
    with place.database.write() as session:  # labelled anew since
        image = session.scalars(select(Image).where(Image.path == "001.png")).one()
        newer = replace(Annotation.from_json(content), shapes=shapes[:1]).to_json()
        append_version(session, image_id=image.id, parent_id=image.head_id, content=newer, **options)
    derive_shapes(place.database, open_evaluation(place.database, number))
    found = read_evaluation(place.home, place.database, "p", number).to_json()
    assert [row["objects"] for row in found["classes"]] == [1, 0, 0, 2]
    assert found["instances"]["images"] == 1
    assert found["classes"][1]["iiou"] is None
    assert 0 <= found["classes"][3]["iiou"] <= 1
    with place.database.write() as session:
        session.query(AnnotationVersion).filter(AnnotationVersion.image_id == image.id).delete()
    derive_shapes(place.database, open_evaluation(place.database, number))
    note = read_evaluation(place.home, place.database, "p", number).to_json()["instances"]["note"]
    assert "1 of 3 images have no version of their labels left" in note
