"""Care: what is wrong with the data, images that show the same but have different roles, labels that a model doubts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from labeling.care.check import check_project
from labeling.care.leaks import move_groups
from labeling.class_deletion import delete_classes, unused_classes
from labeling.classes import merge_class
from labeling.roles import set_roles
from training.tasks.lifecycle import list_tasks, start_task
from workbench.server.services import Services
from workbench.ui.address import name_of
from workbench.ui.components.widget import payload, widget
from workbench.ui.events import change, on
from workbench.ui.pages import data_desktop

# What each part sends to change the data, and the task that looks through them.
_PARTS = {"care_findings": (("merge", "drop", "unrole"), "check"), "care_groups": (("move",), "leaks")}
_TITLES = {"check": "Check the data", "leaks": "Look for images that show the same"}
# In the browser, which is told so even where the server fails. An equal value would tell the
# widget nothing, the second time.
_FAILED = "({ project }) => ({ project, failed: Date.now() })"


def tab(services: Services, blocks: gr.Blocks, project: gr.Number) -> Sequence[gr.Component]:
    """Fill the tab."""
    parts = [_part(services, project, name, *about) for name, about in _PARTS.items()]
    doubts = widget("care_labels", events=("label_images", "take_back"), elem_id="wb-care-labels")
    data_desktop.listen(services, doubts, project)
    return [*parts, doubts]


def _part(services: Services, project: gr.Number, name: str, events: Sequence[str], command: str) -> gr.HTML:
    part = widget(name, events=(*events, "look"), elem_id=f"wb-{name.replace('_', '-')}")
    for what in events:

        def handle(number: int, sent: gr.EventData, what: str = what) -> None:
            act(services, number, what, payload(sent))

        change(getattr(part, what), handle, project)

    def look(number: int) -> dict[str, Any]:
        return {"project": number, "task": look_through(services, number, command)}

    started = on(part.look, look, project, part)
    on(started.failure, None, part, part, js=_FAILED)
    return part


def act(services: Services, project: int | None, what: str, sent: dict[str, Any]) -> None:
    """Do what the lists sent."""
    name, home, database = name_of(services, project), services.home, services.database
    match what:
        case "move":
            move_groups(home, database, [sent["group"]] if sent["group"] else [], sent["to"], project=name)
        case "merge":
            merge_class(database, name, sent["name"], sent["into"])
        case "drop":
            unused = unused_classes(database, name)
            delete_classes(database, name, [each for each in sent["classes"] if each in unused])
        case "unrole":
            for finding in check_project(home, database, project=name, datasets=[sent["dataset"]]).findings:
                if finding.kind == sent["kind"]:
                    set_roles(database, name, sent["dataset"], finding.files, None)


def look_through(services: Services, project: int, command: str) -> int:
    """Return the number of the task that runs `check` or `leaks`: one that does so already, else a new one."""
    argv = (command, f"--project={name_of(services, project)}")
    for task in list_tasks(services.home):
        if task.state == "running" and task.argv == argv:
            return task.id
    link = f"/data?project={project}&tab=care"
    return start_task(services.home, argv, title=_TITLES[command], project_id=project, link=link).id
