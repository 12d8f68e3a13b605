"""Our own JavaScript and CSS, by an exact list of the files that came with the package."""

from __future__ import annotations

import hashlib
from pathlib import Path

from fastapi import APIRouter, HTTPException, Request, Response

from workbench.server.services import Services

FOLDER = Path(__file__).parents[2] / "ui" / "static"
_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".woff2": "font/woff2",
}


def router(_: Services) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/static-wb")
    files = _listed()

    @routes.get("/{name:path}")
    def static(name: str, request: Request) -> Response:
        if name not in files:
            files.update(_listed())  # a new version of the workbench may have come since the server was started
        path = files.get(name)
        if path is None:
            raise HTTPException(404, "There is no such file.")
        content = path.read_bytes()
        etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
        # Asked again each time: a new version of the workbench must not run with the old one's scripts.
        headers = {"ETag": etag, "Cache-Control": "no-cache"}
        if etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(content, headers={**headers, "Content-Type": _TYPES[path.suffix]})

    return routes


def _listed() -> dict[str, Path]:
    return {path.relative_to(FOLDER).as_posix(): path for path in FOLDER.rglob("*") if path.suffix in _TYPES}
