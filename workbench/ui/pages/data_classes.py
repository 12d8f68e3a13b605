"""The classes of a project: add, rename, recolour, keys, merging, which can be undone, and deleting what is unused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from labeling.class_deletion import delete_classes
from labeling.classes import add_class, merge_class, recolor_class, rename_class, set_hotkey, unmerge_class
from workbench.server.services import Services
from workbench.ui.address import name_of
from workbench.ui.components.widget import payload, widget
from workbench.ui.events import change

_EVENTS = ("create", "rename", "recolor", "hotkey", "merge", "unmerge", "discard")


def tab(services: Services, blocks: gr.Blocks, project: gr.Number) -> Sequence[gr.Component]:
    """Fill the tab."""
    classes = widget("data_classes", events=_EVENTS, elem_id="wb-data-class-table")
    for what in _EVENTS:

        def handle(number: int, sent: gr.EventData, what: str = what) -> None:
            act(services, number, what, payload(sent))

        change(getattr(classes, what), handle, project)
    return [classes]


def act(services: Services, project: int | None, what: str, sent: dict[str, Any]) -> None:
    """Do what the table sent."""
    name, database = name_of(services, project), services.database
    match what:
        case "create":
            add_class(database, name, sent["name"])
        case "rename":
            rename_class(database, name, sent["name"], sent["to"])
        case "recolor":
            recolor_class(database, name, sent["name"], sent["color"])
        case "hotkey":
            set_hotkey(database, name, sent["name"], sent["key"])
        case "merge":
            merge_class(database, name, sent["name"], sent["into"])
        case "unmerge":
            unmerge_class(database, name, sent["name"])
        case "discard":
            delete_classes(database, name, sent["names"])
