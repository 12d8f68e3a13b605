"""Users of a server that other computers reach: added and removed with `workbench users`, checked at the login."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import unicodedata
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.errors import NotFoundError, UserError
from db.schema import User
from db.session import Database
from labeling.names import clean_name

MIN_PASSWORD = 10
MAX_PASSWORD = 1000

# scrypt with 32 MiB, three times over: what OWASP's password storage page asks for, about a third of a second.
_N, _R, _P = 2**15, 8, 3
_SALT_BYTES = _HASH_BYTES = 32


@dataclass(frozen=True)
class UserInfo:
    """A user as lists show them."""

    name: str
    created_at: datetime


def set_user(database: Database, name: str, password: str) -> bool:
    """Add a user, or give one another password, which ends their sessions. Return whether they are new.

    Raises:
        UserError: the name is not one, or the password is too short or too long.
    """
    cleaned = clean_name(unicodedata.normalize("NFC", name), "user")
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise UserError(
            f"A password has {MIN_PASSWORD} to {MAX_PASSWORD} characters, this one has {len(password)}. A few random "
            "words make a good one."
        )
    hashed = hash_password(password)
    with database.write() as session:
        user = _find(session, cleaned)
        if user is None:
            session.add(User(name=cleaned, password=hashed))
            return True
        user.password = hashed
        return False


def list_users(database: Database) -> list[UserInfo]:
    """Return the users by name."""
    with database.read() as session:
        return [UserInfo(user.name, user.created_at) for user in session.scalars(select(User).order_by(User.name))]


def remove_user(database: Database, name: str) -> None:
    """Remove a user, which ends their sessions.

    Raises:
        NotFoundError: there is none of this name.
    """
    with database.write() as session:
        user = _find(session, name)
        if user is None:
            known = ", ".join(session.scalars(select(User.name).order_by(User.name))) or "none yet"
            raise NotFoundError(f"There is no user {name!r}. Users: {known}.")
        session.delete(user)


def has_users(database: Database) -> bool:
    """Tell whether there is any user."""
    with database.read() as session:
        return session.scalar(select(User.id).limit(1)) is not None


def check_password(database: Database, name: str, password: str) -> tuple[int, str] | None:
    """Return the user's id and what is stored of the password where both are right, None where they are not.

    A name that nobody has takes as long as a wrong password.
    """
    with database.read() as session:
        user = _find(session, name)
    stored = user.password if user is not None else _record(bytes(_SALT_BYTES), bytes(_HASH_BYTES))
    right = matches(password, stored)
    return (user.id, user.password) if user is not None and right else None


def stored_password(database: Database, user_id: int) -> str | None:
    """Return what is stored of a user's password, None where there is no such user (any more)."""
    with database.read() as session:
        return session.scalar(select(User.password).where(User.id == user_id))


def hash_password(password: str) -> str:
    """Return what is stored of a password: `scrypt$n$r$p$salt$hash`, the last two in base64."""
    salt = secrets.token_bytes(_SALT_BYTES)
    return _record(salt, _scrypt(password, salt, _N, _R, _P))


def matches(password: str, stored: str) -> bool:
    """Tell whether `password` is the one of which `stored` is stored, with the parameters it was stored with."""
    _, n, r, p, salt, hashed = stored.split("$")
    found = _scrypt(password, base64.b64decode(salt), int(n), int(r), int(p))
    return hmac.compare_digest(found, base64.b64decode(hashed))


def _record(salt: bytes, hashed: bytes) -> str:
    return "$".join(("scrypt", str(_N), str(_R), str(_P), _encode(salt), _encode(hashed)))


def _scrypt(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    # The same password may be typed composed or decomposed, as the keyboard and the system have it.
    typed = unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")
    return hashlib.scrypt(typed, salt=salt, n=n, r=r, p=p, maxmem=256 * n * r, dklen=_HASH_BYTES)


def _encode(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")


def _find(session: Session, name: str) -> User | None:
    return session.scalar(select(User).where(User.name == unicodedata.normalize("NFC", name).strip()))
