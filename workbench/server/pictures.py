"""How pictures are answered: with a fixed type, and kept by the browser as long as its address stays right."""

from __future__ import annotations

from fastapi import Request, Response
from fastapi.responses import FileResponse

from labeling.thumbnails import Picture

_YEAR = "private, max-age=31536000, immutable"
_ASK_AGAIN = "private, no-cache"
_SMALL = 256 * 1024
"""Bytes up to which a file is read at once. In pieces, each in its turn of a thread, takes longer than all the rest."""


def answer(picture: Picture, request: Request, *, immutable: bool) -> Response:
    """Return a picture, or 304 where the browser has it.

    Args:
        picture: the file and what it is.
        request: asked with `If-None-Match` for what the browser has.
        immutable: the address names this very version (`?v=`), so whoever has it need never ask again.
    """
    headers = {"ETag": picture.etag, "Cache-Control": _YEAR if immutable else _ASK_AGAIN}
    if _has(request.headers.get("if-none-match", ""), picture.etag):
        return Response(status_code=304, headers=headers)
    if picture.path.stat().st_size <= _SMALL:
        return Response(picture.path.read_bytes(), media_type=picture.media_type, headers=headers)
    return FileResponse(picture.path, media_type=picture.media_type, headers=headers)


def _has(known: str, etag: str) -> bool:
    """Tell whether a list of entity tags holds one; a weak one will do (RFC 9110, 13.1.2)."""
    return known.strip() == "*" or etag in {tag.strip().removeprefix("W/") for tag in known.split(",")}
