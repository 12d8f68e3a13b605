"""The survey that tells of some photos: known by the photos themselves, not by the list that named them at the time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from labeling.images import ProjectPhoto
from training.prediction.refinement import NONE
from training.survey.store import Survey, SurveyRecord


@dataclass(frozen=True)
class Holding:
    """A survey of photos, or of some of them.

    Attributes:
        survey: it.
        rows: of the photos it holds as they are now, in the order of the photos: their places in its record.
        missing: how many of the photos it does not hold.
    """

    survey: Survey
    rows: tuple[int, ...]
    missing: int


def find_holding(
    surveys: Iterable[Survey], photos: Sequence[ProjectPhoto], *, model_sha256: str, size: str
) -> Holding | None:
    """Return the newest survey that holds all of some photos as they are now, or else the one that holds most of them.

    Args:
        surveys: the newest first.
        photos: of one dataset.
        model_sha256: of the weights' file that they must be by.
        size: what the network saw, as `training.prediction.size.Size` writes it.

    Returns:
        None where none holds any.
    """
    wanted = (model_sha256, size, NONE, photos[0].dataset)
    best: Holding | None = None
    for survey in surveys:
        record = survey.record
        if (record.model_sha256, record.size, record.refinement, record.dataset) != wanted:
            continue
        rows = rows_of(record, photos)
        if rows and (best is None or len(rows) > len(best.rows)):
            best = Holding(survey, rows, len(photos) - len(rows))
        if best is not None and not best.missing:
            break
    return best


def rows_of(record: SurveyRecord, photos: Iterable[ProjectPhoto]) -> tuple[int, ...]:
    """Return the places in a survey's record of the photos that it holds as they are now, in their order."""
    places = {(image.path, image.image_sha256): row for row, image in enumerate(record.images)}
    found = (places.get((photo.path, photo.image_sha256)) for photo in photos)
    return tuple(row for row in found if row is not None)
