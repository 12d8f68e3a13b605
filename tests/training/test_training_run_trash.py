"""Runs thrown away, brought back, and gone for good after 30 days; and estimates, of which nothing stays."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from db.errors import NotFoundError, UserError
from db.home import Home
from db.locks import hold
from db.schema import Project, Run, utc_now
from db.session import Database, open_database
from tests.support.runs import make_run, run_row, tiny_recipe
from training.engine.attempt import attempt
from training.engine.rundir import RunDirectory
from training.runs.creation import RunHandle, RunPlan
from training.runs.estimate import estimate_plan
from training.runs.lifecycle import get_run, list_runs, recent_runs
from training.runs.trash import discard_run, list_trash, restore_run, sweep_trash


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.ensure()
    return home


@pytest.fixture
def database(home: Home) -> Database:
    database = open_database(home)
    with database.write() as session:
        session.add(Project(id=4, name="p"))
    return database


def add_run(home: Home, database: Database, number: int, name: str = "unet") -> RunHandle:
    directory = make_run(home.path, tiny_recipe(steps="4"), train=4, val=2, name=str(number)).path
    with database.write() as session:
        session.add(run_row(number, name))
    return RunHandle(number, directory)


def test_a_run_comes_back_from_the_trash_as_it_was(home: Home, database: Database) -> None:
    run, other = add_run(home, database, 1, "<b>one"), add_run(home, database, 2)
    assert attempt(run.directory) == 0
    discard_run(home, database, run)
    assert [info.id for info in list_runs(home, database, "p")] == [2]
    assert not run.directory.exists()
    with pytest.raises(NotFoundError, match="no run 1"):
        get_run(home, database, 1)
    (trashed,) = list_trash(home, database, "p")
    assert (trashed.run, trashed.name, trashed.gone_at - trashed.deleted_at) == (1, "<b>one", timedelta(days=30))
    with pytest.raises(NotFoundError, match="no run '2'"):
        restore_run(home, database, "p", str(other.id))

    restored = restore_run(home, database, "p", "<b>one")
    assert (restored.id, restored.state, restored.project_id) == (1, "finished", 4)
    assert restored.checkpoint == RunDirectory(run.directory).best
    assert list_trash(home, database, "p") == []
    # Killed between its row and its files, a discarded run comes back all the same.
    with database.write() as session:
        session.get_one(Run, 1).deleted_at = utc_now()
    assert restore_run(home, database, "p", "1").state == "finished"


def test_a_run_of_a_project_in_the_trash_is_not_found(home: Home, database: Database) -> None:
    add_run(home, database, 1)
    with database.write() as session:
        session.get_one(Project, 4).deleted_at = utc_now()
    with pytest.raises(NotFoundError, match="no run 1"):
        get_run(home, database, 1)


def test_a_run_that_is_trained_is_not_thrown_away(home: Home, database: Database) -> None:
    run = add_run(home, database, 1)
    with hold(RunDirectory(run.directory).lock, wait=False), pytest.raises(UserError, match=r"running\. Stop it"):
        discard_run(home, database, run)
    assert get_run(home, database, 1).state == "queued"


def test_the_trash_is_emptied_after_thirty_days_and_numbers_stay_taken(home: Home, database: Database) -> None:
    for number in (1, 2):
        discard_run(home, database, add_run(home, database, number))
    with database.write() as session:
        for number, days in ((1, 31), (2, 29)):
            session.get_one(Run, number).deleted_at = utc_now() - timedelta(days=days)
    assert sweep_trash(home, database) == [1]
    assert sweep_trash(home, database) == []
    assert [run.run for run in list_trash(home, database, "p")] == [2]
    with pytest.raises(NotFoundError, match="trash holds no run"):
        restore_run(home, database, "p", "1")
    with database.read() as session:
        assert session.get(Run, 1) is not None


def test_what_goes_on_and_what_ended_lately_is_known_without_a_sync(home: Home, database: Database) -> None:
    done, alive, _ = (add_run(home, database, number) for number in (1, 2, 3))
    assert attempt(done.directory) == 0
    with hold(RunDirectory(alive.directory).lock, wait=False):
        found = recent_runs(home, database, since=0.5)
        assert [(info.id, info.state) for info, _ in found] == [(2, "preparing"), (1, "finished")]
        ended = found[1][1]
        assert found[0][1] is None
        assert ended is not None
        assert [info.id for info, _ in recent_runs(home, database, since=ended + 1)] == [2]
    with database.read() as session:
        assert session.get_one(Run, 1).state == "queued"  # looking writes nothing


def test_an_estimate_leaves_nothing_behind(home: Home, database: Database) -> None:
    template = RunDirectory(add_run(home, database, 1).directory)
    plan = RunPlan("p", "unet", template.command(), template.images())
    told: list[str] = []
    found = estimate_plan(plan, lambda event: told.append(event.kind))
    assert (found.steps, found.images, found.validation_images, found.precision) == (4, 4, 2, "fp32")
    assert min(found.seconds, found.peak_memory, found.images_per_second) > 0
    assert told[0] == "attempt"
    assert "started" in told
    assert [path.name for path in home.runs.iterdir()] == ["1"]
    assert not RunDirectory(template.path).events.exists()

    missing = plan.images.train[0].model_copy(update={"class_map": home.path / "gone.png", "key": "gone"})
    broken = RunPlan("p", "unet", plan.command, plan.images.model_copy(update={"train": (missing,)}))
    with pytest.raises(UserError, match=r"gone\.png"):
        estimate_plan(broken, lambda event: None)
