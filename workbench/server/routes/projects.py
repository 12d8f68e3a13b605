"""The projects, for the bar on top of every page."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from labeling.projects import list_projects
from workbench.server.services import Services


def router(services: Services) -> APIRouter:
    """Return the routes."""
    routes = APIRouter()

    @routes.get("/api/projects")
    def projects() -> dict[str, Any]:
        """The projects by name, and which one pages are about that name none."""
        found = list_projects(services.database)
        usual = services.usual_project(found)
        return {"projects": [{"id": each.id, "name": each.name, "current": each is usual} for each in found]}

    return routes
