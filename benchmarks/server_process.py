"""Servers in processes of their own, ours and those beside it, and what the system says of them."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}
_IDLE = 0.05  # of a core
_SETTLED_WITHIN = 60  # seconds
VIEW = {"width": 1280, "height": 900}


@dataclass(frozen=True)
class Process:
    """A server that answers.

    Attributes:
        pid: of its process.
        port: on 127.0.0.1.
        cookie: (name, value) of a visitor who is logged in; None where nobody needs to.
        started_after: seconds from the start of the process to its first page.
    """

    pid: int
    port: int
    cookie: tuple[str, str] | None
    started_after: float

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return f"http://127.0.0.1:{self.port}"

    @contextmanager
    def visit(self, browser: Browser) -> Iterator[Page]:
        """Open a page as a fresh visitor with an empty cache, who is logged in."""
        context = browser.new_context(viewport=VIEW)  # type: ignore[arg-type]
        if self.cookie is not None:
            name, value = self.cookie
            context.add_cookies([{"name": name, "value": value, "url": self.origin}])
        yield context.new_page()
        context.close()

    def share_of_a_core(self, seconds: float) -> float:
        """Return the CPU time that the process takes in a while, by that while."""
        before, begun = self._cpu_seconds(), time.perf_counter()
        time.sleep(seconds)
        return (self._cpu_seconds() - before) / (time.perf_counter() - begun)

    def settle(self) -> None:
        """Wait until the server has nothing to do any more: it loads torch once it answers.

        Raises:
            TimeoutError: it is still busy after a minute.
        """
        for _ in range(_SETTLED_WITHIN):
            if self.share_of_a_core(1) <= _IDLE:
                return
        raise TimeoutError(f"The server was still busy {_SETTLED_WITHIN} s after its start.")

    def memory_mib(self) -> int:
        """Return the memory that the process holds."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) // 1024

    def _cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def serve(home: Path) -> Iterator[Process]:
    """Serve a home with `workbench serve`."""
    begun = time.perf_counter()
    command = [sys.executable, "-P", "-m", "workbench.cli", "serve", "--home", str(home), "--port", "0"]
    with subprocess.Popen(
        [*command, "--no-browser", "--json"], env=ENVIRONMENT, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            address = urlsplit(json.loads(process.stdout.readline())["url"])
            assert address.port is not None
            cookie = _log_in(address.port, f"/?{address.query}")
            if _status(address.port, "/", cookie) != 200:
                sys.exit("The server does not let us in.")
            yield Process(process.pid, address.port, cookie, time.perf_counter() - begun)
        finally:
            process.terminate()


@contextmanager
def peer(kind: str, *arguments: str, patience: float = 60.0) -> Iterator[Process]:
    """Serve one of `benchmarks.server_peers`."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    begun = time.perf_counter()
    command = [sys.executable, "-P", "-m", "benchmarks.server_peers", kind, str(port), *arguments]
    with subprocess.Popen(command, env=ENVIRONMENT) as process:
        try:
            while _status(port, "/", None) != 200:
                if process.poll() is not None or time.perf_counter() - begun > patience:
                    sys.exit(f"The peer {kind} does not answer.")
                time.sleep(0.02)
            yield Process(process.pid, port, None, time.perf_counter() - begun)
        finally:
            process.terminate()


@contextmanager
def going_on(run: Path) -> Iterator[None]:
    """Let a run go on."""
    command = [sys.executable, "-P", "-m", "benchmarks.server_home", str(run)]
    with subprocess.Popen(command, env=ENVIRONMENT) as process:
        try:
            yield
            if process.poll() is not None:
                sys.exit("The process that tells of the run has ended.")
        finally:
            process.kill()


def _log_in(port: int, path: str) -> tuple[str, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path)
    name, _, value = (connection.getresponse().getheader("Set-Cookie") or "").partition(";")[0].partition("=")
    connection.close()
    return name, value


def _status(port: int, path: str, cookie: tuple[str, str] | None) -> int:
    """Return what a path is answered with, 0 where nobody answers yet."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", path, headers={} if cookie is None else {"Cookie": "=".join(cookie)})
        response = connection.getresponse()
        response.read()
        return response.status
    except OSError:
        return 0
    finally:
        connection.close()
