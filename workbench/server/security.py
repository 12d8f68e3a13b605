"""Who may use the server, decided once at its start."""

from __future__ import annotations

import hmac
import ipaddress
import os
import secrets
import socket
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from db.files import explain_os_errors, scratch_file, settle
from db.home import Home
from db.locks import hold

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
CODE_SECONDS = 300.0
_KEY_BYTES = 32
_KEY_FILE = "server.key"


@dataclass
class OneTimeCode:
    """Lets in once, within five minutes, whoever knows it.

    For the browser that the server opens: its address is an argument of a process, which every user of this computer
    may read for as long as the browser runs.
    """

    clock: Callable[[], float] = time.monotonic
    _value: str | None = None
    _until: float = 0.0

    def make(self) -> str:
        """Return a code; one made earlier is void."""
        self._value, self._until = secrets.token_urlsafe(32), self.clock() + CODE_SECONDS
        return self._value

    def take(self, given: str) -> bool:
        """Tell whether this is the code, in constant time; after that nothing is."""
        if self._value is None or not hmac.compare_digest(given.encode(), self._value.encode()):
            return False
        self._value = None
        return self.clock() < self._until


@dataclass(frozen=True)
class Security:
    """The rules of one server.

    Attributes:
        names: what the Host header may name, lower-case, without port and brackets.
        any_address: the Host header may also be any IP address, as the server listens on all of this computer's. A
            foreign page cannot pose as one: what DNS rebinding forges is a name.
        token: who knows it is let in (loopback); None asks for a user's name and password instead.
        code: stands for the token once.
        key: signs the sessions; each home has its own, so they outlive a restart.
    """

    names: frozenset[str]
    key: bytes = field(repr=False)
    token: str | None = field(repr=False)
    any_address: bool = False
    code: OneTimeCode = field(default_factory=OneTimeCode, repr=False, compare=False)

    @classmethod
    def for_host(cls, host: str, home: Home, allowed: Iterable[str] = ()) -> Security:
        """Return the rules of a server that listens on `host`; `allowed` are further names it is reached by.

        Raises:
            UserError: the key of the home cannot be written.
        """
        names = {host.lower(), *LOOPBACK_NAMES, *(name.lower() for name in allowed)}
        everywhere = is_wildcard(host)
        if everywhere:
            names.add(socket.gethostname().lower())
        token = secrets.token_urlsafe(32) if is_loopback(host) else None
        return cls(names=frozenset(names), key=_load_key(home), token=token, any_address=everywhere)

    def admits_host(self, header: str | None) -> bool:
        """Tell whether a Host header names this server."""
        name = host_name(header or "")
        return name in self.names or (self.any_address and _address(name) is not None)


def host_name(header: str) -> str:
    """Return the name in a Host header: lower-case, without the port and an IPv6 address's brackets."""
    name = header.strip().lower()
    if name.startswith("["):
        return name[1:].partition("]")[0]
    return name.partition(":")[0]


def is_loopback(host: str) -> bool:
    """Tell whether only this computer reaches a server that listens on `host`."""
    address = _address(host)
    return host.lower() == "localhost" or (address is not None and address.is_loopback)


def is_wildcard(host: str) -> bool:
    """Tell whether `host` stands for all addresses of this computer."""
    address = _address(host)
    return not host or (address is not None and address.is_unspecified)


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None


def _load_key(home: Home) -> bytes:
    """Return the home's key, made on first use, readable by its owner only."""
    path = home.path / _KEY_FILE
    # Under a lock: of two servers that start at once, one would go on with a key that the other has replaced.
    with explain_os_errors(home.path), hold(home.locks / "server.lock", wait=True):
        key = _read_key(path)
        if key is None:
            key = secrets.token_bytes(_KEY_BYTES)
            with scratch_file(home.path, mode=0o600) as file:
                file.write(key)
                settle(file, path)
        return key


def _read_key(path: Path) -> bytes | None:
    """Return what the file holds, None where it is absent or no key."""
    try:
        with path.open("rb") as file:
            os.fchmod(file.fileno(), 0o600)
            key = file.read()
    except FileNotFoundError:
        return None
    return key if len(key) == _KEY_BYTES else None
