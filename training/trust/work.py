"""What happens to one image in a worker process: its likely label errors are looked for.

Apart from `training.trust.find`, so that a worker starts without loading a database.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from db.errors import UserError
from db.store import Store
from labeling.annotation import IGNORE
from labeling.map_store import load_map
from labeling.maps import read_map_png
from training.trust.regions import Region, regions
from training.trust.suspects import suspects


@dataclass(frozen=True)
class Task:
    """One image.

    Attributes:
        name: for messages.
        store: the content store's folder.
        map_sha256: of its labels.
        prediction: file of the predicted map.
        confidence: file of its confidence.
        columns: uint8 (256,), the dataset's class by the model's; their number for none.
        limits: by class, see `training.trust.suspects.thresholds`.
    """

    name: str
    store: Path
    map_sha256: str
    prediction: Path
    confidence: Path
    columns: NDArray[np.uint8]
    limits: NDArray[np.float64]


@dataclass(frozen=True)
class Outcome:
    """What was found in an image.

    Attributes:
        regions: the widest first.
        masks: of the regions, each inside its box; empty where they were not asked for.
        labelled: pixels that are.
        pairs: int64 (k_truth, k_truth), suspect pixels by label and by what the model sees.
        shape: of the image, (height, width).
    """

    regions: tuple[Region, ...]
    masks: tuple[NDArray[np.bool_], ...]
    labelled: int
    pairs: NDArray[np.int64]
    shape: tuple[int, int]


def look(task: Task, *, masks: bool = False) -> Outcome:
    """Look at one image.

    Raises:
        UserError: one of its maps is gone or damaged.
    """
    try:
        truth = load_map(Store(task.store), task.map_sha256)
        prediction = task.columns[read_map_png(task.prediction)]
        confidence = read_map_png(task.confidence)
    except (OSError, ValueError) as error:
        raise UserError(f"A map of {task.name} cannot be read: {error}. `workbench doctor` looks for more.") from error
    if not truth.shape == prediction.shape == confidence.shape:
        raise UserError(f"The maps of {task.name} differ in size. Evaluate again.")
    suspect = suspects(truth, prediction, confidence, task.limits)
    classes = len(task.limits)
    cells = truth[suspect].astype(np.int64) * classes + prediction[suspect]
    found = regions(truth, prediction, suspect)
    return Outcome(
        regions=tuple(region for region, _ in found),
        masks=tuple(mask for _, mask in found) if masks else (),
        labelled=int((truth != IGNORE).sum()),
        pairs=np.bincount(cells, minlength=classes**2).reshape(classes, classes),
        shape=(truth.shape[0], truth.shape[1]),
    )


def died(task: Task) -> Outcome:
    """Say what to do where the process of an image was ended by the system."""
    raise UserError(
        f"The process that looked at {task.name} was ended by the system, most likely for lack of memory. Close other "
        "programs and try again."
    )
