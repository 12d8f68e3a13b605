"""What a client other than our pages can call."""

import pytest

from db.home import Home
from tests.support.server import serve, visitor


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    services = serve(Home(tmp_path_factory.mktemp("endpoints") / "home"))
    return visitor(services, ui=True)


def test_gradio_offers_nothing_by_name_or_number(app):
    answer = app.get("/gradio_api/info")
    assert answer.status_code == 200
    assert answer.json() == {"named_endpoints": {}, "unnamed_endpoints": {}}


def test_no_page_holds_a_connection_open(app):
    """A browser has six for all its tabs; see `workbench.ui.components.widget.kept_number`."""
    assert app.get("/config").json()["connect_heartbeat"] is False


def test_every_address_is_of_a_known_family(app):
    """A new family of routes is a decision: it stands here."""
    families = {path.split("{")[0].rstrip("/") for path in _paths(app)}
    assert families == {
        "/api/architectures",
        "/api/beside",
        "/api/devices",
        "/api/evaluations",
        "/api/evaluations/compare/several",
        "/api/evaluations/compare/several/images",
        "/api/evaluations/compare/several/models",
        "/api/evaluations/compare/several/start",
        "/api/imports",
        "/api/projects",
        "/api/runs",
        "/api/sources",
        "/api/storage",
        "/api/storage/backup",
        "/api/storage/backups",
        "/api/storage/doctor",
        "/api/storage/free",
        "/api/tasks",
        "/api/tried",
        "/api/uploads",
        "/login",
        "/logout",
        "/project",
        "/static-wb",
    }


def _paths(app):
    return app.app.openapi()["paths"]
