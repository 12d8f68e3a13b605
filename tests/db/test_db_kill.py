"""A process killed anywhere in a migration leaves the old database or the new one, and the next start goes on."""

import random
import signal
import time

import pytest

from db.home import Home
from db.migrate import bring_up_to_date, current_revision
from tests.support.old_database import (
    copy_home,
    dump,
    fill,
    migrate,
    migrate_and_die_at_statement,
    migrate_and_die_in_commit,
    write_scripts,
)
from tests.support.processes import FORKED, run_all


@pytest.fixture(scope="module")
def scripts(tmp_path_factory):
    return write_scripts(tmp_path_factory.mktemp("scripts") / "migrations")


@pytest.fixture(scope="module")
def old(tmp_path_factory):
    home = Home(tmp_path_factory.mktemp("old") / "home")
    fill(home)
    return home


@pytest.fixture(scope="module")
def contents(old, scripts, tmp_path_factory):
    """The old and the new database as SQL."""
    home = copy_home(old, tmp_path_factory.mktemp("new") / "home")
    before = dump(home.database)
    bring_up_to_date(home, scripts)
    assert current_revision(home) == "0904"
    return before, dump(home.database)


@pytest.fixture(autouse=True)
def nothing_slow_here(monkeypatch):
    """The steps sleep so that kills find them at work; here, where nobody kills, they need not."""
    monkeypatch.setattr(time, "sleep", lambda _: None)


def found_after_kill(home, scripts, contents):
    """Say which of the two the next start finds, and let it go on to the new one."""
    found = dump(home.database)
    assert found in contents, "neither the old database nor the new one"
    assert all(dump(backup) == contents[0] for backup in home.backups.glob("*.db"))
    bring_up_to_date(home, scripts)
    assert dump(home.database) == contents[1]
    assert not list(home.backups.glob("*.partial*"))
    return "old" if found == contents[0] else "new"


@pytest.mark.parametrize("first", [0, 1, 2, 3])
def test_kill_between_statements(first, old, scripts, contents, tmp_path):
    """Sixteen of the sixty statements of the steps, the very first among them, in four rounds of four at once."""
    points = [1 + 3 * first + 14 * round_ for round_ in range(4)]
    homes = [copy_home(old, tmp_path / str(point)) for point in points]
    arguments = [(home.path, scripts, point) for home, point in zip(homes, points, strict=True)]
    codes = run_all(migrate_and_die_at_statement, arguments)
    assert codes == [-signal.SIGKILL] * len(points)
    assert {found_after_kill(home, scripts, contents) for home in homes} == {"old"}


def test_kill_inside_the_commit(old, scripts, contents, tmp_path):
    delays = [0.0, 0.0003, 0.001, 0.003]
    homes = [copy_home(old, tmp_path / str(delay)) for delay in delays]
    codes = run_all(migrate_and_die_in_commit, [(home.path, scripts, d) for home, d in zip(homes, delays, strict=True)])
    assert codes == [-signal.SIGKILL] * len(delays)
    for home in homes:
        found_after_kill(home, scripts, contents)


def test_kill_at_any_time(old, scripts, contents, tmp_path):
    """Killed by another process at times spread over a whole migration, backup copy included."""
    child = FORKED.Process(target=migrate, args=(copy_home(old, tmp_path / "timed").path, scripts))
    started = time.monotonic()
    child.start()
    child.join()
    whole = time.monotonic() - started
    dice = random.Random(7)
    kills = 0
    for attempt in range(12):
        home = copy_home(old, tmp_path / str(attempt))
        child = FORKED.Process(target=migrate, args=(home.path, scripts))
        child.start()
        child.join(whole * (attempt + dice.random()) / 12)
        child.kill()
        child.join()
        kills += child.exitcode == -signal.SIGKILL
        found_after_kill(home, scripts, contents)
    assert kills >= 1  # on a busy machine most are through before they are killed; what is found is checked each time


def test_kill_while_a_home_is_made(tmp_path):
    """Before the first migration there is nothing: afterwards nothing, or all tables."""
    points = [1, 4, 15, 30]
    homes = [Home(tmp_path / str(point)) for point in points]
    for home in homes:
        home.ensure()
    codes = run_all(migrate_and_die_at_statement, [(h.path, None, p) for h, p in zip(homes, points, strict=True)])
    assert codes == [-signal.SIGKILL] * len(points)
    for home in homes:
        assert current_revision(home) is None
        bring_up_to_date(home)
        assert current_revision(home) is not None
