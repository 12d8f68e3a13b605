"""Sessions: a cookie that says who is in and until when, signed with the home's key.

Nothing is stored, so a restarted server logs nobody out. The signature covers what is stored of the user's password:
a session ends when the password changes or the user is removed.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from dataclasses import dataclass

from starlette.responses import Response

from db.session import Database
from workbench.server.security import Security
from workbench.server.users import stored_password

DAYS = 30
_BY_TOKEN = 0  # in a user's place: who came by the start-up token
# Not longer than what the database takes for a number, nor than a clock will ever show.
_VALUE = re.compile(
    r"(?P<claim>(?P<user>[0-9]{1,18})\.(?P<until>[0-9]{1,18})\.[0-9a-f]{8})\.(?P<signature>[0-9a-f]{64})"
)


@dataclass(frozen=True)
class Sessions:
    """The sessions of one server."""

    security: Security
    database: Database

    @property
    def cookie(self) -> str:
        """The cookie's name. Browsers do not tell ports apart, so each home has its own."""
        return f"workbench-{hmac.digest(self.security.key, b'cookie', 'sha256').hex()[:8]}"

    def begin(self, user: tuple[int, str] | None) -> str:
        """Return the cookie's value of a new session.

        Args:
            user: id and what is stored of the password; None for who came by the token.
        """
        number, stored = user or (_BY_TOKEN, "")
        # The nonce makes two sessions of one second differ.
        claim = f"{number}.{int(time.time()) + DAYS * 86400}.{secrets.token_hex(4)}"
        return f"{claim}.{self._sign(claim, stored)}"

    def admits(self, value: str | None) -> bool:
        """Tell whether a cookie's value is one of ours, still valid, and of the kind that this server asks for.

        It may read the database: call it off the event loop where users log in.
        """
        parts = _VALUE.fullmatch(value or "")
        if parts is None:
            return False
        claim, signature = parts["claim"], parts["signature"]
        user, expires = int(parts["user"]), int(parts["until"])
        stored: str | None
        if self.security.token is not None:
            stored = "" if user == _BY_TOKEN else None
        else:
            stored = stored_password(self.database, user) if user != _BY_TOKEN else None
        right = hmac.compare_digest(signature, self._sign(claim, stored or ""))
        return right and stored is not None and time.time() < expires

    def set_cookie(self, response: Response, user: tuple[int, str] | None, *, secure: bool) -> None:
        """Give a response the cookie of a new session. `secure`: the page came by https."""
        response.set_cookie(
            self.cookie,
            self.begin(user),
            max_age=DAYS * 86400,
            path="/",
            httponly=True,
            samesite="strict",
            secure=secure,
        )

    def _sign(self, claim: str, stored: str) -> str:
        return hmac.new(self.security.key, f"session\n{claim}\n{stored}".encode(), hashlib.sha256).hexdigest()
