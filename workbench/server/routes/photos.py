"""Photos and class maps of a project's images, by number: nothing a client sends becomes part of a path."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from db.errors import NotFoundError, UserError
from labeling.images import find_image, find_images, find_photo
from labeling.rendering import map_version
from labeling.thumbnails import SIZES, Picture, Size, map_png, photo_jpeg
from workbench.server.pictures import answer
from workbench.server.services import Services
from workbench.server.tiles import answer_maps, read_numbers


def router(services: Services) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/api/projects/{project}")

    @routes.get("/images/{image}/photo")
    def photo(project: int, image: int, request: Request, size: int = 512, v: str = "") -> Response:
        """A photo, upright; `v` is its `photo_version`."""
        found = find_photo(services.database, project, image)
        picture = photo_jpeg(services.home, services.database, found, checked_size(size))
        return answer(picture, request, immutable=v == found.image_sha256[:8])

    @routes.get("/images/{image}/map")
    def class_map(project: int, image: int, request: Request, size: int = 512, v: str = "") -> Response:
        """A class map, dense indices as grey levels, 255 ignore; `v` is its `map_version`."""
        found = find_image(services.database, project, image)
        picture = map_png(services.home, services.database, found, checked_size(size))
        current = found.head_id is not None and v == map_version(found.scheme, found.head_id)
        return answer(picture, request, immutable=current)

    @routes.get("/maps")
    def class_maps(project: int, images: str, size: int = 256) -> Response:
        """Small class maps of several images at once (`tiles.answer_maps`), each as the route for one has it."""
        services.name_of(project)  # raises where there is none
        small, numbers = checked_size(size), read_numbers(images)
        found = find_images(services.database, project, numbers)

        def find(image: int) -> Picture:
            if image not in found:
                raise NotFoundError(f"There is no image {image}.")
            return map_png(services.home, services.database, found[image], small)

        return answer_maps(numbers, size, find)

    return routes


def checked_size(size: int) -> Size:
    """Return a size that pictures come in. Raises `UserError` for any other: each is kept, so they are few."""
    for each in SIZES:
        if size == each:
            return each
    raise UserError(f"Pictures come in the sizes {', '.join(map(str, SIZES))} (0 is the full one), found {size}.")
