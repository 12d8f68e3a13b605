"""The data of a project, a tab each: images, import, statistics, classes, roles and lists, care, revisions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

from workbench.server.services import Services
from workbench.ui.address import read_address
from workbench.ui.components.widget import kept_number
from workbench.ui.events import on
from workbench.ui.pages import (
    data_care,
    data_classes,
    data_export,
    data_images,
    data_import,
    data_revisions,
    data_roles,
    data_statistics,
)

# Each fills its tab and returns the widgets that are to be told the project.
Tab = Callable[[Services, gr.Blocks, gr.Number], Sequence[gr.Component] | None]

TABS: tuple[tuple[str, str, Tab], ...] = (
    ("images", "Images", data_images.tab),
    ("import", "Import", data_import.tab),
    ("statistics", "Statistics", data_statistics.tab),
    ("classes", "Classes", data_classes.tab),
    ("roles", "Roles and lists", data_roles.tab),
    ("care", "Care", data_care.tab),
    ("revisions", "Revisions", data_revisions.tab),
    ("export", "Export", data_export.tab),
)
_NO_PROJECT = "No project is chosen. Choose one in the bar above, or make one: [All projects](/)."
# Gradio opens the first tab before it asks which one to open: only what is chosen after that goes into the address.
_OPENED = "() => { document.body.dataset.wbDataOpened = ''; }"
_KEEP_TAB = """() => {
  if (!("wbDataOpened" in document.body.dataset)) return;
  const url = new URL(location.href);
  url.searchParams.set("tab", "%s");
  history.replaceState(history.state, "", url);
}"""


def page(services: Services, blocks: gr.Blocks) -> None:
    """Fill the page."""
    project = kept_number()
    missing = gr.Markdown(_NO_PROJECT, visible=False, elem_id="wb-data-no-project")
    widgets: list[gr.Component] = []
    with gr.Tabs(elem_id="wb-data-tabs") as tabs:
        for name, title, tab in TABS:
            with gr.Tab(title, id=name, elem_id=f"wb-data-{name}") as part:
                widgets += tab(services, blocks, project) or ()
            on(part.select, None, js=_KEEP_TAB % name)

    def load(request: gr.Request) -> list[Any]:
        return [*opened(services, request), *_told(services, request, len(widgets))]

    on(on(blocks.load, load, None, [project, tabs, missing, *widgets]).then, None, js=_OPENED)


def opened(services: Services, request: gr.Request) -> tuple[int | None, dict[str, Any], dict[str, Any]]:
    """Return the project's number, the tabs with the right one open, and what stands there without a project."""
    address = read_address(services, request)
    number = None if address.project is None else address.project.id
    names = [name for name, *_ in TABS]
    chosen = address.tab if address.tab in names else names[0]
    return number, gr.update(selected=chosen, visible=number is not None), gr.update(visible=number is None)


def _told(services: Services, request: gr.Request, count: int) -> list[dict[str, int] | None]:
    project = read_address(services, request).project
    return [None if project is None else {"project": project.id}] * count
