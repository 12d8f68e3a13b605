"""What is plainly odd about an evaluation, from its stored counts: said before anybody reads its figures."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from db.errors import UserError
from db.session import Database
from labeling.images import photos_of
from labeling.parts import part_title
from training.evaluation.opened import OpenEvaluation
from training.evaluation.store import read_counts

Severity = Literal["warning", "note"]
_MOST = 0.5  # of the images: so many of one class alone is more than chance
_NAMED = 8


@dataclass(frozen=True)
class Notice:
    """Something odd.

    Attributes:
        kind: `nothing-counted`, `one-class`, `never-predicted`, `all-ignored`, `without-target` and `unlabelled` are
            warnings, `never-present`, `absent` and `one-class-images` notes.
        severity: how bad it is.
        text: a sentence.
        classes: it is about, all of them.
        images: numbers of the images it is about.
    """

    kind: str
    severity: Severity
    text: str
    classes: tuple[str, ...] = ()
    images: tuple[int, ...] = ()


def sanity(
    by_image: NDArray[np.int64], pairs: NDArray[np.int64], truth: Sequence[str], unmapped: Sequence[str] = ()
) -> list[Notice]:
    """Say what is odd in the counts of an evaluation, warnings first.

    Args:
        by_image: int64 (images, 2): counted pixels, and how many classes they are predicted as.
        pairs: int64 (k_truth, k_truth + 1), the confusion matrix; the last column is `other`.
        truth: names of the dataset's classes.
        unmapped: the model's classes without a target that were predicted.
    """
    present, predicted = pairs.sum(axis=1), pairs.sum(axis=0)[:-1]
    total, images = int(pairs.sum()), len(by_image)
    if not total:
        return [Notice("nothing-counted", "warning", f"No pixel of the {images} images is labelled: nothing counts.")]
    found = []
    if predicted.max() == total and (present > 0).sum() > 1:
        only = truth[int(predicted.argmax())]
        text = f"Every pixel is predicted as {only}. The model has learnt nothing else, or gets photos it cannot read."
        found.append(Notice("one-class", "warning", text, (only,)))
    elif missed := _named(truth, (present > 0) & (predicted == 0)):
        text = f"In the labels, yet never predicted: {_listed(missed)}. Their IoU is 0."
        found.append(Notice("never-predicted", "warning", text, missed))
    if len(empty := np.flatnonzero(by_image[:, 0] == 0)):
        text = f"{_count(len(empty), 'image has', 'images have')} only ignored pixels and count for nothing."
        found.append(Notice("all-ignored", "warning", text, images=tuple(empty.tolist())))
    if others := int(pairs[:, -1].sum()):
        text = f"{others / total:.1%} of the pixels are predicted as classes without a target: {_listed(unmapped)}."
        found.append(Notice("without-target", "warning", f"{text} They count as wrong.", tuple(unmapped)))
    if wrong := _named(truth, (present == 0) & (predicted > 0)):
        text = f"In no label, predicted all the same: {_listed(wrong)}. Their recall is n/a."
        found.append(Notice("never-present", "note", text, wrong))
    if absent := _named(truth, (present == 0) & (predicted == 0)):
        text = f"In neither labels nor predictions: {_listed(absent)}. They are left out of the means."
        found.append(Notice("absent", "note", text, absent))
    single = np.flatnonzero((by_image[:, 0] > 0) & (by_image[:, 1] == 1))
    if len(single) > _MOST * images and (predicted > 0).sum() > 1:
        text = f"{len(single)} of {images} images are predicted as one class each."
        found.append(Notice("one-class-images", "note", text, images=tuple(single.tolist())))
    return found


def evaluation_sanity(database: Database, evaluation: OpenEvaluation) -> list[Notice]:
    """Say what is odd about an evaluation; of its data as they are now, which images have no labels, too.

    Raises:
        UserError: its counts are damaged.
    """
    record = evaluation.record
    counts = read_counts(evaluation.directory, record)
    rows = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    truth, model = np.divmod(counts.indices, len(record.model_classes))
    classes = len(record.truth_classes)
    pairs = np.zeros((classes, classes + 1), np.int64)
    np.add.at(pairs, (truth, evaluation.columns[model]), counts.data)
    predicted = np.unique(rows * len(record.model_classes) + model) // len(record.model_classes)
    by_image = np.stack([counts.sum(axis=1), np.bincount(predicted, minlength=counts.shape[0])], axis=1)
    seen = np.bincount(model, counts.data, len(record.model_classes)) > 0
    unmapped = _named(record.model_classes, seen & (evaluation.columns == classes))
    found = sanity(by_image.astype(np.int64), pairs, record.truth_classes, unmapped)
    with suppress(UserError):  # the list was renamed or the dataset deleted since: nothing is known of it now
        bare = sum(not each.labelled for each in photos_of(database, evaluation.project, record.dataset, record.on))
        if bare:
            where = part_title(record.dataset, record.on)
            text = f"{_count(bare, 'image', 'images')} of {where} without labels: not tested on."
            found.insert(0, Notice("unlabelled", "warning", text))
    return sorted(found, key=lambda notice: notice.severity != "warning")


def _named(names: Sequence[str], chosen: NDArray[np.bool_]) -> tuple[str, ...]:
    return tuple(names[place] for place in np.flatnonzero(chosen).tolist())


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
