"""What a run or a task tells, as lines of JSON that only ever grow."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True)
class Event:
    """One thing that happened in a run or a task.

    Attributes:
        kind: of a run `attempt`, `queued`, `preparing`, `init`, `warning`, `started`, `step`, `validating`,
            `thaw`, `validation`, `checkpoint` or `end`; of a task `started` or `progress`.
        attempt: counts the trainer's starts, from 1; what a later attempt says of a step supersedes an earlier one.
        time: seconds since 1970, UTC.
        values: what else there is to say; plain JSON.
    """

    kind: str
    attempt: int
    time: float
    values: Mapping[str, Any]


class Events(Protocol):
    """Where a trainer tells how it goes."""

    def write(self, kind: str, **values: object) -> None:
        """Tell one event."""


class NoEvents:
    """Tells nobody, for a process that trains along with one that does."""

    def write(self, kind: str, **values: object) -> None:
        """Tell nothing."""


class EventWriter:
    """Appends events. One `write` call a line, so that a reader sees whole lines, whatever happens to us."""

    def __init__(self, path: Path, echo: Callable[[Event], None] = lambda event: None) -> None:
        """Open `path` for another attempt and drop the unfinished line that a killed one may have left.

        Args:
            path: an `events.jsonl`.
            echo: told every event before it is written.

        Raises:
            OSError: the file cannot be written.
        """
        earlier = path.read_bytes() if path.exists() else b""
        whole = earlier[: earlier.rfind(b"\n") + 1]
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        os.ftruncate(self._descriptor, len(whole))
        self._echo = echo
        self.attempt = max((event.attempt for event in parse(whole)), default=0) + 1

    def write(self, kind: str, **values: object) -> None:
        """Append one event.

        Raises:
            OSError: the disk is full; what was written of the line is taken back.
        """
        event = Event(kind, self.attempt, round(time.time(), 3), _plain(values))
        self._echo(event)
        line = {"kind": kind, "attempt": event.attempt, "time": event.time, **event.values}
        data = (json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n").encode()
        length = os.fstat(self._descriptor).st_size
        written = 0
        try:
            written = os.write(self._descriptor, data)
        finally:
            if written != len(data):
                os.ftruncate(self._descriptor, length)
        if written != len(data):
            raise OSError(28, "No space left on device")

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)

    def __enter__(self) -> EventWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def read_events(path: Path, start: int = 0) -> Iterator[Event]:
    """Yield the events in a file, leaving out an unfinished last line; none when there is no file.

    Args:
        path: an `events.jsonl`.
        start: byte offset at a line's beginning.
    """
    yield from parse(_complete(path, start))


def follow(path: Path, start: int) -> tuple[list[Event], int]:
    """Return the complete events from byte `start` on, and the offset to go on from."""
    data = _complete(path, start)
    return list(parse(data)), start + len(data)


def events_at_end(path: Path, size: int) -> tuple[list[Event], int]:
    """Return the complete events in the last `size` bytes of a file, and the byte offset where those begin."""
    try:
        with path.open("rb") as file:
            start = max(0, file.seek(0, 2) - size)
            file.seek(start)
            tail = file.read()
    except FileNotFoundError:
        return [], 0
    return list(parse(tail[: tail.rfind(b"\n") + 1])), start


def _complete(path: Path, start: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(start)
            data = file.read()
    except FileNotFoundError:
        return b""
    return data[: data.rfind(b"\n") + 1]


def parse(data: bytes) -> Iterator[Event]:
    """Yield the events in some complete lines; a line that is not one is left out."""
    for line in data.splitlines():
        try:
            values = json.loads(line)
            yield Event(values.pop("kind"), values.pop("attempt"), values.pop("time"), values)
        except (ValueError, KeyError, AttributeError):
            # A line torn by a power cut is no reason to lose the others.
            continue


def _plain(values: Mapping[str, object]) -> dict[str, object]:
    """Round floats for reading, and write NaN and infinity, which JSON does not know, as null."""
    return {
        key: (float(f"{value:.6g}") if math.isfinite(value) else None) if isinstance(value, float) else value
        for key, value in values.items()
    }
