"""Importing into a project: from dropped files, or a folder of this computer, to a dataset. The wizard is a widget."""

from __future__ import annotations

from collections.abc import Sequence

import gradio as gr

from workbench.server.services import Services
from workbench.ui.components.widget import widget


def tab(services: Services, blocks: gr.Blocks, project: gr.Number) -> Sequence[gr.Component]:
    """Fill the tab."""
    return [widget("import", elem_id="wb-data-wizard")]
