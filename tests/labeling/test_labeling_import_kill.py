"""A real SIGKILL in the middle of an import, then the import again: as if never killed. And no process stays behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from labeling import workers
from labeling.workers import map_in_order
from tests.support.labelled_home import make_place
from tests.support.labelme_folder import make_folder, rectangle, write_labels

IMAGES = 130  # more than a batch
ROOT = Path(__file__).parents[2]
SCRIPT = """
import sys
from pathlib import Path
from labeling import workers
from tests.support.labelled_home import make_place
if __name__ == "__main__":
    workers.PATIENCE_SECONDS = 0  # processes from the first image on
    place = make_place(Path(sys.argv[1]))
    print("ready", flush=True)
    place.run_import(Path(sys.argv[2]), lists=("all",), role="train")
"""


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    folder = make_folder(tmp_path_factory.mktemp("source"), [f"{number:03}" for number in range(IMAGES)])
    for number in (40, 80, 120):
        write_labels(folder / f"{number:03}.png", [rectangle(f"late {number}", 0, 0, 9, 9)])
    return folder


@pytest.fixture(scope="module")
def never_killed(tmp_path_factory, source):
    place = make_place(tmp_path_factory.mktemp("whole") / "home")
    place.run_import(source, lists=("all",), role="train")
    return place.everything()


def start(home, source):
    child = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(home), str(source)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == b"ready\n"
    return child


def stored_images(home):
    return make_place(home).everything()["images"]


def members(group):
    """Return the processes of a group that are alive."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[2]) == group and fields[0] != "Z":
                found.append(int(entry.name))
    return found


@pytest.mark.parametrize("moment", ["at once", "workers at work", "first batch written"])
def test_killed_and_run_again_ends_as_never_killed(tmp_path, source, never_killed, moment):
    home = tmp_path / "killed"
    child = start(home, source)
    deadline = time.monotonic() + 60
    store = home / "store"
    while moment != "at once" and time.monotonic() < deadline:
        if moment == "workers at work" and sum(1 for _ in store.glob("??/??/*")) >= 10:
            break
        if moment == "first batch written" and stored_images(home):
            break
        time.sleep(0.01)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    while members(child.pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not members(child.pid), "worker processes outlived the killed import"
    written = len(stored_images(home))
    again = make_place(home)
    report = again.run_import(source, lists=("all",), role="train")
    assert (report.unchanged, report.imported) == (written, IMAGES - written)
    assert again.everything() == never_killed


def double_or_die(number):
    if number == 57:
        os.kill(os.getpid(), signal.SIGKILL)
    return 2 * number


def test_the_death_of_a_worker_costs_only_its_own_item(monkeypatch):
    monkeypatch.setattr(workers, "PATIENCE_SECONDS", 0)
    results = list(map_in_order(double_or_die, range(100), on_death=lambda number: -number, workers=2))
    assert results == [-57 if number == 57 else 2 * number for number in range(100)]


def fail_at_60(number):
    if number == 60:
        raise ValueError("sixty")
    return number


def test_what_a_worker_raises_is_raised_in_its_turn(monkeypatch):
    monkeypatch.setattr(workers, "PATIENCE_SECONDS", 0)
    results = map_in_order(fail_at_60, iter(range(10**9)), on_death=lambda number: number, workers=2)
    assert [next(results) for _ in range(60)] == list(range(60))
    with pytest.raises(ValueError, match="sixty"):
        next(results)


def test_a_decoder_that_crashes_on_the_first_file_costs_only_that_file():
    results = list(map_in_order(die_at_once, range(3), on_death=lambda number: -1, isolated=True))
    assert results == [-1, 1, 2]


def die_at_once(number):
    if number == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def process_of(_number):
    return os.getpid()


def test_processes_are_kept_for_the_next_time_and_never_this_one():
    first, second = (
        set(map_in_order(process_of, range(4), on_death=process_of, workers=1, isolated=True)) for _ in range(2)
    )
    assert first == second
    assert os.getpid() not in first
