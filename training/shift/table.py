"""What a model loses from home to other domains: every figure and class, the confusions that grew, the worst pictures.

Everything is read from evaluations that are there, under one mapping; no network runs. The intervals are those of
`training.evaluation.compare`: where the images differ, each domain's are drawn by themselves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from db.session import Database
from training.evaluation.compare import Comparison, Pair, compare_reports
from training.evaluation.gallery import MIOU, ScoredImage, evaluation_page
from training.evaluation.labels_now import changed_labels
from training.evaluation.opened import OpenEvaluation, open_evaluation
from training.evaluation.report import EvaluationReport, report
from training.evaluation.reporting.words import listed, points
from training.shift.subject import Domain

CONFUSIONS = 12
LEAST_GROWTH = 0.005
"""A confusion that grew by less of its class's pixels is not told."""
NAMED = 3
"""Classes that the sentence names."""
_WORST = 12


@dataclass(frozen=True)
class GrownConfusion:
    """A class taken for another more often than at home.

    Attributes:
        truth: name of the class.
        predicted: what it is taken for; the last of `EvaluationReport.predicted_names` is no class.
        cell: row and column in the target's confusion matrix.
        home: share of the class's pixels at home, 0..1.
        target: the same there.
        pixels: so many there.
    """

    truth: str
    predicted: str
    cell: tuple[int, int]
    home: float
    target: float
    pixels: int

    @property
    def growth(self) -> float:
        """What it grew by, of the class's pixels."""
        return self.target - self.home

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {**vars(self), "cell": list(self.cell), "growth": self.growth}


@dataclass(frozen=True)
class DomainLoss:
    """Home against one target; a is home.

    Attributes:
        domain: the target.
        comparison: every figure, with intervals and verdicts.
        classes: per class name, then figure; n/a in the domain whose truth lacks the class.
        absent_at_home: classes with no pixel in home's truth that the target's has.
        absent: classes with no pixel in the target's truth that home's has.
        confusions: those that grew most, the most first.
        worst: the target's images with the lowest mIoU.
        shared: images that both have.
        changed: of either evaluation whose labels were changed since, a sentence.
    """

    domain: Domain
    comparison: Comparison
    classes: dict[str, dict[str, Pair]]
    absent_at_home: tuple[str, ...]
    absent: tuple[str, ...]
    confusions: tuple[GrownConfusion, ...]
    worst: tuple[ScoredImage, ...]
    shared: int
    changed: tuple[str, ...]

    @property
    def by_drop(self) -> tuple[str, ...]:
        """The classes, the one whose IoU falls most first; those without a difference last."""
        differences = {name: pairs["iou"].difference for name, pairs in self.classes.items()}
        return tuple(sorted(differences, key=lambda name: (differences[name] is None, differences[name] or 0)))

    @property
    def losing(self) -> tuple[str, ...]:
        """The classes whose IoU falls, the most first."""
        return tuple(name for name in self.by_drop if (self.classes[name]["iou"].difference or 0) < 0)

    @property
    def sentence(self) -> str:
        """What became of the mean IoU, and which classes lose most."""
        pair = self.comparison.figures["miou"]
        if pair.a is None or pair.b is None or pair.difference is None:
            return f"On {self.domain.title} no mean IoU can be told."
        moved = "falls" if pair.difference < 0 else "rises"
        if pair.verdict == "cannot tell":
            moved = "goes"
        low_high = pair.interval and f"{points(pair.interval.low)} to {points(pair.interval.high)}"
        sure = f"; 95 % interval {low_high}" if low_high else ""
        unsure = "" if pair.verdict != "cannot tell" else ", which may be chance"
        text = (
            f"On {self.domain.title} mIoU {moved} from {100 * pair.a:.1f} to {100 * pair.b:.1f} "
            f"({points(pair.difference)}{sure}){unsure}."
        )
        if named := self.losing[:NAMED]:
            losing = listed(named)
            text += f" {losing[:1].upper()}{losing[1:]} lose{'s' if len(named) == 1 else ''} most."
        return text

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences that belong beside the figures."""
        found = list(self.changed)
        for names, here, there in (
            (self.absent, self.domain.title, "home"),
            (self.absent_at_home, "home", self.domain.title),
        ):
            if names:
                found.append(
                    f"Not in the truth of {here}, but of {there}: {listed(names)}. What such a class loses is n/a; "
                    f"where it is predicted all the same, an IoU of 0 counts in the means of {here}."
                )
        if self.shared and not self.comparison.paired:
            found.append(f"{self.shared} of its images are at home, too: the two are no domains of their own.")
        return (*found, *self.comparison.b.notes)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; undefined figures are None."""
        compared = self.comparison.to_json()
        return {
            "dataset": self.domain.dataset,
            "on": self.domain.on,
            "evaluation": self.comparison.b.id,
            "images": len(self.comparison.b.record.images),
            "size": self.comparison.b.record.size,
            "refinement": str(self.comparison.b.record.refinement),
            "revision": self.comparison.b.record.revision,
            "sentence": self.sentence,
            "losing": list(self.losing),
            "metrics": compared["metrics"],
            "classes": [
                {"name": name, **{figure: pair.to_json() for figure, pair in self.classes[name].items()}}
                for name in self.by_drop
            ],
            "paired": self.comparison.paired,
            "bootstrap": compared["bootstrap"],
            "absent": list(self.absent),
            "absent_at_home": list(self.absent_at_home),
            "confusions": [each.to_json() for each in self.confusions],
            "worst": [vars(each) for each in self.worst],
            "notes": list(self.notes),
        }


@dataclass(frozen=True)
class ShiftTable:
    """Home against other domains, every evaluation read under one mapping.

    Attributes:
        home: the evaluation at home.
        targets: the others, in the order asked for.
    """

    home: EvaluationReport
    targets: tuple[DomainLoss, ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        record = self.home.record
        return {
            "model": record.model,
            "size": record.size,
            "mapping": self.home.mapping.name if self.home.mapping else None,
            "home": {
                "dataset": record.dataset,
                "on": record.on,
                "evaluation": self.home.id,
                "images": len(record.images),
                "size": record.size,
                "refinement": str(record.refinement),
                "revision": record.revision,
                "notes": list(self.home.notes),
            },
            "targets": [target.to_json() for target in self.targets],
        }


def shift_table(
    database: Database, project: str | None, home: int, targets: Sequence[int], mapping: str | None = None
) -> ShiftTable:
    """Put evaluations of other domains beside the one at home.

    Args:
        database: of the home that holds them.
        project: name; None is the current one, or the only one.
        home: number of the evaluation at home.
        targets: numbers of the others.
        mapping: name of a saved mapping, or `by-name`; None reads each as it was made.

    Raises:
        UserError: one of them is not there or damaged, or the mapping does not fit it.
    """
    opened = [open_evaluation(database, number, project=project, mapping=mapping) for number in (home, *targets)]
    changed = {each.id: changed_labels(database, each) for each in opened}
    first, *others = opened
    at_home = _report(first)
    return ShiftTable(at_home, tuple(_loss(at_home, other, changed) for other in others))


def grown_confusions(
    home: NDArray[np.int64],
    target: NDArray[np.int64],
    names: Sequence[str],
    *,
    home_names: Sequence[str] | None = None,
    most: int = CONFUSIONS,
) -> tuple[GrownConfusion, ...]:
    """Return the confusions whose share of their class's pixels grew most.

    Args:
        home: int64 (K, K + 1), rows truth, the last column `other`.
        target: the same of the target.
        names: of the target's columns, K + 1.
        home_names: of home's columns; None: as the target's.
        most: so many at most.
    """
    rows = {name: place for place, name in enumerate(home_names or names)}
    found = []
    for truth, name in enumerate(names[:-1]):
        before = rows.get(name)
        pixels = int(target[truth].sum())
        if before is None or before >= len(home) or not pixels or not home[before].sum():
            continue
        for column, predicted in enumerate(names):
            if column == truth or not target[truth, column]:
                continue
            was = home[before, rows[predicted]] / home[before].sum() if predicted in rows else 0
            share = float(target[truth, column] / pixels)
            found.append(
                GrownConfusion(name, predicted, (truth, column), float(was), share, int(target[truth, column]))
            )
    found.sort(key=lambda each: (-each.growth, each.truth, each.predicted))
    return tuple(each for each in found[:most] if each.growth >= LEAST_GROWTH)


def _loss(home: EvaluationReport, found: OpenEvaluation, changed: Mapping[int, str | None]) -> DomainLoss:
    target = _report(found)
    at_home, here = _present(home), _present(target)
    comparison = compare_reports(home, target)
    shown = {name: pairs for name, pairs in comparison.classes.items() if name in at_home | here}
    contents = {image.image_sha256 for image in home.record.images}
    return DomainLoss(
        domain=Domain(target.record.dataset, target.record.on),
        comparison=comparison,
        classes={
            name: pairs if name in at_home & here else _one_sided(pairs, name in at_home)
            for name, pairs in shown.items()
        },
        absent_at_home=tuple(name for name in target.record.truth_classes if name in here and name not in at_home),
        absent=tuple(name for name in home.record.truth_classes if name in at_home and name not in here),
        confusions=grown_confusions(
            home.confusion, target.confusion, target.predicted_names, home_names=home.predicted_names
        ),
        worst=evaluation_page(found, sort=MIOU, limit=_WORST).images,
        shared=sum(image.image_sha256 in contents for image in target.record.images),
        changed=tuple(told for number in dict.fromkeys((home.id, found.id)) if (told := changed[number])),
    )


def _report(found: OpenEvaluation) -> EvaluationReport:
    return report(found.directory, found.id, found.mapping)


def _present(evaluation: EvaluationReport) -> set[str]:
    """Return the classes that the truth has a pixel of."""
    rows = zip(evaluation.record.truth_classes, evaluation.metrics.classes, strict=True)
    return {name for name, row in rows if row.pixels}


def _one_sided(pairs: dict[str, Pair], is_home: bool) -> dict[str, Pair]:
    """Return the figures of a class that only one of the two truths has: on the other side they say nothing."""
    return {name: Pair(pair.a, None) if is_home else Pair(None, pair.b) for name, pair in pairs.items()}
