"""The trainings of a project, and one of them."""

from __future__ import annotations

from typing import Any

import gradio as gr

from workbench.server.services import Services
from workbench.ui.address import read_address
from workbench.ui.components.widget import widget
from workbench.ui.events import on


def page(services: Services, blocks: gr.Blocks) -> None:
    """Fill the page."""
    runs = widget("runs", elem_id="wb-runs")

    def content(request: gr.Request) -> dict[str, Any]:
        address = read_address(services, request)
        return {"project": address.project.id if address.project else None, "run": address.run}

    on(blocks.load, content, None, runs)
