"""The door: the page that asks for the token or for name and password, its answer, and the way out."""

from __future__ import annotations

import hmac
import unicodedata
from functools import partial
from html import escape
from string import Template
from urllib.parse import parse_qs, quote, urlsplit

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.datastructures import Headers
from starlette.types import Scope

from workbench.server.attempts import Attempts
from workbench.server.security import Security
from workbench.server.sessions import Sessions
from workbench.server.users import check_password

LOGIN_PATH = "/login"
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
_AT_ONCE = 2  # scrypt takes 32 MiB and a core each time

_WRONG_TOKEN = (
    "This token is not valid, or no longer: each start has its own, and the address that a browser was opened with "
    "lets in once."
)
_PAGE = Template("""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Segmentation workbench</title>
<style>
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; color: light-dark(#1f2937, #e5e7eb); }
body { display: grid; align-content: center; justify-items: center; min-height: 100vh; margin: 0; padding: 1rem; }
body, main { box-sizing: border-box; background: light-dark(#f3f4f6, #0b0f19); }
main { width: min(24rem, 100%); padding: 1.5rem 1.75rem; border-radius: 10px; background: light-dark(#fff, #1f2937); }
main, input { border: 1px solid light-dark(#d1d5db, #4b5563); }
h1 { margin: 0 0 .75rem; font-size: 1.5rem; font-weight: 400; }
label, input, button { display: block; width: 100%; box-sizing: border-box; font: inherit; }
input, button { margin: .25rem 0 1rem; padding: .5rem .6rem; border-radius: 6px; }
button { margin-bottom: 0; border: 1px solid #0f766e; background: #0f766e; color: #fff; cursor: pointer; }
:focus-visible { outline: 2px solid light-dark(#0f766e, #14b8a6); outline-offset: 1px; }
p[role=alert] { border-left: .25rem solid #c62828; padding-left: .75rem; }
</style>
<main>
<h1>Segmentation workbench</h1>
$alert
<form method="post" action="/login">
<input type="hidden" name="next" value="$next">
$fields
<button>Open</button>
</form>
$hint
</main>
</html>
""")
_TOKEN_FIELDS = """<p>Open the address that <code>workbench serve</code> printed, or enter its token.</p>
<label for="token">Token</label>
<input id="token" name="token" type="password" autocomplete="off" required autofocus>"""
_USER_FIELDS = """<label for="name">Name</label>
<input id="name" name="name" autocomplete="username" required autofocus>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required>"""


def is_token(security: Security, token: str) -> bool:
    """Tell whether this is the start-up token, in constant time."""
    return security.token is not None and hmac.compare_digest(token.encode(), security.token.encode())


def ask(security: Security, scope: Scope, *, wrong_token: bool = False) -> HTMLResponse:
    """Return the page that asks who is there, for any page of ours that was asked for."""
    query = urlsplit("?" + scope["query_string"].decode("latin-1")).query
    kept = "&".join(part for part in query.split("&") if part and not part.startswith("token="))
    target = quote(scope["path"]) + (f"?{kept}" if kept else "")
    followed = Headers(scope=scope).get("sec-fetch-site", "none") not in {"none", "same-origin"}
    told = _WRONG_TOKEN if wrong_token else ""
    return _page(security, target, told, 401, followed=followed)


def router(sessions: Sessions) -> APIRouter:
    """Return the routes of the door."""
    routes = APIRouter()
    door = _Door(sessions)
    routes.add_api_route(LOGIN_PATH, door.enter, methods=["POST"])
    routes.add_api_route(LOGIN_PATH, _go_in, methods=["GET"])
    routes.add_api_route("/logout", door.leave, methods=["POST"])
    return routes


class _Door:
    def __init__(self, sessions: Sessions) -> None:
        self.sessions = sessions
        self.attempts = Attempts()
        self.limiter = CapacityLimiter(_AT_ONCE)

    async def enter(self, request: Request) -> Response:
        """Let in who knows the token, or the password of a user."""
        security = self.sessions.security
        form = parse_qs((await request.body()).decode("utf-8", "replace"))
        given = {key: values[0] for key, values in form.items()}
        target = local_path(given.get("next", "/"))
        name = unicodedata.normalize("NFC", given.get("name", "")).strip()[:200]
        keys = [f"address {request.client.host if request.client else ''}"]
        if security.token is None:
            keys.append(f"name {name}")
        wait = self.attempts.begin(keys)
        if wait:
            page = _page(security, target, f"Too many attempts. Try again in {wait} seconds.", 429)
            page.headers["Retry-After"] = str(wait)
            return page
        user = None
        if security.token is None:
            check = partial(check_password, self.sessions.database, name, given.get("password", "")[:1000])
            user = await to_thread.run_sync(check, limiter=self.limiter)
            right = user is not None
        else:
            right = is_token(security, given.get("token", "").strip())
        if not right:
            wrong = "The token is wrong." if security.token is not None else "Name or password is wrong."
            return _page(security, target, wrong, 401)
        self.attempts.succeed(keys)
        response = RedirectResponse(target, 303)
        self.sessions.set_cookie(response, user, secure=request.url.scheme == "https")
        return response

    async def leave(self) -> Response:
        """Forget the session in this browser."""
        response = RedirectResponse("/", 303)
        response.delete_cookie(self.sessions.cookie, path="/", httponly=True, samesite="strict")
        response.headers["Clear-Site-Data"] = '"cache"'
        return response


async def _go_in() -> Response:
    return RedirectResponse("/", 303)


def local_path(target: str) -> str:
    r"""Return `target` where it is a page of this server, else the first page.

    Browsers take `//x`, `/\x` and a tab in between for another computer's address.
    """
    plain = target.isascii() and target.isprintable() and "\\" not in target and " " not in target
    return target if plain and target.startswith("/") and not target.startswith("//") else "/"


def _page(security: Security, target: str, alert: str, status: int, *, followed: bool = False) -> HTMLResponse:
    target = local_path(target)
    told = f'<p role="alert">{escape(alert)}</p>' if alert else ""
    # A browser keeps the cookie to itself on a link from another site; a click on our own link shows it.
    hint = f'<p>Already logged in? <a href="{escape(target)}">Continue</a>.</p>' if followed else ""
    fields = _TOKEN_FIELDS if security.token is not None else _USER_FIELDS
    body = _PAGE.substitute(alert=told, next=escape(target), fields=fields, hint=hint)
    headers = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-store"}
    return HTMLResponse(body, status, headers)
