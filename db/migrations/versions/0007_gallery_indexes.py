"""Indexes from which the first page of a filter of the gallery is answered: they hold all it looks at."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Put indexes that hold more in the place of those that begin alike, and add the one of the newest."""
    op.drop_index("ix_image_dataset_id", "image")
    op.drop_index("ix_image_live", "image")
    op.drop_index("ix_version_class_class_id", "version_class")
    op.create_index("ix_image_live", "image", ["dataset_id", "path", "deleted_at", "head_id"])
    op.create_index("ix_image_labelled", "image", ["dataset_id", "head_id", "deleted_at"])
    op.create_index("ix_image_newest", "image", ["head_id", "id", "dataset_id", "deleted_at"])
    op.create_index("ix_version_class_showing", "version_class", ["class_id", "version_id"])
