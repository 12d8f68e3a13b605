"""The revisions of a project: freeze one as a task, and see what changed between two."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from db.errors import UserError
from training.tasks.files import TaskInfo
from training.tasks.lifecycle import start_task
from workbench.server.services import Services
from workbench.ui.address import name_of
from workbench.ui.components.widget import payload, widget
from workbench.ui.events import OPEN_TRAY, act, on


def tab(services: Services, blocks: gr.Blocks, project: gr.Number) -> Sequence[gr.Component]:
    """Fill the tab."""
    revisions = widget("data_revisions", events=("freeze",), elem_id="wb-data-revision-list")

    def handle(number: int, sent: gr.EventData) -> None:
        freeze(services, number, payload(sent))

    on(act(revisions.freeze, handle, project).success, None, js=OPEN_TRAY)
    return [revisions]


def freeze(services: Services, project: int, sent: dict[str, Any]) -> TaskInfo:
    """Start to freeze some datasets, or so many images of them."""
    if not sent["datasets"]:
        raise UserError("Tick the datasets to freeze, at least one.")
    argv = ["freeze", f"--project={name_of(services, project)}", *(f"--dataset={name}" for name in sent["datasets"])]
    if sent["take"] is not None:
        argv += [f"--take={int(sent['take'])}", f"--seed={int(sent['seed'])}"]
    link = f"/data?project={project}&tab=revisions"
    return start_task(services.home, argv, title="Freeze a revision", project_id=project, link=link)
