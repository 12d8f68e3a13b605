"""Counting boundaries and objects in the stored maps of an evaluation, under one mapping."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from db.errors import UserError
from db.session import Database
from db.store import Store
from labeling.map_origins import annotations_of_maps, dataset_options
from labeling.options import DatasetOptions
from labeling.progress import Progress, silent
from labeling.workers import map_in_order
from training.evaluation.derived.store import Shapes, write_shapes
from training.evaluation.derived.work import Drawing, Task, count_shapes, died
from training.evaluation.opened import OpenEvaluation
from training.evaluation.store import INDEX, map_name

_BATCH = 100


def derive_shapes(database: Database, evaluation: OpenEvaluation, progress: Progress = silent) -> None:
    """Count the boundaries and objects of every image, in processes, and keep the counts with the evaluation.

    Objects are those of the newest version of an image's labels that gives the very class map it was evaluated with;
    its shapes are drawn by the options that the dataset has now.

    Args:
        database: of the home that holds it.
        evaluation: with the mapping it is read under.
        progress: told the images counted.

    Raises:
        UserError: the evaluation stored no predictions, or one of its maps is gone or damaged.
    """
    record = evaluation.record
    if not record.predictions:
        raise UserError(
            f"Evaluation {evaluation.id} stored no predictions, in which boundaries could be counted. Evaluate again "
            "without --no-predictions."
        )
    found = []
    for outcome in map_in_order(count_shapes, _tasks(database, evaluation), on_death=died):
        found.append(outcome)
        progress(len(found), len(record.images), "boundaries counted")
    objects = [np.insert(outcome.objects, 0, number, axis=1) for number, outcome in enumerate(found)]
    shapes = Shapes(
        boundary=np.stack([outcome.boundary for outcome in found]),
        objects=np.concatenate(objects),
        wrong=np.sum([outcome.wrong for outcome in found], axis=0),
        known=np.array([outcome.known for outcome in found], np.uint8),
    )
    write_shapes(evaluation.directory, evaluation.columns, shapes)


def _tasks(database: Database, evaluation: OpenEvaluation) -> Iterator[Task]:
    record = evaluation.record
    classes = len(record.truth_classes)
    columns = np.full(256, classes, np.uint8)
    columns[: len(evaluation.columns)] = evaluation.columns
    store = Store(database.home.store).root
    options = dataset_options(database, evaluation.project_id, record.dataset) or DatasetOptions()
    drawing = Drawing(options.raster, options.overlap, options.line_width, options.point_radius)
    for start in range(0, len(record.images), _BATCH):
        batch = record.images[start : start + _BATCH]
        wanted = {image.path: image.map_sha256 for image in batch}
        annotations = annotations_of_maps(database, evaluation.project_id, record.dataset, wanted)
        for number, image in enumerate(batch, start):
            yield Task(
                name=f"{record.dataset}/{image.path}",
                store=store,
                map_sha256=image.map_sha256,
                prediction=evaluation.directory / INDEX / map_name(number),
                columns=columns,
                classes=classes,
                annotation=annotations.get(image.path),
                drawing=drawing,
            )
