"""Two evaluations side by side, or many against one: every difference with its interval, and what that says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from db.errors import UserError
from db.home import Home
from db.session import Database
from training.evaluation import mapping as mappings
from training.evaluation.bootstrap import (
    FEWEST_IMAGES,
    SEED,
    Interval,
    Verdict,
    interval,
    told,
    verdict,
)
from training.evaluation.compare_notes import doubts, notes, same_images
from training.evaluation.derived.resamples import images_to_resample, resampled, resampled_boundaries
from training.evaluation.metrics import ClassMetrics
from training.evaluation.report import CLASS_FIGURES, FIGURES, EvaluationReport, read_evaluation

EDGES = ("boundary_f1", "boundary_iou")
"""Those of the other figures that have an interval: what they are made of is kept by image."""
MOST = 20
"""Evaluations in one comparison."""


@dataclass(frozen=True)
class Pair:
    """One figure of both evaluations, fractions; None where undefined. `difference` is b - a.

    Attributes:
        a: of the first.
        b: of the second.
        interval: of the difference, 95 %; None where it is undefined, or too many resamples lack it.
    """

    a: float | None
    b: float | None
    interval: Interval | None = None

    @property
    def difference(self) -> float | None:
        """Return b - a, None where either is undefined."""
        return None if self.a is None or self.b is None else self.b - self.a

    @property
    def verdict(self) -> Verdict:
        """Say whether b is better, worse, or that the images cannot tell."""
        return verdict(self.interval)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        low, high = (self.interval.low, self.interval.high) if self.interval else (None, None)
        return {
            "a": self.a,
            "b": self.b,
            "difference": self.difference,
            "low": low,
            "high": high,
            "verdict": self.verdict,
        }


@dataclass(frozen=True)
class Comparison:
    """Two evaluations, figure by figure.

    Attributes:
        a: the first.
        b: the second.
        figures: of the whole, by name, in the order `training.evaluation.report.FIGURES`.
        more: the other figures of the whole (`EvaluationReport.figures`); `EDGES` alone have an interval.
        classes: per class name, then figure; the first's classes in their order, then those only the second has.
        paired: whether both hold the same images with the same truth, so that they are resampled together.
        notes: what is another in the two.
        doubts: those of the notes that keep the figures from being compared as they are.
        told: intervals and verdicts are there; without them every verdict is `cannot tell`.
    """

    a: EvaluationReport
    b: EvaluationReport
    figures: dict[str, Pair]
    more: dict[str, Pair]
    classes: dict[str, dict[str, Pair]]
    paired: bool
    notes: tuple[str, ...]
    doubts: tuple[str, ...]
    told: bool

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "a": head(self.a),
            "b": head(self.b),
            "metrics": {name: pair.to_json() for name, pair in self.figures.items()},
            "more": {
                name: it.to_json() if name in EDGES else {"a": it.a, "b": it.b, "difference": it.difference}
                for name, it in self.more.items()
            },
            "classes": [
                {"name": name, **{figure: pair.to_json() for figure, pair in pairs.items()}}
                for name, pairs in self.classes.items()
            ],
            "paired": self.paired,
            "bootstrap": told(min(len(self.a.record.images), len(self.b.record.images))) | {"computed": self.told},
            "notes": list(self.notes),
            "doubts": list(self.doubts),
        }


def compare_with(
    home: Home, database: Database, *, project: str | None, baseline: int, others: Sequence[int]
) -> list[Comparison]:
    """Put evaluations beside one that is the baseline: of each the difference, it minus the baseline.

    Args:
        home: holds them.
        database: its database.
        project: name; None is the current one, or the only one.
        baseline: number of the evaluation that is `a` of every comparison.
        others: numbers of those that are `b`, in this order.

    Raises:
        UserError: one of them is not there or damaged, there are more than `MOST`, or one is given twice.
    """
    check_numbers([baseline, *others])
    first, *rest = (read_evaluation(home, database, project, number) for number in (baseline, *others))
    return [compare_reports(first, each) for each in rest]


def check_numbers(numbers: Sequence[int]) -> None:
    """Raise `UserError` where these are not two or more different evaluations, or too many."""
    if not 2 <= len(numbers) <= MOST:
        raise UserError(f"A comparison is of 2 to {MOST} evaluations, found {len(numbers)}.")
    if len(numbers) > 2 and len(set(numbers)) < len(numbers):
        twice = next(number for number in numbers if numbers.count(number) > 1)
        raise UserError(f"Evaluation {twice} is given twice. Name each one once, the baseline first.")


def images_in_the_way(baseline: EvaluationReport, others: Sequence[EvaluationReport]) -> int:
    """Return how many images are to be resampled before the evaluations can be compared; 0 where all was kept."""
    wanted = {(each.directory, _columns(each), _seed(baseline, each)) for each in others}
    wanted.add((baseline.directory, _columns(baseline), SEED))
    return sum(images_to_resample(*each) for each in wanted)


def compare_reports(a: EvaluationReport, b: EvaluationReport, *, intervals: bool = True) -> Comparison:
    """Put two evaluations that are read already side by side.

    Args:
        a: the first.
        b: the second.
        intervals: resample the images where that was not kept; False gives the figures and differences alone.
    """
    rows_a, rows_b = _by_name(a), _by_name(b)
    # Of other images each is resampled by itself: draws of its own, or the noise of both would seem to go together.
    seeded = ((a, SEED), (b, _seed(a, b)))
    drawn = [resampled(one.directory, _columns(one), seed) for one, seed in seeded] if intervals else None
    edges = [resampled_boundaries(one.directory, _columns(one), seed) for one, seed in seeded] if intervals else []
    places_a, places_b = ({name: i for i, name in enumerate(one.record.truth_classes)} for one in (a, b))

    more_a, more_b = a.figures(), b.figures()
    few = min(len(a.record.images), len(b.record.images)) < FEWEST_IMAGES

    def between(by_a: NDArray[np.float64], by_b: NDArray[np.float64]) -> Interval | None:
        return None if few else interval(by_b - by_a)

    def of_whole(name: str) -> Pair:
        found = between(drawn[0].whole[name], drawn[1].whole[name]) if drawn else None
        return Pair(getattr(a.metrics, name), getattr(b.metrics, name), found)

    def of_more(name: str) -> Pair:
        known = [each.whole[name] for each in edges if each is not None] if name in EDGES else []
        return Pair(more_a[name], more_b[name], between(*known) if len(known) == len(seeded) else None)

    def of_class(name: str, figure: str) -> Pair:
        found = None
        if drawn and name in places_a and name in places_b:
            by_a, by_b = drawn[0].classes[figure], drawn[1].classes[figure]
            found = between(by_a[:, places_a[name]], by_b[:, places_b[name]])
        return Pair(_get(rows_a, name, figure), _get(rows_b, name, figure), found)

    return Comparison(
        a=a,
        b=b,
        figures={name: of_whole(name) for name in FIGURES},
        more={name: of_more(name) for name in more_a if name not in FIGURES},
        classes={
            name: {figure: of_class(name, figure) for figure in CLASS_FIGURES}
            for name in dict.fromkeys([*rows_a, *rows_b])
        },
        paired=same_images(a, b),
        notes=(*notes(a, b), *_uncounted(a, b)),
        doubts=tuple(doubts(a, b)),
        told=intervals,
    )


def _uncounted(a: EvaluationReport, b: EvaluationReport) -> list[str]:
    """Say of which of the two nobody counted the boundaries, where the other's are."""
    missing = [one.id for one in (a, b) if one.shapes is None]
    if len(missing) != 1:
        return []
    (number,) = missing
    return [f"Boundaries of evaluation {number} are not counted; `workbench evaluations boundary {number}` does it."]


def _columns(report: EvaluationReport) -> tuple[int, ...]:
    record = report.record
    return tuple(mappings.targets(report.rows, record.model_classes, record.truth_classes).tolist())


def _seed(a: EvaluationReport, b: EvaluationReport) -> int:
    return SEED if same_images(a, b) else SEED + 1


def _by_name(report: EvaluationReport) -> dict[str, ClassMetrics]:
    return dict(zip(report.record.truth_classes, report.metrics.classes, strict=True))


def _get(rows: dict[str, ClassMetrics], name: str, figure: str) -> float | None:
    return getattr(rows[name], figure) if name in rows else None


def head(report: EvaluationReport) -> dict[str, Any]:
    """Return what was evaluated on what, as plain JSON values."""
    record = report.record
    return {
        "evaluation": report.id,
        "model": record.model,
        "dataset": record.dataset,
        "on": record.on,
        "revision": record.revision,
        "size": record.size,
        "refinement": str(record.refinement),
        "images": len(record.images),
        "mapping": report.mapping.name if report.mapping else None,
        "leaks": record.leaks.count,
        "created_at": record.created_at.isoformat(),
    }
