"""Looking for likely label errors: once for an evaluation under a mapping, kept beside it."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from db.errors import UserError
from db.store import Store
from labeling.maps import write_map_png
from labeling.progress import Progress, silent
from labeling.thumbnails import PNG, Picture, Size, pictures
from labeling.workers import map_in_order
from training.evaluation.lit import reduce_lit
from training.evaluation.opened import OpenEvaluation, kept_record
from training.evaluation.pictures import evaluated_image
from training.evaluation.store import CONFIDENCE, INDEX, map_name, read_histograms
from training.trust.store import Doubts, doubts_path, write_doubts
from training.trust.suspects import thresholds
from training.trust.work import Outcome, Task, died, look

_KEPT = 8


def find_doubts(evaluation: OpenEvaluation, progress: Progress = silent) -> Doubts:
    """Look for likely label errors in every image, in processes, and keep what is found with the evaluation.

    Args:
        evaluation: with the mapping it is read under; best of a model that did not learn from these images.
        progress: told the images looked at.

    Raises:
        UserError: the evaluation stored no predictions, or one of its maps is gone or damaged.
    """
    record = evaluation.record
    found = list[Outcome]()
    tasks = (_task(evaluation, number) for number in range(len(record.images)))
    for outcome in map_in_order(look, tasks, on_death=died):
        found.append(outcome)
        progress(len(found), len(record.images), "images looked at")
    rows = [(number, *region[:-1]) for number, outcome in enumerate(found) for region in outcome.regions]
    doubts = Doubts(
        regions=np.array(rows, np.int32).reshape(-1, 8),
        radius=np.array([region.radius for outcome in found for region in outcome.regions], np.float32),
        pixels=np.array([(outcome.pairs.sum(), outcome.labelled) for outcome in found], np.int64).reshape(-1, 2),
        pairs=np.sum([outcome.pairs for outcome in found], axis=0),
    )
    write_doubts(doubts_path(evaluation.directory, evaluation.columns), doubts)
    return doubts


def suspect_picture(evaluation: OpenEvaluation, number: int, size: Size) -> Picture:
    """Return an index PNG, 1 in the regions of an image and 0 elsewhere, of the size of the image's other pictures.

    Args:
        evaluation: with the mapping it is read under.
        number: of the image in the evaluation, from 0.
        size: longer side in pixels, 0 for the full size.

    Raises:
        NotFoundError: the evaluation has no such image.
        UserError: its predictions are not stored, or a file is damaged.
    """
    evaluated_image(evaluation, number)
    folder = evaluation.directory.name
    name = f"{number}-suspect-{evaluation.version}-{size}"
    made = pictures(evaluation.home).get(
        f"evaluations/{folder}/{name}.png", lambda: write_map_png(_lit(evaluation, number, size))
    )
    return Picture(made, PNG, f'"{folder}-{name}"')


def _lit(evaluation: OpenEvaluation, number: int, size: Size) -> NDArray[np.uint8]:
    outcome = look(_task(evaluation, number), masks=True)
    lit = np.zeros(outcome.shape, bool)
    for region, mask in zip(outcome.regions, outcome.masks, strict=True):
        lit[region.top : region.top + region.height, region.left : region.left + region.width] |= mask
    return reduce_lit(lit, size).astype(np.uint8)


def _task(evaluation: OpenEvaluation, number: int) -> Task:
    record, directory = evaluation.record, evaluation.directory
    if not record.predictions:
        raise UserError(
            f"Evaluation {evaluation.id} stored no predictions, which labels could be compared with. Evaluate again "
            "without --no-predictions."
        )
    columns = np.full(256, len(record.truth_classes), np.uint8)
    columns[: len(evaluation.columns)] = evaluation.columns
    image = record.images[number]
    return Task(
        name=f"{record.dataset}/{image.path}",
        store=Store(evaluation.home.store).root,
        map_sha256=image.map_sha256,
        prediction=directory / INDEX / map_name(number),
        confidence=directory / CONFIDENCE / map_name(number),
        columns=columns,
        limits=_limits(directory, tuple(evaluation.columns.tolist())),
    )


@lru_cache(maxsize=_KEPT)
def _limits(directory: Path, columns: tuple[int, ...]) -> NDArray[np.float64]:
    return thresholds(read_histograms(directory, kept_record(directory)).scores, np.array(columns, np.intp))
