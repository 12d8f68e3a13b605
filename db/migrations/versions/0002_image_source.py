"""Where each image was last imported from: a dataset may be filled from several places."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; the images there are get their dataset's last source, which was all that was known."""
    # Always rebuilt: SQLite would put an added column behind the table's constraints.
    with op.batch_alter_table("image", recreate="always") as table:
        table.add_column(sa.Column("source", sa.Text), insert_after="byte_size")
    op.execute("UPDATE image SET source = (SELECT source FROM dataset WHERE dataset.id = image.dataset_id)")
