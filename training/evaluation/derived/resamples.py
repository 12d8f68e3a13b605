"""The figures of an evaluation's resamples, kept beside it: `derived/resamples1-VERSION-SEED-RESAMPLES.npz`.

whole.NAME    float64 (resamples,)
class.NAME    float64 (resamples, k_truth)

Those of its boundaries, which may be counted later, are in `derived/boundary-resamples1-...`, of the whole alone.

Of ten thousand images they take seconds. As an evaluation never changes and its resamples do not depend on what it is
compared with, they are computed once.
"""

from __future__ import annotations

import io
import zipfile
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from db.files import write_atomic
from training.evaluation.bootstrap import RESAMPLES, Figures, mean_of_classes, resample, resampled_sums
from training.evaluation.derived.boundary_figures import f1_of, iou_of
from training.evaluation.derived.store import read_shapes, shapes_path
from training.evaluation.opened import kept_record, version_of
from training.evaluation.per_image import class_sums
from training.evaluation.store import EvaluationRecord, read_counts

WORTH_KEEPING = 150
"""Of fewer images than this, computing is as quick as reading, and a page waits for all that are compared at once."""
_KEPT = 12
_FOLDER = "derived"
_FORMAT = 1
_WHOLE, _CLASS = "whole.", "class."
_BOUNDARY = "boundary-"


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
    counts = read_counts(directory, record)[_order(record)]
    figures = resample(class_sums(counts, np.array(columns, np.intp), len(record.truth_classes)), seed=seed)
    if len(record.images) >= WORTH_KEEPING:
        _write(path, figures)
    return figures


def resampled_boundaries(directory: Path, columns: tuple[int, ...], seed: int) -> Figures | None:
    """Return the figures of the boundaries, of the whole alone, in the same resamples; None where nobody counted them.

    Raises:
        UserError: as `resampled`.
    """
    counted = shapes_path(directory, np.array(columns, np.intp))
    return _boundaries(directory, columns, seed, counted) if counted.exists() else None


@lru_cache(maxsize=_KEPT)
def _boundaries(directory: Path, columns: tuple[int, ...], seed: int, counted: Path) -> Figures:
    record = kept_record(directory)
    classes = len(record.truth_classes)
    path = _path(directory, columns, seed, _BOUNDARY)
    if found := _read(path, classes):
        return found
    counts = read_shapes(counted, len(record.images), classes).boundary[_order(record)]
    sums = resampled_sums(counts.reshape(len(counts), -1), seed=seed).reshape(-1, *counts.shape[1:])
    f1, iou = mean_of_classes(f1_of(sums)), mean_of_classes(iou_of(sums))
    figures = Figures({"boundary_f1": f1, "boundary_iou": iou}, {})
    if len(record.images) >= WORTH_KEEPING:
        _write(path, figures)
    return figures


def images_to_resample(directory: Path, columns: tuple[int, ...], seed: int) -> int:
    """Return how many images are still to be resampled, for their boundaries, too: 0 where all was kept."""
    paths = [_path(directory, columns, seed)]
    if shapes_path(directory, np.array(columns, np.intp)).exists():
        paths.append(_path(directory, columns, seed, _BOUNDARY))
    return 0 if all(path.exists() for path in paths) else len(kept_record(directory).images)


def _order(record: EvaluationRecord) -> NDArray[np.intp]:
    """Return the images in an order that depends on what they are alone."""
    images = [(image.image_sha256, image.map_sha256) for image in record.images]
    return np.array(sorted(range(len(images)), key=images.__getitem__), np.intp)


def _path(directory: Path, columns: tuple[int, ...], seed: int, kind: str = "") -> Path:
    version = version_of(directory, np.array(columns, np.intp))
    return directory / _FOLDER / f"{kind}resamples{_FORMAT}-{version}-{seed}-{RESAMPLES}.npz"


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
    return Figures(whole, by_class) if whole and fits else None
