"""What more labels brought: mIoU on one set of photos against the labelled photos that a model was trained on.

Points of one curve were tested on the same photos with the same truth, in the same size, with the network run once and
no more. What a model was trained on is known from its lineage: the photos of every training that shaped its weights, as
their frozen revisions have them, each counted once. Trainings on public data are not counted. Two points differ by more
than labels where their recipes or seeds do; lines therefore join runs of one architecture alone.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any

from db.errors import UserError
from db.home import Home
from db.session import Database
from db.store import Store
from labeling.manifest import Manifest, ManifestImage, load_manifest
from training.engine.rundir import RunDirectory
from training.evaluation.report import EvaluationInfo, list_evaluations
from training.evaluation.selection import select
from training.runs.lifecycle import RunInfo, list_runs

_RUN = re.compile(r"([0-9]+)(:(best|last))?")
_MOST_LISTS = 3
_KEPT = 16
_KEPT_SELECTIONS = 256
_Source = tuple[str, tuple[str, ...], str]
"""A revision's digest, datasets of it, and which of their photos."""


@dataclass(frozen=True)
class EvaluatedRun:
    """A run that was tested.

    Attributes:
        evaluation: its number.
        model: as it was named.
        model_sha256: of its weights' file: a run's best checkpoint is another one later.
        run: number of its run.
        name: of the run.
        architecture: of the run.
        dataset: it was tested on.
        on: likewise.
        images: it was tested on.
        size: what the network saw.
        same: what is equal for evaluations of the same photos and truth.
        miou: 0..1.
        trained: photos it was trained on.
        trained_at: when its run began.
    """

    evaluation: int
    model: str
    model_sha256: str
    run: int
    name: str
    architecture: str
    dataset: str
    on: str
    images: int
    size: str
    same: str
    miou: float
    trained: tuple[ManifestImage, ...]
    trained_at: datetime


@dataclass(frozen=True)
class LabelledPoint:
    """A point of a curve.

    Attributes:
        evaluation: its number.
        model: as it was named.
        run: its number.
        name: of the run.
        architecture: of the run.
        labelled: photos it was trained on.
        added: those of them that the point before it, of the same architecture, was not trained on; None for the first.
        lists: of `added`, the lists that hold most, with how many of them each holds.
        miou: 0..1.
        trained_at: when its run began.
    """

    evaluation: int
    model: str
    run: int
    name: str
    architecture: str
    labelled: int
    added: int | None
    lists: tuple[tuple[str, int], ...]
    miou: float
    trained_at: datetime


@dataclass(frozen=True)
class LabelledCurve:
    """mIoU against labelled photos: points by architecture, then by how many photos; `images` is of the test."""

    dataset: str
    on: str
    images: int
    size: str
    points: tuple[LabelledPoint, ...]

    @property
    def tells(self) -> bool:
        """Whether any two points of an architecture have different numbers of photos."""
        return len({(point.architecture, point.labelled) for point in self.points}) > len(
            {point.architecture for point in self.points}
        )

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        points = [
            {**vars(point), "lists": [{"list": name, "images": count} for name, count in point.lists]}
            for point in self.points
        ]
        return {**vars(self), "points": points, "tells": self.tells}


def labelled_curves(tested: Iterable[EvaluatedRun]) -> tuple[LabelledCurve, ...]:
    """Sort tests into curves, those with most points first; of several tests of the same weights the newest counts."""
    newest = {(each.same, each.model_sha256): each for each in sorted(tested, key=lambda each: each.evaluation)}
    ordered = sorted(newest.values(), key=lambda each: (each.same, each.architecture, len(each.trained), each.run))
    curves = []
    for _, group in groupby(ordered, key=lambda each: each.same):
        members = list(group)
        last = max(members, key=lambda each: each.evaluation)
        points = [_point(one, before) for before, one in zip([None, *members], members, strict=False)]
        curves.append(LabelledCurve(last.dataset, last.on, last.images, last.size, tuple(points)))
    return tuple(sorted(curves, key=lambda curve: (not curve.tells, -len(curve.points), curve.dataset, curve.on)))


def _point(one: EvaluatedRun, before: EvaluatedRun | None) -> LabelledPoint:
    added: list[ManifestImage] | None = None
    if before is not None and before.architecture == one.architecture:
        known = {image.image_sha256 for image in before.trained}
        added = [image for image in one.trained if image.image_sha256 not in known]
    lists = Counter(name for image in added or () for name in image.subsets)
    return LabelledPoint(
        evaluation=one.evaluation,
        model=one.model,
        run=one.run,
        name=one.name,
        architecture=one.architecture,
        labelled=len(one.trained),
        added=None if added is None else len(added),
        lists=tuple(sorted(lists.items(), key=lambda pair: (-pair[1], pair[0]))[:_MOST_LISTS]),
        miou=one.miou,
        trained_at=one.trained_at,
    )


def read_labelled_curves(
    home: Home, database: Database, project: str | None, dataset: str | None = None, on: str | None = None
) -> tuple[LabelledCurve, ...]:
    """Return the curves of a project's runs.

    Evaluations of other models, of runs that are gone, and of revisions that are gone are left out.

    Args:
        home: of the runs.
        database: likewise.
        project: name; None is the current one, or the only one.
        dataset: only what was tested on this one.
        on: only what was tested on this role or list, as it was named.

    Raises:
        UserError: there is no such project.
    """
    runs = {run.id: run for run in list_runs(home, database, project)}
    tested = []
    for info in list_evaluations(database, project):
        match = _RUN.fullmatch(info.model)
        run = runs.get(int(match[1])) if match else None
        wanted = (dataset in (None, info.dataset)) and (on in (None, info.on)) and not info.refinement
        if run is not None and info.miou is not None and wanted:
            try:
                tested.append(_tested(Store(home.store), info, run))
            except (UserError, FileNotFoundError):
                continue
    return labelled_curves(tested)


def _tested(store: Store, info: EvaluationInfo, run: RunInfo) -> EvaluatedRun:
    assert info.miou is not None
    return EvaluatedRun(
        evaluation=info.id,
        model=info.model,
        model_sha256=info.model_sha256,
        run=run.id,
        name=run.name,
        architecture=run.architecture,
        dataset=info.dataset,
        on=info.on,
        images=info.images,
        size=info.size,
        same=_same(store, (info.revision, (info.dataset,), info.on), info.size),
        miou=info.miou,
        trained=_trained(store, _sources(RunDirectory(run.directory).decisions)),
        trained_at=run.created_at,
    )


# What a run was trained on is decided once, and a revision never changes: each is read once.


@lru_cache(maxsize=_KEPT_SELECTIONS)
def _sources(decisions: Path) -> tuple[_Source, ...]:
    from training.engine.decisions import read_decisions  # these load torch, without which the server starts
    from training.models.spec import Ancestor

    found = read_decisions(decisions)
    if found is None:
        raise FileNotFoundError(decisions)
    return tuple((each.revision, each.datasets, each.on) for each in found.lineage if isinstance(each, Ancestor))


@lru_cache(maxsize=_KEPT_SELECTIONS)
def _same(store: Store, source: _Source, size: str) -> str:
    revision, datasets, on = source
    manifest = _manifest(store, revision)
    images = select(manifest, datasets, on)
    told = [size, *manifest.classes, *sorted(f"{image.image_sha256} {image.map_sha256}" for image in images)]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()


@lru_cache(maxsize=_KEPT_SELECTIONS)
def _trained(store: Store, sources: tuple[_Source, ...]) -> tuple[ManifestImage, ...]:
    found: dict[str, ManifestImage] = {}
    for revision, datasets, on in sources:
        found |= {image.image_sha256: image for image in select(_manifest(store, revision), datasets, on)}
    return tuple(found.values())


@lru_cache(maxsize=_KEPT)
def _manifest(store: Store, digest: str) -> Manifest:
    return load_manifest(store, digest)
