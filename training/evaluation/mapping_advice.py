"""Which of a dataset's classes a model's class may stand for: told by where it is predicted, on stored counts.

A person decides. Many networks have a class for what the dataset lacks, and such a class lies mostly on something, too;
and a mapping that was chosen by an evaluation's labels makes that evaluation look a little better than it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml

from db.errors import UserError
from db.files import write_atomic
from labeling.exporting.guard import refuse_file
from training.evaluation.mapping import Row
from training.evaluation.opened import OpenEvaluation
from training.evaluation.store import read_counts, sum_counts

USUAL_LEAST = 0.5


@dataclass(frozen=True)
class Lying:
    """Where a class of the model is predicted.

    Attributes:
        model_class: its name.
        pixels: predicted as it, those whose truth is ignored left out.
        mostly: the dataset's class that most of them have; None where there are none.
        share: of them, 0..1; None likewise.
    """

    model_class: str
    pixels: int
    mostly: str | None = None
    share: float | None = None

    def counts_as(self, least: float = USUAL_LEAST) -> str | None:
        """Return the dataset's class that it may count as; None where a smaller share than `least` lies on any."""
        return self.mostly if self.share is not None and self.share >= least else None


def where_classes_lie(found: OpenEvaluation) -> tuple[Lying, ...]:
    """Return where each class of the model is predicted, in their order; the mapping it is read under does not matter.

    Raises:
        UserError: its argmax was restricted to what a mapping leads to, or its files are damaged.
    """
    record = found.record
    if record.refinement.only is not None:
        raise UserError(
            f"Evaluation {found.id} has a restricted argmax: its pixels only got classes that a mapping leads to. Name "
            "an evaluation of the same model without it."
        )
    counts = sum_counts(read_counts(found.directory, record), record)
    pixels, mostly = counts.sum(axis=0).tolist(), counts.argmax(axis=0).tolist()
    return tuple(
        Lying(name, pixels[column], record.truth_classes[row], int(counts[row, column]) / pixels[column])
        if pixels[column]
        else Lying(name, 0)
        for column, (name, row) in enumerate(zip(record.model_classes, mostly, strict=True))
    )


def suggested_rows(classes: Iterable[Lying], truth_classes: Iterable[str], least: float = USUAL_LEAST) -> list[Row]:
    """Return a mapping: to the class of the same name where there is one, else to where the class mostly lies."""
    known = set(truth_classes)
    return [
        (each.model_class, each.model_class if each.model_class in known else each.counts_as(least)) for each in classes
    ]


def write_mapping_file(path: Path, rows: Iterable[Row], *, overwrite: bool = False) -> None:
    """Write a mapping as `training.evaluation.mapping.read_mapping_file` reads it.

    Raises:
        UserError: the file may not be written.
    """
    refuse_file(path, overwrite=overwrite)
    write_atomic(path, yaml.safe_dump(dict(rows), allow_unicode=True, sort_keys=False).encode())
