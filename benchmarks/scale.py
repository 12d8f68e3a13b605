"""Many images: seconds and memory of an import, of one that finds nothing new, of freezing and of counting pixels.

    python -m benchmarks.scale [--images 10000 20000 40000]

Photos of 32x24 pixels with an index mask each are imported by the command line into an empty home, so that what an
image costs beside its pixels is what is measured. One JSON line a size; the last one holds what a further image costs,
in milliseconds: the slope of a straight line through the sizes, and how far the sizes are from it at most, as a share.
The first import of the largest size is killed half-way and run again (`rest`); its seconds are not on the line. `_cpu`
are seconds of all cores together, which a busy machine changes less.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

HEIGHT, WIDTH, CLASSES, A_FOLDER = 24, 32, 11, 1000


def main() -> None:
    """Measure every size and print the lines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, nargs="+", default=[10_000, 20_000, 40_000])
    sizes = sorted(parser.parse_args().images)
    measured: dict[str, list[float]] = {}
    for count in sizes:
        with tempfile.TemporaryDirectory() as folder:
            figures = measure(Path(folder), count, kill=count == sizes[-1])
        _say("scale", images=count, **figures)
        for name, value in figures.items():
            measured.setdefault(name, []).append(value)
    if len(sizes) > 1:
        lines = {name: _line(sizes, times) for name, times in measured.items() if len(times) == len(sizes)}
        _say("scale, a further image", **lines)


def measure(folder: Path, count: int, *, kill: bool) -> dict[str, float]:
    """Import `count` images into a new home, freeze and count them."""
    source, home = folder / "photos", folder / "home"
    write(source, count)
    figures = {}
    bring = ["import", "masks", str(source), "--dataset", "many", "--role", "train", "--home", str(home)]
    if kill:
        figures["killed_after_seconds"], found = _killed(bring, home, count // 2)
        figures["killed_at"] = float(found)
    for name, arguments in (
        ("import" if not kill else "rest", bring),
        ("import_again", bring),
        ("freeze", ["freeze", "--home", str(home)]),
        ("freeze_again", ["freeze", "--home", str(home)]),
        ("statistics", ["stats", "--home", str(home)]),
        ("statistics_again", ["stats", "--home", str(home)]),
    ):
        figures[f"{name}_seconds"], figures[f"{name}_cpu"] = _run(arguments)
    figures["peak_mib"] = round(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)
    return figures


def write(source: Path, count: int) -> None:
    """Write photos and masks, every one another, a thousand in a folder."""
    rng = np.random.default_rng(0)
    for number in range(count):
        name = f"{number // A_FOLDER:03}/{number:06}"
        for kind in ("images", "masks"):
            if number % A_FOLDER == 0:
                (source / kind / name).parent.mkdir(parents=True)
        photo = cv2.resize(rng.integers(0, 256, (3, 4, 3), np.uint8), (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
        mask = np.repeat(np.repeat(rng.integers(0, CLASSES, (3, 4), np.uint8), 8, axis=0), 8, axis=1)
        (source / "images" / f"{name}.png").write_bytes(cv2.imencode(".png", photo)[1].tobytes())
        (source / "masks" / f"{name}.png").write_bytes(cv2.imencode(".png", mask)[1].tobytes())


def _run(arguments: list[str]) -> tuple[float, float]:
    """Run a command; return its seconds, and those of all cores together that its processes used."""
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([*_WORKBENCH, *arguments, "--json"], check=True, stdout=subprocess.DEVNULL)
    seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return round(seconds, 2), round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 2)


def _killed(arguments: list[str], home: Path, after: int) -> tuple[float, int]:
    """Start an import and kill its group when so many images are stored; return the seconds and how many there are."""
    start = time.perf_counter()
    process = subprocess.Popen([*_WORKBENCH, *arguments], stdout=subprocess.DEVNULL, start_new_session=True)
    while process.poll() is None and _stored(home) < after:
        time.sleep(0.2)
    if process.poll() is None:
        os.killpg(process.pid, 9)
    process.wait()
    return round(time.perf_counter() - start, 2), _stored(home)


def _stored(home: Path) -> int:
    if not (home / "workbench.db").is_file():
        return 0
    try:
        with sqlite3.connect(home / "workbench.db", timeout=30) as connection:
            return int(connection.execute("SELECT count(*) FROM image").fetchone()[0])
    except sqlite3.OperationalError:  # it is being made
        return 0


def _line(sizes: list[int], times: list[float]) -> dict[str, float]:
    slope, start = np.polyfit(sizes, times, 1)
    off = np.abs(np.array(times) / (slope * np.array(sizes) + start) - 1).max()
    return {"ms": round(1000 * float(slope), 3), "off_the_line": round(float(off), 3)}


def _say(name: str, **figures: object) -> None:
    print(json.dumps({"benchmark": name, **figures}), flush=True)


_WORKBENCH = [sys.executable, "-P", "-m", "workbench.cli"]

if __name__ == "__main__":
    main()
