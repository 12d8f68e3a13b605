"""What happens to one photo in a worker process: its look is measured, and its labels are counted.

Apart from `training.shift.photos`, so that a worker starts without loading a database.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from db.errors import UserError
from db.store import Store
from labeling.map_store import load_map
from labeling.photos import PhotoError, read_reduced
from training.evaluation.derived.work import Drawing, labelled_objects
from training.shift.looks import LONG_SIDE, measure
from training.shift.sizes import Objects, find_objects

_DECODED = 2 * LONG_SIDE
"""Longer side that a JPEG is decoded to, at least: the rest of the way every photo is averaged alike."""


@dataclass(frozen=True)
class Labels:
    """The labels of a photo: sha256 of the class map, the version as stored, and how its shapes are drawn."""

    map_sha256: str
    annotation: dict[str, Any]
    drawing: Drawing


@dataclass(frozen=True)
class Task:
    """One photo; `name` is for messages, `classes` how many there are."""

    name: str
    photo: Path
    store: Path
    labels: Labels | None
    classes: int


@dataclass(frozen=True)
class Outcome:
    """What was found of a photo: its looks (`training.shift.looks`), pixels by class (K,), and objects."""

    looks: NDArray[np.float32]
    pixels: NDArray[np.int64] | None
    objects: Objects


def look_at(task: Task) -> Outcome:
    """Look at one photo.

    Raises:
        UserError: it, or its class map, cannot be read.
    """
    try:
        looks = measure(read_reduced(task.photo, _DECODED))
    except PhotoError as error:
        raise UserError(f"{task.name} cannot be looked at: {error}") from error
    if task.labels is None:
        return Outcome(looks, None, Objects.join([]))
    store = Store(task.store)
    try:
        truth = load_map(store, task.labels.map_sha256)
        _, numbers = labelled_objects(store, task.labels.annotation, task.labels.drawing)
    except (OSError, ValueError) as error:
        raise UserError(
            f"The labels of {task.name} cannot be read: {error}. `workbench doctor` looks for more."
        ) from error
    pixels = np.bincount(truth.ravel(), minlength=256)[: task.classes]
    return Outcome(looks, pixels, find_objects(truth, numbers, task.classes))


def died(task: Task) -> Outcome:
    """Say what to do where the process of a photo was ended by the system."""
    raise UserError(
        f"The process that looked at {task.name} was ended by the system, most likely for lack of memory. Close other "
        "programs and try again."
    )
