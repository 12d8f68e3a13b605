"""Roles and lists of each dataset: deal roles, make, rename and delete lists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from labeling.datasets import trash_dataset
from labeling.roles import assign_roles
from labeling.subsets import add_to_subset, delete_subset, rename_subset
from workbench.server.services import Services
from workbench.ui.address import name_of
from workbench.ui.components.widget import payload, widget
from workbench.ui.events import change

_EVENTS = ("deal", "create", "rename", "discard", "discard_dataset")


def tab(services: Services, blocks: gr.Blocks, project: gr.Number) -> Sequence[gr.Component]:
    """Fill the tab."""
    roles = widget("data_roles", events=_EVENTS, elem_id="wb-data-role-table")
    for what in _EVENTS:

        def handle(number: int, sent: gr.EventData, what: str = what) -> None:
            act(services, number, what, payload(sent))

        change(getattr(roles, what), handle, project)
    return [roles]


def act(services: Services, project: int | None, what: str, sent: dict[str, Any]) -> None:
    """Do what the tables sent."""
    name, database, dataset = name_of(services, project), services.database, sent["dataset"]
    match what:
        case "deal":
            shares = {role: float(sent[role]) for role in ("val", "test")}
            assign_roles(database, name, dataset, **shares, by=sent["by"], seed=int(sent["seed"]))
        case "create":
            add_to_subset(database, name, dataset, sent["subset"])
        case "rename":
            rename_subset(database, name, dataset, sent["subset"], sent["to"])
        case "discard":
            delete_subset(database, name, dataset, sent["subset"])
        case "discard_dataset":
            trash_dataset(database, name, dataset)
