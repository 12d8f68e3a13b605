"""Exporting a dataset of a project, and what was exported, to be downloaded. All of it is a widget."""

from __future__ import annotations

from collections.abc import Sequence

import gradio as gr

from workbench.server.services import Services
from workbench.ui.components.widget import widget


def tab(services: Services, blocks: gr.Blocks, project: gr.Number) -> Sequence[gr.Component]:
    """Fill the tab."""
    return [widget("data_export", elem_id="wb-data-export-place")]
