import ctypes
import os
import shutil
import sqlite3
import subprocess
import sys
import warnings
from contextlib import closing

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from db.errors import UserError
from db.home import Home
from db.schema import Class, Dataset, Image, Project, Role, Setting
from db.session import open_database
from tests.support.processes import run_all


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path / "zu Hause" / "Öl & 写真 50%20?")


@pytest.fixture
def database(home):
    return open_database(home)


def test_what_is_written_is_read_and_stays_usable_after_the_session(database):
    with database.write() as session:
        project = Project(name="Straßen")
        session.add(project)
    assert project.id == 1  # no expiry on commit
    with database.read() as session:
        found = session.scalars(select(Project)).one()
    assert found.name == "Straßen"


def test_an_error_undoes_everything(database):
    def write_and_fail():
        with database.write() as session:
            session.add(Setting(key="a", value="1"))
            session.flush()
            raise KeyError("a mistake")

    with pytest.raises(KeyError):
        write_and_fail()
    with database.read() as session:
        assert session.get(Setting, "a") is None


def test_foreign_keys_are_enforced_and_cascade(database):
    with pytest.raises(IntegrityError, match="FOREIGN KEY"), database.write() as session:
        session.add(Class(project_id=99, position=0, name="sky", color="#000000"))
    with database.write() as session:
        session.add(Project(id=1, name="p"))
        session.flush()
        session.add(Dataset(id=1, project_id=1, name="d", format="voc", source="/", options={}))
        session.flush()
        image = Image(id=1, dataset_id=1, path="a.jpg", sha256="0" * 64, width=1, height=1, byte_size=1)
        image.role = Role(role="train", origin="import")
        session.add(image)
    with database.write() as session:
        session.execute(text("DELETE FROM project"))
    with database.read() as session:
        assert session.scalars(select(Image)).all() == []
        assert session.scalars(select(Role)).all() == []


@pytest.mark.parametrize("flush", [True, False])
def test_writing_in_a_read_session_is_an_error_not_a_loss(database, flush):
    def write():
        with database.read() as session:
            session.add(Setting(key="a", value="1"))
            if flush:
                session.flush()

    with pytest.raises(RuntimeError, match=r"use Database.write"):
        write()


def test_a_reader_keeps_its_snapshot_and_nobody_waits(database):
    with database.write() as session:
        session.add(Setting(key="n", value="old"))
    with database.read() as reader:
        assert reader.scalar(text("SELECT value FROM setting")) == "old"
        with database.write() as writer:
            writer.execute(text("UPDATE setting SET value = 'new'"))
        assert reader.scalar(text("SELECT value FROM setting")) == "old"
    with database.read() as reader:
        assert reader.scalar(text("SELECT value FROM setting")) == "new"


def count_up(home, times):
    database = open_database(Home(home))
    for _ in range(times):
        with database.write() as session:
            counter = session.get(Setting, "n")
            if counter is None:
                session.add(Setting(key="n", value="1"))
            else:
                counter.value = str(int(counter.value) + 1)
        with database.read() as session:
            assert session.get(Setting, "n") is not None


def count_up_forked(home, times):
    """Open first, then fork, then use it on both sides."""
    database = open_database(Home(home))
    with database.read() as session:
        session.get(Setting, "n")
    child = os.fork()
    count_up(home, times)
    if child == 0:
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0


def test_writers_in_many_processes_wait_for_each_other(home):
    """They begin on nothing, all at once: read, add one, write. No "database is locked", no count lost."""
    assert run_all(count_up, [(home.path, 15)] * 4) == [0] * 4
    assert run_all(count_up_forked, [(home.path, 10)] * 2) == [0] * 2
    with open_database(home).read() as session:
        assert session.get_one(Setting, "n").value == str(4 * 15 + 2 * 2 * 10)


def journal_mode(home):
    with closing(sqlite3.connect(home.database)) as connection:
        return connection.execute("PRAGMA journal_mode").fetchone()[0]


def test_a_network_filesystem_gets_a_rollback_journal_and_one_warning(home, monkeypatch):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        open_database(home)
    assert journal_mode(home) == "wal"
    monkeypatch.setattr("db.files.filesystem_type", lambda _: "nfs4")
    with pytest.warns(UserWarning, match="network filesystem") as caught:
        database = open_database(home)
    assert len(caught) == 1
    with database.write() as session:
        session.add(Setting(key="a", value="1"))
    assert journal_mode(home) == "delete"
    monkeypatch.undo()
    open_database(home)
    assert journal_mode(home) == "wal"


def test_a_current_database_opens_without_alembic(database):
    code = (
        "import sys; from pathlib import Path; from db.home import Home; from db.session import open_database;"
        "open_database(Home(Path(sys.argv[1]))); sys.exit('alembic' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(database.home.path)], check=False).returncode == 0


def run_where_root_obeys_permissions(code, home):
    """Run code in a child; where the tests run as root, take away root's right to write everywhere."""
    drop_capability, write_everywhere = 24, 1  # PR_CAPBSET_DROP and CAP_DAC_OVERRIDE, linux/prctl.h, linux/capability.h
    libc = ctypes.CDLL(None)
    return subprocess.run(
        [sys.executable, "-c", code, str(home.path)],
        preexec_fn=lambda: libc.prctl(drop_capability, write_everywhere, 0, 0, 0),
        capture_output=True,
        text=True,
        check=False,
    )


OPEN_READ_AND_WRITE = """
import sys
from pathlib import Path
from db.errors import UserError
from db.home import Home
from db.schema import Setting
from db.session import open_database
try:
    database = open_database(Home(Path(sys.argv[1])))
    with database.read() as session:
        session.get(Setting, "a")
    with database.write() as session:
        session.add(Setting(key="a", value="1"))
except UserError as error:
    print(error)
    sys.exit(2)
"""


@pytest.mark.parametrize("made_before", [True, False])
def test_a_read_only_home_is_the_users_error(home, made_before):
    if made_before:
        open_database(home)
    else:
        home.path.mkdir(parents=True)
    for path in (home.path, *home.path.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        result = run_where_root_obeys_permissions(OPEN_READ_AND_WRITE, home)
    finally:
        home.path.chmod(0o755)
    assert result.returncode == 2, result.stderr
    assert str(home.path) in result.stdout
    assert "permission" in result.stdout.lower() or "read-only" in result.stdout or "writable" in result.stdout


def test_a_full_disk_is_the_users_error_and_the_database_stays_whole(database):
    """SQLite's page limit gives the very error of a full disk."""

    def write():
        with database.write() as session:
            session.execute(text("PRAGMA max_page_count = 1"))
            session.add_all(Setting(key=str(number), value="x" * 1000) for number in range(200))

    with pytest.raises(UserError, match="the disk is full") as caught:
        write()
    assert str(database.home.database) in str(caught.value)
    with database.read() as session:
        assert session.scalars(select(Setting)).all() == []
        assert session.scalar(text("PRAGMA quick_check")) == "ok"


def test_a_database_damaged_while_in_use_is_named_with_its_backups(database):
    home = database.home
    backup = home.backups / "20260101T000000.000000Z-from-0001.db"
    shutil.copy(home.database, backup)
    home.database.write_bytes(b"garbage " * 1000)
    with pytest.raises(UserError) as caught, database.read() as session:
        session.scalars(select(Setting)).all()
    assert str(home.database) in str(caught.value)
    assert str(backup) in str(caught.value)
