"""Looking after the content store: is everything there that rows refer to, and is it still what it was?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from db.finding import Finding
from db.schema import Dataset, Image
from db.session import WITH_TRASHED, Database
from db.store import Store
from labeling.linked import LinkedPhoto, linked_photo, what_happened
from labeling.map_store import instances_sha256, load_instances, load_map, pixels_sha256
from labeling.maps import MapError
from labeling.progress import Progress, silent
from labeling.references import ContentKind, Reference, references
from labeling.workers import map_in_order

SHOWN = 20
"""Findings of one kind that are told one by one; the rest is counted."""
_EVERY = 100

_REMEDIES: Mapping[ContentKind, str] = {
    "photo": "Import its dataset again from where it came from, or restore a backup.",
    "class map": "Restore a backup; if it was imported, import its dataset again.",
    "object map": "Restore a backup; if it was imported, import its dataset again.",
    "manifest": "Restore a backup, or freeze the data again.",
}


@dataclass(frozen=True)
class ContentCheck:
    """What was found.

    Attributes:
        findings: what is wrong.
        files: in the store.
        bytes: of them.
        unused: files that nothing refers to.
        unused_bytes: of them.
    """

    findings: tuple[Finding, ...]
    files: int
    bytes: int
    unused: int
    unused_bytes: int


@dataclass(frozen=True)
class _Content:
    store: Path
    sha256: str
    kind: ContentKind


def check_content(database: Database, store: Store, *, full: bool, progress: Progress = silent) -> ContentCheck:
    """Look whether all content is there in its size, and linked photos are as they were.

    Args:
        database: whose rows refer to it.
        store: the content store.
        full: read everything and compare it with the hash of its name, too.
        progress: told the files looked at.
    """
    wanted = _wanted(database, store)
    sizes = {sha: status.st_size for sha, status in store.files()}
    unused = [size for sha, size in sizes.items() if sha not in wanted]
    problems = [*_absent(wanted, sizes), *(_altered(wanted, sizes, store, progress) if full else ())]
    return ContentCheck(
        findings=(*_told(problems), *_linked(database, full=full, progress=progress)),
        files=len(sizes),
        bytes=sum(sizes.values()),
        unused=len(unused),
        unused_bytes=sum(unused),
    )


def _wanted(database: Database, store: Store) -> dict[str, Reference]:
    """Return the content that rows refer to, each with the reference that needs it most."""
    wanted: dict[str, Reference] = {}
    with database.read() as session:
        for reference in references(session, store):
            known = wanted.get(reference.sha256)
            if known is None or (reference.needed, reference.size or 0) > (known.needed, known.size or 0):
                wanted[reference.sha256] = reference
    return wanted


def _absent(wanted: dict[str, Reference], sizes: dict[str, int]) -> Iterator[tuple[Reference, str]]:
    for sha, reference in wanted.items():
        size = sizes.get(sha)
        if size is None:
            if reference.needed:
                yield reference, "is missing from the store"
        elif not size or (reference.kind == "photo" and reference.size not in (None, size)):
            told = "" if reference.size is None else f" instead of {reference.size}"
            yield reference, f"is damaged: it has {size} bytes{told}"


def _altered(
    wanted: dict[str, Reference], sizes: dict[str, int], store: Store, progress: Progress
) -> Iterator[tuple[Reference, str]]:
    there = [reference for sha, reference in wanted.items() if sizes.get(sha)]
    tasks = [_Content(store.root, reference.sha256, reference.kind) for reference in there]
    whole = {id(reference) for reference, _ in _absent(wanted, sizes)}
    for done, is_same in enumerate(map_in_order(_is_same, tasks, on_death=lambda _: False), start=1):
        reference = there[done - 1]
        if not is_same and id(reference) not in whole:
            yield reference, "is damaged: its content is not what its name says"
        if done % _EVERY == 0 or done == len(tasks):
            progress(done, len(tasks), "files")


def _is_same(content: _Content) -> bool:
    """Tell whether content has the hash it is stored under."""
    store = Store(content.store)
    try:
        if content.kind == "class map":
            return pixels_sha256(load_map(store, content.sha256)) == content.sha256
        if content.kind == "object map":
            return instances_sha256(load_instances(store, content.sha256)) == content.sha256
        return store.verify(content.sha256)
    except (MapError, OSError):
        return False


def _told(problems: list[tuple[Reference, str]]) -> Iterator[Finding]:
    by_kind: dict[tuple[ContentKind, bool], list[tuple[Reference, str]]] = defaultdict(list)
    for reference, problem in problems:
        by_kind[reference.kind, reference.needed].append((reference, problem))
    for (kind, needed), found in by_kind.items():
        remedy = _REMEDIES[kind] if needed else "Delete the file: it is made again when it is needed."
        for reference, problem in found[:SHOWN]:
            what = f"The {kind} {reference.sha256} {problem}. It belongs to {reference.owner}."
            yield Finding("error", what, remedy)
        if len(found) > SHOWN:
            yield Finding("error", f"{len(found) - SHOWN} more files of this kind ({kind}) are lost.", remedy)


def _linked(database: Database, *, full: bool, progress: Progress) -> Iterator[Finding]:
    query = select(Image).join(Dataset, Dataset.id == Image.dataset_id).where(Image.linked_path.is_not(None))
    with database.read() as session:
        photos = [linked_photo(row) for row in session.scalars(query, execution_options=WITH_TRASHED)]
    found = 0
    look = _look_full if full else _look
    for done, happened in enumerate(map_in_order(look, photos, on_death=_died), start=1):
        if happened is not None:
            found += 1
            if found <= SHOWN:
                yield Finding("error", *happened)
        if done % _EVERY == 0 or done == len(photos):
            progress(done, len(photos), "linked photos")
    if found > SHOWN:
        yield Finding("error", f"{found - SHOWN} more linked photos are gone or changed.", _REMEDIES["photo"])


def _look(photo: LinkedPhoto) -> tuple[str, str] | None:
    return what_happened(photo, full=False)


def _look_full(photo: LinkedPhoto) -> tuple[str, str] | None:
    return what_happened(photo)


def _died(photo: LinkedPhoto) -> tuple[str, str] | None:
    return f"The process that read {photo.path} was ended by the system.", "Run this again."
