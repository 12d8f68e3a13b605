"""A camera's frames, one at a time: a picture comes in, its class map goes out."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from labeling.maps import write_map_png
from labeling.thumbnails import PNG
from workbench.plain import plain
from workbench.server.services import Services

LARGEST_BYTES = 4 * 1000**2


def router(services: Services) -> APIRouter:
    """Return the routes. torch is loaded by the first frame, not by the server's start."""
    routes = APIRouter(prefix="/api/projects/{project}/live")

    @routes.get("")
    def classes(project: int, model: str) -> dict[str, Any]:
        """The classes of a model with their colours, in the order of the indices of its class maps."""
        from training.prediction.live import live_classes

        found = live_classes(services.home, services.database, project=services.name_of(project), model=model)
        return {"model": model, "classes": plain(found)}

    @routes.post("")
    async def frame(project: int, request: Request, model: str, size: str = "original") -> Response:
        """The class indices of the frame that is the request's body, as grey levels; nothing of it is kept."""
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > LARGEST_BYTES:
                raise HTTPException(413, f"A frame may have {LARGEST_BYTES / 1e6:.0f} MB at most.")
        return await run_in_threadpool(look, project, bytes(body), model, size)

    def look(project: int, body: bytes, model: str, size: str) -> Response:
        from training.prediction.live import look_at_frame

        found = look_at_frame(
            services.home, services.database, project=services.name_of(project), model=model, frame=body, size=size
        )
        headers = {"Cache-Control": "no-store", "X-Seconds": f"{found.seconds:.4f}"}
        return Response(write_map_png(found.index), media_type=PNG, headers=headers)

    return routes
