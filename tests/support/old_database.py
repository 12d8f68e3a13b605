"""A database of an older revision, newer migration scripts for it, and children that die while they migrate it."""

import os
import shutil
import signal
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

from db.home import Home
from db.migrate import SCRIPTS, bring_up_to_date

HEAD = """
import time
import sqlalchemy as sa
from alembic import op

revision, down_revision = "{number}", "{before}"

def upgrade():
"""

STEPS = {
    "0901": """
    with op.batch_alter_table("image") as table:
        table.add_column(sa.Column("camera", sa.Text, server_default="unknown"))
    time.sleep(0.01)
""",
    "0902": """
    op.create_table("note", sa.Column("id", sa.Integer, primary_key=True), sa.Column("text", sa.Text))
    for number in range(30):
        op.execute(f"INSERT INTO note (text) VALUES ('note {number}')")
        time.sleep(0.001)
""",
    "0903": """
    for third in range(3):
        op.execute(f"UPDATE image SET camera = 'camera ' || (id % 5) WHERE id % 3 = {third}")
        time.sleep(0.005)
    op.create_index("ix_image_camera", "image", ["camera"])
""",
    "0904": """
    with op.batch_alter_table("project") as table:
        table.alter_column("name", new_column_name="title")
    op.drop_table("rendering")
""",
}


def write_scripts(folder: Path, steps=STEPS) -> Path:
    """Write a script directory that knows all of ours and `steps` on top."""
    shutil.copytree(SCRIPTS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    before = sorted(path.name[:4] for path in (folder / "versions").glob("*.py"))[-1]
    for number, body in steps.items():
        script = folder / "versions" / f"{number}_step.py"
        script.write_text(HEAD.format(number=number, before=before) + body)
        before = number
    return folder


def fill(home: Home, images: int = 800) -> None:
    """Make a current database with a project, a dataset, images, and an annotation version of each."""
    home.ensure()
    bring_up_to_date(home)
    moment = "2026-01-01 00:00:00.000000"
    with closing(sqlite3.connect(home.database)) as connection, connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("INSERT INTO project VALUES (1, 'Straßen', ?, NULL)", (moment,))
        connection.execute("INSERT INTO dataset VALUES (1, 1, 'day', 'voc', '/photos', 0, '{}', ?, NULL)", (moment,))
        connection.executemany(
            "INSERT INTO image (id, dataset_id, path, sha256, width, height, byte_size, added_at)"
            " VALUES (?, 1, ?, ?, 640, 480, 1000, ?)",
            [(number, f"{number}.jpg", f"{number:064x}", moment) for number in range(1, images + 1)],
        )
        connection.executemany(
            "INSERT INTO annotation_version (image_id, number, author, origin, content, created_at)"
            " VALUES (?, 1, 'me', 'import:voc', '{}', ?)",
            [(number, moment) for number in range(1, images + 1)],
        )


def dump(database: Path) -> str:
    """Return the whole database as SQL, after SQLite has found it sound."""
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        return "\n".join(connection.iterdump())


def copy_home(source: Home, target: Path) -> Home:
    """Copy a home that nobody has open."""
    shutil.copytree(source.path, target)
    return Home(target)


def migrate(home: Path, scripts: Path) -> None:
    """Migrate; the target of a child process."""
    bring_up_to_date(Home(home), scripts)


def migrate_and_die_at_statement(home: Path, scripts: Path | None, statement: int) -> None:
    """Migrate, but die by SIGKILL just before the n-th statement; exit code 0 when there are fewer."""
    from sqlalchemy import Engine, event

    seen = iter(range(statement + 1, 0, -1))

    @event.listens_for(Engine, "before_cursor_execute")
    def count(*_):
        if next(seen, 1) == 1:
            os.kill(os.getpid(), signal.SIGKILL)

    bring_up_to_date(Home(home), scripts or SCRIPTS)


def migrate_and_die_in_commit(home: Path, scripts: Path, delay: float) -> None:
    """Migrate, but die by SIGKILL `delay` seconds after the COMMIT of the steps began."""
    from sqlalchemy import Engine, event

    def die():
        time.sleep(delay)
        os.kill(os.getpid(), signal.SIGKILL)

    @event.listens_for(Engine, "commit")
    def arm(_):
        threading.Thread(target=die, daemon=True).start()

    bring_up_to_date(Home(home), scripts)
    time.sleep(1)  # the killer comes, if late
