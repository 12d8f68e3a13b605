"""What the address of a page says: which project, run or evaluation it is about."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from db.errors import UserError
from labeling.projects import ProjectInfo, list_projects
from workbench.server.services import Services


@dataclass(frozen=True)
class Address:
    """The query of a page's address.

    Attributes:
        project: its row, None where there is none (a first visit).
        run, evaluation: numbers, None where the address names none.
        tab: which part of the page is open, "" for the first.
        values: the whole query.
    """

    project: ProjectInfo | None
    run: int | None
    evaluation: int | None
    tab: str
    values: dict[str, str]

    @property
    def name(self) -> str | None:
        """Name of the project."""
        return None if self.project is None else self.project.name


def read_address(services: Services, request: gr.Request) -> Address:
    """Read the address of the page that sent a request. Without a project in it, it is about the usual one."""
    values = dict(request.query_params)
    projects = list_projects(services.database)
    wanted = number(values.get("project"))
    usual = services.usual_project(projects)
    return Address(
        next((each for each in projects if each.id == wanted), None) if wanted else usual,
        number(values.get("run")),
        number(values.get("evaluation")),
        values.get("tab", ""),
        values,
    )


def name_of(services: Services, project: int | None) -> str:
    """Return the name of a page's project.

    Raises:
        UserError: the page has none, or it is in the trash.
    """
    if project is None:
        raise UserError("Choose a project first: the bar on top lists them.")
    return services.name_of(project)


def number(text: str | None) -> int | None:
    """Read a row's number, None where it is none."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) <= 15 else None
