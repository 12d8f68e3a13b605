"""Projects as cards: a picture, counts, the best score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db.schema import Dataset, Image, Run
from db.session import Database
from labeling.projects import list_projects


@dataclass(frozen=True)
class Cover:
    """The picture of a card: an image's number, and eight digits that change with its photo."""

    image: int
    photo_version: str


@dataclass(frozen=True)
class BestRun:
    """The run whose best checkpoint has the highest val mIoU, 0 to 1."""

    run: int
    miou: float


@dataclass(frozen=True)
class ProjectCard:
    """A project at a glance.

    Attributes:
        id: its number.
        name: its name.
        current: whether commands are about it that name none.
        datasets: count of datasets.
        images: count of images.
        labelled: those of them with an annotation.
        runs: count of runs.
        cover: the image labelled last, else the one added last, None without any.
        best: None until a run has been validated. Runs on different revisions have different val images, so this is
            a landmark and no comparison.
        created_at: time.
    """

    id: int
    name: str
    current: bool
    datasets: int
    images: int
    labelled: int
    runs: int
    cover: Cover | None
    best: BestRun | None
    created_at: datetime


def project_cards(database: Database) -> list[ProjectCard]:
    """Return the cards of the projects that are not in the trash, by name.

    Figures of runs are those the database holds; `training.runs.lifecycle.sync` refreshes them.
    """
    projects = list_projects(database)
    with database.read() as session:
        runs = {each.id: _runs(session, each.id) for each in projects}
        return [
            ProjectCard(
                id=each.id,
                name=each.name,
                current=each.current,
                datasets=each.datasets,
                images=each.images,
                labelled=_labelled(session, each.id),
                runs=len(runs[each.id]),
                cover=_cover(session, each.id),
                best=_best(runs[each.id]),
                created_at=each.created_at,
            )
            for each in projects
        ]


def _labelled(session: Session, project_id: int) -> int:
    query = select(func.count(Image.head_id)).join(Dataset, Dataset.id == Image.dataset_id)
    return session.scalar(query.where(Dataset.project_id == project_id, Dataset.deleted_at.is_(None))) or 0


def _cover(session: Session, project_id: int) -> Cover | None:
    query = select(Image.id, Image.sha256).join(Dataset, Dataset.id == Image.dataset_id)
    query = query.where(Dataset.project_id == project_id, Dataset.deleted_at.is_(None))
    order = (Image.head_id.is_(None), Image.head_id.desc(), Image.id.desc())
    found = session.execute(query.order_by(*order).limit(1)).one_or_none()
    return None if found is None else Cover(found[0], found[1][:8])


def _runs(session: Session, project_id: int) -> list[Run]:
    return list(session.scalars(select(Run).where(Run.project_id == project_id, Run.deleted_at.is_(None))))


def _best(runs: Sequence[Run]) -> BestRun | None:
    scored = [BestRun(run.id, run.summary["best_miou"]) for run in runs if run.summary.get("best_miou") is not None]
    return max(scored, key=lambda run: (run.miou, -run.run), default=None)
