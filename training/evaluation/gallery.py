"""The images of an evaluation as a gallery shows them: scored, sorted, and found by a cell of the confusion matrix.

Scores are computed from the stored counts under the mapping asked for, once, and kept: another page, another order or
another cell is then a matter of milliseconds, also for ten thousand images.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from db.errors import UserError
from training.evaluation import mapping as mappings
from training.evaluation.opened import OpenEvaluation, kept_record
from training.evaluation.parts import in_part
from training.evaluation.per_image import class_sums
from training.evaluation.store import read_cells, read_counts

MIOU, PATH, CELL, CLASS = "miou", "path", "cell", "class:"
ENTROPY, CONFIDENCE = "entropy", "confidence"
_KEPT = 16  # as many as are compared at once
_KEPT_CELLS = 4
_OLDER = "This evaluation is older than entropy and confidence by image. Evaluate again to sort by them."

Cell = tuple[int, int]


@dataclass(frozen=True)
class ScoredImage:
    """An image on a page.

    Attributes:
        number: its place in the evaluation, by which its pictures are asked for.
        dataset: name.
        path: inside the dataset.
        width: pixels.
        height: pixels.
        score: 0..1; None where neither truth nor prediction of the image has what is scored.
        score_name: `mIoU`, or the class whose IoU it is.
        pixels_in_cell: pixels of the cell asked for; None where none was.
        entropy: how unsure the network was, 0..1, and `confidence` how sure, as `store.EvaluatedImage` has them; None
            in evaluations that are older than these.
        confidence: see `entropy`.
    """

    number: int
    dataset: str
    path: str
    width: int
    height: int
    score: float | None
    score_name: str
    pixels_in_cell: int | None
    entropy: float | None
    confidence: float | None


@dataclass(frozen=True)
class EvaluationPage:
    """Some images of an evaluation.

    Attributes:
        total: how many there are in all pages together.
        images: those of this page.
        note: why they are not in the order asked for; None where they are.
    """

    total: int
    images: tuple[ScoredImage, ...]
    note: str | None = None


def evaluation_page(
    evaluation: OpenEvaluation,
    *,
    sort: str | None = None,
    cell: Cell | None = None,
    having: str | None = None,
    min_score: float | None = None,
    max_score: float | None = None,
    on: str | None = None,
    offset: int = 0,
    limit: int = 100,
) -> EvaluationPage:
    """Return a page of an evaluation's images.

    An image's IoU of a class is n/a where the class is in neither its truth nor its prediction; its mIoU is the mean
    over the others. Images without a score come last in any order.

    Args:
        evaluation: with the mapping it is read under; its columns are those of `cell`.
        sort: `miou` (worst first), `-miou`, `path`, `class:NAME` or `-class:NAME` (that class's IoU, which is then the
            score), `entropy` (surest first), `-entropy` (least sure first), `confidence`, `-confidence`, or `cell`
            (most pixels first). None is `cell` where a cell is asked for, else `miou`.
        cell: only images with pixels of the truth class cell[0] predicted as class cell[1]; the number of truth
            classes stands for `other`.
        having: only images with this class in truth or prediction.
        min_score: only images whose score is this or more, 0..1; those without a score are left out.
        max_score: only images whose score is this or less, likewise.
        on: only images with this role or in this subset, as the evaluation's revision has them.
        offset: images to pass over.
        limit: images at most.

    Raises:
        UserError: no such order, class, cell, role or subset, no range of scores, or the evaluation's files are
            damaged.
    """
    record = evaluation.record
    names = record.truth_classes
    order = sort or (CELL if cell is not None else MIOU)
    by_class = order.removeprefix("-").startswith(CLASS)
    scores = _scores(evaluation.directory, tuple(evaluation.columns.tolist()))
    scored = record.class_index(order.removeprefix("-").removeprefix(CLASS)) if by_class else None
    score = scores.miou if scored is None else scores.iou[:, scored]
    pixels = None if cell is None else _pixels(evaluation, cell)
    chosen = np.arange(len(record.images)) if pixels is None else np.flatnonzero(pixels)
    if having is not None:
        chosen = chosen[~np.isnan(scores.iou[chosen, record.class_index(having)])]
    if on is not None:
        chosen = chosen[in_part(evaluation, on)[chosen]]
    chosen = chosen[_in_range(score[chosen], min_score, max_score)]
    certainty = _certainty(evaluation.directory)
    keys = {MIOU: score, CLASS: score, **certainty}
    numbers = chosen[_ranked(order, chosen, keys, pixels, scores.by_path)][offset : offset + limit]
    known = certainty.get(order.removeprefix("-"))
    images = tuple(
        ScoredImage(
            number=number,
            dataset=record.dataset,
            path=record.images[number].path,
            width=record.images[number].width,
            height=record.images[number].height,
            score=None if np.isnan(score[number]) else float(score[number]),
            score_name="mIoU" if scored is None else names[scored],
            pixels_in_cell=None if pixels is None else int(pixels[number]),
            entropy=record.images[number].entropy,
            confidence=record.images[number].confidence,
        )
        for number in numbers.tolist()
    )
    return EvaluationPage(len(chosen), images, _OLDER if known is not None and np.isnan(known).all() else None)


def image_scores(evaluation: OpenEvaluation) -> NDArray[np.float64]:
    """Return the mIoU of each image, (images,), NaN where neither truth nor prediction has a class.

    Raises:
        UserError: the evaluation's files are damaged.
    """
    return _scores(evaluation.directory, tuple(evaluation.columns.tolist())).miou


def read_cell(evaluation: OpenEvaluation, text: str) -> Cell:
    """Read `TRUE,PREDICTED`: two names of classes, the second one may be `other`; or their places, from 0.

    Raises:
        UserError: it is no two names, or there are no such classes.
    """
    names = evaluation.record.truth_classes
    rows = {name: index for index, name in enumerate(names)}
    columns = {mappings.OTHER: len(names)} | rows
    # A name may hold a comma itself, so every comma is tried.
    for place in (i for i, letter in enumerate(text) if letter == ","):
        first, second = text[:place].strip(), text[place + 1 :].strip()
        if first in rows and second in columns:
            return rows[first], columns[second]
        if first.isdecimal() and second.isdecimal():
            return int(first), int(second)
    raise UserError(
        f"A cell is written TRUE,PREDICTED, as in {names[0]},{names[-1]}, found {text!r}. "
        f"Classes: {', '.join(names)}; {mappings.OTHER} may be predicted, too."
    )


def check_cell(evaluation: OpenEvaluation, cell: Cell) -> None:
    """Raise `UserError` where the confusion matrix has no such cell."""
    classes = len(evaluation.record.truth_classes)
    if not (0 <= cell[0] < classes and 0 <= cell[1] <= classes):
        raise UserError(
            f"The confusion matrix has {classes} rows and {classes + 1} columns, counted from 0; it has no cell "
            f"{cell[0]},{cell[1]}."
        )


def _ranked(
    order: str,
    chosen: NDArray[np.intp],
    keys: Mapping[str, NDArray[np.floating]],
    pixels: NDArray[np.int64] | None,
    by_path: NDArray[np.intp],
) -> NDArray[np.intp]:
    """Return the places in `chosen` in the order asked for, one of `keys` or a few more; ties by path."""
    name = CLASS if order.removeprefix("-").startswith(CLASS) else order.removeprefix("-")
    key: NDArray[np.floating] | NDArray[np.int64] | NDArray[np.intp]
    if order == CELL:
        if pixels is None:
            raise UserError("Sorting by cell needs the cell: the index of its truth class and of its column.")
        key = -pixels[chosen]
    elif order == PATH:
        key = by_path[chosen]
    elif name in keys:
        key = -keys[name][chosen] if order.startswith("-") else keys[name][chosen]  # numpy puts NaN last either way
    else:
        raise UserError(
            "Images are sorted by miou, -miou (the best first), path, cell, class:NAME, -class:NAME, entropy, -entropy "
            f"(the least sure first), confidence or -confidence, not {order!r}."
        )
    return np.lexsort((by_path[chosen], key))


def _in_range(score: NDArray[np.floating], low: float | None, high: float | None) -> NDArray[np.bool_]:
    """Tell which scores are in a range, its ends included; NaN is in none."""
    for value in (low, high):
        if value is not None and not 0 <= value <= 1:
            raise UserError(f"A score is 0 to 1, not {value:g}: 0.5 is 50 %.")
    inside = np.ones(len(score), bool)
    if low is not None:
        inside &= score >= low
    if high is not None:
        inside &= score <= high
    return inside


@dataclass(frozen=True)
class _Scores:
    """Scores of all images under one mapping; NaN where n/a.

    Attributes:
        iou: float32 (n, k_truth).
        miou: float64 (n,).
        by_path: (n,), the place of each image when sorted by path.
    """

    iou: NDArray[np.float32]
    miou: NDArray[np.float64]
    by_path: NDArray[np.intp]


@lru_cache(maxsize=_KEPT)
def _scores(directory: Path, columns: tuple[int, ...]) -> _Scores:
    record = kept_record(directory)
    images = len(record.images)
    sums = class_sums(read_counts(directory, record), np.array(columns, np.intp), len(record.truth_classes))
    with np.errstate(invalid="ignore"):
        iou = sums.hits / sums.union  # 0 / 0 is NaN: in neither
    defined = ~np.isnan(iou)
    with np.errstate(invalid="ignore"):
        miou = np.where(defined, iou, 0).sum(axis=1) / defined.sum(axis=1)
    by_path = np.empty(images, np.intp)
    by_path[sorted(range(images), key=lambda number: record.images[number].path)] = np.arange(images)
    return _Scores(iou.astype(np.float32), miou, by_path)


def _pixels(evaluation: OpenEvaluation, cell: Cell) -> NDArray[np.int64]:
    """Return how many pixels of a cell each image has, (n,)."""
    check_cell(evaluation, cell)
    truth, column = cell
    record = evaluation.record
    models = np.flatnonzero(evaluation.columns == column)
    chosen = _cells(evaluation.directory)[truth * len(record.model_classes) + models]
    return np.asarray(chosen.sum(axis=0), np.int64)


@lru_cache(maxsize=_KEPT)
def _certainty(directory: Path) -> dict[str, NDArray[np.float64]]:
    """Return of each image what needs no truth, NaN where it is not stored."""
    images = kept_record(directory).images
    return {name: np.array([getattr(image, name) for image in images], np.float64) for name in (ENTROPY, CONFIDENCE)}


@lru_cache(maxsize=_KEPT_CELLS)
def _cells(directory: Path) -> csr_array:
    return read_cells(directory, kept_record(directory))
