"""The home that the server is measured on: ten thousand generated images, the demo's project, and a run that goes on.

    python -m benchmarks.server_home RUN_DIR

goes on with the run in RUN_DIR as a trainer would tell of it, until it is killed.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from sqlalchemy import update

from benchmarks.gallery import SHOWN, fill
from db.home import Home
from db.locks import hold
from db.schema import Image, Run
from db.session import Database, open_database
from db.store import Store
from labeling.map_store import pixels_sha256
from labeling.maps import write_map_png
from training.engine.events import EventWriter
from training.engine.rundir import RunDirectory
from training.runs.files import events_of
from training.runs.lifecycle import RunInfo
from workbench.demo.path import run_demo

HEIGHT, WIDTH = 360, 480  # pixels of an image; `benchmarks.gallery.fill` says so to the database
DEMO_STEPS = 20
TOLD_BEFORE = 3600  # steps told by the run that goes on: an hour, as a trainer tells one a second
VALIDATED_EVERY = 30
TOTAL_STEPS = 100_000


@dataclass(frozen=True)
class Contents:
    """What there is to look at.

    Attributes:
        gallery: number of the project with the generated images.
        photos: their files, in the order of their numbers.
        demo: number of the demo's project.
        evaluation: number of one of its evaluations.
        run: number of its run that goes on.
        run_directory: of that run.
    """

    gallery: int
    photos: list[Path]
    demo: int
    evaluation: int
    run: int
    run_directory: Path


def make_home(folder: Path, images: int) -> Contents:
    """Fill an empty folder with a home."""
    home = Home(folder)
    database = open_database(home)
    photos = make_gallery(home, database, images)
    shown = run_demo(home, database, steps=DEMO_STEPS)
    run, directory = _going_on(home, database, shown.run)
    return Contents(1, photos, shown.run.project_id, shown.day.id, run, directory)


def make_gallery(home: Home, database: Database, images: int) -> list[Path]:
    """Fill a new home with the project of generated images; return the files of the photos, the image 1 first."""
    store = Store(home.store)
    fill(database, store, images, _put_map)
    photos = [path for _, path in _put_photos(store, images)]
    with database.write() as session:
        session.execute(update(Image), [{"id": number, "sha256": path.name} for number, path in enumerate(photos, 1)])
    return photos


def _put_map(store: Store, number: int) -> str:
    """Store a class map of blocks, another one for every image."""
    blocks = np.random.default_rng(number).integers(0, SHOWN, (6, 8), np.uint8)
    pixels = np.kron(blocks, np.ones((HEIGHT // 6, WIDTH // 8), np.uint8))
    sha = pixels_sha256(pixels)
    _put(store, sha, write_map_png(pixels))
    return sha


def _put_photos(store: Store, count: int) -> Iterator[tuple[int, Path]]:
    """Store smooth noise as photos, another one for every image."""
    random = np.random.default_rng(0)
    for number in range(1, count + 1):
        coarse = random.integers(0, 256, (9, 12, 3), np.uint8)
        data = cv2.imencode(".jpg", cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC))[1].tobytes()
        yield number, _put(store, hashlib.sha256(data).hexdigest(), data)


def _put(store: Store, sha: str, data: bytes) -> Path:
    """Write a file of the store, unflushed: ten thousand flushes would take minutes."""
    path = store.path(sha)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


# --- a run that goes on


def _going_on(home: Home, database: Database, finished: RunInfo) -> tuple[int, Path]:
    """Copy a finished run as one that has told an hour's steps; return its number and directory."""
    directory = home.path / "runs" / "going-on"
    shutil.copytree(finished.directory, directory)
    (directory / "result.json").unlink()
    started = next(event.values for event in events_of(directory) if event.kind == "started")
    validation = next(event.values for event in events_of(directory) if event.kind == "validation")
    events = RunDirectory(directory).events
    events.unlink()
    with EventWriter(events) as writer:
        writer.write("started", **{**started, "steps": TOTAL_STEPS})
        for second in range(1, TOLD_BEFORE + 1):
            _tell(writer, second, validation)
    with database.write() as session:
        row = Run(
            project_id=finished.project_id,
            name="going on",
            architecture=finished.architecture,
            revision_digest=finished.revision,
            directory=directory.relative_to(home.path).as_posix(),
            state="running",
            summary={},
        )
        session.add(row)
        session.flush()
        return row.id, directory


def _tell(writer: EventWriter, second: int, validation: Mapping[str, Any]) -> None:
    step = 5 * second
    loss = 2 / (1 + second / 500) + 0.1 * np.sin(second)
    writer.write(
        "step",
        step=step,
        steps=TOTAL_STEPS,
        lr=0.001,
        eta=0.2 * (TOTAL_STEPS - step),
        loss=float(loss),
        train_miou=min(0.9, second / 5000),
        images_per_second=40.0,
        data_wait_share=0.01,
        seconds_per_step=0.2,
        memory=10**9,
    )
    if second % VALIDATED_EVERY == 0:
        writer.write("validation", **{**validation, "step": step, "best": True})


def go_on(directory: Path) -> None:
    """Hold the run as a trainer does, and tell a step every second."""
    validation = next(event.values for event in events_of(directory) if event.kind == "validation")
    with hold(directory / "lock", wait=False), EventWriter(RunDirectory(directory).events) as writer:
        second = TOLD_BEFORE
        while True:
            second += 1
            _tell(writer, second, validation)
            time.sleep(1)


if __name__ == "__main__":
    go_on(Path(sys.argv[1]))
