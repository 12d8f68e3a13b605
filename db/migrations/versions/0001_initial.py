"""The first tables: projects, classes, datasets with their labels, revisions, models, runs and evaluations."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "project",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="pk_project"),
        sa.UniqueConstraint("name", name="uq_project_name"),
    )

    op.create_table(
        "setting",
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_setting"),
    )

    op.create_table(
        "class",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("project_id", sa.Integer, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("color", sa.String(7), nullable=False),
        sa.Column("hotkey", sa.String(1)),
        sa.Column("merged_into_id", sa.Integer),
        sa.Column("deleted_at", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(["merged_into_id"], ["class.id"], name="fk_class_merged_into_id_class"),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name="fk_class_project_id_project", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_class"),
        sa.UniqueConstraint("project_id", "name", name="uq_class_project_id_name"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_class_project_id", "class", ["project_id"])

    op.create_table(
        "dataset",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("project_id", sa.Integer, nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("format", sa.String(32), nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("linked", sa.Boolean, nullable=False),
        sa.Column("options", sa.JSON, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name="fk_dataset_project_id_project", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_dataset"),
        sa.UniqueConstraint("project_id", "name", name="uq_dataset_project_id_name"),
    )
    op.create_index("ix_dataset_project_id", "dataset", ["project_id"])

    op.create_table(
        "mapping",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("project_id", sa.Integer, nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("rows", sa.JSON, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name="fk_mapping_project_id_project", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_mapping"),
        sa.UniqueConstraint("project_id", "name", name="uq_mapping_project_id_name"),
    )
    op.create_index("ix_mapping_project_id", "mapping", ["project_id"])

    op.create_table(
        "model",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("project_id", sa.Integer, nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("spec", sa.JSON, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name="fk_model_project_id_project", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_model"),
        sa.UniqueConstraint("project_id", "name", name="uq_model_project_id_name"),
    )
    op.create_index("ix_model_project_id", "model", ["project_id"])

    op.create_table(
        "revision",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("project_id", sa.Integer, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("summary", sa.JSON, nullable=False),
        sa.Column("provenance", sa.JSON, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name="fk_revision_project_id_project", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_revision"),
        sa.UniqueConstraint("project_id", "digest", name="uq_revision_project_id_digest"),
    )
    op.create_index("ix_revision_project_id", "revision", ["project_id"])

    op.create_table(
        "run",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("project_id", sa.Integer, nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("architecture", sa.String(64), nullable=False),
        sa.Column("revision_digest", sa.String(64), nullable=False),
        sa.Column("directory", sa.Text, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("summary", sa.JSON, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name="fk_run_project_id_project", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_run"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_run_project_id", "run", ["project_id"])

    op.create_table(
        "evaluation",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("project_id", sa.Integer, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("model_sha256", sa.String(64), nullable=False),
        sa.Column("dataset", sa.String(200), nullable=False),
        sa.Column("on", sa.String(200), nullable=False),
        sa.Column("revision_digest", sa.String(64), nullable=False),
        sa.Column("mapping_id", sa.Integer),
        sa.Column("directory", sa.Text, nullable=False),
        sa.Column("summary", sa.JSON, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(
            ["mapping_id"], ["mapping.id"], name="fk_evaluation_mapping_id_mapping", ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name="fk_evaluation_project_id_project", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_evaluation"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_evaluation_project_id", "evaluation", ["project_id"])

    op.create_table(
        "image",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("dataset_id", sa.Integer, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("width", sa.Integer, nullable=False),
        sa.Column("height", sa.Integer, nullable=False),
        sa.Column("byte_size", sa.BigInteger, nullable=False),
        sa.Column("linked_path", sa.Text),
        sa.Column("linked_mtime_ns", sa.BigInteger),
        sa.Column("perceptual_hash", sa.String(16)),
        sa.Column("head_id", sa.Integer),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["dataset_id"], ["dataset.id"], name="fk_image_dataset_id_dataset", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_image"),
        sa.UniqueConstraint("dataset_id", "path", name="uq_image_dataset_id_path"),
    )
    op.create_index("ix_image_dataset_id", "image", ["dataset_id"])
    op.create_index("ix_image_sha256", "image", ["sha256"])

    op.create_table(
        "subset",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("dataset_id", sa.Integer, nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.ForeignKeyConstraint(
            ["dataset_id"], ["dataset.id"], name="fk_subset_dataset_id_dataset", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_subset"),
        sa.UniqueConstraint("dataset_id", "name", name="uq_subset_dataset_id_name"),
    )
    op.create_index("ix_subset_dataset_id", "subset", ["dataset_id"])

    op.create_table(
        "annotation_version",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("image_id", sa.Integer, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("parent_id", sa.Integer),
        sa.Column("author", sa.String(200), nullable=False),
        sa.Column("origin", sa.String(64), nullable=False),
        sa.Column("source_digest", sa.String(64)),
        sa.Column("content", sa.JSON, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["image_id"], ["image.id"], name="fk_annotation_version_image_id_image", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["annotation_version.id"], name="fk_annotation_version_parent_id_annotation_version"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_annotation_version"),
        sa.UniqueConstraint("image_id", "number", name="uq_annotation_version_image_id_number"),
    )
    op.create_index("ix_annotation_version_image_id", "annotation_version", ["image_id"])

    op.create_table(
        "role",
        sa.Column("image_id", sa.Integer, nullable=False),
        sa.Column("role", sa.String(8), nullable=False),
        sa.Column("origin", sa.String(200), nullable=False),
        sa.ForeignKeyConstraint(["image_id"], ["image.id"], name="fk_role_image_id_image", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("image_id", name="pk_role"),
    )

    op.create_table(
        "subset_image",
        sa.Column("subset_id", sa.Integer, nullable=False),
        sa.Column("image_id", sa.Integer, nullable=False),
        sa.ForeignKeyConstraint(["image_id"], ["image.id"], name="fk_subset_image_image_id_image", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["subset_id"], ["subset.id"], name="fk_subset_image_subset_id_subset", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("subset_id", "image_id", name="pk_subset_image"),
    )
    op.create_index("ix_subset_image_image_id", "subset_image", ["image_id"])

    op.create_table(
        "rendering",
        sa.Column("version_id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("pixels_sha256", sa.String(64), nullable=False),
        sa.ForeignKeyConstraint(
            ["version_id"],
            ["annotation_version.id"],
            name="fk_rendering_version_id_annotation_version",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("version_id", "key", name="pk_rendering"),
    )
