"""Draft the next migration from what `db/schema.py` has and the newest migration has not.

    python -m db.draft "what changes"

A draft: read it, say in its docstring why, and fill in what a comparison cannot know (renames, values of new columns).
"""

from __future__ import annotations

import sys
from pathlib import Path

from alembic import command
from sqlalchemy import create_engine

from db.migrate import SCRIPTS, alembic_config, revisions


def draft(message: str, scripts: Path = SCRIPTS) -> Path:
    """Write the next migration script and return where it lies."""
    with create_engine("sqlite://").connect() as connection:
        config = alembic_config(scripts, connection)
        command.upgrade(config, "head")
        number = f"{int(revisions(scripts)[-1]) + 1:04d}"
        command.revision(config, message, autogenerate=True, rev_id=number)
    return next((scripts / "versions").glob(f"{number}_*.py"))


if __name__ == "__main__":
    print(draft(" ".join(sys.argv[1:]) or "change"))
