"""Writing prepared items into the database: a batch a transaction, and the decision what each one is."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.errors import UserError
from db.schema import AnnotationVersion, Class, Image, Project, Role
from db.session import WITH_TRASHED, Database
from db.staging import settle_all
from db.store import Store
from labeling.annotation import Special
from labeling.annotations import append_version
from labeling.classes import ensure_class, live_classes
from labeling.importing.decision import BESIDES, Decision, Head, Stored, decide
from labeling.importing.report import Tally
from labeling.importing.request import ImportRequest
from labeling.importing.target import Target, resolved_name
from labeling.importing.worker import Photo, Prepared
from labeling.options import DatasetOptions
from labeling.subsets import refresh_membership

_ORIGIN = "import:"
_BESIDES = {"extra", "group", "instances"}  # keys of a content that draw nothing


@dataclass(frozen=True)
class ImportStore:
    """Writes the items of one import.

    Attributes:
        database: the database.
        content: the content store.
        target: project, dataset and lists.
        request: the request.
        options: the settled options.
        source: what its images remember as the place they were last imported from.
        tally: counts, filled as batches are committed.
    """

    database: Database
    content: Store
    target: Target
    request: ImportRequest
    options: DatasetOptions
    source: str
    tally: Tally

    def commit(self, batch: Sequence[Prepared]) -> None:
        """Write a batch in one short transaction.

        Raises:
            UserError: the project would have more than 254 classes, or the disk is full; earlier batches stay.
        """
        if not batch:
            return
        tally = Tally()
        settle_all(self.content, [staged for prepared in batch for staged in prepared.staged])
        with self.database.write() as session:
            images = self._images(session, [prepared.item.path for prepared in batch])
            before = _stored(session, images)
            table = {row.name: row.id for row in live_classes(session, self.target.project_id)}
            members: dict[int, set[int]] = {}
            for prepared in batch:
                image = images.get(prepared.item.path)
                if image is not None and image.deleted_at is not None:
                    tally.counts["skipped"] += 1
                    tally.add(prepared.item.file, "skipped", _in_trash(self.target.dataset, prepared.item.path))
                    continue
                tally.counts["unlabelled" if prepared.content is None else "labelled"] += 1
                labels = self._labels(session, prepared, table)
                image = self._write(session, prepared, image, before.get(prepared.item.path), labels, tally)
                if image.sha256 != prepared.photo.sha256:
                    continue  # a conflict over the photo, lost by the source: its lists speak of another picture
                self._give_role(session, image, prepared, tally)
                lists = (*prepared.item.subsets, *(name.strip() for name in self.request.lists))
                members[image.id] = {self.target.list_ids[name] for name in lists}
            refresh_membership(session, members, self.target.governed)
        # Only what is committed is reported.
        self.tally.merge(tally)

    def _images(self, session: Session, paths: list[str]) -> dict[str, Image]:
        query = select(Image).where(Image.dataset_id == self.target.dataset_id, Image.path.in_(paths))
        return {image.path: image for image in session.scalars(query, execution_options=WITH_TRASHED)}

    def _labels(self, session: Session, prepared: Prepared, table: dict[str, int]) -> dict[str, Any]:
        """Return what each name of an item becomes, as JSON of a label, or None where it is dropped."""
        labels: dict[str, Any] = {}
        for name in prepared.names:
            target = resolved_name(name, self.options)
            if target is None:
                labels[name] = None
            elif target in (special.value for special in Special):
                labels[name] = {"special": target}
            else:
                if target not in table:
                    table[target] = self._new_class(session, prepared, target).id
                labels[name] = table[target]
        return labels

    def _new_class(self, session: Session, prepared: Prepared, name: str) -> Class:
        try:
            return ensure_class(session, session.get_one(Project, self.target.project_id), name)
        except UserError as error:
            raise UserError(f"{prepared.item.file}: {error}") from None

    def _write(
        self,
        session: Session,
        prepared: Prepared,
        image: Image | None,
        stored: Stored | None,
        labels: dict[str, Any],
        tally: Tally,
    ) -> Image:
        digest = None if prepared.content is None else _digest(prepared.digest, labels)
        decision = decide(
            stored,
            photo_sha256=prepared.photo.sha256,
            digest=digest,
            theirs=self.request.on_conflict == "theirs",
            elsewhere=image is not None and image.source not in (None, self.source),
            same_drawing=self._draws_the_same(session, prepared, image, stored, digest, labels),
        )
        if image is None:
            image = Image(dataset_id=self.target.dataset_id, path=prepared.item.path)
        if decision.takes_photo:
            _set_photo(image, prepared.photo, self.source)
            session.add(image)
            session.flush()
        elif prepared.photo.sha256 == image.sha256:
            _set_location(image, prepared.photo, self.source)
        if decision.takes_labels and prepared.content is not None:
            append_version(
                session,
                image_id=image.id,
                parent_id=image.head_id,
                content=_relabelled(prepared.content, labels),
                author=self.request.author,
                origin=_ORIGIN + self.request.format,
                source_digest=digest,
            )
        _count(tally, prepared, decision)
        return image

    def _draws_the_same(
        self,
        session: Session,
        prepared: Prepared,
        image: Image | None,
        stored: Stored | None,
        digest: str | None,
        labels: dict[str, Any],
    ) -> bool:
        """Tell whether an item that is not as it was imported last differs in nothing that one sees."""
        if image is None or stored is None or None in (digest, stored.imported) or digest == stored.imported:
            return False
        if prepared.content is None or prepared.photo.sha256 != stored.photo_sha256:
            return False
        query = select(AnnotationVersion.content).where(
            AnnotationVersion.image_id == image.id, AnnotationVersion.origin.startswith(_ORIGIN)
        )
        before = session.scalars(query.order_by(AnnotationVersion.number.desc()).limit(1)).one()
        return _drawing(before) == _drawing(_relabelled(prepared.content, labels))

    def _give_role(self, session: Session, image: Image, prepared: Prepared, tally: Tally) -> None:
        listed = prepared.item.role
        role = listed or self.request.role
        if role is None:
            return
        present = session.get(Role, image.id)
        if present is None:
            origin = f"list:{listed}" if listed else "import"
            session.add(Role(image_id=image.id, role=role, origin=origin))
        elif present.role != role:
            reason = f"it stays in {present.role} ({present.origin}): roles are kept, so it does not move to {role}"
            tally.add(prepared.item.file, "role kept", reason)


def _in_trash(dataset: str, path: str) -> str:
    named = shlex.quote(f"{dataset}/{path}")
    return f"it was deleted here and is in the trash; `workbench trash restore image {named}` brings it back"


def _stored(session: Session, images: dict[str, Image]) -> dict[str, Stored]:
    """Return what the rules of importing again need to know of stored images, by path."""
    columns = (
        AnnotationVersion.id,
        AnnotationVersion.image_id,
        AnnotationVersion.origin,
        AnnotationVersion.source_digest,
    )
    ids = [image.id for image in images.values()]
    versions = session.execute(
        select(*columns).where(AnnotationVersion.image_id.in_(ids)).order_by(AnnotationVersion.number)
    )
    imported: dict[int, str | None] = {}
    origins: dict[int, str] = {}
    for version_id, image_id, origin, digest in versions:
        origins[version_id] = origin
        if origin.startswith(_ORIGIN):
            imported[image_id] = digest  # in the order of their numbers: the newest stays
    return {
        path: Stored(
            image.sha256, imported.get(image.id), _head(None if image.head_id is None else origins[image.head_id])
        )
        for path, image in images.items()
    }


def _head(origin: str | None) -> Head:
    if origin is None:
        return "none"
    return "imported" if origin.startswith(_ORIGIN) else "ours"


def _set_photo(image: Image, photo: Photo, source: str) -> None:
    image.sha256, image.width, image.height = photo.sha256, photo.width, photo.height
    image.byte_size = photo.byte_size
    if photo.perceptual_hash is not None:
        image.perceptual_hash = photo.perceptual_hash
    _set_location(image, photo, source)


def _set_location(image: Image, photo: Photo, source: str) -> None:
    """Note where the photo lies now: a linked file may have been moved, or be stored since."""
    image.source = source
    image.linked_path, image.linked_mtime_ns = photo.linked_path, photo.linked_mtime_ns


def _relabelled(content: dict[str, Any], labels: dict[str, Any]) -> dict[str, Any]:
    """Return the content with every class name replaced; what is dropped goes (in a base map: becomes unlabelled)."""
    shapes = []
    for shape in content["shapes"]:
        label = shape["label"]
        stored = labels[label] if isinstance(label, str) else label
        if stored is not None:
            shapes.append({**shape, "label": stored})
    base = content["base"]
    if base is not None:
        base = {**base, "legend": [_legend_entry(label, labels) for label in base["legend"]]}
    return {**content, "shapes": shapes, "base": base}


def _drawing(content: dict[str, Any]) -> str:
    """Return what of an annotation's content is drawn, as text."""
    shapes = [{key: value for key, value in shape.items() if key not in _BESIDES} for shape in content["shapes"]]
    drawn = {key: value for key, value in content.items() if key not in _BESIDES} | {"shapes": shapes}
    return json.dumps(drawn, sort_keys=True)


def _legend_entry(label: Any, labels: dict[str, Any]) -> Any:
    stored = labels[label] if isinstance(label, str) else label
    return {"special": Special.UNLABELLED.value} if stored is None else stored


def _count(tally: Tally, prepared: Prepared, decision: Decision) -> None:
    action, reason = decision.action, decision.reason
    if action != "gone":
        tally.counts[action] += 1
    if BESIDES in reason:
        tally.counts["besides"] += 1
    if action == "conflict" and decision.takes_labels:
        tally.counts["updated"] += 1
    repairs = "; ".join(prepared.repairs) if decision.takes_labels else ""
    if repairs:
        tally.counts["repaired"] += 1
    if action == "imported":
        if repairs:
            tally.add(prepared.item.file, "repaired", repairs)
        return
    tally.add(prepared.item.file, action, f"{reason}; {repairs}" if repairs else reason)


def _digest(digest: str, labels: dict[str, Any]) -> str:
    """Return the digest of an item under a mapping of its names: changing the mapping changes the annotation."""
    canonical = json.dumps([digest, labels], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()
