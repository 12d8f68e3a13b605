"""The projects: a card each."""

from __future__ import annotations

import gradio as gr

from workbench.server.services import Services


def page(services: Services, blocks: gr.Blocks) -> None:
    """Fill the page."""
    gr.Markdown("# Projects")
