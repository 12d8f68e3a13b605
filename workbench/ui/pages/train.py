"""Starting a training: architecture, data, recipe, what it will take."""

from __future__ import annotations

from typing import Any

import gradio as gr

from workbench.server.services import Services
from workbench.ui.address import read_address
from workbench.ui.components.widget import widget
from workbench.ui.events import on


def page(services: Services, blocks: gr.Blocks) -> None:
    """Fill the page."""
    form = widget("train", elem_id="wb-train")

    def content(request: gr.Request) -> dict[str, Any]:
        address = read_address(services, request)
        wanted = {key: address.values[key] for key in ("init", "arch") if key in address.values}
        return {"project": address.project.id if address.project else None, "wanted": wanted}

    on(blocks.load, content, None, form)
