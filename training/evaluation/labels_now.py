"""What a dataset's labels are now, beside those that an evaluation was made with."""

from __future__ import annotations

import shlex

from sqlalchemy import select

from db.schema import Dataset, Image, Rendering
from db.session import Database
from training.evaluation.opened import OpenEvaluation


def maps_now(database: Database, project_id: int, dataset: str) -> dict[str, tuple[int, frozenset[str]]]:
    """Return each image's number and what its newest labels were rendered to, under whatever options, by path."""
    return database.kept.get(("maps of", project_id, dataset), lambda: _maps_now(database, project_id, dataset))


def changed_labels(database: Database, evaluation: OpenEvaluation) -> str | None:
    """Say that labels of an evaluation's images were changed since, and how to evaluate again; None where none were.

    Images that the dataset has no more are passed over.
    """
    record = evaluation.record
    now = maps_now(database, evaluation.project_id, record.dataset)
    known = ((image, now[image.path][1]) for image in record.images if image.path in now)
    if all(image.map_sha256 in maps for image, maps in known):
        return None
    told = f"Labels of {record.dataset} changed since evaluation {evaluation.id} was made; evaluate again"
    if str(record.refinement):  # what was done besides is no single option
        return f"{told}."
    asked = ["workbench", "evaluate", record.model, "--dataset", record.dataset, "--on", record.on]
    size = [] if record.size == "original" else ["--size", record.size]
    return f"{told}: {shlex.join([*asked, *size])}"


def _maps_now(database: Database, project_id: int, dataset: str) -> dict[str, tuple[int, frozenset[str]]]:
    query = (
        select(Image.path, Image.id, Rendering.pixels_sha256)
        .join(Dataset, Dataset.id == Image.dataset_id)
        .outerjoin(Rendering, Rendering.version_id == Image.head_id)
        .where(Dataset.project_id == project_id, Dataset.name == dataset, Dataset.deleted_at.is_(None))
    )
    found: dict[str, tuple[int, set[str]]] = {}
    with database.read() as session:
        for path, number, sha in session.execute(query):
            found.setdefault(path, (number, set()))[1].update([sha] if sha else [])
    return {path: (number, frozenset(maps)) for path, (number, maps) in found.items()}
