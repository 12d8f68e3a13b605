"""`workbench serve` and `workbench users` as others meet them: processes of their own."""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from urllib.parse import parse_qs, urlsplit

import pytest

from db.errors import UserError
from db.home import Home
from db.session import open_database
from tests.support.cli import Workbench, answer
from workbench.server.serve import ServeRequest, serve
from workbench.server.users import check_password, set_user

httpx = pytest.importorskip("httpx")
SECONDS = 240


@contextmanager
def serving(bench, *arguments):
    """Start a server, wait for the object it prints, and end it as Ctrl-C does."""
    process = bench.start("serve", "--json", "--no-browser", "--port", "0", *arguments)
    try:
        assert process.stdout is not None
        ready, _, _ = select.select([process.stdout], [], [], SECONDS)
        line = process.stdout.readline() if ready else ""
        assert line, answer(process, 10).err
        yield json.loads(line), process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        said = answer(process, SECONDS)
    assert (said.code, said.out) == (0, ""), said.err
    assert "Traceback" not in said.err


@pytest.mark.slow
def test_a_running_server_lets_in_who_has_the_token_refuses_others_and_keeps_its_port(tmp_path):
    bench = Workbench(tmp_path)
    with serving(bench) as (told, _):
        assert sorted(told) == ["host", "port", "url"]
        url = urlsplit(told["url"])
        assert (url.hostname, url.port, told["host"]) == ("127.0.0.1", told["port"], "127.0.0.1")
        assert len(parse_qs(url.query)["token"][0]) >= 40
        base = f"http://127.0.0.1:{told['port']}"
        with httpx.Client(base_url=base, timeout=SECONDS) as client:
            assert client.get("/").status_code == 401
            assert client.get("/api/uploads/x").status_code == 401
            assert client.get("/", headers={"host": "evil.example"}).status_code == 421
            entered = client.get(told["url"], follow_redirects=True)
            assert (entered.status_code, str(entered.url)) == (200, f"{base}/")
            assert "gradio" in entered.text
            assert "server" not in entered.headers
            upload = client.post("/api/uploads", headers={"X-Workbench": "1"}).json()["upload"]
            sent = client.put(f"/api/uploads/{upload}/files?path=a/b.jpg", content=b"x", headers={"X-Workbench": "1"})
            assert sent.json() == {"path": "a/b.jpg", "bytes": 1}
        second = bench.run("serve", "--no-browser", "--port", told["port"], "--json")
        assert second.code == 2
        assert f"Port {told['port']} on 127.0.0.1 is taken" in second.object["error"]
        assert "--port" in second.object["error"]


@pytest.mark.slow
def test_the_opened_browser_gets_an_address_that_lets_in_once(tmp_path):
    """Its command line is there for all users of the computer to read, for as long as it runs."""
    script, opened = tmp_path / "browser", tmp_path / "opened"
    script.write_text(f'#!/bin/sh\necho "$1" > {opened}.part\nmv {opened}.part {opened}\n')
    script.chmod(0o755)
    bench = Workbench(tmp_path)
    terminal, ours = os.openpty()
    seen = {"BROWSER": str(script), "DISPLAY": ":0", "WORKBENCH_NO_BROWSER": ""}
    command = [sys.executable, "-P", "-m", "workbench.cli", "serve", "--json", "--port", "0"]
    with os.fdopen(terminal, "rb"), os.fdopen(ours, "wb") as stderr:
        process = subprocess.Popen(
            command, env=bench.environment | seen, stdout=subprocess.PIPE, stderr=stderr, text=True, cwd=tmp_path
        )
        try:
            assert process.stdout is not None
            ready, _, _ = select.select([process.stdout], [], [], SECONDS)
            printed = json.loads(process.stdout.readline() if ready else "")["url"]
            deadline = time.monotonic() + SECONDS
            while not opened.exists():
                assert time.monotonic() < deadline
                time.sleep(0.05)
            address = opened.read_text().strip()
            tokens = [parse_qs(urlsplit(each).query).pop("token")[0] for each in (printed, address)]
            assert tokens[0] != tokens[1]
            assert printed.partition("?")[0] == address.partition("?")[0]
            answers = [httpx.get(each, timeout=SECONDS).status_code for each in (address, address, printed, printed)]
            assert answers == [303, 401, 303, 303]
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=SECONDS)


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path / "home")


def refuse(home, **options):
    with pytest.raises(UserError) as caught:
        serve(home, open_database(home), ServeRequest(port=0, **options), lambda _: None)
    return str(caught.value)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "lab.example"])
def test_a_server_for_others_needs_users_first(home, host):
    assert "workbench users add NAME" in refuse(home, host=host)


def test_a_host_that_is_not_this_computer_is_said(home):
    set_user(open_database(home), "anna", "a good password")
    assert "no address of this computer" in refuse(home, host="192.0.2.1")


def test_an_import_root_that_is_no_folder_is_said(home, tmp_path):
    assert "--import-root needs a folder" in refuse(home, import_root=tmp_path / "nothing")


def test_a_free_port_is_suggested(home):
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UserError, match=rf"Port {port} .* is taken.* --port (\d+) is free") as caught:
            serve(home, open_database(home), ServeRequest(port=port), lambda _: None)
    free = int(str(caught.value).rpartition("--port ")[2].split()[0])
    socket.create_server(("127.0.0.1", free)).close()


def test_users_are_added_listed_and_removed(tmp_path):
    bench = Workbench(tmp_path)

    def add(password):
        command = [sys.executable, "-P", "-m", "workbench.cli", "users", "add", "anna", "--password-stdin", "--json"]
        return subprocess.run(
            command, cwd=tmp_path, env=bench.environment, input=password, capture_output=True, text=True, check=False
        )

    assert json.loads(add("a good password\n").stdout) == {"user": "anna", "new": True}
    assert json.loads(add("another password\n").stdout) == {"user": "anna", "new": False}
    short = add("short")
    assert (short.returncode, "10 to 1000 characters" in short.stderr) == (2, True)
    [user] = bench.ask("users", "list")["users"]
    assert sorted(user) == ["created_at", "name"]
    database = open_database(Home(tmp_path / "home"))
    assert check_password(database, "anna", "another password") is not None
    assert check_password(database, "anna", "a good password") is None
    no_terminal = bench.run("users", "add", "bob")
    assert (no_terminal.code, "--password-stdin" in no_terminal.err) == (2, True)
    assert bench.ask("users", "remove", "anna") == {"user": "anna"}
    assert bench.run("users", "remove", "anna").code == 2
    assert bench.ask("users", "list") == {"users": []}


def test_the_command_line_loads_no_server():
    code = "import workbench.cli, sys; print({'fastapi', 'gradio', 'uvicorn', 'starlette'} & set(sys.modules))"
    said = subprocess.run([sys.executable, "-c", code], env=os.environ, capture_output=True, text=True, check=True)
    assert said.stdout == "set()\n"


@pytest.mark.slow
def test_behind_a_proxy_the_cookie_goes_by_https_only_and_visitors_are_told_apart(tmp_path):
    bench = Workbench(tmp_path)
    proxied = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.7"}
    for arguments, secure in (((), False), (("--behind-proxy",), True)):
        with serving(bench, *arguments) as (told, _), httpx.Client(timeout=SECONDS) as client:
            entered = client.get(told["url"], headers=proxied)
            assert entered.status_code == 303
            assert ("secure" in entered.headers["set-cookie"].lower()) is secure
