"""Alembic's entry point, on a connection that the caller opened and whose transaction it ends.

To write a new step: change `db/schema.py`, run `python -m db.draft "what changes"`, and read what it wrote.
"""

from alembic import context

from db.schema import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    # SQLite can hardly alter a table: batch steps rebuild it.
    render_as_batch=True,
    compare_type=True,
)
context.run_migrations()
