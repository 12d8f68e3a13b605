"""labelme on the desktop of the computer that the server runs on: opened from the page, as a task."""

from __future__ import annotations

from typing import Any

import gradio as gr

from db.errors import UserError
from labeling.desktop.program import find_labelme, require_screen
from labeling.images import paths_of
from training.tasks.files import TaskInfo, shell_line
from training.tasks.lifecycle import start_task
from workbench.server.services import Services
from workbench.ui.address import name_of
from workbench.ui.components.widget import payload
from workbench.ui.events import OPEN_TRAY, act, on

_HERE = ("127.0.0.1", "::1")
_SHOWN = 5  # images that a command in a message names


def listen(services: Services, images: Any, project: gr.Number) -> None:
    """Do what the widget of the images asks for: its events `label_images` and `take_back`."""

    def label(number: int, sent: gr.EventData, request: gr.Request) -> None:
        open_labelme(services, number, payload(sent), None if request.client is None else request.client.host)

    def collect(number: int, sent: gr.EventData) -> None:
        take_back(services, number, payload(sent))

    for event, handle in ((images.label_images, label), (images.take_back, collect)):
        on(act(event, handle, project).success, None, js=OPEN_TRAY)


def open_labelme(services: Services, project: int, sent: dict[str, Any], visitor: str | None) -> TaskInfo:
    """Open a dataset, a list or a role of it, or the images selected, in labelme on this computer.

    Args:
        services: the workbench.
        project: its number.
        sent: `images` (numbers; none: all), `dataset`, `on` (None: all of it).
        visitor: address of the visitor's computer.

    Raises:
        UserError: the visitor would not see labelme's window, or there is no labelme; the message has the command.
    """
    dataset, paths = sent["dataset"], list[str]()
    if sent["images"]:
        chosen = paths_of(services.database, project, sent["images"])
        if len(chosen) > 1:
            raise UserError("labelme opens images of one dataset at a time. Select images of one.")
        ((dataset, paths),) = chosen.items()
    argv = ["label", "--desktop", f"--project={name_of(services, project)}", f"--dataset={dataset}"]
    if sent["on"]:
        argv.append(f"--on={sent['on']}")
    argv += ["--", *paths] if paths else []
    _require_desktop(services, argv, visitor, len(paths))
    link = f"/data?project={project}&tab=images"
    return start_task(services.home, argv, title="Label in labelme", project_id=project, link=link)


def take_back(services: Services, project: int, sent: dict[str, Any]) -> TaskInfo:
    """Take back what labelme sessions left behind."""
    argv = ["label", "--desktop", "--collect", f"--project={name_of(services, project)}"]
    argv.append(f"--on-conflict={sent['on_conflict']}")
    link = f"/data?project={project}&tab=images"
    return start_task(services.home, argv, title="Take labels back from labelme", project_id=project, link=link)


def _require_desktop(services: Services, argv: list[str], visitor: str | None, images: int) -> None:
    try:
        if visitor not in _HERE:
            raise UserError("labelme opens a window on the computer that the workbench runs on, not on yours.")
        require_screen()
        find_labelme()
    except UserError as error:
        if images > _SHOWN:
            raise UserError(
                f"{error} To label so many images from a terminal, add them to a list and name it with --on."
            ) from None
        raise UserError(f"{error} The command is: {shell_line(argv, services.home.path)}") from None
