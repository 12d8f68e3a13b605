"""Trying a model on photos of one's own, predicting folders, and bringing a model from elsewhere."""

from __future__ import annotations

import gradio as gr

from workbench.server.services import Services
from workbench.ui.address import read_address
from workbench.ui.components.widget import widget
from workbench.ui.events import on


def page(services: Services, blocks: gr.Blocks) -> None:
    """Fill the page."""
    place = widget("use", elem_id="wb-use-page")

    def load(request: gr.Request) -> dict[str, int | None]:
        project = read_address(services, request).project
        return {"project": None if project is None else project.id}

    on(blocks.load, load, None, place)
