"""Which classes an annotation version shows, to ask for images by class; and counted class maps, to count them once."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_BATCH = 200  # annotations can be large: a few at a time


def upgrade() -> None:
    """Make the tables, and look through the versions there are."""
    op.create_table(
        "version_class",
        sa.Column("version_id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("class_id", sa.Integer, autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["version_id"],
            ["annotation_version.id"],
            name="fk_version_class_version_id_annotation_version",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["class_id"], ["class.id"], name="fk_version_class_class_id_class", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("version_id", "class_id", name="pk_version_class"),
    )
    op.create_index("ix_version_class_class_id", "version_class", ["class_id"])
    op.create_table(
        "map_count",
        sa.Column("pixels_sha256", sa.String(64), nullable=False),
        sa.Column("counts", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("pixels_sha256", name="pk_map_count"),
    )
    _fill()


def _fill() -> None:
    connection = op.get_bind()
    version_class = sa.table("version_class", sa.column("version_id"), sa.column("class_id"))
    classes = set(connection.scalars(sa.text("SELECT id FROM class")))
    query = sa.text("SELECT id, content FROM annotation_version WHERE id > :last ORDER BY id LIMIT :batch")
    last = 0
    while versions := connection.execute(query, {"last": last, "batch": _BATCH}).all():
        rows = [
            {"version_id": version_id, "class_id": class_id}
            for version_id, content in versions
            for class_id in sorted(_shown(json.loads(content)) & classes)
        ]
        if rows:
            connection.execute(sa.insert(version_class), rows)
        last = versions[-1][0]


def _shown(content: dict[str, Any]) -> set[int]:
    labels = [shape["label"] for shape in content.get("shapes", ())]
    for layer in (content.get("base"), content.get("paint")):
        labels += layer["legend"] if layer else []
    return {label for label in labels if isinstance(label, int)}
