"""What happens to one image of an evaluation in a worker process: its boundaries and objects are counted.

Apart from `training.evaluation.derived.derive`, so that a worker starts without loading a database.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from db.errors import UserError
from db.store import Store
from labeling.annotation import Annotation
from labeling.map_store import load_instances, load_map
from labeling.maps import read_map_png
from labeling.options import Overlap, RasterRule
from labeling.raster.instances import render_instances
from training.evaluation.derived.boundary import boundary_counts
from training.evaluation.derived.objects import object_counts, wrong_pixels
from training.evaluation.derived.store import Known


@dataclass(frozen=True)
class Drawing:
    """How a dataset's shapes are drawn; see `labeling.raster.render`."""

    rule: RasterRule
    overlap: Overlap
    line_width: int
    point_radius: int


@dataclass(frozen=True)
class Task:
    """One image.

    Attributes:
        name: for messages.
        store: the content store's folder.
        map_sha256: of the truth.
        prediction: file of the predicted map.
        columns: uint8 (256,), the dataset's class by the model's; `classes` for none.
        classes: of the dataset.
        annotation: the version that gives the truth, as stored; None where it is not known.
        drawing: how its shapes are drawn.
    """

    name: str
    store: Path
    map_sha256: str
    prediction: Path
    columns: NDArray[np.uint8]
    classes: int
    annotation: dict[str, Any] | None
    drawing: Drawing


@dataclass(frozen=True)
class Outcome:
    """What was counted in an image, as `training.evaluation.derived.store.Shapes` has it; objects without the image."""

    boundary: NDArray[np.int64]
    objects: NDArray[np.int64]
    wrong: NDArray[np.int64]
    known: Known


def count_shapes(task: Task) -> Outcome:
    """Count one image.

    Raises:
        UserError: one of its maps is gone or damaged.
    """
    store, classes = Store(task.store), task.classes
    try:
        truth = load_map(store, task.map_sha256)
        prediction = task.columns[read_map_png(task.prediction)]
        known, objects = labelled_objects(store, task.annotation, task.drawing)
    except (OSError, ValueError) as error:
        raise UserError(f"A map of {task.name} cannot be read: {error}. `workbench doctor` looks for more.") from error
    if prediction.shape != truth.shape:
        raise UserError(f"The maps of {task.name} differ: {truth.shape} and {prediction.shape} pixels. Evaluate again.")
    return Outcome(
        boundary=boundary_counts(truth, prediction, classes),
        objects=np.zeros((0, 3), np.int64) if objects is None else object_counts(truth, prediction, objects, classes),
        wrong=np.zeros(classes, np.int64) if objects is None else wrong_pixels(truth, prediction, classes),
        known=known,
    )


def died(task: Task) -> Outcome:
    """Say what to do where the process of an image was ended by the system."""
    raise UserError(
        f"The process that counted the boundaries of {task.name} was ended by the system, most likely for lack of "
        "memory. Close other programs and try again."
    )


def labelled_objects(
    store: Store, content: dict[str, Any] | None, drawing: Drawing
) -> tuple[Known, NDArray[np.int32] | None]:
    """Return what is known of the objects of an annotation, as stored, and their map where that is all."""
    if content is None:
        return Known.NO_VERSION, None
    annotation = Annotation.from_json(content)
    if annotation.base is not None and annotation.instances is None:
        return Known.NO_OBJECTS, None
    objects = render_instances(
        annotation,
        partial(load_instances, store),
        partial(load_map, store),
        rule=drawing.rule,
        overlap=drawing.overlap,
        line_width=drawing.line_width,
        point_radius=drawing.point_radius,
    )
    return Known.OBJECTS, objects
