"""Two evaluations side by side."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from db.errors import UserError
from labeling.classes import add_class
from tests.support.scenes import COLORS, Scene, Workspace, add_dataset, blocks, paint, png, workspace
from tests.support.tiny_models import PLAIN, ColorNet, loaded
from training.evaluation.bootstrap import Interval
from training.evaluation.compare import EDGES, Comparison, compare_reports, compare_with
from training.evaluation.compare_images import DISPUTED, GAINED, LOST, Dispute, paired_images, shared_images
from training.evaluation.compare_models import compared_models
from training.evaluation.derived import resamples
from training.evaluation.derived.boundary_figures import boundary_figures
from training.evaluation.derived.derive import derive_shapes
from training.evaluation.derived.disputed_pixels import disputed_counts
from training.evaluation.derived.disputes import derive_disputes, read_disputes
from training.evaluation.derived.store import read_shapes, shapes_path
from training.evaluation.evaluate import EvaluationRequest, evaluate_loaded
from training.evaluation.gallery import evaluation_page
from training.evaluation.opened import open_evaluation
from training.evaluation.report import CLASS_FIGURES, FIGURES, read_evaluation
from training.prediction.inference import Predictor

FEW = "Images: only 1. So few make intervals rough; fewer than 5 give none."
CLASSES = ("sky", "road", "tree")


def _evaluate(place: Workspace, dataset: str, names: tuple[str, ...], *, predictions: bool = False) -> int:
    model = loaded(ColorNet(COLORS[:3]), names, preprocessing=PLAIN)
    predictor = Predictor(model, torch.device("cpu"), "fp32")
    request = EvaluationRequest("p", dataset, predictions=predictions)
    return evaluate_loaded(place.home, place.database, predictor, request).id


def _compare(place: Workspace, *numbers: int) -> Comparison:
    return compare_reports(*(read_evaluation(place.home, place.database, "p", number) for number in numbers))


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
    result = _compare(place, right, wrong)
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
    result = _compare(place, day, dusk)
    assert list(result.classes) == [*CLASSES, "car"]
    assert result.classes["tree"]["iou"].to_json() == _told(1, None, None)
    assert result.classes["car"]["iou"].to_json() == _told(None, None, None)
    revisions = (result.a.record.revision[:12], result.b.record.revision[:12])
    assert result.notes == (
        *result.doubts,
        f"Revision: a = {revisions[0]}, b = {revisions[1]}.",
    )
    assert result.doubts == (
        "Tested on: a = day, b = dusk.",
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
    worse = _compare(place, right, wrong)
    assert worse.paired
    assert worse.figures["miou"].verdict == "worse"
    assert worse.classes["sky"]["iou"].to_json() == _told(1, 1, 0, 0, 0)
    same = _compare(place, right, right)
    assert {pair.verdict for pair in same.figures.values()} == {"cannot tell"}


def test_other_images_are_resampled_by_themselves(place: Workspace) -> None:
    for name, seed in (("week", 0), ("month", 100)):
        add_dataset(place, name, [Scene(blocks(16, 16, 3, seed + n), seed=seed + n) for n in range(8)])
    swapped = ("sky", "tree", "road")
    numbers = _evaluate(place, "week", swapped), _evaluate(place, "month", swapped)
    result = _compare(place, numbers[0], numbers[1])
    found = result.figures["pa"]
    assert not result.paired
    assert found.interval is not None
    assert found.interval.low < (found.difference or 0) < found.interval.high


def test_what_is_not_there_is_named(place: Workspace) -> None:
    with pytest.raises(UserError, match="no evaluation 99"):
        _compare(place, 99, 99)


def test_many_are_compared_with_the_baseline_as_each_is_by_itself(place: Workspace) -> None:
    add_dataset(place, "week", [Scene(blocks(16, 16, 3, number), seed=number) for number in range(6)])
    right, wrong = _evaluate(place, "week", CLASSES), _evaluate(place, "week", ("sky", "tree", "road"))
    dusk = _evaluate(place, "dusk", CLASSES)
    found = compare_with(place.home, place.database, project="p", baseline=wrong, others=[right, dusk])
    assert [(each.a.id, each.b.id, each.paired) for each in found] == [(wrong, right, True), (wrong, dusk, False)]
    assert found[0].to_json() == _compare(place, wrong, right).to_json()
    for others in ([right, wrong], [right, right], [right] * 20, []):
        with pytest.raises(UserError, match=r"given twice|2 to 20"):
            compare_with(place.home, place.database, project="p", baseline=wrong, others=others)


def test_resamples_are_kept_and_read_where_that_is_worth_it(place: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    add_dataset(place, "week", [Scene(blocks(16, 16, 3, number), seed=number) for number in range(6)])
    numbers = _evaluate(place, "week", CLASSES), _evaluate(place, "week", ("sky", "tree", "road"))
    directory = open_evaluation(place.database, numbers[0]).directory
    computed = resamples.resampled(directory, (0, 1, 2), 0)
    assert resamples.images_to_resample(directory, (0, 1, 2), 0) == 6
    monkeypatch.setattr(resamples, "WORTH_KEEPING", 6)
    resamples.resampled.cache_clear()
    resamples.resampled(directory, (0, 1, 2), 0)
    assert resamples.images_to_resample(directory, (0, 1, 2), 0) == 0
    monkeypatch.setattr(resamples, "resample", None)  # whoever computes again fails
    resamples.resampled.cache_clear()
    read = resamples.resampled(directory, (0, 1, 2), 0)
    for kind in ("whole", "classes"):
        for name, values in getattr(computed, kind).items():
            np.testing.assert_array_equal(getattr(read, kind)[name], values)
    with pytest.raises(TypeError):  # other classes, other resamples
        resamples.resampled(directory, (0, 2, 1), 0)
    resamples.resampled.cache_clear()


def test_boundaries_have_intervals_of_the_same_resamples(place: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    scenes = [Scene(blocks(32, 32, 3, number), seed=number) for number in range(8)]
    photos = [png(paint(np.roll(scene.truth, number, axis=1), number)) for number, scene in enumerate(scenes)]
    add_dataset(place, "week", scenes, photos)  # each is seen further to the right than the one before it
    right, wrong = (_evaluate(place, "week", names, predictions=True) for names in (CLASSES, ("sky", "tree", "road")))
    assert _compare(place, right, wrong).more["boundary_f1"].to_json() == _told(None, None, None)
    opened = [open_evaluation(place.database, number) for number in (right, wrong)]
    derive_shapes(place.database, opened[0])
    (note,) = [note for note in _compare(place, right, wrong).notes if "Boundaries" in note]
    assert f"evaluation {wrong} are not counted" in note
    derive_shapes(place.database, opened[1])
    result = _compare(place, right, wrong)
    for name in EDGES:
        pair = result.more[name]
        assert pair.verdict == "worse"
        assert pair.interval is not None
        assert pair.interval.low < (pair.difference or 0) < pair.interval.high
        assert result.to_json()["more"][name] == pair.to_json()
        assert _compare(place, wrong, wrong).more[name].interval == Interval(0, 0)
    assert result.to_json()["more"]["iiou"].keys() == {"a", "b", "difference"}

    columns = (0, 2, 1)
    counts = read_shapes(shapes_path(opened[1].directory, np.array(columns)), 8, 3).boundary
    order = sorted(range(8), key=lambda place: opened[1].record.images[place].image_sha256)
    drawn = np.random.default_rng(0).multinomial(8, np.full(8, 1 / 8), 100)[0]
    known = boundary_figures(np.repeat(counts[order], drawn, axis=0))
    found = resamples.resampled_boundaries(opened[1].directory, columns, 0)
    assert found is not None
    assert [found.whole[name][0] for name in EDGES] == pytest.approx([known.f1, known.iou])

    monkeypatch.setattr(resamples, "WORTH_KEEPING", 8)
    for kept in (resamples.resampled, resamples._boundaries):
        kept.cache_clear()
    resamples.resampled(opened[1].directory, columns, 0)
    assert resamples.images_to_resample(opened[1].directory, columns, 0) == 8  # their boundaries are not kept yet
    resamples.resampled_boundaries(opened[1].directory, columns, 0)
    assert resamples.images_to_resample(opened[1].directory, columns, 0) == 0
    monkeypatch.setattr(resamples, "read_shapes", None)  # whoever computes again fails
    resamples._boundaries.cache_clear()
    assert resamples.resampled_boundaries(opened[1].directory, columns, 0) is not None


@given(st.lists(arrays(np.uint8, (3, 4), elements=st.integers(0, 2)), min_size=2, max_size=4), st.data())
def test_disputed_pixels_are_those_that_not_all_say_the_same_of(
    predicted: list[np.ndarray], data: st.DataObject
) -> None:
    truth = data.draw(arrays(np.uint8, (3, 4), elements=st.sampled_from([0, 1, 2, 255])))
    disputed = [place for place in np.ndindex(3, 4) if len({int(each[place]) for each in predicted}) > 1]
    labelled = [place for place in disputed if truth[place] != 255]
    right = [sum(bool(each[place] == truth[place]) for place in labelled) for each in predicted]
    assert disputed_counts(predicted, truth) == (12, len(disputed), len(labelled), *right)
    assert disputed_counts(predicted, None) == (12, len(disputed), 0, *(0 for _ in predicted))


def test_images_on_which_models_differ_come_first(place: Workspace) -> None:
    add_dataset(place, "week", [Scene(blocks(32, 32, 3, number), seed=number) for number in range(4)])
    right, wrong = (_evaluate(place, "week", names, predictions=True) for names in (CLASSES, ("sky", "tree", "road")))
    opened = [open_evaluation(place.database, number) for number in (right, wrong)]
    with pytest.raises(UserError, match="--disputed"):
        shared_images(opened, sort=DISPUTED)
    assert read_disputes(opened) is None
    derive_disputes(opened[::-1])
    page = shared_images(opened, sort=DISPUTED)
    found = [image.dispute for image in page.images if image.dispute]
    assert (page.total, len(found)) == (4, 4)
    assert [each.disputed for each in found] == sorted((each.disputed for each in found), reverse=True)
    # The first is right everywhere, the other in the sky alone, where they are of one mind.
    assert all(each == Dispute(1024, each.disputed, each.labelled, (each.labelled, 0)) for each in found)
    for image in page.images:
        truth = blocks(32, 32, 3, int(image.path[:3]))
        assert image.dispute
        assert image.dispute.labelled == np.isin(truth, (1, 2)).sum()
    swapped = shared_images(opened[::-1], sort=DISPUTED).images
    assert [image.dispute.right for image in swapped if image.dispute] == [(0, each.labelled) for each in found]
    itself = [open_evaluation(place.database, wrong) for _ in range(2)]
    derive_disputes(itself)
    assert all(image.dispute and not image.dispute.disputed for image in shared_images(itself, sort=DISPUTED).images)
    lost, gained = (shared_images(opened, sort=sort).images for sort in (LOST, GAINED))
    assert [image.scores[1] for image in lost] == sorted(image.scores[1] or 0 for image in lost)
    assert [image.scores[1] for image in gained] == [image.scores[1] for image in lost][::-1]
    assert shared_images(opened, sort="path", offset=1, limit=2).images[0].path == "001.png"


def test_what_stored_no_predictions_says_so(place: Workspace) -> None:
    opened = [open_evaluation(place.database, _evaluate(place, "day", CLASSES)) for _ in range(2)]
    with pytest.raises(UserError, match="stored no predictions"):
        derive_disputes(opened)
    models = compared_models(place.home, place.database, opened, [1.0, 1.0]).models
    assert [(model.run, model.parameters) for model in models] == [(None, None)] * 2
    assert all(model.speeds[0].by == "evaluation" and model.speeds[0].device == "cpu" for model in models)
