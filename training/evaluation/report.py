"""Evaluations read back: every figure computed from the stored counts, under whichever mapping is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select

import db.schema as schema
from db.errors import UserError
from db.home import Home
from db.schema import Evaluation, Project
from db.session import Database
from labeling.projects import find_project
from training.evaluation import mapping as mappings
from training.evaluation.calibration import Calibration, Reliability, calibration
from training.evaluation.derived.figures import ShapeFigures, read_shape_figures
from training.evaluation.mapping import Row, SavedMapping
from training.evaluation.metrics import Metrics, metrics
from training.evaluation.opened import choose_mapping, find_evaluation
from training.evaluation.per_image import class_sums
from training.evaluation.store import (
    EvaluationRecord,
    published_directories,
    read_counts,
    read_histograms,
    read_record,
    sum_counts,
)

FIGURES = ("pa", "ma", "miou", "fwiou", "precision", "recall", "f1")
CLASS_FIGURES = ("iou", "precision", "recall", "f1")
CLASS_COLUMNS = (
    *(*CLASS_FIGURES, "boundary_f1", "boundary_iou", "iiou", "ece"),
    *("pixels", "predicted", "images", "images_predicted", "objects"),
)


@dataclass(frozen=True)
class EvaluationReport:
    """An evaluation as read under one mapping.

    Attributes:
        id: its number.
        directory: where its files lie.
        record: what was evaluated on what, and how.
        mapping: the saved mapping, None for classes of the same name.
        rows: from the model's classes to the dataset's, None for `other`.
        metrics: all figures; classes in the order of `record.truth_classes`.
        confusion: int64 (K, K + 1), rows truth, the last column `other`.
        truth_images: per class, images with a pixel of it in the truth.
        predicted_images: per class, images with a pixel predicted as it, where the truth is not ignored.
    """

    id: int
    directory: Path
    record: EvaluationRecord
    mapping: SavedMapping | None
    rows: tuple[Row, ...]
    metrics: Metrics
    confusion: NDArray[np.int64]
    truth_images: tuple[int, ...]
    predicted_images: tuple[int, ...]

    @cached_property
    def calibration(self) -> Calibration:
        """How far to trust its confidence, read when first asked for.

        Raises:
            UserError: the evaluation's files are damaged.
        """
        found = read_histograms(self.directory, self.record)
        confidence = found.confidence if found.winners is None else found.winners
        return calibration(found.calibration, confidence, self._columns, len(self.record.truth_classes))

    @property
    def shapes(self) -> ShapeFigures | None:
        """How well boundaries and objects are met; None where nobody has counted them yet.

        Raises:
            UserError: the file of what was counted is damaged.
        """
        record = self.record
        return read_shape_figures(self.directory, self._columns, len(record.images), len(record.truth_classes))

    @property
    def _columns(self) -> NDArray[np.intp]:
        return mappings.targets(self.rows, self.record.model_classes, self.record.truth_classes)

    def figures(self) -> dict[str, float | None]:
        """Return the figures of the whole by name, fractions; those that nobody has counted yet are None, too."""
        shapes = self.shapes
        return {
            **{name: getattr(self.metrics, name) for name in FIGURES},
            "boundary_f1": shapes.boundary.f1 if shapes else None,
            "boundary_iou": shapes.boundary.iou if shapes else None,
            "iiou": shapes.objects.iiou if shapes else None,
            "ece": self.calibration.whole.ece,
        }

    def reliability_of(self, name: str) -> Reliability:
        """Return the reliability diagram of the pixels predicted as a class.

        Raises:
            UserError: there is no such class, or the evaluation's files are damaged.
        """
        return self.calibration.classes[self.record.class_index(name)]

    @property
    def predicted_names(self) -> tuple[str, ...]:
        """Names of the columns; the last one is `other`, marked where a class has that name."""
        other = mappings.OTHER
        while other in self.record.truth_classes:
            other = f"({other})"
        return (*self.record.truth_classes, other)

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences that belong beside the figures."""
        record = self.record
        found = [*record.leaks.warnings, *record.leaks.unknown]
        if record.leaks.count:
            found.insert(
                0,
                f"{record.leaks.count} of {len(record.images)} images were in the model's training: these figures "
                "flatter it.",
            )
        found += [f"The model was adapted: {each}." for each in record.adapted]
        reached = {target for _, target in self.rows}
        present = [name for name, row in zip(record.truth_classes, self.metrics.classes, strict=True) if row.pixels]
        if unreached := [name for name in present if name not in reached]:
            found.append(f"No class of the model leads to {', '.join(unreached)}: these can only be missed.")
        absent = [name for name, row in zip(record.truth_classes, self.metrics.classes, strict=True) if row.iou is None]
        if absent:
            found.append(f"In neither truth nor prediction, and left out of the means: {', '.join(absent)}.")
        return tuple(found)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; undefined figures are None."""
        record, shapes = self.record, self.shapes
        return {
            "evaluation": self.id,
            "model": record.model,
            "dataset": record.dataset,
            "on": record.on,
            "revision": record.revision,
            "images": len(record.images),
            "size": record.size,
            "refinement": str(record.refinement),
            "computed_in": record.precision,
            "images_per_second": len(record.images) / record.seconds if record.seconds else None,
            "mapping": {"name": self.mapping.name if self.mapping else None, "rows": [list(row) for row in self.rows]},
            **{name: getattr(self.metrics, name) for name in FIGURES},
            "boundary": shapes.boundary.to_json() if shapes else None,
            "instances": shapes.objects.to_json() if shapes else None,
            "calibration": self.calibration.whole.to_json(),
            "classes": self.class_rows(),
            "axes": {"truth": list(record.truth_classes), "predicted": list(self.predicted_names)},
            "confusion": self.confusion.tolist(),
            "leaks": record.leaks.to_json(),
            "notes": list(self.notes),
            "directory": str(self.directory),
        }

    def class_rows(self) -> list[dict[str, Any]]:
        """Return what there is of each class by name, its figures and what they rest on; undefined ones are None."""
        shapes = self.shapes
        return [
            {
                "name": name,
                **{figure: getattr(row, figure) for figure in CLASS_FIGURES},
                "boundary_f1": shapes.boundary.class_f1[index] if shapes else None,
                "boundary_iou": shapes.boundary.class_iou[index] if shapes else None,
                "iiou": shapes.objects.class_iiou[index] if shapes else None,
                "ece": self.calibration.classes[index].ece,
                "pixels": row.pixels,
                "predicted": row.predicted,
                "images": self.truth_images[index],
                "images_predicted": self.predicted_images[index],
                "objects": shapes.objects.class_objects[index] if shapes else None,
            }
            for index, (name, row) in enumerate(zip(self.record.truth_classes, self.metrics.classes, strict=True))
        ]


@dataclass(frozen=True)
class EvaluationInfo:
    """An evaluation as lists show it; its figures under the mapping it was made with, as that is now.

    Attributes:
        model_sha256: of its weights' file.
        refinement: what was done besides running the network once, in words; empty for nothing.
        note: why there are no figures; None where there are.
    """

    id: int
    model: str
    model_sha256: str
    dataset: str
    on: str
    revision: str
    size: str
    refinement: str
    images: int
    pa: float | None
    miou: float | None
    leaks: int
    note: str | None
    created_at: datetime

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        values = vars(self) | {"created_at": self.created_at.isoformat()}
        return {"evaluation": values.pop("id"), **values}


def read_evaluation(
    home: Home, database: Database, project: str | None, number: int, mapping: str | None = None
) -> EvaluationReport:
    """Read an evaluation; needs no network and no photo.

    Args:
        home: holds its directory.
        database: its database.
        project: name; None is the current one, or the only one.
        number: of the evaluation.
        mapping: name of a saved mapping, or `by-name` for classes of the same name; None is what it was made with.

    Raises:
        UserError: there is none of this number, its files are damaged, or the mapping does not fit it.
    """
    with database.read() as session:
        owner = find_project(session, project)
        row = find_evaluation(session, number, owner.id)
    return report(home.path / row.directory, number, choose_mapping(database, owner.name, row, mapping))


def report(directory: Path, number: int, mapping: SavedMapping | None = None) -> EvaluationReport:
    """Compute an evaluation's figures from its directory.

    Args:
        directory: as `training.evaluation.store` describes it.
        number: of the evaluation.
        mapping: None maps by exact name.

    Raises:
        UserError: its files are damaged, or the mapping does not fit it.
    """
    record = read_record(directory)
    rows = mapping.rows if mapping else mappings.rows_by_name(record.model_classes, record.truth_classes)
    columns = mappings.targets(rows, record.model_classes, record.truth_classes)
    counts = read_counts(directory, record)
    confusion = mappings.apply(sum_counts(counts, record), columns)
    sums = class_sums(counts, columns, len(record.truth_classes))
    chosen = dict(rows)
    return EvaluationReport(
        id=number,
        directory=directory,
        record=record,
        mapping=mapping,
        rows=tuple((name, chosen.get(name)) for name in record.model_classes),
        metrics=metrics(confusion),
        confusion=confusion,
        truth_images=tuple(np.count_nonzero(sums.truth, axis=0).tolist()),
        predicted_images=tuple(np.count_nonzero(sums.predicted, axis=0).tolist()),
    )


def summary(result: EvaluationReport) -> dict[str, Any]:
    """Return what the database keeps of an evaluation."""
    record = result.record
    return {
        **{name: getattr(result.metrics, name) for name in FIGURES},
        "images": len(record.images),
        "size": record.size,
        "refinement": str(record.refinement),
        "leaks": record.leaks.count,
        "rows": [list(row) for row in result.mapping.rows] if result.mapping else None,
        "files": record.files,
    }


def register(database: Database, result: EvaluationReport, mapping_id: int | None) -> int:
    """Give a published evaluation its row, unless it has one already; return its number."""
    record = result.record
    directory = result.directory.relative_to(database.home.path).as_posix()
    with database.write() as session:
        row = session.scalar(select(Evaluation).where(Evaluation.directory == directory))
        if row is None:
            row = Evaluation(
                project_id=record.project_id,
                model=record.model,
                model_sha256=record.model_sha256,
                dataset=record.dataset,
                on=record.on,
                revision_digest=record.revision,
                mapping_id=mapping_id,
                directory=directory,
                summary=summary(result),
                created_at=record.created_at,
            )
            session.add(row)
            session.flush()
        return row.id


def list_evaluations(database: Database, project: str | None) -> list[EvaluationInfo]:
    """Return the project's evaluations, newest first; one whose figures cannot be told has a note instead.

    Raises:
        UserError: there is no such project.
    """
    _adopt(database)
    with database.read() as session:
        owner = find_project(session, project)
        query = select(Evaluation).where(Evaluation.project_id == owner.id, Evaluation.deleted_at.is_(None))
        rows = session.scalars(query.order_by(Evaluation.id.desc())).all()
    saved = {found.id: found for found in mappings.list_mappings(database, project)}
    return [_info(row, _current_summary(database.home, row, saved)) for row in rows]


def _current_summary(home: Home, row: Evaluation, saved: Mapping[int, SavedMapping]) -> dict[str, Any]:
    """Return the cached figures, or those under the mapping where it was edited since."""
    chosen = saved.get(row.mapping_id) if row.mapping_id is not None else None
    rows = [list(pair) for pair in chosen.rows] if chosen else None
    if row.summary["rows"] == rows:
        return row.summary
    try:
        return summary(report(home.path / row.directory, row.id, chosen))
    except UserError as error:  # the mapping no longer fits, or files are gone: the other rows are none the worse
        return {**row.summary, "pa": None, "miou": None, "note": str(error)}


def _info(row: Evaluation, known: Mapping[str, Any]) -> EvaluationInfo:
    return EvaluationInfo(
        id=row.id,
        model=row.model,
        model_sha256=row.model_sha256,
        dataset=row.dataset,
        on=row.on,
        revision=row.revision_digest,
        size=known["size"],
        refinement=known.get("refinement", ""),  # not kept of evaluations older than the choice, which had none
        images=known["images"],
        pa=known["pa"],
        miou=known["miou"],
        leaks=known["leaks"],
        note=known.get("note"),
        created_at=row.created_at,
    )


def _adopt(database: Database) -> None:
    """Give a row to every finished evaluation that was killed before it had one."""
    with database.read() as session:
        known = {Path(directory).name for directory in session.scalars(select(Evaluation.directory))}
        projects = set(session.scalars(select(Project.id)))
        saved = set(session.scalars(select(schema.Mapping.id)))
    for directory in published_directories(database.home.evaluations):
        if directory.name in known:
            continue
        try:
            found = report(directory, 0)  # under its mapping it is read afterwards, as that is by then
        except UserError:
            continue  # damaged: it stays where it is
        if found.record.project_id in projects:
            register(database, found, found.record.mapping_id if found.record.mapping_id in saved else None)
