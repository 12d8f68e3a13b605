"""How many pixels of a class map have each value: counted once, and kept by the map's hash."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sqlalchemy import insert, select

from db.errors import UserError
from db.schema import MapCount
from db.session import Database
from db.store import Store
from labeling.chunks import chunks
from labeling.map_store import load_map
from labeling.progress import Progress, silent
from labeling.workers import map_in_order

Counts = Sequence[tuple[int, int]]
"""(value, pixels) of each value that there is."""


@dataclass(frozen=True)
class _CountTask:
    store: Path
    pixels_sha256: str


def count_maps(
    database: Database, store: Store, maps: Sequence[str], progress: Progress = silent
) -> Mapping[str, Counts]:
    """Return the counts of class maps by hash, counting (in processes where many) those that never were.

    Args:
        database: keeps the counts.
        store: holds the maps.
        maps: their hashes, `labeling.map_store.pixels_sha256`.
        progress: told the maps counted now.

    Raises:
        UserError: a process died while counting.
        FileNotFoundError: the store does not hold one of them.
    """
    wanted = sorted(set(maps))
    counts = dict(_known(database, wanted))
    missing = [sha for sha in wanted if sha not in counts]
    known = len(counts)
    for chunk in chunks(missing):
        tasks = (_CountTask(store.root, sha) for sha in chunk)
        for sha, found in zip(chunk, map_in_order(_count, tasks, on_death=_died), strict=True):
            counts[sha] = found
            progress(len(counts) - known, len(missing), "class maps counted")
        _keep(database, {sha: counts[sha] for sha in chunk})
    return counts


def _known(database: Database, maps: Sequence[str]) -> Iterator[tuple[str, Counts]]:
    with database.read() as session:
        for chunk in chunks(maps):
            query = select(MapCount.pixels_sha256, MapCount.counts).where(MapCount.pixels_sha256.in_(chunk))
            yield from ((sha, found) for sha, found in session.execute(query))


def _keep(database: Database, counts: Mapping[str, Counts]) -> None:
    with database.write() as session:
        # Another process may have counted the same meanwhile.
        there = set(session.scalars(select(MapCount.pixels_sha256).where(MapCount.pixels_sha256.in_(counts))))
        rows = [{"pixels_sha256": sha, "counts": found} for sha, found in counts.items() if sha not in there]
        if rows:
            session.execute(insert(MapCount), rows)


def _count(task: _CountTask) -> Counts:
    counts = np.bincount(load_map(Store(task.store), task.pixels_sha256).ravel(), minlength=256)
    return [(int(value), int(counts[value])) for value in np.flatnonzero(counts)]


def _died(task: _CountTask) -> Counts:
    raise UserError(f"The process that counted the class map {task.pixels_sha256[:12]} was ended by the system.")
