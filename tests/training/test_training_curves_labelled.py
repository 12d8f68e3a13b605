"""mIoU against labelled photos: what stands on one curve, and what was added from point to point."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from labeling.manifest import ManifestImage
from training.curves.labelled import EvaluatedRun, labelled_curves


def _tested(run: int, photos: range, **changes: object) -> EvaluatedRun:
    trained = tuple(
        ManifestImage(
            "day", f"{number}.png", f"photo {number}", f"map {number}", "train", ("first", *["next"] * (number > 5))
        )
        for number in photos
    )
    base = EvaluatedRun(
        evaluation=10 + run,
        model=f"{run}:best",
        model_sha256=f"weights {run}",
        run=run,
        name=f"run {run}",
        architecture="unet",
        dataset="day",
        on="val",
        images=3,
        size="original",
        same="val as it is",
        miou=0.1 * run,
        trained=trained,
        trained_at=datetime(2026, 1, run, tzinfo=UTC),
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def test_points_stand_by_how_many_photos_and_say_what_was_added() -> None:
    (curve,) = labelled_curves([_tested(2, range(8)), _tested(1, range(5))])
    first, second = curve.points
    assert (first.run, first.labelled, first.added, first.lists) == (1, 5, None, ())
    assert (second.run, second.labelled, second.added, second.lists) == (2, 8, 3, (("first", 3), ("next", 2)))
    assert curve.tells


def test_only_what_was_tested_alike_is_joined() -> None:
    runs = [_tested(1, range(5)), _tested(2, range(8)), _tested(3, range(9), same="of other truth", on="dusk")]
    assert [(curve.on, len(curve.points), curve.tells) for curve in labelled_curves(runs)] == [
        ("val", 2, True),
        ("dusk", 1, False),
    ]
    networks = labelled_curves([_tested(1, range(5)), _tested(2, range(8), architecture="segnet")])
    assert [[point.added for point in curve.points] for curve in networks] == [[None, None]]
    assert not networks[0].tells


def test_of_several_tests_of_the_same_weights_the_newest_counts() -> None:
    again = _tested(1, range(5), evaluation=99, miou=0.7)
    (curve,) = labelled_curves([again, _tested(1, range(5))])
    assert [(point.evaluation, point.miou) for point in curve.points] == [(99, 0.7)]
    later = replace(again, model_sha256="weights of a better step")  # "1:best" names others by then
    (curve,) = labelled_curves([later, _tested(1, range(5))])
    assert [(point.evaluation, point.added) for point in curve.points] == [(11, None), (99, 0)]
    other_photos = _tested(2, range(3, 8))  # as many, others
    (curve,) = labelled_curves([_tested(1, range(5)), other_photos])
    assert [(point.labelled, point.added) for point in curve.points] == [(5, None), (5, 3)]
