"""Images and pixels per class. What was never counted is counted by a task, which goes on in the background."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from training.tasks.lifecycle import list_tasks, start_task
from workbench.server.services import Services
from workbench.ui.address import name_of
from workbench.ui.components.widget import widget
from workbench.ui.events import on

# In the browser, which is told so even where the server fails. An equal value would tell the
# widget nothing, the second time.
_FAILED = "({ project }) => ({ project, failed: Date.now() })"


def tab(services: Services, blocks: gr.Blocks, project: gr.Number) -> Sequence[gr.Component]:
    """Fill the tab."""
    statistics = widget("data_statistics", events=("count",), elem_id="wb-data-figures")

    def handle(number: int) -> dict[str, Any]:
        return {"project": number, "task": count(services, number)}

    started = on(statistics.count, handle, project, statistics)
    on(started.failure, None, statistics, statistics, js=_FAILED)
    return [statistics]


def count(services: Services, project: int) -> int:
    """Return the number of the task that counts: one that does so already, else a new one."""
    argv = ("stats", f"--project={name_of(services, project)}")
    for task in list_tasks(services.home):
        if task.state == "running" and task.argv == argv:
            return task.id
    link = f"/data?project={project}&tab=statistics"
    return start_task(services.home, argv, title="Count the classes' pixels", project_id=project, link=link).id
