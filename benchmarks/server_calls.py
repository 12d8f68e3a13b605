"""Clients that ask a server over HTTP, one or many at once."""

from __future__ import annotations

import http.client
import random
import threading
import time
from collections.abc import Callable

from benchmarks.server_process import Process

Address = Callable[[random.Random], str]
"""Draws a path to ask for."""


class Caller:
    """A client that keeps its connection."""

    def __init__(self, server: Process) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        self._headers = {} if server.cookie is None else {"Cookie": "=".join(server.cookie)}

    def get(self, path: str) -> float:
        """Return the seconds until an answer was there whole.

        Raises:
            OSError: the server did not answer, or not with 200.
        """
        begun = time.perf_counter()
        try:
            self._connection.request("GET", path, headers=self._headers)
            response = self._connection.getresponse()
            response.read()
        except http.client.HTTPException as error:
            self._connection.close()
            raise OSError(f"{path}: {error!r}") from error
        if response.status != 200:
            raise OSError(f"{path} was answered with {response.status}")
        return time.perf_counter() - begun


def call_at_once(server: Process, address: Address, callers: int, seconds: float) -> dict[str, float]:
    """Let many ask without a pause; return answers a second, percentiles of their times, and errors."""
    times: list[list[float]] = [[] for _ in range(callers)]
    errors = [0] * callers
    end = time.perf_counter() + seconds

    def ask(number: int) -> None:
        draw, caller = random.Random(number), Caller(server)
        while time.perf_counter() < end:
            try:
                times[number].append(caller.get(address(draw)))
            except OSError:
                errors[number] += 1

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(callers)]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - begun
    every = sorted(value for each in times for value in each) or [float("nan")]
    percentiles = {f"p{p}_ms": round(1000 * every[len(every) * p // 100], 1) for p in (50, 95, 99)}
    return {"callers": callers, "per_second": round(len(every) / took, 1), **percentiles, "errors": sum(errors)}
