"""What a project holds, as JSON: the gallery, the classes, the datasets with their lists and roles, its figures."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from fastapi.responses import JSONResponse

from labeling.class_deletion import class_uses
from labeling.classes import list_classes, live_classes
from labeling.datasets import list_datasets
from labeling.gallery import gallery_ids, gallery_page
from labeling.gallery_filter import GalleryFilter, Order
from labeling.merge_preview import merge_preview
from labeling.presence import images_per_class
from labeling.projects import project_of_id
from labeling.statistics import class_statistics, uncounted_images
from workbench.plain import plain
from workbench.server.services import Services

_DATASET_FIELDS = ("name", "format", "images", "labelled", "roles", "subsets")


def _wanted(
    dataset: str = "",
    subset: str = "",
    role: Literal["train", "val", "test", "none", ""] = "",
    class_: Annotated[str, Query(alias="class")] = "",
    labelled: Literal["true", "false", ""] = "",
    text: str = "",
) -> GalleryFilter:
    """Read the filter of an address; what is left empty filters nothing."""
    return GalleryFilter(
        dataset=dataset or None,
        subset=subset or None,
        role=role or None,
        class_=class_ or None,
        labelled=None if not labelled else labelled == "true",
        text=text or None,
    )


Wanted = Annotated[GalleryFilter, Depends(_wanted)]


def router(services: Services) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/api/projects/{project}")

    @routes.get("/gallery")
    def gallery(project: int, wanted: Wanted, order: Order = "path", offset: int = 0, limit: int = 48) -> JSONResponse:
        """A page of images. As JSON at once: FastAPI would look at each of a hundred images to see that it is plain."""
        page = gallery_page(services.database, project, wanted, order=order, offset=offset, limit=limit)
        return JSONResponse({"total": page.total, "images": [vars(image) for image in page.images]})

    @routes.get("/gallery/ids")
    def ids(project: int, wanted: Wanted, order: Order = "path") -> dict[str, Any]:
        """The numbers of all images that fit, in order: what selecting all of them selects."""
        return {"images": gallery_ids(services.database, project, wanted, order=order)}

    @routes.get("/classes")
    def classes(project: int, images: bool = False) -> dict[str, Any]:
        """The classes in index order, merged ones last.

        With `images`, how many are `labelled` with each, and in how many `images` it covers pixels, as the statistics
        count them: null while class maps are uncounted, and for a merged class, which covers none of its own. And
        whether a class is `unused`, so that it can be deleted.
        """
        name = services.name_of(project)
        found = [asdict(each) for each in list_classes(services.database, name)]
        if images:
            with services.database.read() as session:
                labelled = images_per_class(session, project, live_classes(session, project))
                uses = class_uses(session, project_of_id(session, project))
            is_counted = not uncounted_images(services.database, name)
            counted = class_statistics(services.home, services.database, project=name).classes if is_counted else ()
            covered = {each.name: each.images for each in counted}
            found = [
                each
                | {"labelled": labelled.get(each["id"], 0), "images": covered.get(each["name"])}
                | {"unused": each["id"] not in uses}
                for each in found
            ]
        return {"classes": found}

    @routes.get("/merge_preview")
    def merge(project: int, name: str, into: str) -> dict[str, Any]:
        """What merging a class into another one would change."""
        return asdict(merge_preview(services.database, services.name_of(project), name, into))

    @routes.get("/statistics")
    def statistics(project: int) -> dict[str, Any]:
        """Images and pixels per class; null while class maps are uncounted, which the command `stats` counts."""
        name = services.name_of(project)
        uncounted = uncounted_images(services.database, name)
        found = None if uncounted else class_statistics(services.home, services.database, project=name)
        return {"uncounted": uncounted, "statistics": plain(found)}

    @routes.get("/datasets")
    def datasets(project: int) -> dict[str, Any]:
        """The datasets with the images per role and list: what a gallery can be filtered by."""
        found = list_datasets(services.database, services.name_of(project))
        return {"datasets": [{name: getattr(each, name) for name in _DATASET_FIELDS} for each in found]}

    return routes
