"""What Gradio does when it is mounted by us: what it serves, what it takes, and what it leaves alone."""

import os
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from db.home import Home
from tests.support.server import ADDRESS, serve
from workbench.server.guard import Guard
from workbench.server.mounting import mount_pages, prepare_gradio
from workbench.server.security import Security
from workbench.server.sessions import Sessions


@pytest.fixture(scope="module")
def mounted(tmp_path_factory):
    """A tiny page with a file field, its client, a secret file outside, and Gradio's folder."""
    folder = tmp_path_factory.mktemp("mounted")
    services = serve(Home(folder / "home"))
    before = dict(os.environ)
    prepare_gradio(services)
    import gradio

    secret = folder / "secret.txt"
    secret.write_text("secret")
    with gradio.Blocks(analytics_enabled=False) as blocks:
        given, told, back = gradio.File(), gradio.Textbox(), gradio.File()
        given.upload(lambda path: Path(path).read_text(), given, told, api_name="read", queue=False)
        told.change(lambda _: "/etc/hostname", told, back, api_name="leak", queue=False)
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    mount_pages(app, blocks)
    security = Security.for_host("127.0.0.1", services.home)
    sessions = Sessions(security, services.database)
    app.add_middleware(Guard, sessions=sessions, upload_limit=1000)
    with TestClient(app, ADDRESS, raise_server_exceptions=False) as client:
        client.cookies.set(sessions.cookie, sessions.begin(None))
        yield client, secret, services.cache / "gradio"
    os.environ.clear()
    os.environ.update(before)


def read(client, path):
    data = {"path": str(path), "meta": {"_type": "gradio.FileData"}, "orig_name": "a.txt"}
    return client.post("/gradio_api/run/read", json={"data": [data]})


def test_a_file_that_a_client_uploaded_is_read(mounted):
    client, _, folder = mounted
    [path] = client.post("/gradio_api/upload", files={"files": ("a.txt", b"mine")}).json()
    assert path.startswith(str(folder))
    answer = read(client, path)
    assert (answer.status_code, answer.json()["data"]) == (200, ["mine"])


def test_a_file_that_a_client_only_names_is_refused(mounted):
    client, secret, folder = mounted
    for path in (secret, f"{folder}/../../../secret.txt", "/etc/passwd", __file__):
        answer = read(client, path)
        assert answer.status_code != 200
        assert "secret" not in answer.text
        assert "root:" not in answer.text


def test_a_path_that_a_handler_returns_is_not_served_outside_the_cache(mounted):
    client, secret, _ = mounted
    assert client.post("/gradio_api/run/leak", json={"data": ["x"]}).status_code != 200
    for path in (f"/gradio_api/file={secret}", "/gradio_api/file=/etc/passwd", f"/gradio_api/file={__file__}"):
        answer = client.get(path)
        assert answer.status_code in {403, 404}
        assert answer.text != "secret"


def test_the_page_comes_behind_the_guard_with_its_headers_and_without_telemetry(mounted):
    client, _, _ = mounted
    page = client.get("/")
    assert page.status_code == 200
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    config = client.get("/config").json()
    assert config["analytics_enabled"] is False
    assert os.environ["GRADIO_ANALYTICS_ENABLED"] == "False"
    stranger = TestClient(client.app, ADDRESS)
    for path in ("/", "/config", "/gradio_api/info", "/theme.css", "/assets/index.js"):
        assert stranger.get(path).status_code == 401


def test_nothing_of_fastapis_own_pages_is_there(mounted):
    client, _, _ = mounted
    for path in ("/docs", "/redoc", "/openapi.json"):
        answer = client.get(path)
        assert "swagger" not in answer.text.lower()
        assert "redoc" not in answer.text.lower()
        assert '"openapi"' not in answer.text


def test_another_sites_page_cannot_upload(mounted):
    client, _, folder = mounted
    before = sorted(folder.rglob("*"))
    answer = client.post(
        "/gradio_api/upload", files={"files": ("a.txt", b"x")}, headers={"origin": "https://evil.example"}
    )
    assert answer.status_code == 403
    assert sorted(folder.rglob("*")) == before


def test_pages_of_long_ago_are_forgotten():
    import gradio

    with gradio.Blocks(analytics_enabled=False) as blocks:
        gradio.Textbox()
    mount_pages(FastAPI(), blocks)
    sessions = blocks.state_holder
    for number in range(600):
        assert sessions[f"page {number}"]
    assert "page 599" in sessions
    assert "page 0" not in sessions
