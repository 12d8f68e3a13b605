"""When an image was moved to the trash, as projects, datasets, models, runs and evaluations say it already."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; no image is in the trash yet."""
    # Always rebuilt: SQLite would put an added column behind the table's constraints.
    with op.batch_alter_table("image", recreate="always") as table:
        table.add_column(sa.Column("deleted_at", sa.DateTime(timezone=True)), insert_after="added_at")
    op.create_index("ix_image_live", "image", ["dataset_id", "path", "deleted_at"])
