"""All pages in one Gradio app. The bar on top, with the projects and the tasks, is `static/shell.js`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from workbench.server.services import Services
from workbench.ui.pages import data, evaluate, projects, runs, train, use

_HEAD = """
<meta name="color-scheme" content="light dark">
<link rel="icon" href="/static-wb/icon.svg">
<link rel="stylesheet" href="/static-wb/wb.css">
<link rel="stylesheet" href="/static-wb/shell.css">
<script type="module" src="/static-wb/shell.js"></script>
"""
_FONT = ("system-ui", "sans-serif")
_MONO = ("ui-monospace", "monospace")
PAGES: tuple[tuple[str, str, Callable[[Services, gr.Blocks], None]], ...] = (
    ("Data", "/data", data.page),
    ("Train", "/train", train.page),
    ("Runs", "/runs", runs.page),
    ("Evaluate", "/evaluate", evaluate.page),
    ("Use", "/use", use.page),
)


def build(services: Services) -> gr.Blocks:
    """Return the pages: the projects at "/", each other one at its own path."""
    with gr.Blocks(title="Segmentation workbench", analytics_enabled=False, delete_cache=(3600, 86400)) as app:
        projects.page(services, app)
    for title, path, page in PAGES:
        with app.route(title, path, show_in_navbar=False) as blocks:
            page(services, blocks)
    app.queue(default_concurrency_limit=8, max_size=200)
    return app


def appearance() -> dict[str, Any]:
    """Return theme and head, as `gradio.mount_gradio_app` takes them. The fonts are the computer's own.

    Buttons and hints are darker than the theme's, which are too pale to read; for the accent see `static/wb.css`.
    """
    theme = gr.themes.Default(primary_hue="teal", font=_FONT, font_mono=_MONO, radius_size="sm", spacing_size="sm")
    theme.set(
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_dark="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        button_primary_background_fill_hover_dark="*primary_800",
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_400",
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_400",
        link_text_color="*primary_700",
    )
    return {"theme": theme, "head": _HEAD}
