"""The names of a project's models, without reading their files: `training.models.find.list_models` says more, and loads
torch.
"""  # noqa: D205

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from db.home import Home
from db.schema import Model
from db.session import Database
from labeling.projects import find_project
from training.engine.rundir import RunDirectory
from training.runs.lifecycle import list_runs


@dataclass(frozen=True)
class ModelName:
    """What a model is called.

    Attributes:
        reference: what commands take, `12:best`.
        title: what a person recognises it by: the run's name; of an imported model, its own.
        architecture: name of the network family.
        miou: best val mIoU of the run, 0..1, None where there is none.
    """

    reference: str
    title: str
    architecture: str
    miou: float | None


def model_names(home: Home, database: Database, project: str | None) -> list[ModelName]:
    """Return the checkpoints of runs, the newest first, then the imported models by name.

    Raises:
        UserError: there is no such project.
    """
    trained = []
    for run in list_runs(home, database, project):
        files = RunDirectory(run.directory)
        for kind, path, score in (("best", files.best, run.figures.get("best_miou")), ("last", files.last, None)):
            if path.exists():
                trained.append(ModelName(f"{run.id}:{kind}", run.name, run.architecture, score))
    with database.read() as session:
        query = select(Model).where(Model.project_id == find_project(session, project).id, Model.deleted_at.is_(None))
        rows = session.scalars(query.order_by(Model.name)).all()
    return trained + [ModelName(row.name, row.name, row.spec["architecture"], None) for row in rows]
