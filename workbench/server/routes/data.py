"""What a project holds, as JSON: the gallery, the classes, the datasets with their lists and roles."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query

from labeling.classes import list_classes
from labeling.datasets import list_datasets
from labeling.gallery import GalleryFilter, Order, gallery_page
from labeling.projects import project_of_id
from workbench.server.services import Services

_DATASET_FIELDS = ("name", "format", "images", "labelled", "roles", "subsets")


def router(services: Services) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/api/projects/{project}")

    def name_of(project: int) -> str:
        with services.database.read() as session:
            return project_of_id(session, project).name

    @routes.get("/gallery")
    def gallery(
        project: int,
        dataset: str = "",
        subset: str = "",
        role: Literal["train", "val", "test", "none", ""] = "",
        class_: Annotated[str, Query(alias="class")] = "",
        labelled: Literal["true", "false", ""] = "",
        text: str = "",
        order: Order = "path",
        offset: int = 0,
        limit: int = 48,
    ) -> dict[str, Any]:
        """A page of images; what is left empty filters nothing."""
        wanted = GalleryFilter(
            dataset=dataset or None,
            subset=subset or None,
            role=role or None,
            class_=class_ or None,
            labelled=None if not labelled else labelled == "true",
            text=text or None,
        )
        return asdict(gallery_page(services.database, project, wanted, order=order, offset=offset, limit=limit))

    @routes.get("/classes")
    def classes(project: int) -> dict[str, Any]:
        """The classes in index order, merged ones last."""
        return {"classes": [asdict(each) for each in list_classes(services.database, name_of(project))]}

    @routes.get("/datasets")
    def datasets(project: int) -> dict[str, Any]:
        """The datasets with the images per role and list: what a gallery can be filtered by."""
        found = list_datasets(services.database, name_of(project))
        return {"datasets": [{name: getattr(each, name) for name in _DATASET_FIELDS} for each in found]}

    return routes
