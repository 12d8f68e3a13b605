"""Tasks seen from outside: started, watched, cancelled, killed; each a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from db.errors import NotFoundError, UserError
from db.home import Home
from db.locks import hold
from training.engine.events import EventWriter
from training.tasks import lifecycle as tasks
from training.tasks.files import (
    TaskCommand,
    TaskDirectory,
    TaskInfo,
    TaskProgress,
    TaskResult,
    describe_task,
    with_options,
)
from training.tasks.lifecycle import cancel_task, find_task, list_tasks, start_task, task_events
from training.tasks.log_files import read_piece

pytestmark = pytest.mark.xdist_group("tasks")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.ensure()
    return home


def until(is_so: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def ended(home: Home, task: TaskInfo) -> TaskInfo:
    until(lambda: find_task(home, task.id).state != "running")
    return find_task(home, task.id)


def process_of(home: Home, task: TaskInfo) -> int:
    until(lambda: any(event.kind == "started" for event in task_events(home, task.id)[0]))
    return int(task_events(home, task.id)[0][0].values["pid"])


def many_photos(folder: Path, count: int) -> Path:
    """Write photos with masks, each of its own content."""
    for kind in ("images", "masks"):
        (folder / kind).mkdir(parents=True)
    random = np.random.default_rng(0)
    for i in range(count):
        pixels = random.integers(0, 255, (8, 8, 3), np.uint8)
        cv2.imwrite(str(folder / "images" / f"{i}.png"), pixels)
        cv2.imwrite(str(folder / "masks" / f"{i}.png"), (pixels[..., 0] > 127).astype(np.uint8))
    (folder / "labels.txt").write_text("background\nroad\n")
    return folder


def import_command(folder: Path) -> list[str]:
    return [
        *("import", "masks", str(folder), "--images", str(folder / "images"), "--masks", str(folder / "masks")),
        *("--classes", str(folder / "labels.txt"), "--dataset", "many", "--project", "p"),
    ]


def test_a_task_does_what_the_command_does_and_keeps_what_it_said(home: Home, tmp_path: Path) -> None:
    folder = many_photos(tmp_path / "söurce with 'quotes'", 5)
    task = start_task(home, import_command(folder), title="Import <b>", project_id=7, link="/data?project=7")
    assert (task.id, task.state, task.title, task.project_id, task.link) == (1, "running", "Import <b>", 7, task.link)
    done = ended(home, task)
    assert done.state == "finished", done.sentence
    assert done.result["imported"] == 5
    assert done.progress is not None
    assert (done.progress.done, done.progress.total) == (5, 5)
    assert done.ended_at is not None
    assert done.ended_at >= done.started_at
    log = read_piece(TaskDirectory(home.path / "tasks" / "1").log, lambda: False, 0)
    assert "many in project p: 5 imported" in log.text  # for people, not JSON
    assert list_tasks(home)[0].result is None

    # The line that can be copied does the same.
    assert done.command.startswith("workbench import masks ")
    line = done.command.replace("workbench ", f"{sys.executable} -P -m workbench.cli ", 1)
    again = subprocess.run(line, shell=True, capture_output=True, text=True, check=False)
    assert (again.returncode, "5 unchanged" in again.stdout) == (0, True), again.stderr


def test_a_mistake_ends_a_task_with_the_sentence_a_person_is_told(home: Home) -> None:
    done = ended(home, start_task(home, ["datasets", "--project", "nowhere"], title="List"))
    assert (done.state, done.result) == ("failed", None)
    assert done.sentence is not None
    assert "There is no project 'nowhere'" in done.sentence
    with pytest.raises(UserError, match="failed, not running"):
        cancel_task(home, done.id)


def test_a_task_outlives_who_started_it_and_a_killed_one_says_so(home: Home, tmp_path: Path) -> None:
    folder = many_photos(tmp_path / "many", 1500)
    starter = (
        "import sys; from pathlib import Path; from db.home import Home\n"
        "from training.tasks.lifecycle import start_task\n"
        "start_task(Home(Path(sys.argv[1])), sys.argv[2:], title='Import')"
    )
    subprocess.run([sys.executable, "-P", "-c", starter, str(home.path), *import_command(folder)], check=True)
    task = list_tasks(home)[0]
    process = process_of(home, task)
    assert os.getsid(process) == process  # not in ours, which the starter shared: Ctrl-C there does not reach it
    until(lambda: (progress := find_task(home, task.id).progress) is not None and progress.done >= 50)
    assert find_task(home, task.id).state == "running"
    os.kill(process, signal.SIGKILL)
    killed = ended(home, task)
    assert killed.state == "interrupted"
    assert killed.sentence is not None
    assert "killed" in killed.sentence

    # Cancelled in the middle, it ends as after Ctrl-C; and run again, it does the rest.
    task = start_task(home, import_command(folder), title="Import")
    assert task.id == 2
    until(lambda: (progress := find_task(home, task.id).progress) is not None and progress.done >= 100)
    cancelled = cancel_task(home, task.id, graces=(120.0, 1.0))  # a busy machine takes its time
    assert (cancelled.state, cancelled.sentence) == ("cancelled", "Interrupted.")
    rest = ended(home, start_task(home, import_command(folder), title="Import"))
    assert rest.state == "finished", rest.sentence
    assert rest.result["imported"] + rest.result["unchanged"] == 1500
    assert rest.result["unchanged"] >= 50


def test_a_task_that_does_not_answer_is_killed(home: Home, tmp_path: Path) -> None:
    folder = many_photos(tmp_path / "many", 1000)
    task = start_task(home, import_command(folder), title="Import")
    os.kill(process_of(home, task), signal.SIGSTOP)
    cancelled = cancel_task(home, task.id, graces=(0.1, 0.1))
    assert cancelled.state == "cancelled"
    assert "killed" in str(cancelled.sentence)


# What a directory says, without a process.


def make_task(home: Home, number: int, *, result: TaskResult | None = None) -> TaskDirectory:
    directory = TaskDirectory(home.path / "tasks" / str(number))
    directory.path.mkdir(parents=True)
    command = TaskCommand(argv=("freeze",), title="Freeze", home=home.path, started_at=time.time())
    directory.command_file.write_text(command.model_dump_json())
    if result is not None:
        directory.finish(result)
    return directory


def test_rate_and_time_left_are_those_of_the_part_it_is_at(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = make_task(home, 1)
    clock = 1000.0
    monkeypatch.setattr("training.engine.events.time.time", lambda: clock)
    writer = EventWriter(directory.events)
    writer.write("started", pid=1, host="here")
    for what, total in (("files read", 10), ("images", 400)):
        for done in range(1, 10):
            clock += 1
            writer.write("progress", done=done * (20 if what == "images" else 1), total=total, what=what)
    writer.close()
    with hold(directory.lock, wait=False):
        info = describe_task(directory)
    assert info.state == "running"
    assert info.progress is not None
    assert (info.progress.done, info.progress.what) == (180, "images")
    assert info.rate == pytest.approx(20)
    assert info.eta == pytest.approx(11)
    assert describe_task(directory).state == "interrupted"


def test_progress_that_another_version_tells_otherwise_is_left_out(home: Home) -> None:
    directory = make_task(home, 1)
    with EventWriter(directory.events) as writer:
        for values in ({"done": 1, "total": 2, "what": "images"}, {"share": 0.9}, {"done": 2, "total": 2}):
            writer.write("progress", **values)
    [info] = list_tasks(home)
    assert info.progress == TaskProgress(1, 2, "images")


class Dead:
    """A process that ended at once."""

    def wait(self) -> int:
        return 0


def test_old_tasks_go_and_numbers_are_never_used_again(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "KEPT", 3)
    monkeypatch.setattr("training.tasks.lifecycle.subprocess.Popen", lambda *args, **options: Dead())
    over = TaskResult(state="finished", exit_code=0, ended_at=time.time())
    for number in (1, 2, 3, 4):
        make_task(home, number, result=over)
    with hold(TaskDirectory(home.path / "tasks" / "1").lock, wait=False):
        started = start_task(home, ["projects"], title="List")
        assert started.id == 5
        # The newest three, and the old one that still works.
        assert [task.id for task in list_tasks(home)] == [5, 4, 3, 1]
    assert [task.id for task in list_tasks(home, limit=2, offset=1)] == [4, 3]
    with pytest.raises(NotFoundError, match="no task 2"):
        find_task(home, 2)


def test_a_task_that_could_not_be_started_is_none(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr("training.tasks.lifecycle.subprocess.Popen", refuse)
    with pytest.raises(BlockingIOError):
        start_task(home, ["projects"], title="List")
    assert list_tasks(home) == []


def test_an_old_task_that_still_works_is_listed_however_many_came_after_it(home: Home) -> None:
    for number in range(1, tasks.KEPT + 2):
        make_task(home, number)
    with hold(TaskDirectory(home.path / "tasks" / "1").lock, wait=False):
        assert [task.id for task in list_tasks(home) if task.state == "running"] == [1]


@pytest.mark.parametrize(("name", "text"), [("command.json", '{"argv": ["fre'), ("result.json", '{"from": "2.0"}')])
def test_a_damaged_task_hides_no_other(home: Home, name: str, text: str) -> None:
    for number in (1, 2):
        make_task(home, number)
    (home.path / "tasks" / "1" / name).write_text(text)
    assert [task.id for task in list_tasks(home)] == [2]
    with pytest.raises(UserError, match=rf"{name} is damaged"):
        find_task(home, 1)


@pytest.mark.parametrize("number", [0, 7, 10**25, 10**400])
def test_a_number_that_no_task_has_is_said(home: Home, number: int) -> None:
    with pytest.raises(NotFoundError, match="There is no task"):
        find_task(home, number)


def test_options_come_before_a_lone_dash_dash() -> None:
    assert with_options(["import", "voc", "--", "-folder"], "--json") == ["import", "voc", "--json", "--", "-folder"]


def test_a_log_is_read_piece_by_piece_in_whole_lines(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    assert read_piece(log, lambda: True, 0).text == ""
    log.write_bytes("eins\nzwei\nö".encode())
    first = read_piece(log, lambda: True, 0)
    assert (first.text, first.position, first.ended) == ("eins\nzwei\n", 10, False)
    last = read_piece(log, lambda: False, first.position)
    assert (last.text, last.position, last.ended) == ("ö", 12, True)
    tail = read_piece(log, lambda: False, -5)
    assert (tail.text, tail.start) == ("ö", 10)
    assert read_piece(log, lambda: False, -500).text == "eins\nzwei\nö"
    assert read_piece(log, lambda: False, 10**25).position == 12
