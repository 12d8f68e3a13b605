"""What routes and pages get: where everything lies, and what a visitor may do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from db.home import Home
from db.session import Database
from db.store import Store
from labeling.projects import ProjectInfo, project_of_id, usual
from workbench.server.upload_store import UploadStore
from workbench.server.warming import ArchitectureList

GIB = 1024**3


@dataclass(frozen=True)
class Services:
    """The workbench as the server sees it.

    Attributes:
        home: the workbench home.
        database: its database, up to date.
        import_root: server paths typed into a form are taken only at or below it; None takes none.
        upload_limit_bytes: the most that one upload (a dropped folder or archive) may hold.
        upload_limit_files: the most files that one upload may hold, also unpacked from an archive.
        project: the project that was named at the start; None opens the list of projects.
    """

    home: Home
    database: Database
    import_root: Path | None = None
    upload_limit_bytes: int = 64 * GIB
    upload_limit_files: int = 200_000
    project: int | None = None

    def usual_project(self, projects: Sequence[ProjectInfo]) -> ProjectInfo | None:
        """Return the project of pages that name none: the one named at the start, else the current, else the only."""
        if self.project is not None:
            return next((each for each in projects if each.id == self.project), None)
        return usual(next((each for each in projects if each.current), None), projects)

    def name_of(self, project: int) -> str:
        """Return the name of a project, as functions take it: it may have been renamed since a page was opened.

        Raises:
            NotFoundError: there is no such project, or it is in the trash.
        """
        with self.database.read() as session:
            return project_of_id(session, project).name

    @cached_property
    def store(self) -> Store:
        """The content store."""
        return Store(self.home.store)

    @property
    def cache(self) -> Path:
        """What can be made again, thumbnails for one: safe to delete."""
        return self.home.cache

    @cached_property
    def architectures(self) -> ArchitectureList:
        """The list of architectures as the page Train shows it."""
        return ArchitectureList(self.home)

    @cached_property
    def uploads(self) -> UploadStore:
        """What was dropped in the browser and is not imported yet."""
        return UploadStore(self.home, self.upload_limit_bytes, self.upload_limit_files)
