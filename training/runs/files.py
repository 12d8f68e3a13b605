"""What a run's directory says about it: its state, how far it is, its events and its log."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any, BinaryIO

from db.errors import UserError
from db.locks import is_held
from training.engine.events import Event, events_at_end, parse, read_events
from training.engine.heartbeat import beats_elsewhere
from training.engine.rundir import Result, RunDirectory, RunState
from training.tasks.log_files import LogPiece, follow_lines, read_piece

TAIL_BYTES = 64 * 1024
STARTING_SECONDS = 30
"""A trainer that was started and shows nothing yet counts as about to begin for so long."""

_STATES: dict[str, RunState] = {
    "attempt": "preparing",
    "queued": "queued",
    "preparing": "preparing",
    "init": "preparing",
}


def events_of(directory: Path) -> Iterator[Event]:
    """Yield all events of a run, in the order they were written."""
    return read_events(RunDirectory(directory).events)


def is_alive(directory: Path) -> bool:
    """Tell whether a trainer works on the run, be it waiting for its device, or on another machine."""
    return is_held(RunDirectory(directory).lock) or beats_elsewhere(directory) is not None


def describe(directory: Path) -> tuple[RunState, dict[str, Any]]:
    """Return a run's state and figures, reading the end of its events and looking up two things in the rest.

    Returns:
        The state, and step, steps, best_step, best_miou, images_per_second, data_wait_share, eta, init and sentence,
        as far as known; `preparing` (done, total, what, since: seconds since 1970) before the first step of an attempt,
        and `stopping` while a trainer that was asked to stop still saves.
    """
    run = RunDirectory(directory)
    # In this order: a run that ends in between has its result, one that begins anew its lock.
    alive = is_alive(directory)
    damaged, result = _result(run)
    recent, figures = _told(run.events)
    if alive:
        told = [kind for kind in recent if kind != "warning"]
        if run.stop_flag.exists():
            figures["stopping"] = True
        return _STATES.get(told[-1] if told else "attempt", "running"), figures
    if damaged is not None:
        return "failed", {**figures, "eta": None, "sentence": damaged}
    if result is not None:
        known = {key: value for key, value in result.model_dump(exclude={"state"}).items() if value is not None}
        return result.state, {**figures, **known, "eta": None}
    if not recent and not run.log.exists():
        sentence = f"Not started yet; `workbench resume {directory.name}` starts it."
        return "queued", {**figures, "sentence": sentence}
    if not recent and time.time() - run.log.stat().st_mtime < STARTING_SECONDS:
        return "queued", figures
    return "interrupted", {**figures, "eta": None, "sentence": _killed(run)}


def _result(run: RunDirectory) -> tuple[str | None, Result | None]:
    """Return what is wrong with the file that says how a run ended, else what it says: it must not hide other runs."""
    try:
        return None, run.result()
    except UserError as error:
        return str(error), None


def _told(path: Path) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Return the kinds of the events at the end of a file, and the figures that its events give."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return (), _figures([])
    recent, figures = _read(path, status.st_size, status.st_mtime_ns)
    return recent, dict(figures)


@lru_cache(maxsize=2048)
def _read(path: Path, _size: int, _mtime_ns: int) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Read what `_told` returns: once as long as the file stays as it is, as lists of runs are read often."""
    earlier, recent = _recent(path)
    return tuple(event.kind for event in recent), _figures([*earlier, *recent])


def _figures(events: list[Event]) -> dict[str, Any]:
    figures: dict[str, Any] = {"step": 0}
    for event in events:
        with suppress(KeyError):  # another version may tell it otherwise; that hides neither the run nor the others
            _add(figures, event)
    return figures


def _add(figures: dict[str, Any], event: Event) -> None:
    match event.kind:
        case "attempt":
            figures["preparing"] = {"done": 0, "total": None, "what": "loading", "since": event.time}
        case "preparing":
            figures["preparing"] = figures.get("preparing", {"since": event.time}) | event.values
        case "started" | "end":
            figures.pop("preparing", None)
    match event.kind:
        case "started":
            figures |= {key: event.values[key] for key in ("step", "steps", "init", "images")}
        case "step":
            shown = ("step", "steps", "images_per_second", "data_wait_share", "eta", "loss", "train_miou")
            figures |= {key: event.values[key] for key in shown}
        case "validation":
            figures["miou"] = event.values["miou"]
            if event.values["best"]:
                figures |= {"best_step": event.values["step"], "best_miou": event.values["miou"]}
        case "queued" | "init" | "end":
            figures["sentence"] = event.values.get("text") or event.values.get("sentence")


def _killed(run: RunDirectory) -> str:
    saved = "from its last checkpoint" if run.last.exists() else "from its beginning"
    return f"The trainer was killed before it could say why (perhaps for memory). It can be resumed {saved}."


def _recent(path: Path) -> tuple[list[Event], list[Event]]:
    """Return the last `started` and the best validation from before the end of the file, and the events of its end."""
    recent, start = events_at_end(path, TAIL_BYTES)
    if not start:
        return [], recent
    with path.open("rb") as file:
        return _landmarks(file, start), recent


def _landmarks(file: BinaryIO, end: int) -> list[Event]:
    """Find them by their bytes, from the end backwards: a day's events are 20 MB, and lists of runs are read often."""
    found: list[Event] = []
    with mmap(file.fileno(), 0, access=ACCESS_READ) as data:
        for mark in (b'{"kind": "started"', b'"best": true'):
            at = data.rfind(mark, 0, end)
            if at >= 0:
                found += parse(data[data.rfind(b"\n", 0, at) + 1 : data.find(b"\n", at)])
    return found


def follow_log(directory: Path, *, follow: bool) -> Iterator[str]:
    """Yield the lines of a run's log; with `follow`, go on until its trainer ends."""
    return follow_lines(RunDirectory(directory).log, lambda: is_alive(directory), follow=follow)


def read_log(directory: Path, start: int) -> LogPiece:
    """Read on in a run's log from byte `start`; see `training.tasks.log_files.read_piece`."""
    return read_piece(RunDirectory(directory).log, lambda: is_alive(directory), start)
