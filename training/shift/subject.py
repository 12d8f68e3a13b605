"""What a domain is, and which evaluation tells of a model there."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from sqlalchemy import select

from db.errors import UserError
from db.schema import Evaluation
from db.session import Database
from labeling.datasets import live_datasets
from labeling.parts import ALL, part_title
from labeling.projects import find_project
from training.evaluation.opened import kept_record
from training.evaluation.store import EvaluationRecord
from training.prediction.size import ORIGINAL, Size


@dataclass(frozen=True)
class Domain:
    """Images of a dataset: all of them, a role or a list.

    Attributes:
        dataset: name.
        on: as `training.evaluation.selection.select` reads it.
    """

    dataset: str
    on: str = ALL

    @classmethod
    def parse(cls, text: str, datasets: Collection[str] = ()) -> Domain:
        """Read `DATASET:ON`; `DATASET` alone is all of it.

        Args:
            text: what was written.
            datasets: names of those there are. A name may hold a colon itself, so one of these is looked for first.

        Raises:
            UserError: it names no dataset.

        Example:
            >>> str(Domain.parse("day:val")), str(Domain.parse("dusk")), str(Domain.parse("a:b", ["a:b"]))
            ('day:val', 'dusk:all', 'a:b:all')
        """
        words = text.strip()
        splits = [(words[:at], words[at + 1 :]) for at in range(len(words) - 1, -1, -1) if words[at] == ":"]
        readings = [cls(dataset.strip(), on.strip()) for dataset, on in (*splits, (words, ALL))]
        found = next((each for each in readings if each.dataset in datasets), readings[0])
        if not found.dataset or not found.on:
            raise UserError(f"Expected DATASET or DATASET:IMAGES, as day:val, found {text!r}.")
        return found

    def __str__(self) -> str:
        """Return what `parse` reads whatever datasets there are."""
        return f"{self.dataset}:{self.on}"

    @property
    def title(self) -> str:
        """What people are told: `dusk` is all of it."""
        return part_title(self.dataset, self.on)


def read_domains(database: Database, project: str | None, texts: Iterable[str]) -> list[Domain]:
    """Read domains as commands and addresses name them.

    Raises:
        UserError: there is no such project, or one of them names no dataset.
    """
    with database.read() as session:
        datasets = {row.name for row in live_datasets(session, find_project(session, project))}
    return [Domain.parse(text, datasets) for text in texts]


def newest_evaluation(
    database: Database,
    project: str | None,
    sha256: str,
    domain: Domain,
    *,
    size: str = ORIGINAL,
    made: Callable[[EvaluationRecord], bool] | None = None,
    revision: str | None = None,
) -> int | None:
    """Return the number of the newest evaluation of some weights on a domain; None where there is none.

    One whose record is damaged is passed over.

    Args:
        database: of the home that holds them.
        project: name; None is the current one, or the only one.
        sha256: of the weights' file.
        domain: what they were tested on.
        size: what the network saw, as `training.prediction.size.Size` reads it.
        made: tells of an evaluation whether it was made as wanted; None wants the network run once, and no more.
        revision: digest of the one it must be of; None takes any.

    Raises:
        UserError: there is no such project, or the size is none.
    """
    wanted_size = str(Size.parse(size))
    query = select(Evaluation).where(
        Evaluation.model_sha256 == sha256,
        Evaluation.dataset == domain.dataset,
        Evaluation.on == domain.on,
        Evaluation.deleted_at.is_(None),
    )
    with database.read() as session:
        owner = find_project(session, project)
        rows = session.scalars(query.where(Evaluation.project_id == owner.id).order_by(Evaluation.id.desc())).all()
    for row in rows:
        if row.summary.get("size") != wanted_size or revision not in (None, row.revision_digest):
            continue
        if made is None and row.summary.get("refinement"):  # its record, maybe of ten thousand images, is not needed
            continue
        try:
            record = kept_record(database.home.path / row.directory)
        except UserError:  # damaged: `workbench doctor` tells of it, an older one or a new one does as well
            continue
        if made is None or made(record):
            return row.id
    return None
