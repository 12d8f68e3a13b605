"""What people said of labels that a model doubts: they are right."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "label_verdict",
        sa.Column("image_id", sa.Integer, nullable=False),
        sa.Column("map_sha256", sa.String(64), nullable=False),
        sa.Column("said_at", sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint("image_id", "map_sha256", name="pk_label_verdict"),
        sa.ForeignKeyConstraint(["image_id"], ["image.id"], name="fk_label_verdict_image_id_image", ondelete="CASCADE"),
    )
