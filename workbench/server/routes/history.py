"""The versions of an image's labels, as the gallery's history asks for them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict

from labeling.annotations import user_name
from labeling.history import at_version, list_versions, restore_version
from labeling.images import find_image
from labeling.rendering import map_version
from labeling.thumbnails import map_png
from workbench.plain import plain
from workbench.server.pictures import answer
from workbench.server.routes.photos import checked_size
from workbench.server.services import Services


class Restoring(BaseModel):
    """`head` is the newest version that whoever asks has seen: were there a newer one, they would undo it unseen."""

    model_config = ConfigDict(extra="forbid")
    head: int


def router(services: Services) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/api/projects/{project}/images/{image}/versions")

    @routes.get("")
    def versions(project: int, image: int) -> dict[str, Any]:
        """The versions, the newest first."""
        found = find_image(services.database, project, image)
        return {"versions": plain(list_versions(services.home, services.database, found))}

    @routes.get("/{number}/map")
    def class_map(project: int, image: int, number: int, request: Request, size: int = 512, v: str = "") -> Response:
        """The class map of a version; `v` is its `map_version`."""
        found = at_version(services.database, find_image(services.database, project, image), number)
        picture = map_png(services.home, services.database, found, checked_size(size))
        current = found.head_id is not None and v == map_version(found.scheme, found.head_id)
        return answer(picture, request, immutable=current)

    @routes.post("/{number}/restore")
    def restore(project: int, image: int, number: int, asked: Restoring) -> dict[str, Any]:
        """Go back to a version."""
        found = replace(find_image(services.database, project, image), head_id=asked.head)
        made = restore_version(services.database, found, number, author=user_name())
        now = find_image(services.database, project, image)
        assert now.head_id is not None
        return {"version": made, "map_version": map_version(now.scheme, now.head_id)}

    return routes
