"""What the rows of a home refer to in its content store: the one list that checking, counting and collecting share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.errors import UserError
from db.schema import AnnotationVersion, Dataset, Image, Rendering, Revision
from db.session import WITH_TRASHED
from db.store import Store
from labeling.manifest import load_manifest

ContentKind = Literal["photo", "class map", "object map", "manifest"]

_ROWS = 500  # annotations can be large: some at a time


@dataclass(frozen=True)
class Reference:
    """One row's reference to content.

    Attributes:
        sha256: its name in the store.
        kind: what it is; decides what the name is the hash of (`labeling.map_store` for maps).
        project_id: of whose project.
        owner: what needs it, for people.
        size: bytes, where the row says it.
        needed: False where it can be had without: a class map that is rendered again, a photo that is linked as well.
        broken: a manifest that is lost or cannot be read, so that nobody knows what it refers to.
    """

    sha256: str
    kind: ContentKind
    project_id: int
    owner: str
    size: int | None = None
    needed: bool = True
    broken: bool = False


def references(session: Session, store: Store) -> Iterator[Reference]:
    """Yield every reference of every project, those in the trash included; a content may be named many times.

    A revision whose manifest is lost or broken names its manifest only, as `broken`.
    """
    linked = set[str]()
    columns = (Image.sha256, Image.byte_size, Image.linked_path, Image.path, Dataset.name, Dataset.project_id)
    query = select(*columns).join(Dataset, Dataset.id == Image.dataset_id).execution_options(**WITH_TRASHED)
    for sha, size, link, path, dataset, project_id in session.execute(query.execution_options(yield_per=_ROWS)):
        if link is None:
            yield Reference(sha, "photo", project_id, f"the image {dataset}/{path}", size)
        else:
            linked.add(sha)
    yield from _of_versions(session)
    for digest, project_id in session.execute(select(Revision.digest, Revision.project_id)):
        owner = f"the revision {digest[:12]}"
        try:
            images = load_manifest(store, digest).images
        except (UserError, ValueError, KeyError, TypeError):
            yield Reference(digest, "manifest", project_id, owner, broken=True)
            continue
        yield Reference(digest, "manifest", project_id, owner)
        for image in images:
            named = f"{owner}, image {image.dataset}/{image.path}"
            yield Reference(image.image_sha256, "photo", project_id, named, needed=image.image_sha256 not in linked)
            yield Reference(image.map_sha256, "class map", project_id, named)


def _of_versions(session: Session) -> Iterator[Reference]:
    about = (AnnotationVersion.number, Image.path, Dataset.name, Dataset.project_id)
    contents = (
        select(AnnotationVersion.content, *about)
        .join(Image, Image.id == AnnotationVersion.image_id)
        .join(Dataset, Dataset.id == Image.dataset_id)
        .execution_options(yield_per=_ROWS, **WITH_TRASHED)
    )
    for content, number, path, dataset, project_id in session.execute(contents):
        owner = f"version {number} of the labels of {dataset}/{path}"
        for kind, sha in _maps(content):
            yield Reference(sha, kind, project_id, owner)
    rendered = (
        select(Rendering.pixels_sha256, *about)
        .join(AnnotationVersion, AnnotationVersion.id == Rendering.version_id)
        .join(Image, Image.id == AnnotationVersion.image_id)
        .join(Dataset, Dataset.id == Image.dataset_id)
        .execution_options(yield_per=_ROWS, **WITH_TRASHED)
    )
    for sha, number, path, dataset, project_id in session.execute(rendered):
        owner = f"the class map of version {number} of {dataset}/{path}"
        yield Reference(sha, "class map", project_id, owner, needed=False)


def _maps(content: dict[str, Any]) -> Iterator[tuple[ContentKind, str]]:
    """Yield the maps that an annotation, as stored, is made of."""
    for layer in (content["base"], content["paint"]):
        if layer is not None:
            yield "class map", layer["sha256"]
    if content.get("instances") is not None:
        yield "object map", content["instances"]
