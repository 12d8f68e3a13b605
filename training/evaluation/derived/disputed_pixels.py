"""What happens to one image in a worker process: where the predictions of several models differ, and who is right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from db.errors import UserError
from db.store import Store
from labeling.annotation import IGNORE
from labeling.map_store import load_map
from labeling.maps import read_map_png


@dataclass(frozen=True)
class Task:
    """One image.

    Attributes:
        name: for messages.
        store: the content store's folder.
        map_sha256: of the truth; None where the evaluations do not have the same.
        truths: uint8 (256,), the class of all evaluations together by that of the dataset; `IGNORE` for ignore.
        predictions: file of the predicted map, of each evaluation.
        columns: uint8 (256,) of each evaluation, the class of all together by the model's.
    """

    name: str
    store: Path
    map_sha256: str | None
    truths: NDArray[np.uint8]
    predictions: tuple[Path, ...]
    columns: tuple[NDArray[np.uint8], ...]


def count_disputed(task: Task) -> tuple[int, ...]:
    """Count one image as `disputed_counts` does.

    Raises:
        UserError: one of its maps is gone or damaged.
    """
    try:
        predicted = [columns[read_map_png(path)] for path, columns in zip(task.predictions, task.columns, strict=True)]
        truth = None if task.map_sha256 is None else task.truths[load_map(Store(task.store), task.map_sha256)]
    except (OSError, ValueError) as error:
        raise UserError(f"A map of {task.name} cannot be read: {error}. `workbench doctor` looks for more.") from error
    if len({each.shape for each in [*predicted, *([] if truth is None else [truth])]}) > 1:
        raise UserError(f"The maps of {task.name} have different sizes. Evaluate again.")
    return disputed_counts(predicted, truth)


def disputed_counts(predicted: Sequence[NDArray[np.uint8]], truth: NDArray[np.uint8] | None) -> tuple[int, ...]:
    """Count the pixels of an image whose predictions are not all the same.

    Args:
        predicted: uint8 (H, W) of each model, in one class list.
        truth: uint8 (H, W) in the same list, `IGNORE` for no label; None where there is none.

    Returns:
        Pixels of the image, those that are disputed, of these those with a label, and of these those that each model
        has right.
    """
    first = predicted[0]
    disputed = np.zeros(first.shape, bool)
    for other in predicted[1:]:
        disputed |= other != first
    if truth is None:
        return (first.size, int(disputed.sum()), 0, *(0 for _ in predicted))
    labels = truth[disputed]
    labelled = labels != IGNORE
    right = (int((each[disputed] == labels)[labelled].sum()) for each in predicted)
    return (first.size, len(labels), int(labelled.sum()), *right)


def died(task: Task) -> tuple[int, ...]:
    """Say what to do where the process of an image was ended by the system."""
    raise UserError(
        f"The process that compared the predictions of {task.name} was ended by the system, most likely for lack of "
        "memory. Close other programs and try again."
    )
