"""A server to ask in tests, without a socket, by a visitor who is logged in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from db.home import Home
from db.session import open_database
from workbench.server.app import create_app
from workbench.server.security import Security
from workbench.server.services import Services
from workbench.server.sessions import Sessions

ADDRESS = "http://127.0.0.1:7860"


def serve(home: Home, import_root: Path | None = None, **options: Any) -> Services:
    """Return the services of a home, which is made where it is missing."""
    return Services(home=home, database=open_database(home), import_root=import_root, **options)


def visitor(
    services: Services,
    host: str = "127.0.0.1",
    *,
    logged_in: bool = True,
    ui: bool = False,
    security: Security | None = None,
) -> TestClient:
    """Return a client of the server's app; what it sends counts as sent by our own JavaScript."""
    security = security or Security.for_host(host, services.home)
    headers = {"X-Workbench": "1"}
    app = create_app(services, security, ui=ui)
    client = TestClient(app, ADDRESS, headers=headers, raise_server_exceptions=False, follow_redirects=False)
    if logged_in:
        sessions = Sessions(security, services.database)
        client.cookies.set(sessions.cookie, sessions.begin(None))
    return client
