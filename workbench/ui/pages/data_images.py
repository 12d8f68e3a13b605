"""The images of a project: the gallery, the roles and lists of those selected, and labelling them in labelme."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from db.errors import UserError
from labeling.image_trash import trash_images_by_id
from labeling.images import paths_of
from labeling.roles import set_roles
from labeling.subsets import add_to_subset, list_subsets, remove_from_subset
from workbench.server.services import Services
from workbench.ui.address import name_of
from workbench.ui.components.widget import payload, widget
from workbench.ui.events import change
from workbench.ui.pages import data_desktop


def tab(services: Services, blocks: gr.Blocks, project: gr.Number) -> Sequence[gr.Component]:
    """Fill the tab."""
    events = ("set_role", "enlist", "unlist", "discard", "label_images", "take_back")
    images = widget("data_images", events=events, elem_id="wb-data-gallery")
    acts = ((images.set_role, give_role), (images.enlist, enlist), (images.unlist, unlist), (images.discard, discard))
    for event, act in acts:

        def handle(number: int, sent: gr.EventData, act: Any = act) -> None:
            act(services, number, payload(sent))

        change(event, handle, project, failed=False)
    data_desktop.listen(services, images, project)
    return [images]


def give_role(services: Services, project: int, sent: dict[str, Any]) -> None:
    """Give images a role, or none."""
    name = name_of(services, project)
    for dataset, paths in paths_of(services.database, project, sent["images"]).items():
        set_roles(services.database, name, dataset, paths, sent["role"])


def enlist(services: Services, project: int, sent: dict[str, Any]) -> None:
    """Add images to the list of this name of their dataset."""
    name = name_of(services, project)
    for dataset, paths in paths_of(services.database, project, sent["images"]).items():
        add_to_subset(services.database, name, dataset, sent["subset"], paths)


def discard(services: Services, project: int, sent: dict[str, Any]) -> None:
    """Move images to the trash."""
    trash_images_by_id(services.database, project, sent["images"])


def unlist(services: Services, project: int, sent: dict[str, Any]) -> None:
    """Take images out of the list of this name of their dataset; a dataset without one has nothing to take out."""
    name, subset = name_of(services, project), sent["subset"]
    chosen = paths_of(services.database, project, sent["images"])
    having = [dataset for dataset in chosen if subset in list_subsets(services.database, name, dataset)]
    if not having:
        raise UserError(f"None of the images is in a dataset with the list {subset!r}.")
    for dataset in having:
        remove_from_subset(services.database, name, dataset, subset, chosen[dataset])
