"""Where everything of one user lies: the workbench home, one folder with one sub-folder a concern."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from db.errors import UserError
from db.files import explain_os_errors

ENVIRONMENT_VARIABLE = "WORKBENCH_HOME"


@dataclass(frozen=True)
class Home:
    """The workbench home. Making one touches nothing on disk; `ensure` makes the folders."""

    path: Path

    @classmethod
    def resolve(cls, explicit: Path | None = None) -> Home:
        """Return the home to use: `explicit`, else the one WORKBENCH_HOME names, else `~/.workbench`.

        An empty WORKBENCH_HOME counts as unset. The path becomes absolute, so that it stays right in children that
        work in another folder.
        """
        named = explicit or os.environ.get(ENVIRONMENT_VARIABLE) or Path("~/.workbench")
        return cls(Path(named).expanduser().absolute())

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.path / "workbench.db"

    @property
    def backups(self) -> Path:
        """Copies of the database from before its last migrations."""
        return self.path / "backups"

    @property
    def store(self) -> Path:
        """The content store: photos, class maps and manifests under their sha256."""
        return self.path / "store"

    @property
    def runs(self) -> Path:
        """One folder a run."""
        return self.path / "runs"

    @property
    def evaluations(self) -> Path:
        """One folder an evaluation."""
        return self.path / "evaluations"

    @property
    def benches(self) -> Path:
        """Benches: a folder a project, named by its number, and in it a folder a bench."""
        return self.path / "benches"

    @property
    def surveys(self) -> Path:
        """What models made of photos that need no labels: a folder a project, named by its number."""
        return self.path / "surveys"

    @property
    def shifts(self) -> Path:
        """Why other domains differ from home: a folder a project, named by its number."""
        return self.path / "shifts"

    @property
    def by_project(self) -> tuple[Path, ...]:
        """The folders that hold one a project, named by its number: what is in it goes with the project."""
        return self.exports, self.exported_datasets, self.predictions, self.benches, self.surveys, self.shifts

    @property
    def models(self) -> Path:
        """Imported models and fetched weights."""
        return self.path / "models"

    @property
    def packs(self) -> Path:
        """Revisions decoded for training: a cache, always safe to delete."""
        return self.path / "packs"

    @property
    def cache(self) -> Path:
        """Pictures that can be made again: always safe to delete."""
        return self.path / "cache"

    @property
    def cards(self) -> Path:
        """What was measured of architectures: a cache, always safe to delete."""
        return self.path / "cards"

    @property
    def exports(self) -> Path:
        """Weights that pages exported, to be downloaded: a folder a project, named by its number."""
        return self.path / "exports"

    @property
    def exported_datasets(self) -> Path:
        """Datasets that pages exported, to be downloaded: a folder a project, named by its number."""
        return self.path / "exported_datasets"

    @property
    def predictions(self) -> Path:
        """Folders of photos that pages had predicted: a folder a project, named by its number."""
        return self.path / "predictions"

    @property
    def desktop(self) -> Path:
        """Photos and labels that are handed out to labelme: a folder a session."""
        return self.path / "desktop"

    @property
    def locks(self) -> Path:
        """Lock files. They stay when nobody holds them: what is locked is the file, not its presence."""
        return self.path / "locks"

    @property
    def care_lock(self) -> Path:
        """Held by who deletes for good and by who copies everything, so that neither disturbs the other."""
        return self.locks / "care.lock"

    @property
    def trash(self) -> Path:
        """What was deleted, restorable for 30 days."""
        return self.path / "trash"

    def ensure(self) -> None:
        """Make the folders that are missing.

        Raises:
            UserError: a folder cannot be made (read-only, no permission, a file in its place, disk full).
        """
        folders = (
            self.backups,
            self.store,
            self.runs,
            self.evaluations,
            self.models,
            self.packs,
            self.locks,
            self.trash,
        )
        try:
            with explain_os_errors(self.path):
                for folder in folders:
                    folder.mkdir(parents=True, exist_ok=True)
        except FileNotFoundError as error:  # of a filesystem that makes no folders, /proc for one
            raise UserError(f"No folder can be made at {self.path}; use another --home. ({error})") from None
