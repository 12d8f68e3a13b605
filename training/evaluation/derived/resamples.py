"""The figures of an evaluation's resamples, kept beside it: `derived/resamples1-VERSION-SEED-RESAMPLES.npz`.

whole.NAME    float64 (resamples,)
class.NAME    float64 (resamples, k_truth)

Of ten thousand images they take seconds. As an evaluation never changes and its resamples do not depend on what it is
compared with, they are computed once.
"""

from __future__ import annotations

import io
import zipfile
from functools import lru_cache
from pathlib import Path

import numpy as np

from db.files import write_atomic
from training.evaluation.bootstrap import RESAMPLES, Figures, resample
from training.evaluation.opened import kept_record, version_of
from training.evaluation.per_image import class_sums
from training.evaluation.store import read_counts

WORTH_KEEPING = 150
"""Of fewer images than this, computing is as quick as reading, and a page waits for all that are compared at once."""
_KEPT = 12
_FOLDER = "derived"
_FORMAT = 1
_WHOLE, _CLASS = "whole.", "class."


@lru_cache(maxsize=_KEPT)
def resampled(directory: Path, columns: tuple[int, ...], seed: int) -> Figures:
    """Resample an evaluation's images, in an order that depends on what they are alone; or read what was kept of that.

    Args:
        directory: of the evaluation.
        columns: see `training.evaluation.opened.OpenEvaluation`.
        seed: of the draws. Two evaluations of the same images are drawn alike with one seed: that makes them paired.

    Raises:
        UserError: the evaluation's files are damaged, or the resamples cannot be written.
    """
    record = kept_record(directory)
    path = _path(directory, columns, seed)
    if found := _read(path, len(record.truth_classes)):
        return found
    images = [(image.image_sha256, image.map_sha256) for image in record.images]
    order = np.array(sorted(range(len(images)), key=images.__getitem__), np.intp)
    counts = read_counts(directory, record)[order]
    figures = resample(class_sums(counts, np.array(columns, np.intp), len(record.truth_classes)), seed=seed)
    if len(images) >= WORTH_KEEPING:
        _write(path, figures)
    return figures


def images_to_resample(directory: Path, columns: tuple[int, ...], seed: int) -> int:
    """Return how many images are still to be resampled: 0 where that was kept."""
    return 0 if _path(directory, columns, seed).exists() else len(kept_record(directory).images)


def _path(directory: Path, columns: tuple[int, ...], seed: int) -> Path:
    version = version_of(directory, np.array(columns, np.intp))
    return directory / _FOLDER / f"resamples{_FORMAT}-{version}-{seed}-{RESAMPLES}.npz"


def _write(path: Path, figures: Figures) -> None:
    arrays = {f"{_WHOLE}{name}": values for name, values in figures.whole.items()}
    arrays |= {f"{_CLASS}{name}": values for name, values in figures.classes.items()}
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    path.parent.mkdir(exist_ok=True)
    write_atomic(path, buffer.getvalue())


def _read(path: Path, classes: int) -> Figures | None:
    """Return what was kept; None where nothing was, or nothing that can be read: it is computed again."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            found = {name: np.asarray(arrays[name], np.float64) for name in arrays.files}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    whole = {name.removeprefix(_WHOLE): values for name, values in found.items() if name.startswith(_WHOLE)}
    by_class = {name.removeprefix(_CLASS): values for name, values in found.items() if name.startswith(_CLASS)}
    fits = all(values.shape == (RESAMPLES, classes) for values in by_class.values())
    return Figures(whole, by_class) if whole and by_class and fits else None
