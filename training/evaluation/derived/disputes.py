"""Where the stored predictions of several evaluations differ, counted once: `derived/disputes1-VERSION.npz`.

numbers    int64 (images, evaluations): of each image that all hold, its number in each
counts     int64 (images, 3 + evaluations), see `disputed_pixels.disputed_counts`

The file lies with the evaluation whose directory's name comes first; its version changes with all evaluations' own.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from db.errors import UserError
from db.files import write_atomic
from db.store import Store
from labeling.annotation import IGNORE
from labeling.progress import Progress, silent
from labeling.workers import map_in_order
from training.evaluation.compare_matching import shared_numbers
from training.evaluation.derived.disputed_pixels import Task, count_disputed, died
from training.evaluation.opened import OpenEvaluation
from training.evaluation.store import INDEX, map_name

_FOLDER = "derived"
_FORMAT = 1
_OTHER = IGNORE - 1  # what leads to no class: two models that predict such are of one mind
_KEPT = 8


def derive_disputes(evaluations: Sequence[OpenEvaluation], progress: Progress = silent) -> None:
    """Compare the stored predictions of all images that the evaluations share, in processes, and keep the counts.

    Args:
        evaluations: two or more, in any order.
        progress: told the images compared.

    Raises:
        UserError: one of them stored no predictions, they share no image, or a map is gone or damaged.
    """
    if reason := cannot_dispute(evaluations):
        raise UserError(reason)
    ordered = _ordered(evaluations)
    numbers = shared_numbers(ordered)
    found = []
    for counts in map_in_order(count_disputed, _tasks(ordered, numbers), on_death=died):
        found.append(counts)
        progress(len(found), len(numbers), "images compared")
    buffer = io.BytesIO()
    np.savez_compressed(buffer, numbers=numbers, counts=np.array(found, np.int64))
    path = _path(ordered)
    path.parent.mkdir(exist_ok=True)
    write_atomic(path, buffer.getvalue())


def cannot_dispute(evaluations: Sequence[OpenEvaluation]) -> str | None:
    """Say why the predictions of these evaluations cannot be compared; None where they can."""
    bare = [str(each.id) for each in evaluations if not each.record.predictions]
    if bare:
        which = f"Evaluation {bare[0]}" if len(bare) == 1 else f"Evaluations {', '.join(bare)}"
        return f"{which} stored no predictions that could be compared. Evaluate again without --no-predictions."
    if not len(shared_numbers(evaluations)):
        return "The evaluations have no image in common, so no prediction can be compared with another."
    return None


def read_disputes(evaluations: Sequence[OpenEvaluation]) -> NDArray[np.int64] | None:
    """Return the counts of the images that `shared_numbers` gives, in that order; None where nobody has counted yet.

    Returns:
        int64 (images, 3 + evaluations), see `disputed_pixels.disputed_counts`; the evaluations in the order given.
    """
    ordered = _ordered(evaluations)
    path = _path(ordered)
    try:
        changed = path.stat().st_mtime_ns
    except FileNotFoundError:
        return None
    read = _read(path, changed)
    wanted = shared_numbers(evaluations)
    names = [each.directory.name for each in ordered]
    place = [names.index(each.directory.name) for each in evaluations]
    if read is None or len(read[0]) != len(wanted) or read[1].shape[1] != 3 + len(evaluations):
        return None  # not what was written: it is counted again
    numbers, counts = read
    by_first = np.argsort(numbers[:, place[0]])
    rows = by_first[np.searchsorted(numbers[by_first, place[0]], wanted[:, 0])]
    return counts[rows][:, [0, 1, 2, *(3 + each for each in place)]]


@lru_cache(maxsize=_KEPT)
def _read(path: Path, _changed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return np.asarray(arrays["numbers"], np.int64), np.asarray(arrays["counts"], np.int64)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def _ordered(evaluations: Sequence[OpenEvaluation]) -> list[OpenEvaluation]:
    return sorted(evaluations, key=lambda each: each.directory.name)


def _path(ordered: Sequence[OpenEvaluation]) -> Path:
    version = hashlib.sha256(" ".join(each.version for each in ordered).encode()).hexdigest()[:12]
    return ordered[0].directory / _FOLDER / f"disputes{_FORMAT}-{version}.npz"


def _tasks(ordered: Sequence[OpenEvaluation], numbers: NDArray[np.int64]) -> Iterator[Task]:
    places = {
        name: place
        for place, name in enumerate(dict.fromkeys(name for each in ordered for name in each.record.truth_classes))
    }
    if len(places) > _OTHER:
        raise UserError(f"The evaluations have {len(places)} classes together; up to {_OTHER} can be compared.")
    by_class = [np.array([*(places[name] for name in each.record.truth_classes), _OTHER], np.uint8) for each in ordered]
    columns = []
    for each, of_class in zip(ordered, by_class, strict=True):
        table = np.full(256, _OTHER, np.uint8)
        table[: len(each.columns)] = of_class[each.columns]
        columns.append(table)
    truths = np.full(256, IGNORE, np.uint8)
    truths[: len(by_class[0]) - 1] = by_class[0][:-1]
    record = ordered[0].record
    same_classes = all(each.record.truth_classes == record.truth_classes for each in ordered)
    store = Store(ordered[0].home.store).root
    for row in numbers.tolist():
        images = [each.record.images[number] for each, number in zip(ordered, row, strict=True)]
        same_truth = same_classes and len({image.map_sha256 for image in images}) == 1
        yield Task(
            name=f"{record.dataset}/{images[0].path}",
            store=store,
            map_sha256=images[0].map_sha256 if same_truth else None,
            truths=truths,
            predictions=tuple(
                each.directory / INDEX / map_name(number) for each, number in zip(ordered, row, strict=True)
            ),
            columns=tuple(columns),
        )
