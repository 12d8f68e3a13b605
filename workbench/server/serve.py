"""Runs the server: takes the port, starts uvicorn, says the address once it answers, opens the browser."""

from __future__ import annotations

import errno
import os
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import uvicorn

from db.errors import UserError
from db.home import Home
from db.session import Database
from labeling import project_trash
from training.allocation import share_heaps
from training.runs import trash as run_trash
from workbench.server.app import create_app
from workbench.server.security import Security, is_loopback, is_wildcard
from workbench.server.services import Services
from workbench.server.users import has_users

NO_BROWSER = "WORKBENCH_NO_BROWSER"
_GOODBYE_SECONDS = 2  # pages hold streams open for as long as they are; nobody waits for them


@dataclass(frozen=True)
class Address:
    """Where the server is reached. The url holds the start-up token, where there is one."""

    url: str
    host: str
    port: int


@dataclass(frozen=True)
class ServeRequest:
    """How to serve.

    Attributes:
        host: name or address to listen on.
        port: 0 takes a free one.
        import_root: as in `Services`; None is the user's home folder on loopback, and none elsewhere.
        allowed: further names by which browsers reach this server.
        project: the project to open, by its row; None opens the list.
        browser: open the browser, where there is one.
        behind_proxy: believe a reverse proxy on this computer who asks, and whether by https.
    """

    host: str = "127.0.0.1"
    port: int = 7860
    import_root: Path | None = None
    allowed: Sequence[str] = ()
    project: int | None = None
    browser: bool = True
    behind_proxy: bool = False


def serve(home: Home, database: Database, request: ServeRequest, announce: Callable[[Address], None]) -> None:
    """Serve until Ctrl-C or SIGTERM.

    Args:
        home: the workbench home.
        database: its database.
        request: how.
        announce: told the address as soon as the server answers.

    Raises:
        UserError: the port is taken, the host is none of this computer's, users are needed and there are none, or the
            import root is no folder.
    """
    loopback = is_loopback(request.host)
    if not loopback and not has_users(database):
        raise UserError(
            f"On {request.host} other computers reach the workbench, so it needs users, and there are none. Add one "
            "with `workbench users add NAME`, or leave out --host."
        )
    share_heaps()
    services = Services(home, database, import_root=_import_root(request, loopback=loopback), project=request.project)
    listening = _listen(request.host, request.port)
    with listening:
        security = Security.for_host(request.host, home, request.allowed)
        port = int(listening.getsockname()[1])
        address = Address(_url(request, port, security.token), request.host, port)
        services.uploads.sweep()
        project_trash.sweep_trash(database)
        run_trash.sweep_trash(home, database)

        def ready() -> None:
            announce(address)
            services.architectures.begin()
            if request.browser and loopback and _has_browser():
                # In a thread: a text browser in the terminal would hold up the server.
                opened = _url(request, port, security.code.make())
                threading.Thread(target=webbrowser.open, args=[opened], daemon=True).start()

        config = uvicorn.Config(
            create_app(services, security),
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=request.behind_proxy,
            forwarded_allow_ips=["127.0.0.1", "::1"],
            http="h11",  # whatever else is installed: it bounds the size of headers
            ws="none",
            timeout_graceful_shutdown=_GOODBYE_SECONDS,
        )
        try:
            with suppress(KeyboardInterrupt):  # raised again by uvicorn after it has shut down
                _Server(config, ready).run([listening])
        finally:
            services.architectures.end()


class _Server(uvicorn.Server):
    """A server that says when it answers."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()


def _import_root(request: ServeRequest, *, loopback: bool) -> Path | None:
    if request.import_root is None:
        return Path.home() if loopback else None
    root = request.import_root.expanduser().resolve()
    if not root.is_dir():
        raise UserError(f"--import-root needs a folder, found none at {root}.")
    return root


def _listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens, taken before the seconds that Gradio needs to load."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (socket.gaierror, UnicodeError) as error:
        raise UserError(
            f"There is no host {host!r} ({error}). Give --host a name or address of this computer."
        ) from None
    family, kind, protocol, _, address = found[0]
    listening = socket.socket(family, kind, protocol)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(address)
        listening.listen(128)
    except OSError as error:
        listening.close()
        raise _explain(error, host, port) from None
    return listening


def _explain(error: OSError, host: str, port: int) -> Exception:
    if error.errno == errno.EADDRINUSE:
        return UserError(
            f"Port {port} on {host} is taken, perhaps by a workbench that runs already. Open that one, or choose "
            f"another port: --port {_free_port()} is free."
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return UserError(f"{host} is no address of this computer. Give --host one of its own, or leave it out.")
    if error.errno == errno.EACCES:
        return UserError(f"Port {port} may be used by the system only. Choose one above 1023, such as --port 7860.")
    return error


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _url(request: ServeRequest, port: int, token: str | None) -> str:
    host = socket.gethostname() if is_wildcard(request.host) else request.host
    query = {} if request.project is None else {"project": str(request.project)}
    if token is not None:
        query["token"] = token
    path = "/" if request.project is None else "/data"
    return f"http://{f'[{host}]' if ':' in host else host}:{port}{path}" + (f"?{urlencode(query)}" if query else "")


def _has_browser() -> bool:
    """Tell whether somebody sits before this computer: a terminal, a screen, and no wish to the contrary."""
    screen = sys.platform == "darwin" or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
    return screen and sys.stderr.isatty() and not os.environ.get(NO_BROWSER)
