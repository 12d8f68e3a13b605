"""How pages name files: logs, sentences and commands of tasks and runs, and where a path only looks like one."""

from __future__ import annotations

from pathlib import Path

import pytest

from db.home import Home
from db.schema import Project
from db.session import open_database
from tests.support.runs import make_run, run_row, tiny_recipe
from tests.support.server import serve, visitor
from training.engine.events import EventWriter
from training.tasks.files import TaskCommand, TaskDirectory, TaskResult
from workbench.server.services import Services
from workbench.server.told import as_dropped, told

ID = "0123456789abcdef" * 2


@pytest.fixture
def services(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Services:
    monkeypatch.setenv("HOME", str(tmp_path / "anna"))
    return serve(Home(tmp_path / "anna" / ".workbench"))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"HOME/.workbench/uploads/{ID}/files/campus/a.json: no", "campus/a.json: no"),
        (f"HOME/.workbench/uploads/{ID}/files: no", "what was dropped: no"),
        (f"HOME/.workbench/uploads/{ID}/classes.txt: no", "classes.txt: no"),
        (f"last from upload:{ID}; or upload:campus", "last from what was dropped; or upload:campus"),
        ("a pack in HOME/.workbench/packs/1f (2 GB)", "a pack in (home)/packs/1f (2 GB)"),
        ("in HOME/.workbench.", "in (home)."),
        ("'HOME/photos/a.jpg' and HOME", "'~/photos/a.jpg' and ~"),
        ("HOME/.workbench-old and HOMEless, /srvHOME/x", "~/.workbench-old and HOMEless, /srvHOME/x"),
        ("/elsewhere/HOME", "/elsewhere/HOME"),
    ],
)
def test_a_text_names_no_folder_that_nobody_asked_about(services: Services, text: str, shown: str) -> None:
    folder = str(Path.home())
    text, shown = text.replace("HOME", folder), shown.replace("HOME", folder)
    assert told(services, {"a": [text, 1, None], "b": (text,)}) == {"a": [shown, 1, None], "b": [shown]}


@pytest.mark.parametrize(
    ("argv", "shown"),
    [
        (["import", "voc", "UP/campus", "--images=UP/campus/i", "--known-as=upload:campus"],
         ["import", "voc", "./campus", "--images=./campus/i"]),
        (["import", "voc", "UP", "--classes=UP/n.txt", "--known-as=upload:a\\1b"],
         ["import", "voc", "./a\\1b", "--classes=./a\\1b/n.txt"]),
        (["import", "voc", "UP", f"--known-as=upload:{ID}"], ["import", "voc", "./photos"]),
        (["predict", "--to=/x", "--", "1", "UP"], ["predict", "--to=/x", "--", "1", "./photos"]),
        (["import", "voc", "/x/campus", "--known-as=upload:campus"],
         ["import", "voc", "/x/campus", "--known-as=upload:campus"]),
    ],
)  # fmt: skip
def test_a_command_names_what_was_dropped_as_it_lies_on_the_visitors_disk(
    services: Services, argv: list[str], shown: list[str]
) -> None:
    files = str(services.uploads.root / ID / "files")
    assert as_dropped(services, [word.replace("UP", files) for word in argv]) == shown


def test_tasks_and_runs_say_nothing_else(services: Services) -> None:
    home = services.home
    client = visitor(services)
    lost = f"{home.packs}/1f cannot be read"
    directory = TaskDirectory(home.path / "tasks" / "1")
    directory.path.mkdir(parents=True)
    argv = ("predict", "--", "1", f"{services.uploads.root}/{ID}/files")
    command = TaskCommand(argv=argv, title="t", home=home.path, started_at=1e9)
    directory.command_file.write_text(command.model_dump_json())
    directory.log.write_text(f"eins\n{lost}\n")
    directory.finish(
        TaskResult(state="failed", exit_code=2, sentence=lost, ended_at=4e9, result={"to": f"{home.path}/x"})
    )
    with open_database(home).write() as session:
        session.add(Project(id=4, name="p"))
        session.add(run_row(1))
    run = make_run(home.path, tiny_recipe(), train=1, val=1, name="1")
    run.log.write_text(f"{lost}\n")
    events = EventWriter(run.events)
    events.write("init", text=lost)
    events.close()

    shown = "(home)/packs/1f cannot be read"
    task = client.get("/api/tasks/1").json()
    assert (task["sentence"], task["result"]) == (shown, {"to": "(home)/x"})
    assert task["command"].startswith("workbench predict")
    assert task["command"].endswith("-- 1 ./photos")
    tray = {entry["kind"]: entry for entry in client.get("/api/tasks").json()["tasks"]}
    assert (tray["task"]["sentence"], tray["task"]["command"]) == (shown, task["command"])
    log = client.get("/api/tasks/1/log?from=5").json()
    assert (log["text"], log["start"], log["position"]) == (f"{shown}\n", 5, directory.log.stat().st_size)
    assert client.get("/api/runs/1/log").json()["text"] == f"{shown}\n"
    assert client.get("/api/runs/1/series").json()["messages"][0]["text"].endswith(shown)
    assert str(home.path) not in client.get("/api/runs/1").text
    assert str(home.path) not in client.get("/api/projects/4/runs").text
