"""The projects, a card each: create, rename, delete to the trash, restore."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from labeling.project_cards import project_cards
from labeling.projects import create_project, list_projects, rename_project, restore_project, trash_project
from training.runs.lifecycle import sync
from workbench.plain import plain
from workbench.server.services import Services
from workbench.ui.components.widget import payload, widget
from workbench.ui.events import act, on


def page(services: Services, blocks: gr.Blocks) -> None:
    """Fill the page."""
    cards = widget("projects", events=("create", "rename", "discard", "restore"), elem_id="wb-projects")

    def changing(change: Callable[[dict[str, Any]], None]) -> Callable[[gr.EventData], dict[str, Any]]:
        def handle(event: gr.EventData) -> dict[str, Any]:
            change(payload(event))
            return content(services)

        return handle

    def create(event: gr.EventData) -> dict[str, Any]:
        with services.database.write() as session:
            number = create_project(session, payload(event)["name"]).id
        return content(services) | {"created": number}

    on(blocks.load, lambda: content(services), None, cards)
    act(cards.create, create, None, cards)
    changes = {
        cards.rename: lambda sent: rename_project(services.database, sent["name"], sent["to"]),
        cards.discard: lambda sent: trash_project(services.database, sent["name"]),
        cards.restore: lambda sent: restore_project(services.database, sent["name"]),
    }
    for event, change in changes.items():
        act(event, changing(change), None, cards)


def content(services: Services) -> dict[str, Any]:
    """Return what the cards show."""
    sync(services.home, services.database)
    trash = list_projects(services.database, trashed=True)
    return plain({"cards": project_cards(services.database), "trash": trash})
