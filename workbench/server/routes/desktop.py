"""What is handed out to labelme of a project, as JSON."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from labeling.desktop.sessions import list_sessions
from labeling.projects import project_of_id
from workbench.plain import plain
from workbench.server.services import Services


def router(services: Services) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/api/projects/{project}/desktop")

    @routes.get("")
    def sessions(project: int) -> dict[str, Any]:
        """The sessions that are open in labelme or wait to be taken back, oldest first; not where they lie."""
        with services.database.read() as session:
            project_of_id(session, project)
        shown = ("id", "dataset", "images", "started_at", "open")
        found = list_sessions(services.home, project)
        return {"sessions": [{name: plain(getattr(info, name)) for name in shown} for info in found]}

    return routes
