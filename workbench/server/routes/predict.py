"""Trying a model on a photo: the photo comes in, its class map, overlay and shares of the classes go out."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from labeling.maps import write_map_png
from labeling.thumbnails import JPEG, PNG, reduce_map
from workbench.server.routes.photos import checked_size
from workbench.server.services import Services

if TYPE_CHECKING:
    from training.prediction.tried import TriedStore

JSON = "application/json"
LARGEST_BYTES = 50 * 1000**2


def router(services: Services) -> APIRouter:
    """Return the routes. torch is loaded by the first photo, not by the server's start."""
    routes = APIRouter(prefix="/api")

    def store() -> TriedStore:
        from training.prediction.tried import TriedStore

        return TriedStore(services.cache / "tried")

    @routes.post("/projects/{project}/try")
    async def try_photo(
        project: int, request: Request, model: str, size: str = "original", crf: bool = False
    ) -> dict[str, Any]:
        """Predict the photo that is the request's body."""
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > LARGEST_BYTES:
                raise HTTPException(413, f"A photo to try may have {LARGEST_BYTES / 1e6:.0f} MB at most.")
        return await run_in_threadpool(predict, project, bytes(body), model, size, crf=crf)

    @routes.post("/projects/{project}/tried/{tried}/again")
    def try_again(project: int, tried: str, model: str, size: str = "original") -> dict[str, Any]:
        """Predict a photo that was tried before with another model."""
        return predict(project, store().photo_bytes(tried), model, size, crf=False)

    def predict(project: int, photo: bytes, model: str, size: str, *, crf: bool) -> dict[str, Any]:
        from training.prediction.try_model import try_model

        name = services.name_of(project)
        tried = try_model(services.home, services.database, project=name, model=model, photo=photo, size=size, crf=crf)
        return store().keep(photo, tried).model_dump(mode="json")

    @routes.get("/tried/{tried}")
    def record(tried: str) -> dict[str, Any]:
        """What was told of a tried photo when it was tried."""
        return store().record(tried).model_dump(mode="json")

    @routes.get("/beside")
    def beside(tried: Annotated[list[str], Query(min_length=2, max_length=4)]) -> dict[str, Any]:
        """What several models say of one photo: each class's share by model, and where they agree."""
        return store().beside(tried).model_dump(mode="json")

    @routes.get("/tried/{tried}/photo")
    def photo(tried: str, size: int = 1600) -> Response:
        """The photo, upright."""
        return _picture(store().photo_jpeg(tried, checked_size(size)), JPEG)

    @routes.get("/tried/{tried}/map")
    def class_map(tried: str, size: int = 1600, crf: int = 0) -> Response:
        """The class indices as grey levels, as large as the photo of this size, after so many iterations of a CRF."""
        return _picture(write_map_png(reduce_map(store().index(tried, crf), checked_size(size))), PNG)

    @routes.get("/tried/{tried}/confidence")
    def confidence(tried: str, size: int = 1600) -> Response:
        """The probability of the class that won as grey levels, 0..255 for 0..1."""
        return _picture(write_map_png(reduce_map(store().confidence(tried), checked_size(size))), PNG)

    @routes.get("/tried/{tried}/index")
    def index(tried: str, name: str = "photo", crf: int = 0) -> Response:
        """The class indices in full size, the classes' colours as palette, to download; `name` is the photo's."""
        return _download(store().index_png(tried, crf), f"{name}{_refined(crf)}_index.png")

    @routes.get("/tried/{tried}/overlay")
    def overlay(tried: str, name: str = "photo", crf: int = 0) -> Response:
        """The photo in full size under the classes' colours, to download; `name` is the photo's."""
        return _download(store().overlay_png(tried, crf), f"{name}{_refined(crf)}_overlay.png")

    @routes.get("/tried/{tried}/labelme")
    def labelme(tried: str, file: str = "photo.jpg", crf: int = 0) -> Response:
        """What was predicted as a labelme file to download, for a photo of this name beside it."""
        plain = PurePosixPath(file).name or "photo.jpg"
        return _download(store().labelme_json(tried, plain, crf), f"{PurePosixPath(plain).stem}.json", JSON)

    @routes.get("/tried/{tried}/affinity")
    def affinity(tried: str, crf: int = 0) -> Response:
        """Which pixels of the photo look alike, and which are predicted alike: both matrices of a small version."""
        return _picture(store().affinity_png(tried, crf), PNG)

    return routes


def _refined(crf: int) -> str:
    return f"_crf{crf}" if crf else ""


def _picture(data: bytes, media_type: str) -> Response:
    # What was tried never changes; it is gone after a day.
    return Response(data, media_type=media_type, headers={"Cache-Control": "private, max-age=86400, immutable"})


def _download(data: bytes, name: str, media_type: str = PNG) -> Response:
    # The name comes from outside: percent-encoded, it can neither end the header nor lead to another folder.
    disposition = f"attachment; filename*=UTF-8''{quote(name[-150:], safe='')}"
    return Response(data, media_type=media_type, headers={"Content-Disposition": disposition})
