import asyncio
import time
from dataclasses import replace

import pytest
from fastapi import APIRouter, Request
from starlette.responses import StreamingResponse

from db.errors import NotFoundError, UserError
from db.home import Home
from tests.support.loops import run_apart
from tests.support.server import ADDRESS, serve, visitor
from workbench.server import app as app_module
from workbench.server import guard as guard_module
from workbench.server.app import create_app
from workbench.server.security import Security, is_loopback
from workbench.server.sessions import Sessions

HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


def probe(services):
    """Routes that fail in every way, read a body, and stream."""
    routes = APIRouter()

    @routes.get("/api/probe/{how}")
    def fail(how: str) -> dict[str, str]:
        if how == "user":
            raise UserError(f"Nothing in {services.home.path}/photos; look elsewhere")
        if how == "missing":
            raise NotFoundError("There is no probe 7.")
        if how == "bug":
            raise ArithmeticError(f"secret of {services.home.path}")
        if how == "bytes":
            raise UserError("No photo caf\udce9.jpg")
        if how == "overflow":
            float(10**400)
        return {"how": how}

    @routes.get("/api/probe/number/{number}")
    def number(number: int) -> int:
        return number

    @routes.post("/page")
    @routes.post("/api/body")
    async def body(request: Request) -> int:
        return len(await request.body())

    @routes.get("/stream")
    def stream() -> StreamingResponse:
        async def pieces():
            yield b"first"
            await asyncio.sleep(3600)

        return StreamingResponse(pieces())

    return routes


@pytest.fixture
def services(tmp_path, monkeypatch):
    monkeypatch.setattr(app_module, "ROUTERS", (*app_module.ROUTERS, probe))
    return serve(Home(tmp_path / "home"))


@pytest.fixture
def inside(services):
    return visitor(services)


@pytest.fixture
def outside(services):
    return visitor(services, logged_in=False)


@pytest.mark.parametrize("host", ["127.0.0.1:7860", "localhost", "LOCALHOST:7860", "[::1]:7860", "127.0.0.1"])
def test_the_names_of_this_computer_are_served(inside, host):
    assert inside.get("/api/probe/fine", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:7860", "127.0.0.1.evil.example", "localhost.evil.example", "192.168.1.5", ""]
)
@pytest.mark.parametrize("path", ["/api/probe/fine", "/", "/static-wb/api.js", "/login"])
def test_any_other_name_is_refused(inside, host, path):
    assert inside.get(path, headers={"host": host}).status_code == 421


def test_a_server_for_others_answers_to_its_names_and_where_it_listens_everywhere_to_numbers(tmp_path):
    home = Home(tmp_path / "home")
    home.ensure()
    one = Security.for_host("lab.example", home, ["Proxy.example"])
    assert [one.admits_host(name) for name in ("LAB.example:80", "proxy.example", "10.0.0.7")] == [True, True, False]
    every = Security.for_host("0.0.0.0", home)
    assert [every.admits_host(name) for name in ("10.0.0.7:7860", "[fe80::1]:7860", "evil.example")] == [
        True,
        True,
        False,
    ]
    assert every.token is None
    assert one.token is None


@pytest.mark.parametrize(
    ("host", "is_so"),
    [
        *((name, True) for name in ("localhost", "LOCALHOST", "127.0.0.1", "127.8.8.8", "::1")),
        *((name, False) for name in ("0.0.0.0", "::", "", "10.0.0.1", "localhost.evil.example")),
    ],
)
def test_loopback_is_what_only_this_computer_reaches(host, is_so):
    assert is_loopback(host) is is_so


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://["},
        {"origin": "http://127.0.0.1:3000"},
        {"origin": "http://localhost:7860"},
        {"origin": "http://127.0.0.1:7860.evil.example"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"},
    ],
)
@pytest.mark.parametrize("path", ["/api/body", "/page", "/login", "/logout", "/gradio_api/upload"])
def test_another_sites_page_changes_nothing(inside, headers, path):
    answer = inside.post(path, headers=headers)
    assert answer.status_code == 403
    assert "Another site's page" in answer.json()["error"]


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_sites_page_embeds_nothing_but_may_link_to_a_page(inside, site):
    image = {"sec-fetch-site": site, "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"}
    frame = {"sec-fetch-site": site, "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"}
    link = {"sec-fetch-site": site, "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    found = [inside.get("/api/probe/fine", headers=headers).status_code for headers in (image, frame, link)]
    assert found == [403, 403, 200]


def test_our_own_page_and_programs_change_things(inside):
    own = {"origin": ADDRESS, "sec-fetch-site": "same-origin"}
    assert inside.post("/api/body", headers=own, content=b"abc").json() == 3
    assert inside.post("/api/body", content=b"abc").json() == 3


@pytest.mark.parametrize("value", [None, "0", ""])
def test_the_api_is_changed_only_with_our_header(inside, value):
    del inside.headers["X-Workbench"]
    headers = {} if value is None else {"X-Workbench": value}
    answer = inside.post("/api/body", headers=headers)
    assert (answer.status_code, "X-Workbench: 1" in answer.json()["error"]) == (403, True)
    assert inside.post("/page", headers=headers).status_code == 200  # Gradio's own requests have none


@pytest.mark.parametrize("path", ["/api/probe/fine", "/api/uploads", "/gradio_api/info", "/api/nothing"])
def test_without_a_session_data_are_refused(outside, path):
    for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS"):
        answer = outside.request(method, path)
        assert (answer.status_code, list(answer.json())) == (401, ["error"])


@pytest.mark.parametrize("path", ["/", "/data", "/static-wb/api.js", "/project/1/run/2", "/login", "/nothing", "//x"])
def test_without_a_session_pages_ask_who_is_there(outside, path):
    answer = outside.get(path)
    assert answer.status_code == 401
    assert '<form method="post" action="/login">' in answer.text
    assert "http" not in answer.text.replace("http-equiv", "")  # nothing from elsewhere
    assert outside.head(path).status_code == 401
    assert outside.post(path if path != "/login" else "/logout").status_code == 401


def cookie(services, **changes):
    security = Security.for_host("127.0.0.1", services.home)
    sessions = Sessions(replace(security, **changes), services.database)
    return sessions.cookie, sessions.begin(None)


def test_a_session_outlives_a_restart(services, outside):
    name, value = cookie(services)  # of another server of this home, with another token
    outside.cookies.set(name, value)
    assert outside.get("/api/probe/fine").status_code == 200


@pytest.mark.parametrize(
    "forge",
    [
        lambda value: value[:-1] + ("0" if value[-1] != "0" else "1"),
        lambda value: "1" + value[1:],
        lambda value: value.replace(".", ".9", 1),
        lambda value: "..." + value,
        lambda value: value.rpartition(".")[0] + ".",
        lambda value: value + "x" * 5000,
        lambda value: "ä" + value[1:],
        lambda value: "",
        lambda value: "0.99999999999.00000000." + "0" * 64,
    ],
)
def test_a_forged_session_is_none(services, outside, forge):
    name, value = cookie(services)
    forged = f"{name}={forge(value)}".encode()
    assert outside.get("/api/probe/fine", headers={"cookie": forged}).status_code == 401


def test_a_session_signed_by_another_key_is_none(services, outside):
    name, _ = cookie(services)
    _, value = cookie(services, key=b"k" * 32)
    outside.cookies.set(name, value)
    assert outside.get("/api/probe/fine").status_code == 401


def test_a_session_expires_after_thirty_days(services, inside, monkeypatch):
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 29.9 * 86400)
    assert inside.get("/api/probe/fine").status_code == 200
    monkeypatch.setattr(time, "time", lambda: now + 30.1 * 86400)
    assert inside.get("/api/probe/fine").status_code == 401


def test_the_key_is_its_owners_alone(services, inside):
    assert (services.home.path / "server.key").stat().st_mode & 0o777 == 0o600


def test_every_answer_has_the_headers(services, inside, outside):
    paths = ["/", "/login", "/static-wb/api.js", "/static-wb/nothing", "/project/1", "/nothing", "/?token=x"]
    probes = ["fine", "user", "missing", "bug", "number/x"]
    asked = [client.get(path) for client in (inside, outside) for path in paths]
    asked += [inside.get(f"/api/probe/{how}") for how in probes]
    asked += [inside.get("/", headers={"host": "evil.example"}), inside.post("/page", headers={"origin": "null"})]
    asked += [inside.post("/api/body", headers={"content-length": "99999999999"}), inside.post("/logout")]
    assert {answer.status_code for answer in asked} == {200, 303, 400, 401, 403, 404, 413, 421, 500}
    for answer in asked:
        assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS, answer.url
        policy = answer.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in policy
        assert "http" not in policy
        assert "*" not in policy
        if answer.url.path.startswith("/api/"):
            assert policy.startswith("default-src 'none'")


def test_where_who_asks_cannot_be_looked_up_the_answer_is_ours_too(inside, monkeypatch, caplog):
    def locked(*_):
        raise RuntimeError("database is locked")

    monkeypatch.setattr(Sessions, "admits", locked)
    answer = inside.get("/api/probe/%0A%1B[2J")
    assert (answer.status_code, list(answer.json())) == (500, ["error"])
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
    assert caplog.records[-1].getMessage() == r"GET '/api/probe/\n\x1b[2J' failed"


def test_errors_are_json_without_the_folders_of_this_computer(services, inside):
    asked = {how: inside.get(f"/api/probe/{how}") for how in ("user", "missing", "bug", "number/x", "number/1/2")}
    assert {how: answer.status_code for how, answer in asked.items()} == {
        "user": 400,
        "missing": 404,
        "bug": 500,
        "number/x": 400,
        "number/1/2": 404,
    }
    assert asked["user"].json() == {"error": "Nothing in (home)/photos; look elsewhere"}
    assert asked["number/x"].json()["error"].startswith("number: ")
    for answer in asked.values():
        assert list(answer.json()) == ["error"]
        assert str(services.home.path) not in answer.text


@pytest.mark.parametrize("path", ["projects/{}/gallery", "runs/{}", "evaluations/{}", "projects/{}/images/1/photo"])
def test_a_number_larger_than_any_is_not_found(inside, path):
    answer = inside.get(f"/api/{path}".format(10**25))
    assert (answer.status_code, list(answer.json())) == (404, ["error"])


def test_other_overflows_are_faults_of_ours(inside):
    assert inside.get("/api/probe/overflow").status_code == 500


def test_names_that_are_no_text_are_told(inside):
    assert inside.get("/api/probe/bytes").json() == {"error": r"No photo caf\udce9.jpg"}


def test_a_body_that_says_it_is_too_large_is_refused_unread(inside, monkeypatch):
    monkeypatch.setattr(guard_module, "_BODY_LIMIT", 1000)
    assert inside.post("/api/body", content=bytes(1000)).json() == 1000
    assert inside.post("/api/body", content=bytes(1001)).status_code == 413
    assert inside.post("/api/body", headers={"content-length": "9" * 40}).status_code == 413
    assert inside.post("/api/body", headers={"content-length": "-1"}).status_code == 400


def test_json_is_short_and_photos_may_be_large(inside):
    assert inside.post("/api/body", content=bytes(4 * guard_module.MIB)).json() == 4 * guard_module.MIB
    answer = inside.post("/api/body", content=bytes(4 * guard_module.MIB + 1))
    assert (answer.status_code, answer.json()) == (413, {"error": "The request is larger than 4 MiB."})
    photo = bytes(5 * guard_module.MIB)
    assert inside.post("/api/projects/9/try?model=1", content=photo).status_code == 404  # read, and there is no project
    assert inside.post("/api/projects/9/try/x?model=1", content=photo).status_code == 413


def test_a_body_that_says_nothing_is_counted(inside, monkeypatch):
    monkeypatch.setattr(guard_module, "_BODY_LIMIT", 1000)
    assert inside.post("/api/body", content=iter([bytes(500), bytes(500)])).json() == 1000
    answer = inside.post("/api/body", content=iter([bytes(500), bytes(501)]))
    assert answer.status_code == 413
    assert "too large" in answer.json()["error"]


def test_a_websocket_needs_all_of_it_too(services):
    async def ask(headers):
        sent = []

        async def send(message):
            sent.append(message["type"])

        async def receive():
            return {"type": "websocket.connect"}

        app = create_app(services, Security.for_host("127.0.0.1", services.home), ui=False)
        scope = {"type": "websocket", "path": "/ws", "raw_path": b"/ws", "query_string": b"", "scheme": "ws"}
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        await app(scope | {"headers": raw, "subprotocols": [], "app": app}, receive, send)
        return sent

    name, value = cookie(services)
    for headers in (
        {"host": "127.0.0.1:7860"},
        {"host": "evil.example", "cookie": f"{name}={value}"},
        {"host": "127.0.0.1:7860", "cookie": f"{name}={value}", "origin": "http://evil.example"},
    ):
        assert run_apart(ask(headers)) == ["websocket.close"]


def test_a_stream_passes_piece_by_piece(services):
    """The first piece is there although the second never comes."""

    async def first_piece():
        app = create_app(services, Security.for_host("127.0.0.1", services.home), ui=False)
        name, value = cookie(services)
        arrived = asyncio.Event()
        pieces = []

        async def send(message):
            if message["type"] == "http.response.body":
                pieces.append(message["body"])
                arrived.set()

        async def receive():
            await asyncio.sleep(3600)

        headers = [(b"host", b"127.0.0.1"), (b"cookie", f"{name}={value}".encode())]
        scope = {"type": "http", "method": "GET", "path": "/stream", "raw_path": b"/stream", "query_string": b""}
        scope |= {"headers": headers, "scheme": "http", "http_version": "1.1", "client": ("127.0.0.1", 1)}
        task = asyncio.create_task(app(scope, receive, send))
        await asyncio.wait_for(arrived.wait(), 30)
        task.cancel()
        return pieces

    assert run_apart(first_piece()) == [b"first"]


def test_addresses_in_other_forms_do_not_pass_the_guard(outside):
    for path in (
        "/api%2Fprobe/fine",
        "/%61pi/probe/fine",
        "/./api/probe/fine",
        "/x/../api/probe/fine",
        "/API/probe/fine",
    ):
        answer = outside.get(path)
        assert answer.status_code == 401


def test_what_is_not_there_is_said_as_everything_else_is(services):
    client = visitor(services)
    for method, path in (("GET", "/api/nothing"), ("POST", "/api/tasks/1/fly"), ("DELETE", "/api/projects/../x")):
        answer = client.request(method, path)
        assert (answer.status_code, list(answer.json())) == (404, ["error"])


def test_head_is_answered_as_get_is(services):
    client = visitor(services)
    assert client.head("/api/tasks").status_code == client.get("/api/tasks").status_code == 200
    kinds = [ask("/static-wb/wb.css").headers["content-type"] for ask in (client.head, client.get)]
    assert kinds[0] == kinds[1]
    assert client.head("/api/nothing").status_code == 404
