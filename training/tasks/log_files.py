"""Logs that grow while they are read: line by line for a terminal, piece by piece for a page."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

POLL_SECONDS = 0.3
PIECE_BYTES = 256 * 1024


def follow_lines(path: Path, is_alive: Callable[[], bool], *, follow: bool) -> Iterator[str]:
    """Yield the lines of a log; with `follow`, go on until its writer ends.

    Args:
        path: of the log; none there yet is an empty one.
        is_alive: whether its writer lives.
        follow: wait for more.
    """
    position = 0
    while True:
        alive = is_alive()
        text = _read(path, position, None)
        whole = text if not (follow and alive) else text[: text.rfind(b"\n") + 1]
        position += len(whole)
        yield from whole.decode("utf-8", errors="replace").splitlines()
        if not (follow and alive):
            return
        time.sleep(POLL_SECONDS)


@dataclass(frozen=True)
class LogPiece:
    """Part of a log.

    Attributes:
        text: whole lines; an unfinished last one only when the writer has ended.
        position: byte offset to go on from.
        start: byte offset of `text`; not 0 where the beginning was left out.
        ended: nothing more will come after `position`.
    """

    text: str
    position: int
    start: int
    ended: bool


def read_piece(path: Path, is_alive: Callable[[], bool], start: int) -> LogPiece:
    """Read on in a log, at most a quarter of a megabyte at a time.

    Args:
        path: of the log; none there yet is an empty one.
        is_alive: whether its writer lives.
        start: byte offset a former piece gave; negative: that many bytes before the end, from a line's beginning on.
    """
    alive = is_alive()  # before the file is read: what a writer wrote last must not be missed
    size = path.stat().st_size if path.exists() else 0
    first = min(start, size) if start >= 0 else max(0, size + start)
    data = _read(path, first, PIECE_BYTES)
    if start < 0 < first:
        skipped = data.find(b"\n") + 1
        first, data = first + skipped, data[skipped:]
    at_end = first + len(data) >= size
    if alive or not at_end:
        # A line longer than a piece is handed out in parts: waiting for its end would be waiting forever.
        data = data[: data.rfind(b"\n") + 1] or (data if len(data) == PIECE_BYTES else b"")
    return LogPiece(data.decode("utf-8", errors="replace"), first + len(data), first, at_end and not alive)


def _read(path: Path, start: int, count: int | None) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(start)
            return file.read() if count is None else file.read(count)
    except FileNotFoundError:
        return b""
