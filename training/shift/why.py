"""Why a model fares worse elsewhere: everything that differs between home and other photos, measured and kept."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from db.errors import UserError
from db.home import Home
from db.schema import utc_now
from db.session import Database
from db.store import Store
from labeling.progress import Progress, silent
from labeling.projects import find_project
from training.evaluation.store import new_directory, publish_as
from training.models.files import find_model_file
from training.prediction.size import Size
from training.shift.features import farness, farther, feature_shift, joint_basis
from training.shift.frequencies import frequencies
from training.shift.looks import look_shifts
from training.shift.photos import Chosen, Seen, choose, class_names, look_through
from training.shift.plane import Way, plane
from training.shift.sizes import size_shifts
from training.shift.store import RECORD, Compared, Outlier, Shift, ShiftArrays, ShiftRecord, write_arrays
from training.survey.holding import Holding, find_holding
from training.survey.store import list_surveys
from training.survey.survey import survey

OUTLIERS = 50
"""Photos kept as those least like home."""
MOST_TARGETS = 8


def explain(
    home: Home,
    database: Database,
    *,
    project: str | None,
    model: str,
    at_home: str,
    targets: Sequence[str],
    size: str = "original",
    device: str = "auto",
    way: Way = "pca",
    progress: Progress = silent,
) -> Shift:
    """Compare photos with those of home, and keep what was found.

    Surveys of the same photos by the same model in the same size are used where there are any, and made where not.

    Args:
        home: receives the shift.
        database: its database.
        project: name; None is the current one, or the only one.
        model: reference, as `training.models.find.load_model` reads it.
        at_home: photos that the model is at home with, `DATASET` or `DATASET:ON`.
        targets: what is compared with them, likewise.
        size: what the network sees.
        device: as `training.numerics.pick_device` reads it.
        way: how photos come onto the plane.
        progress: told the photos surveyed and looked at.

    Raises:
        UserError: something of the above is not there, or a photo cannot be read.
    """
    if not 0 < len(targets) <= MOST_TARGETS:
        raise UserError(f"Home is compared with 1 to {MOST_TARGETS} targets, found {len(targets)}.")
    with database.read() as session:
        owner = find_project(session, project)
        project_id, name = owner.id, owner.name
    file = find_model_file(home, database, name, model)
    asked = str(Size.parse(size))
    domains = choose(database, name, (at_home, *targets))
    sources = []
    for chosen in domains:

        def told(done: int, total: int | None, what: str, chosen: Chosen = chosen) -> None:
            progress(done, total, f"{what}, of {chosen.domain.title}")

        find = partial(find_holding, photos=chosen.photos, model_sha256=file.sha256, size=asked)
        source = find(list_surveys(home, project_id))
        if source is None or source.missing:
            made = survey(
                home,
                database,
                project=name,
                model=model,
                dataset=chosen.domain.dataset,
                on=chosen.domain.on,
                size=asked,
                device=device,
                progress=told,
            )
            source = find([made])
        if source is None or source.missing:
            raise UserError(f"The photos of {chosen.domain.title}, or the model, changed meanwhile. Begin again.")
        sources.append(source)
    start = time.perf_counter()
    names = class_names(database, name)
    store = Store(home.store)
    found = [
        _Found(
            chosen, source.survey.name, look_through(database, store, name, chosen, len(names), progress), *_of(source)
        )
        for chosen, source in zip(domains, sources, strict=True)
    ]
    vectors = [each.vectors for each in found]
    basis = joint_basis(vectors)
    arrays = _arrays(found, plane(vectors, basis, way))
    both = found[0].seen.counted.labelled and any(each.seen.counted.labelled for each in found[1:])
    with new_directory(home.shifts / str(project_id)) as directory:
        record = ShiftRecord(
            model=file.reference,
            model_sha256=file.sha256,
            project_id=project_id,
            size=asked,
            map=way,
            explained=tuple(basis.explained[:2].tolist()) if way == "pca" else (),
            domains=tuple(each.compared() for each in found),
            looks=look_shifts([each.seen.looks for each in found]),
            frequencies=frequencies(names, [each.seen.counted for each in found]) if both else None,
            object_sizes=size_shifts(names, [each.seen.objects for each in found]) if both else None,
            features=(None, *(feature_shift(vectors[0], there) for there in vectors[1:])),
            farther=(None, *_farther(arrays, len(found))),
            outliers=_outliers(arrays),
            seconds=time.perf_counter() - start,
            created_at=utc_now(),
            arrays_sha256=write_arrays(directory, arrays),
        )
        published = publish_as(directory, RECORD, record.model_dump_json(indent=1).encode(), record.created_at)
    return Shift(published.name, published, record)


@dataclass(frozen=True)
class _Found:
    """What was found of a domain: its photos, the name of its survey, and a row a photo of what that has of them."""

    chosen: Chosen
    survey: str
    seen: Seen
    vectors: NDArray[np.float32]
    entropies: NDArray[np.float32]

    def compared(self) -> Compared:
        return Compared(
            dataset=self.chosen.domain.dataset,
            on=self.chosen.domain.on,
            images=len(self.chosen.photos),
            labelled=self.seen.counted.labelled,
            survey=self.survey,
            entropy=float(self.entropies.mean()),
        )


def _of(found: Holding) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the vectors and entropies of the photos that a survey was asked for, in their order."""
    entropies = [found.survey.record.images[row].entropy for row in found.rows]
    return found.survey.arrays().vectors[list(found.rows)], np.array(entropies, np.float32)


def _arrays(found: Sequence[_Found], places: NDArray[np.float32]) -> ShiftArrays:
    photos = [photo for each in found for photo in each.chosen.photos]
    return ShiftArrays(
        domain=np.repeat(np.arange(len(found), dtype=np.uint8), [len(each.chosen.photos) for each in found]),
        names=tuple((photo.path, photo.image_sha256) for photo in photos),
        labelled=np.array([photo.labelled for photo in photos], bool),
        looks=np.concatenate([each.seen.looks for each in found]),
        entropy=np.concatenate([each.entropies for each in found]),
        far=np.concatenate(farness([each.vectors for each in found])),
        places=places,
    )


def _farther(arrays: ShiftArrays, domains: int) -> list[int | None]:
    home = arrays.far[arrays.domain == 0]
    return [farther(home, arrays.far[arrays.domain == place]) for place in range(1, domains)]


def _outliers(arrays: ShiftArrays) -> tuple[Outlier, ...]:
    """Return the photos of all targets that are least like home, the farthest first; ties by row."""
    rows = np.flatnonzero(arrays.domain)
    farthest = rows[np.argsort(-arrays.far[rows], kind="stable")][:OUTLIERS]
    return tuple(
        Outlier(domain=int(arrays.domain[row]), row=row, path=arrays.names[row][0], far=float(arrays.far[row]))
        for row in farthest.tolist()
    )
