"""What was read of a photo to tell which photos show the same, by its hash."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table; it fills when leaks are first looked for."""
    op.create_table(
        "photo_fact",
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("seconds", sa.Float, nullable=True),
        sa.Column("latitude", sa.Float, nullable=True),
        sa.Column("longitude", sa.Float, nullable=True),
        sa.Column("look", sa.LargeBinary, nullable=True),
        sa.PrimaryKeyConstraint("sha256", name="pk_photo_fact"),
    )
