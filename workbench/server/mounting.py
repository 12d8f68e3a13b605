"""Mounts Gradio's pages in the app, with everything off that reaches outside or serves files by name."""

from __future__ import annotations

import os
import warnings
from typing import TYPE_CHECKING, Any

from db.files import explain_os_errors
from workbench.server.services import Services

if TYPE_CHECKING:
    from fastapi import FastAPI
    from gradio import Blocks

_LARGEST_FILE = "4mb"  # photos, archives and models take the way of uploads
_SESSIONS = 500
"""Pages that Gradio remembers, 85 kB each: those used last of all that were ever opened."""


def prepare_gradio(services: Services) -> None:
    """Set what Gradio reads when it is imported: no telemetry, and its temporary files in the home's cache.

    Raises:
        UserError: the cache cannot be made.
    """
    folder = services.cache / "gradio"
    with explain_os_errors(services.cache):
        folder.mkdir(parents=True, exist_ok=True)
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["GRADIO_TEMP_DIR"] = str(folder)
    os.environ["HF_HUB_OFFLINE"] = "1"


def mount_pages(app: FastAPI, blocks: Blocks, **appearance: Any) -> None:
    """Mount the pages at "/", behind all routes that the app has so far.

    Args:
        app: the app.
        blocks: the pages.
        appearance: `theme`, `css`, `css_paths`, `head` and the like, as `gradio.mount_gradio_app` takes them.
    """
    import gradio

    blocks.state_session_capacity = _SESSIONS
    with warnings.catch_warnings():
        # It says that it leaves out what was not asked for: rendering in a Node of its own.
        warnings.filterwarnings("ignore", "SSR mode is not supported")
        gradio.mount_gradio_app(
            app,
            blocks,
            path="/",
            footer_links=[],
            run_history=False,
            allowed_paths=[],
            max_file_size=_LARGEST_FILE,
            show_error=False,
            ssr_mode=False,
            enable_monitoring=False,
            pwa=False,
            mcp_server=False,
            app_kwargs={"docs_url": None, "redoc_url": None, "openapi_url": None},
            **appearance,
        )
    # Gradio checks completely which files a client may name only for blocks that count as launched, and mounting
    # leaves that out.
    blocks.has_launched = True
