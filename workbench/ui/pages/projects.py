"""The projects, a card each: create, rename, delete to the trash; and what lies there, of all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from labeling.project_cards import project_cards
from labeling.projects import create_project, list_projects, rename_project, trash_project
from training.care.trash import list_trash, restore
from training.runs.lifecycle import sync
from workbench.plain import plain
from workbench.server.services import Services
from workbench.server.told import told
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
        cards.restore: lambda sent: take_out(services, sent),
    }
    for event, change in changes.items():
        act(event, changing(change), None, cards)


def content(services: Services) -> dict[str, Any]:
    """Return what the cards show, and the trash, with the project (None: they are some) that things are of."""
    home, database = services.home, services.database
    sync(home, database)
    trash = [{"project": None, **plain(item)} for item in list_trash(home, database, None)]
    for project in list_projects(database):
        found = list_trash(home, database, project.name)
        trash += [{"project": project.name, **plain(item)} for item in found if item.kind != "project"]
    return {"cards": plain(project_cards(database)), "trash": told(services, trash)}


def take_out(services: Services, sent: dict[str, Any]) -> None:
    """Take out of the trash what was sent, as `content` gave it."""
    restore(services.home, services.database, sent["project"], sent["kind"], [sent["name"]])
