"""The revisions of a project, and what changed between two, as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter

from labeling.manifest import Change
from labeling.revision_difference import revision_difference
from labeling.revisions import RevisionInfo, list_revisions
from workbench.server.services import Services


def router(services: Services) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/api/projects/{project}/revisions")

    @routes.get("")
    def revisions(project: int) -> dict[str, Any]:
        """The revisions, the one frozen last first."""
        return {"revisions": [_entry(each) for each in list_revisions(services.database, services.name_of(project))]}

    @routes.get("/{a}/difference/{b}")
    def difference(
        project: int, a: str, b: str, only: Change | None = None, offset: int = 0, limit: int = 100
    ) -> dict[str, Any]:
        """What changed from `a` to `b`: counts, and a page of the images that differ."""
        name = services.name_of(project)
        found = revision_difference(services.home, services.database, name, a, b, only=only, offset=offset, limit=limit)
        return asdict(found)

    return routes


def _entry(info: RevisionInfo) -> dict[str, Any]:
    """Return a revision as the list shows it; of its provenance only the draw, as options name folders."""
    return {
        "revision": info.digest,
        "images": info.images,
        "classes": info.classes,
        "unlabelled": info.unlabelled,
        "draw": info.provenance.get("draw"),
        "created_at": info.created_at.isoformat(),
    }
