import shutil
import sqlite3
from contextlib import closing

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from db.draft import draft
from db.errors import UserError
from db.home import Home
from db.locks import hold
from db.migrate import SCRIPTS, bring_up_to_date, current_revision, revisions
from db.schema import Base
from tests.support.old_database import STEPS, dump, fill, write_scripts
from tests.support.processes import run_all


@pytest.fixture
def home(tmp_path):
    home = Home(tmp_path / "zu Hause" / "Öl & 写真 50%20 'x'?")
    home.ensure()
    return home


@pytest.fixture
def current(home):
    bring_up_to_date(home)
    return home


def definitions(url):
    """Every table and index as the SQL that made it, constraints sorted; Alembic's own table aside."""
    engine = create_engine(url)
    with engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    lines = {name: " ".join(sql.replace('"', "").split()) for name, sql in rows if name != "alembic_version"}
    return {name: sorted(line.removesuffix(" )").split(", CONSTRAINT ")) for name, line in lines.items()}


def test_the_migrations_give_what_the_schema_says(tmp_path):
    home = Home(tmp_path)
    home.ensure()
    bring_up_to_date(home)
    engine = create_engine(f"sqlite:///{home.database}")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, Base.metadata) == []
    # What the comparison does not look at: names of constraints, cascades, AUTOINCREMENT, the order of columns.
    Base.metadata.create_all(create_engine(f"sqlite:///{tmp_path / 'schema.db'}"))
    assert definitions(f"sqlite:///{home.database}") == definitions(f"sqlite:///{tmp_path / 'schema.db'}")


def test_scripts_are_one_line_numbered_by_their_file_names():
    from alembic.script import ScriptDirectory

    script = ScriptDirectory(str(SCRIPTS))
    assert [step.revision for step in script.walk_revisions()] == revisions(SCRIPTS)[::-1]


def test_a_current_database_is_left_alone(current):
    before = current.database.read_bytes(), current.database.stat().st_mtime_ns
    bring_up_to_date(current)
    assert (current.database.read_bytes(), current.database.stat().st_mtime_ns) == before
    assert list(current.backups.iterdir()) == []


def test_an_empty_file_counts_as_none(home):
    home.database.touch()
    bring_up_to_date(home)
    assert current_revision(home) == revisions(SCRIPTS)[-1]


def test_rows_survive_and_a_backup_of_before_is_kept(home, tmp_path):
    fill(home, images=50)
    before = dump(home.database)
    bring_up_to_date(home, write_scripts(tmp_path / "with space" / "m%"))
    assert current_revision(home) == "0904"
    [backup] = home.backups.iterdir()
    assert backup.name.endswith(f"-from-{revisions(SCRIPTS)[-1]}.db")
    assert dump(backup) == before
    with closing(sqlite3.connect(home.database)) as connection:
        assert connection.execute("SELECT count(*), count(DISTINCT camera) FROM image").fetchone() == (50, 5)
        # Batch steps rebuilt the parents: no cascade may have taken the children.
        assert connection.execute("SELECT count(*) FROM annotation_version").fetchone() == (50,)
        assert connection.execute("SELECT title FROM project").fetchone() == ("Straßen",)


def test_the_backup_holds_what_is_still_in_the_log(home, tmp_path):
    fill(home, images=1)
    with closing(sqlite3.connect(home.database)) as other:
        other.execute("UPDATE image SET width = 4711")
        other.commit()
        bring_up_to_date(home, write_scripts(tmp_path / "m"))
        [backup] = home.backups.iterdir()
        assert "4711" in dump(backup)
        # A connection that was open all along goes on, on the same file.
        assert other.execute("SELECT camera FROM image").fetchall() == [("camera 1",)]


def test_the_last_three_backups_are_kept(home, tmp_path):
    fill(home, images=1)
    names = list(STEPS)
    for count in range(1, 5):
        steps = {name: STEPS[name] for name in names[:count]}
        bring_up_to_date(home, write_scripts(tmp_path / str(count), steps))
    kept = sorted(path.name.split("-from-")[1] for path in home.backups.iterdir())
    assert kept == ["0901.db", "0902.db", "0903.db"]


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("op.get_bind().commit()", "not authorized"),
        ("op.get_bind().connection.driver_connection.commit()", "not authorized"),
        ("op.get_bind().connection.driver_connection.rollback()", "not authorized"),
        (
            "op.execute('INSERT INTO image SELECT 99, 99, p, p, 1, 1, 1, p, p, 1, p, 1, p, p FROM (SELECT 1 p)')",
            "without",
        ),
        ("raise ArithmeticError('a mistake of ours')", "a mistake of ours"),
    ],
)
def test_a_step_that_fails_or_tries_to_commit_changes_nothing(home, tmp_path, body, error):
    fill(home, images=5)
    before = dump(home.database)
    steps = {"0901": STEPS["0901"].replace("camera", "lens"), "0902": f"\n    {body}\n"}
    if "INSERT" in body:
        steps.pop("0901")
    with pytest.raises(Exception, match=error):
        bring_up_to_date(home, write_scripts(tmp_path / "m", steps))
    assert dump(home.database) == before


def test_a_newer_database_is_refused_and_left_alone(current):
    with closing(sqlite3.connect(current.database)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '0999'")
    before = dump(current.database)
    with pytest.raises(UserError) as caught:
        bring_up_to_date(current)
    message = str(caught.value)
    assert all(word in message for word in ("0999", revisions(SCRIPTS)[-1], str(current.database), "Update"))
    assert dump(current.database) == before


@pytest.mark.parametrize("content", [b"this is no database\n" * 100, b"SQLite format 3\0" + b"\xff" * 8000])
def test_a_file_that_is_no_database_is_named_with_the_backups(home, content):
    home.database.write_bytes(content)
    backup = home.backups / "20260101T000000.000000Z-from-0001.db"
    backup.touch()
    with pytest.raises(UserError) as caught:
        bring_up_to_date(home)
    assert str(home.database) in str(caught.value)
    assert str(backup) in str(caught.value)
    assert home.database.read_bytes() == content


def test_a_database_damaged_inside_is_not_migrated(home, tmp_path):
    fill(home)
    with closing(sqlite3.connect(home.database)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        [page] = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'image'").fetchone()
        [size] = connection.execute("PRAGMA page_size").fetchone()
    with home.database.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xaa" * size)
    with pytest.raises(UserError, match="cannot be read as one"):
        bring_up_to_date(home, write_scripts(tmp_path / "m"))
    assert list(home.backups.iterdir()) == []


def test_the_database_of_another_program_is_refused(home):
    with closing(sqlite3.connect(home.database)) as connection:
        connection.execute("CREATE TABLE moz_places (id INTEGER)")
    with pytest.raises(UserError, match="no workbench revision"):
        bring_up_to_date(home)


def open_and_check(home):
    home = Home(home)
    home.ensure()
    bring_up_to_date(home)
    assert current_revision(home) == revisions(SCRIPTS)[-1]


def test_processes_that_start_at_once_on_nothing_agree(tmp_path):
    for attempt in range(2):
        assert run_all(open_and_check, [(tmp_path / str(attempt),)] * 4) == [0] * 4
        assert list((tmp_path / str(attempt) / "backups").iterdir()) == []


def test_migrations_wait_for_each_other(home, tmp_path):
    """The lock is held: the child must be waiting; it is let go: the child finishes."""
    from tests.support.processes import FORKED

    with hold(home.locks / "migration.lock", wait=False):
        child = FORKED.Process(target=open_and_check, args=(home.path,))
        child.start()
        child.join(0.5)
        assert child.is_alive()
        assert current_revision(home) is None
    child.join(30)
    assert child.exitcode == 0


def test_a_draft_of_nothing_is_an_empty_step(tmp_path):
    scripts = tmp_path / "migrations"
    shutil.copytree(SCRIPTS, scripts)
    script = draft("nothing new", scripts)
    assert script.name == f"{int(revisions(SCRIPTS)[-1]) + 1:04d}_nothing_new.py"
    assert "pass" in script.read_text()
    home = Home(tmp_path / "home")
    open_and_check(home.path)
    bring_up_to_date(home, scripts)
    assert current_revision(home) == script.name[:4]
