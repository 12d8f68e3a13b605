"""Two evaluations side by side: every difference with its interval, and what that says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from db.home import Home
from db.session import Database
from training.evaluation import mapping as mappings
from training.evaluation.bootstrap import (
    FEW_IMAGES,
    FEWEST_IMAGES,
    SEED,
    Figures,
    Interval,
    Verdict,
    interval,
    resample,
    told,
    verdict,
)
from training.evaluation.metrics import ClassMetrics
from training.evaluation.per_image import class_sums
from training.evaluation.report import CLASS_FIGURES, FIGURES, EvaluationReport, read_evaluation
from training.evaluation.store import read_counts


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
        classes: per class name, then figure; the first's classes in their order, then those only the second has.
        paired: whether both hold the same images with the same truth, so that they are resampled together.
        notes: what makes the two not comparable at once.
    """

    a: EvaluationReport
    b: EvaluationReport
    figures: dict[str, Pair]
    classes: dict[str, dict[str, Pair]]
    paired: bool
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "a": _head(self.a),
            "b": _head(self.b),
            "metrics": {name: pair.to_json() for name, pair in self.figures.items()},
            "classes": [
                {"name": name, **{figure: pair.to_json() for figure, pair in pairs.items()}}
                for name, pairs in self.classes.items()
            ],
            "paired": self.paired,
            "bootstrap": told(min(len(self.a.record.images), len(self.b.record.images))),
            "notes": list(self.notes),
        }


def compare(home: Home, database: Database, *, project: str | None, a: int, b: int) -> Comparison:
    """Put two evaluations side by side, each under the mapping it was made with.

    Args:
        home: holds them.
        database: its database.
        project: name; None is the current one.
        a: number of the first.
        b: number of the second; differences are b - a.

    Raises:
        UserError: one of them is not there or damaged.
    """
    return compare_reports(read_evaluation(home, database, project, a), read_evaluation(home, database, project, b))


def compare_reports(a: EvaluationReport, b: EvaluationReport) -> Comparison:
    """Put two evaluations that are read already side by side."""
    rows_a, rows_b = _by_name(a), _by_name(b)
    paired = _same_images(a, b)
    # Of other images each is resampled by itself: draws of its own, or the noise of both would seem to go together.
    drawn_a = _resampled(a, SEED)
    drawn_b = _resampled(b, SEED if paired else SEED + 1)
    places_a, places_b = ({name: i for i, name in enumerate(one.record.truth_classes)} for one in (a, b))

    few = min(len(a.record.images), len(b.record.images)) < FEWEST_IMAGES

    def between(by_a: NDArray[np.float64], by_b: NDArray[np.float64]) -> Interval | None:
        return None if few else interval(by_b - by_a)

    def of_class(name: str, figure: str) -> Pair:
        found = None
        if name in places_a and name in places_b:
            by_a, by_b = drawn_a.classes[figure], drawn_b.classes[figure]
            found = between(by_a[:, places_a[name]], by_b[:, places_b[name]])
        return Pair(_get(rows_a, name, figure), _get(rows_b, name, figure), found)

    return Comparison(
        a=a,
        b=b,
        figures={
            name: Pair(
                getattr(a.metrics, name), getattr(b.metrics, name), between(drawn_a.whole[name], drawn_b.whole[name])
            )
            for name in FIGURES
        },
        classes={
            name: {figure: of_class(name, figure) for figure in CLASS_FIGURES}
            for name in dict.fromkeys([*rows_a, *rows_b])
        },
        paired=paired,
        notes=tuple(_notes(a, b)),
    )


def _resampled(report: EvaluationReport, seed: int) -> Figures:
    """Resample an evaluation's images in an order that depends on what they are alone."""
    record = report.record
    columns = mappings.targets(report.rows, record.model_classes, record.truth_classes)
    images = _images(report)
    order = np.array(sorted(range(len(images)), key=images.__getitem__), np.intp)
    return resample(
        class_sums(read_counts(report.directory, record)[order], columns, len(record.truth_classes)), seed=seed
    )


def _by_name(report: EvaluationReport) -> dict[str, ClassMetrics]:
    return dict(zip(report.record.truth_classes, report.metrics.classes, strict=True))


def _get(rows: dict[str, ClassMetrics], name: str, figure: str) -> float | None:
    return getattr(rows[name], figure) if name in rows else None


def _notes(a: EvaluationReport, b: EvaluationReport) -> list[str]:
    told = (
        ("Model", a.record.model, b.record.model),
        ("Tested on", _split(a), _split(b)),
        ("Revision", a.record.revision[:12], b.record.revision[:12]),
        ("Mapping", _mapping_name(a), _mapping_name(b)),
        ("Refined by", _refinement(a), _refinement(b)),
    )
    found = [f"{noun}: a = {ours}, b = {theirs}." for noun, ours, theirs in told if ours != theirs]
    if a.record.model == b.record.model and a.record.model_sha256 != b.record.model_sha256:
        found.append(f"The weights of the model {a.record.model} changed in between.")
    if not _same_images(a, b):
        found.append("Their images differ.")
    for noun, first, second in (
        ("class lists", a.record.truth_classes, b.record.truth_classes),
        ("sizes", a.record.size, b.record.size),
    ):
        if first != second:
            found.append(f"Their {noun} differ.")
    few = min(len(a.record.images), len(b.record.images))
    if few < FEW_IMAGES:
        found.append(f"Images: only {few}. Intervals are rough, and none below {FEWEST_IMAGES}.")
    for letter, one, other in (("a", a, b), ("b", b, a)):
        known = set(other.record.truth_classes)
        if alone := [name for name in one.record.truth_classes if name not in known]:
            found.append(f"Only in {letter}: {', '.join(alone)}.")
    return found


def _split(report: EvaluationReport) -> str:
    return f"{report.record.dataset} ({report.record.on})"


def _mapping_name(report: EvaluationReport) -> str:
    return report.mapping.name if report.mapping else "classes of the same name"


def _refinement(report: EvaluationReport) -> str:
    return str(report.record.refinement) or "nothing"


def _images(report: EvaluationReport) -> list[tuple[str, str]]:
    return [(image.image_sha256, image.map_sha256) for image in report.record.images]


def _same_images(a: EvaluationReport, b: EvaluationReport) -> bool:
    return sorted(_images(a)) == sorted(_images(b))


def _head(report: EvaluationReport) -> dict[str, Any]:
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
