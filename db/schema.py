"""The tables, as typed SQLAlchemy models. Only portable column types, so that another database can hold them.

Times are UTC. Large content (photos, class maps, manifests) lies in the content store under its sha256; a row holds
the hash. Rows in `run` and `evaluation` cache what their directories hold (see `training.runs.lifecycle.sync`).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


def utc_now() -> datetime:
    """Return the current time, aware, in UTC."""
    return datetime.now(UTC)


class UtcDateTime(TypeDecorator[datetime]):
    """A moment. SQLite keeps no time zone; what is read back is aware again."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the moment in UTC."""
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


class Base(DeclarativeBase):
    """Declarative base with named constraints, which migrations need on every database."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_N_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UtcDateTime(), dict[str, Any]: JSON, list[Any]: JSON}  # noqa: RUF012


class Setting(Base):
    """A value of the whole home, such as the current project."""

    __tablename__ = "setting"
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[str] = mapped_column(Text)


class User(Base):
    """Who may use the server where it listens to other computers. `password` is what `workbench.server.users` hashed.

    A session names the user's id and carries a signature over `password`: a user who changes it, or is removed and
    added again, has none left.
    """

    __tablename__ = "user"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012 - a session of a removed user is nobody else's
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200), unique=True)
    password: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class Project(Base):
    """Classes plus everything below them."""

    __tablename__ = "project"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200), unique=True)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    deleted_at: Mapped[datetime | None]


class Class(Base):
    """A class of a project. `position` orders the dense class list of a revision; ids are stable and never reused.

    Merging sets `merged_into_id`, which is resolved when a class map is rendered; stored maps are never rewritten.
    """

    __tablename__ = "class"
    __table_args__ = (UniqueConstraint("project_id", "name"), {"sqlite_autoincrement": True})
    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"), index=True)
    position: Mapped[int]
    name: Mapped[str] = mapped_column(Text)
    color: Mapped[str] = mapped_column(String(7))  # "#rrggbb"
    hotkey: Mapped[str | None] = mapped_column(String(1))
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("class.id"))
    deleted_at: Mapped[datetime | None]


class Dataset(Base):
    """A named source of images, one domain each. `options` is a `labeling.options.DatasetOptions` as JSON."""

    __tablename__ = "dataset"
    __table_args__ = (UniqueConstraint("project_id", "name"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(200))
    format: Mapped[str] = mapped_column(String(32))
    source: Mapped[str] = mapped_column(Text)  # absolute path of the folder or file it was imported from
    linked: Mapped[bool] = mapped_column(Boolean, default=False)
    options: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    deleted_at: Mapped[datetime | None]


class Image(Base):
    """A photo: identity is (dataset, relative path); its bytes lie in the content store under `sha256`.

    Width and height are after EXIF rotation. A linked image keeps the absolute path, size and mtime of the file.
    Queries leave out what is in the trash, unless they ask for it (`db.session.WITH_TRASHED`).
    """

    __tablename__ = "image"
    __table_args__ = (
        UniqueConstraint("dataset_id", "path"),
        Index("ix_image_sha256", "sha256"),
        # All that the gallery looks at: by path, to count, and by what was labelled last.
        Index("ix_image_live", "dataset_id", "path", "deleted_at", "head_id"),
        Index("ix_image_labelled", "dataset_id", "head_id", "deleted_at"),
        Index("ix_image_newest", "head_id", "id", "dataset_id", "deleted_at"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    dataset_id: Mapped[int] = mapped_column(ForeignKey("dataset.id", ondelete="CASCADE"))
    path: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(String(64))
    width: Mapped[int]
    height: Mapped[int]
    byte_size: Mapped[int] = mapped_column(BigInteger)
    source: Mapped[str | None] = mapped_column(Text)  # absolute path of the folder or file it was last imported from
    linked_path: Mapped[str | None] = mapped_column(Text)
    linked_mtime_ns: Mapped[int | None] = mapped_column(BigInteger)
    perceptual_hash: Mapped[str | None] = mapped_column(String(16))
    # The newest annotation version. Writers compare and swap it; no foreign key, as the two tables would point at
    # each other.
    head_id: Mapped[int | None] = mapped_column(Integer)
    added_at: Mapped[datetime] = mapped_column(default=utc_now)
    deleted_at: Mapped[datetime | None]

    role: Mapped[Role | None] = relationship(back_populates="image", cascade="all, delete-orphan", uselist=False)


class AnnotationVersion(Base):
    """One append-only version of an image's annotation; `content` is a `labeling.annotation.Annotation` as JSON.

    `origin` is `import:<format>`, `labelme`, `workbench`, or `restored:<number>` of one gone back to. `source_digest`
    is the sha256 of the parsed source and the options it was read with: a later import of the same content is
    recognised as unchanged; of `labelme` that of its file.
    """

    __tablename__ = "annotation_version"
    __table_args__ = (UniqueConstraint("image_id", "number"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    image_id: Mapped[int] = mapped_column(ForeignKey("image.id", ondelete="CASCADE"), index=True)
    number: Mapped[int]
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("annotation_version.id"))
    author: Mapped[str] = mapped_column(String(200))
    origin: Mapped[str] = mapped_column(String(64))
    source_digest: Mapped[str | None] = mapped_column(String(64))
    content: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class Rendering(Base):
    """Cache: the class map that one annotation version gives under one set of options and one class list."""

    __tablename__ = "rendering"
    version_id: Mapped[int] = mapped_column(
        ForeignKey("annotation_version.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    pixels_sha256: Mapped[str] = mapped_column(String(64))


class VersionClass(Base):
    """A class that an annotation version shows: it is named by a shape, or by a value that its maps have.

    Written with the version, which never changes; merging is resolved by who asks.
    """

    __tablename__ = "version_class"
    __table_args__ = (Index("ix_version_class_showing", "class_id", "version_id"),)
    version_id: Mapped[int] = mapped_column(
        ForeignKey("annotation_version.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    class_id: Mapped[int] = mapped_column(
        ForeignKey("class.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )


class MapCount(Base):
    """Cache: how many pixels of a class map have each value, as `[[value, pixels], ...]`, by the map's hash."""

    __tablename__ = "map_count"
    pixels_sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    counts: Mapped[list[Any]]


class PhotoFact(Base):
    """Cache: what was read of a photo to tell which photos show the same, by the sha256 of its bytes.

    `seconds` (by the camera's clock), `latitude` and `longitude` are those of `labeling.care.capture`; `look` is the
    uint8 (32, 32) picture of `labeling.care.looks`, None until somebody needed it.
    """

    __tablename__ = "photo_fact"
    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    seconds: Mapped[float | None] = mapped_column(Float)
    latitude: Mapped[float | None] = mapped_column(Float)
    longitude: Mapped[float | None] = mapped_column(Float)
    look: Mapped[bytes | None] = mapped_column(LargeBinary)


class LabelVerdict(Base):
    """Somebody said that an image's labels are right though a model doubts them.

    It is about the class map that was looked at, by its hash: labels that change are doubted anew.
    """

    __tablename__ = "label_verdict"
    image_id: Mapped[int] = mapped_column(ForeignKey("image.id", ondelete="CASCADE"), primary_key=True)
    map_sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    said_at: Mapped[datetime] = mapped_column(default=utc_now)


class Subset(Base):
    """A named list of images of a dataset."""

    __tablename__ = "subset"
    __table_args__ = (UniqueConstraint("dataset_id", "name"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    dataset_id: Mapped[int] = mapped_column(ForeignKey("dataset.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(200))


class SubsetImage(Base):
    """Membership of an image in a subset."""

    __tablename__ = "subset_image"
    subset_id: Mapped[int] = mapped_column(ForeignKey("subset.id", ondelete="CASCADE"), primary_key=True)
    image_id: Mapped[int] = mapped_column(ForeignKey("image.id", ondelete="CASCADE"), primary_key=True, index=True)


class Role(Base):
    """train, val or test: exclusive and sticky. `origin` says who gave it (`list:val`, `random:7`, `import`)."""

    __tablename__ = "role"
    image_id: Mapped[int] = mapped_column(ForeignKey("image.id", ondelete="CASCADE"), primary_key=True)
    role: Mapped[str] = mapped_column(String(8))
    origin: Mapped[str] = mapped_column(String(200))

    image: Mapped[Image] = relationship(back_populates="role")


class Revision(Base):
    """A frozen snapshot. `digest`, its id for people, is the sha256 of the canonical manifest, which lies in the
    content store under that hash; `provenance` holds what the id leaves out (options, versions, colours).
    """  # noqa: D205

    __tablename__ = "revision"
    __table_args__ = (UniqueConstraint("project_id", "digest"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"), index=True)
    digest: Mapped[str] = mapped_column(String(64))
    summary: Mapped[dict[str, Any]]
    provenance: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class Model(Base):
    """An imported checkpoint. A run's checkpoints need no row: they are `<run>:best` and `<run>:last`."""

    __tablename__ = "model"
    __table_args__ = (UniqueConstraint("project_id", "name"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(200))
    sha256: Mapped[str] = mapped_column(String(64))  # of the bundle file
    path: Mapped[str] = mapped_column(Text)  # relative to the workbench home
    source: Mapped[str] = mapped_column(Text)
    spec: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    deleted_at: Mapped[datetime | None]


class Run(Base):
    """A training. The run directory is the truth; `state` and `summary` are a cache refreshed by `sync`."""

    __tablename__ = "run"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012 - a number once used for a run stays that run's
    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(200))
    architecture: Mapped[str] = mapped_column(String(64))
    revision_digest: Mapped[str] = mapped_column(String(64))
    directory: Mapped[str] = mapped_column(Text)  # relative to the workbench home
    state: Mapped[str] = mapped_column(String(16))
    summary: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    deleted_at: Mapped[datetime | None]


class Mapping(Base):
    """Saved, editable rows from a model's classes to a dataset's; applied when evaluations are read.

    `rows` is a list of `[model class, dataset class or null]`; null sends predictions to the `other` column.
    """

    __tablename__ = "mapping"
    __table_args__ = (UniqueConstraint("project_id", "name"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(200))
    rows: Mapped[list[Any]]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class Evaluation(Base):
    """One model on one subset or role of one revision. Raw counts lie in its directory; `summary` is a cache."""

    __tablename__ = "evaluation"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012
    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"), index=True)
    model: Mapped[str] = mapped_column(Text)  # as it was named: "12:best", an imported model's name, a bundle's path
    model_sha256: Mapped[str] = mapped_column(String(64))
    dataset: Mapped[str] = mapped_column(String(200))
    on: Mapped[str] = mapped_column(String(200))
    revision_digest: Mapped[str] = mapped_column(String(64))
    mapping_id: Mapped[int | None] = mapped_column(ForeignKey("mapping.id", ondelete="SET NULL"))
    directory: Mapped[str] = mapped_column(Text)
    summary: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    deleted_at: Mapped[datetime | None]
