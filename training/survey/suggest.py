"""The photos of a survey that would teach its model most, put into a subset to be labelled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from db.errors import UserError
from db.session import Database
from labeling.images import photos_of
from labeling.parts import ALL
from labeling.subsets import add_to_subset, list_subsets, subset_paths
from training.survey.ranking import ORDERS, By, rank
from training.survey.store import Survey


@dataclass(frozen=True)
class Suggested:
    """A photo to label; `entropy` and `disagreement` as `SurveyedImage` has them."""

    path: str
    entropy: float
    disagreement: float


@dataclass(frozen=True)
class Suggestion:
    """What to label next, the best first.

    Attributes:
        survey: name.
        dataset: name.
        by: which way.
        photos: chosen ones.
        candidates: how many photos there were to choose from: nobody has labelled them yet.
        left_out: how many more were not, since they are in a list to be left out.
        subset: the list they were put into; None where none was named.
    """

    survey: str
    dataset: str
    by: By
    photos: tuple[Suggested, ...]
    candidates: int
    left_out: int
    subset: str | None

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {**vars(self), "order": ORDERS[self.by], "photos": [vars(photo) for photo in self.photos]}


def suggest(
    database: Database,
    project: str | None,
    survey: Survey,
    *,
    count: int,
    by: By = "mixed",
    rows: Sequence[int] | None = None,
    subset: str | None = None,
    without: Sequence[str] = (),
) -> Suggestion:
    """Choose photos that nobody has labelled yet.

    Photos of the survey that are labelled by now, and those left out as they are chosen already, count as known:
    `diversity` and `mixed` keep away from what they show.

    Args:
        database: the database.
        project: name; None is the current one, or the only one.
        survey: of the photos.
        count: how many.
        by: which way; see `training.survey.ranking`.
        rows: places in the survey's record of the photos that are meant; None means all of them.
        subset: name of the list they are put into, which is made where there is none.
        without: names of lists whose photos are left out, as those of an earlier suggestion; only `subset` may be among
            them before it is made.

    Raises:
        UserError: none of these photos is left to label, there is no such list, or the subset's name is none.
    """
    record = survey.record
    now = {
        (photo.path, photo.image_sha256): photo.labelled for photo in photos_of(database, project, record.dataset, ALL)
    }
    here = np.array([(image.path, image.image_sha256) in now for image in record.images], bool)
    labelled = np.array([now.get((image.path, image.image_sha256), False) for image in record.images], bool)
    meant = np.ones(len(here), bool) if rows is None else np.isin(np.arange(len(here)), rows)
    bare = meant & here & ~labelled
    listed = _listed(database, project, record.dataset, without, subset)
    chosen_before = np.array([image.path in listed for image in record.images], bool)
    fresh = bare & ~chosen_before
    places, left_out = np.flatnonzero(fresh), int(bare.sum() - fresh.sum())
    if left_out and len(places) == 0:
        raise UserError(
            f"Every photo of the survey {survey.name} that nobody has labelled is in a list to be left out: "
            f"{', '.join(without)}. Label those, or survey more photos."
        )
    if len(places) == 0:
        raise UserError(
            f"Every photo of the survey {survey.name} is labelled, or gone. Survey photos without labels: "
            f"workbench survey {record.model} --dataset {record.dataset} --on unlabelled"
        )
    vectors = survey.arrays().vectors
    chosen = places[
        rank(
            by,
            count,
            entropies=np.array([record.images[place].entropy for place in places]),
            disagreements=np.array([record.images[place].disagreement for place in places]),
            vectors=vectors[places],
            known=vectors[here & (labelled | chosen_before)],
        )
    ]
    images = [record.images[place] for place in chosen.tolist()]
    if subset is not None:
        add_to_subset(database, project, record.dataset, subset, [image.path for image in images])
    photos = tuple(Suggested(image.path, image.entropy, image.disagreement) for image in images)
    return Suggestion(survey.name, record.dataset, by, photos, len(places), left_out, subset)


def _listed(database: Database, project: str | None, dataset: str, lists: Sequence[str], made: str | None) -> set[str]:
    """Return the paths in some lists, of which the one that is made now may not be there yet."""
    known = list_subsets(database, project, dataset) if lists else {}
    if unknown := sorted(set(lists) - {*known, made}):
        raise UserError(
            f"The dataset {dataset!r} has no list {unknown[0]!r}. Its lists: {', '.join(sorted(known)) or 'none'}."
        )
    return {path for name in lists if name in known for path in subset_paths(database, project, dataset, name)}
