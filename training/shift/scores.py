"""What is known by now of the photos of a shift: their numbers in the project, and their scores in evaluations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select

from db.errors import UserError
from db.schema import Evaluation
from db.session import Database
from labeling.images import photos_of
from labeling.parts import ALL
from training.evaluation.gallery import evaluation_page
from training.evaluation.opened import OpenEvaluation, open_evaluation
from training.prediction.refinement import NONE
from training.shift.store import Compared, Shift, ShiftArrays


@dataclass(frozen=True)
class Known:
    """A row a photo of a shift.

    Attributes:
        image: its number in the project; None where it is gone, or another photo by now.
        score: its mIoU, NaN where none is known, float64 (N,).
        number: its place in the evaluation that has the score, -1 where none has.
        evaluations: of each domain, the one that scores are from; None where nobody evaluated the model there.
    """

    image: tuple[int | None, ...]
    score: NDArray[np.float64]
    number: NDArray[np.int64]
    evaluations: tuple[int | None, ...]


def known_of(database: Database, project: str, shift: Shift, arrays: ShiftArrays) -> Known:
    """Return what is known of the photos of a shift.

    Scores are those of an evaluation of the same weights in the same size, the one with most of a domain's photos, of
    several the newest, under the mapping it was made with.

    Args:
        database: of the home that holds it.
        project: name of its project.
        shift: whose photos.
        arrays: of the shift.

    Raises:
        UserError: there is no such project, or the files of an evaluation are damaged.
    """
    record = shift.record
    score, number = np.full(len(arrays.names), np.nan), np.full(len(arrays.names), -1, np.int64)
    numbers: list[int | None] = []
    evaluations: list[int | None] = []
    for place, domain in enumerate(record.domains):
        rows = np.flatnonzero(arrays.domain == place)
        names = [arrays.names[row] for row in rows.tolist()]
        ids = _numbers(database, project, domain.dataset)
        numbers += [ids.get(name) for name in names]
        found = _best(database, project, shift, domain, set(names))
        evaluations.append(None if found is None else found.id)
        if found is not None:
            images = evaluation_page(found, limit=len(found.record.images)).images
            hashes = [image.image_sha256 for image in found.record.images]
            scored = {(image.path, hashes[image.number]): image for image in images}
            for row, name in zip(rows.tolist(), names, strict=True):
                if (image := scored.get(name)) is not None:
                    score[row], number[row] = np.nan if image.score is None else image.score, image.number
    return Known(tuple(numbers), score, number, tuple(evaluations))


def _numbers(database: Database, project: str, dataset: str) -> dict[tuple[str, str], int]:
    try:
        photos = photos_of(database, project, dataset, ALL)
    except UserError:  # the dataset is in the trash by now
        return {}
    return {(photo.path, photo.image_sha256): photo.id for photo in photos}


def _best(
    database: Database, project: str, shift: Shift, domain: Compared, names: set[tuple[str, str]]
) -> OpenEvaluation | None:
    record = shift.record
    query = select(Evaluation.id).where(
        Evaluation.project_id == record.project_id,
        Evaluation.model_sha256 == record.model_sha256,
        Evaluation.dataset == domain.dataset,
        Evaluation.deleted_at.is_(None),
    )
    with database.read() as session:
        candidates = session.scalars(query.order_by(Evaluation.id.desc())).all()
    best: tuple[int, OpenEvaluation | None] = (0, None)
    for each in candidates:
        try:
            found = open_evaluation(database, each, project=project)
        except UserError:
            continue
        if (found.record.size, found.record.refinement) != (record.size, NONE):
            continue
        shared = len(names & {(image.path, image.image_sha256) for image in found.record.images})
        best = max(best, (shared, found), key=lambda pair: pair[0])
    return best[1]
