"""The guard in front of everything, Gradio included: who asks, from which page, how much, and what goes back.

Pure ASGI: answers pass through piece by piece, so that streams stay streams.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders, QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import cookie_parser
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from workbench.server.login import LOGIN_PATH, ask, is_token
from workbench.server.sessions import Sessions

LOG = logging.getLogger("workbench.server")
OWN_HEADER = "x-workbench"

# What Gradio needs (its pages hold inline scripts, and its templates are compiled in the browser), and nothing from
# elsewhere.
_PAGE_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
# Photos, JSON and downloads, should one be opened by itself.
_DATA_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox"
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

MIB = 1024**2
_LOGIN_LIMIT = 16 * 1024
_PHOTO = re.compile(r"/api/projects/[^/]+/try")
_PHOTO_LIMIT = 64 * MIB
_BODY_LIMIT = 4 * MIB  # JSON, read by the thread that answers everybody; two hundred thousand image numbers are 2 MiB


@dataclass(frozen=True)
class Guard:
    """ASGI middleware. `upload_limit` bounds the body of a PUT below /api/uploads; photos and JSON may have less."""

    app: ASGIApp
    sessions: Sessions
    upload_limit: int

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, refuse, or hand on."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] == "websocket":
            refusal = self._refusal(scope) or await self._unknown(scope)
            await self._websocket(scope, receive, send, refused=refusal is not None)
            return
        started = _Started(_with_headers(scope, send))
        try:
            refusal = self._refusal(scope) or await self._unknown(scope)
            if refusal is not None:
                await refusal(scope, receive, started)
            else:
                await self.app(_as_get(scope), _bounded(receive, self._limit(scope)), started)
        except Exception:
            # Here, not in FastAPI's outermost layer, whose answer would go out without our headers.
            if started.yes:
                raise
            LOG.exception("%s %r failed", scope["method"], scope["path"])  # a visitor's text, in a terminal
            told = {"error": "The workbench itself failed; the terminal it was started in says why."}
            await JSONResponse(told, 500)(scope, receive, started)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send, *, refused: bool) -> None:
        if not refused:
            await self.app(scope, receive, send)
            return
        await receive()
        await send({"type": "websocket.close", "code": 1008})  # before it is accepted: the browser sees a 403

    def _refusal(self, scope: Scope) -> Response | None:
        """Return why a request is refused whoever sends it, None where nothing speaks against it."""
        headers = Headers(scope=scope)
        host = headers.get("host")
        if not self.sessions.security.admits_host(host):
            return _say(
                "This server is not known by that name. Open it by the address it printed at its start, or start it "
                "with --allow-host NAME.",
                421,
            )
        changes = scope["type"] == "websocket" or scope["method"] not in _SAFE_METHODS
        origin = headers.get("origin")
        if changes and origin is not None and origin.lower().partition("://")[2] != (host or "").lower():
            return _say("Another site's page asked for this: refused.", 403)
        if _comes_from_elsewhere(headers, changes):
            return _say("Another site's page asked for this: refused.", 403)
        if scope["type"] == "websocket":
            return None
        if changes and scope["path"].startswith("/api/") and headers.get(OWN_HEADER) != "1":
            return _say("A request that changes something needs the header X-Workbench: 1.", 403)
        length = headers.get("content-length", "0")
        if not (length.isascii() and length.isdigit()):
            return _say("Content-Length is no number.", 400)
        if len(length) > 18 or int(length) > self._limit(scope):
            return _say(_too_large(self._limit(scope)), 413)
        return None

    async def _unknown(self, scope: Scope) -> Response | None:
        """Return the answer to who is not logged in, None for who is. A right token or code in the address logs in."""
        cookies = cookie_parser(Headers(scope=scope).get("cookie", ""))
        known = await self._admits(cookies.get(self.sessions.cookie))
        if scope["type"] == "websocket":
            return None if known else _say("", 401)
        query = QueryParams(scope["query_string"])
        token = query.get("token")
        if token is not None and scope["method"] in {"GET", "HEAD"}:
            right = self._opens(scope["method"], token)
            if right or known:
                # The token vanishes from the address bar and the history.
                response = RedirectResponse(_without_token(scope, query), 303)
                if right:
                    self.sessions.set_cookie(response, None, secure=scope["scheme"] == "https")
                response.headers["Cache-Control"] = "no-store"
                return response
        if known or (scope["method"] == "POST" and scope["path"] == LOGIN_PATH):
            return None
        if is_data(scope["path"]) or scope["method"] not in {"GET", "HEAD"}:
            return _say("Not logged in: open the address that `workbench serve` printed, or log in.", 401)
        return ask(self.sessions.security, scope, wrong_token=token is not None)

    def _opens(self, method: str, token: str) -> bool:
        security = self.sessions.security
        return is_token(security, token) or (method == "GET" and security.code.take(token))

    async def _admits(self, session: str | None) -> bool:
        if self.sessions.security.token is not None:
            return self.sessions.admits(session)  # where nobody has a password, no database is read
        return await run_in_threadpool(self.sessions.admits, session)

    def _limit(self, scope: Scope) -> int:
        """Return how many bytes the request's body may have."""
        path: str = scope["path"]
        if path == LOGIN_PATH:
            return _LOGIN_LIMIT
        if path.startswith("/api/uploads/") and scope["method"] == "PUT":
            return self.upload_limit
        return _PHOTO_LIMIT if _PHOTO.fullmatch(path) else _BODY_LIMIT


def _as_get(scope: Scope) -> Scope:
    """Have HEAD answered as GET is, for `curl -I` and download managers; the server leaves the body out."""
    return {**scope, "method": "GET"} if scope["method"] == "HEAD" else scope


def is_data(path: str) -> bool:
    """Tell whether a path is asked for by scripts, not opened by a person."""
    return path.startswith(("/api/", "/gradio_api/"))


@dataclass
class _Started:
    """Passes an answer on and remembers whether it has begun."""

    send: Send
    yes: bool = False

    async def __call__(self, message: Message) -> None:
        self.yes = True
        await self.send(message)


def _comes_from_elsewhere(headers: Headers, changes: bool) -> bool:
    """Tell whether a browser says that another site's page sent this; following a link to a page of ours is fine.

    `same-site` is elsewhere too: every port of this computer is the same site.
    """
    if headers.get("sec-fetch-site", "none") in {"none", "same-origin"}:
        return False
    followed = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
    return changes or not followed


def _bounded(receive: Receive, limit: int) -> Receive:
    """Count the body as it comes: what Content-Length says is only a promise, and chunked bodies have none."""
    seen = 0

    async def count() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > limit:
            raise HTTPException(413, _too_large(limit))
        return message

    return count


def _with_headers(scope: Scope, send: Send) -> Send:
    policy = _DATA_POLICY if scope["path"].startswith("/api/") else _PAGE_POLICY

    async def add(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.setdefault("Content-Security-Policy", policy)
            headers.update(_HEADERS)
        await send(message)

    return add


def _without_token(scope: Scope, query: QueryParams) -> str:
    """Return the address without the token. One leading slash only: `//x` would be another computer."""
    kept = QueryParams([(key, value) for key, value in query.multi_items() if key != "token"])
    path = "/" + scope["path"].lstrip("/\\")
    return f"{path}?{kept}" if kept else path


def _too_large(limit: int) -> str:
    return f"The request is larger than {limit / MIB:,.0f} MiB." if limit >= MIB else "The request is too large."


def _say(message: str, status: int) -> JSONResponse:
    return JSONResponse({"error": message}, status)
