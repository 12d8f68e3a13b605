"""Where the weights of a model lie; apart from `training.models.find`, which loads torch.

A model is named by a reference: `12` (a run: its best checkpoint, else its last), `12:best`, `12:last`, the name of an
imported model, or the path of a bundle.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from sqlalchemy.orm import Session

from db.errors import UserError
from db.files import file_sha256
from db.home import Home
from db.schema import Project, Run
from db.session import Database
from labeling.projects import find_project
from training.models.imported import find_imported

_RUN = re.compile(r"(\d+)(?::(best|last))?")
_KEPT = 64


@dataclass(frozen=True)
class ModelFile:
    """Where a model's weights lie, and what names it for good (`12:best`, also where the user said `12`)."""

    path: Path
    reference: str
    is_checkpoint: bool

    @property
    def sha256(self) -> str:
        """Of its bytes; reckoned once while it stays as it is.

        Raises:
            UserError: it cannot be read.
        """
        try:
            seen = self.path.stat()
            return _sha256(self.path, seen.st_mtime_ns, seen.st_size)
        except OSError as error:
            raise UserError(f"The model's file {self.path} cannot be read: {error}.") from None


def find_model_file(
    home: Home, database: Database, project: str | None, reference: str, *, bundles: bool = True
) -> ModelFile:
    """Return the file of the model that a reference names, without reading it.

    Args:
        home: holds runs and imported models.
        database: its database.
        project: name; None is the current one, or the only one.
        reference: see the head of this module.
        bundles: take the path of a bundle, too. A browser may name none: it sees the project's own models.

    Raises:
        UserError: nothing has that name, or the run has no checkpoint yet.
    """
    with database.read() as session:
        owner = find_project(session, project)
        if match := _RUN.fullmatch(reference):
            run = _find_run(session, owner, int(match[1]))
            path = _checkpoint_path(home, run, match[2])
            return ModelFile(path, f"{run.id}:{path.stem}", is_checkpoint=True)
        if bundles and (path := Path(reference).expanduser()).suffix == ".safetensors" and path.is_file():
            return ModelFile(path, str(path), is_checkpoint=False)
        row = find_imported(session, owner, reference)
        return ModelFile(home.path / row.path, reference, is_checkpoint=False)


def checkpoints_of(home: Home, run: Run) -> Path:
    """Return the folder of a run's checkpoints."""
    return home.path / run.directory / "checkpoints"


def _find_run(session: Session, project: Project, number: int) -> Run:
    run = session.get(Run, number)
    if run is None or run.project_id != project.id or run.deleted_at is not None:
        raise UserError(f"There is no run {number} in project {project.name}; `workbench runs` lists them.")
    return run


def _checkpoint_path(home: Home, run: Run, kind: str | None) -> Path:
    folder = checkpoints_of(home, run)
    for name in (kind,) if kind else ("best", "last"):
        if (folder / f"{name}.pt").exists():
            return folder / f"{name}.pt"
    raise UserError(
        f"Run {run.id} ({run.name}) has no {kind or ''} checkpoint: it is {run.state}. `workbench logs {run.id}` tells "
        "more."
    )


@lru_cache(maxsize=_KEPT)
def _sha256(path: Path, mtime_ns: int, size: int) -> str:
    return file_sha256(path)
