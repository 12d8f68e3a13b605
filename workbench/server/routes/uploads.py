"""Uploads: begin one, send its files one by one or name an archive, finish it; then it can be imported by its id."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Body, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from workbench.server.services import Services
from workbench.server.sources import Source, locate

_PIECE = 1024**2


def router(services: Services) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/api/uploads")
    store = services.uploads

    @routes.post("", status_code=201)
    def create() -> dict[str, Any]:
        return {"upload": store.create()}

    @routes.get("/{upload}")
    def status(upload: str) -> dict[str, Any]:
        return asdict(store.status(upload))

    @routes.get("/{upload}/files")
    def files(
        upload: str, offset: Annotated[int, Query(ge=0)] = 0, limit: Annotated[int, Query(ge=1, le=1000)] = 200
    ) -> dict[str, Any]:
        found = store.files(upload)
        page = found[offset : offset + limit]
        return {"total": len(found), "files": [{"path": path, "bytes": size} for path, size in page]}

    @routes.put("/{upload}/files")
    async def receive(upload: str, path: str, request: Request) -> dict[str, Any]:
        # Nothing of a photo is kept in memory beyond a piece of a megabyte.
        piece = bytearray()
        with store.receive(upload, path) as incoming:
            async for chunk in request.stream():
                piece += chunk
                if len(piece) >= _PIECE:
                    await run_in_threadpool(incoming.write, bytes(piece))
                    piece.clear()
            await run_in_threadpool(incoming.write, bytes(piece))
        return {"path": incoming.path, "bytes": incoming.size}

    @routes.put("/{upload}/archive", status_code=204)
    def take(upload: str, path: Annotated[str, Body(embed=True)]) -> Response:
        store.take(upload, locate(services, Source(path=path)))
        return Response(status_code=204)

    @routes.post("/{upload}/finish")
    def finish(upload: str) -> dict[str, Any]:
        return asdict(store.finish(upload))

    @routes.delete("/{upload}", status_code=204)
    def delete(upload: str) -> Response:
        store.delete(upload)
        return Response(status_code=204)

    return routes
