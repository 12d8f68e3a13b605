"""What the tab Care shows, as JSON: findings, and groups of images that show the same."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from labeling.care.check import check_project
from labeling.care.findings import Finding
from labeling.care.leaks import Group, known_groups
from labeling.statistics import uncounted_images
from training.tasks.files import shell_line, with_options
from workbench.plain import plain
from workbench.server.services import Services

_FILES = 12  # of a finding that are named
_IMAGES = 60  # of a group that are shown
_MOST = 100


def router(services: Services) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/api/projects/{project}/care")

    def finding(project: str, found: Finding) -> dict[str, Any]:
        words = with_options(found.command, f"--project={project}")
        command = shell_line(words, services.home.path) if found.command else ""
        told = {"files": found.files[:_FILES], "file_count": len(found.files), "command": command}
        return {**plain(found), **plain(told)}

    @routes.get("/findings")
    def findings(project: int) -> dict[str, Any]:
        """What the check finds; null while class maps are uncounted, which the command `check` counts."""
        name = services.name_of(project)
        uncounted = uncounted_images(services.database, name)
        if uncounted:
            return {"uncounted": uncounted, "check": None}
        database = services.database
        found = database.kept.get(("check", name), lambda: check_project(services.home, database, project=name))
        listed = [finding(name, each) for each in found.findings]
        return {"uncounted": 0, "check": {**vars(found), "findings": listed}}

    @routes.get("/groups")
    def groups(
        project: int,
        dataset: str = "",
        every: bool = False,
        offset: Annotated[int, Query(ge=0)] = 0,
        limit: Annotated[int, Query(ge=1, le=_MOST)] = 20,
    ) -> dict[str, Any]:
        """A page of groups; null where images came, went or changed since the command `leaks` looked for them."""
        name = services.name_of(project)
        chosen = dataset or None
        found = services.database.kept.get(
            ("groups", name, chosen, every),
            lambda: known_groups(services.home, services.database, project=name, dataset=chosen, every=every),
        )
        if found is None:
            return {"groups": None}
        shown = [_group(each) for each in found.groups[offset : offset + limit]]
        counts = {"leaking": found.leaking, "joined": found.joined, "images": found.images}
        return {**counts, "total": len(found.groups), "groups": shown}

    return routes


def _group(group: Group) -> dict[str, Any]:
    return {**plain(group), "images": plain(group.images[:_IMAGES]), "image_count": len(group.images)}
