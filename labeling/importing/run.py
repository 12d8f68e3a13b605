"""Importing a source into a dataset, the first time and every later time.

Reading, checking and storing bytes happens in worker processes; this process writes what they return into the
database, a hundred images a transaction. Killed at any point and run again, it ends as if it had never been killed:
what is written is recognised as unchanged, and classes are created in the order of the items, not of the workers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

from db.errors import UserError
from db.home import Home
from db.session import Database
from db.store import Store
from labeling.classes import list_classes
from labeling.formats.base import Item, Listing
from labeling.importing.report import ImportReport, Tally
from labeling.importing.request import (
    ImportRequest,
    asked_options,
    changed_options,
    read_request,
    require_format,
    settled_options,
)
from labeling.importing.source import OpenedSource, open_source
from labeling.importing.source_listing import list_source
from labeling.importing.store import ImportStore
from labeling.importing.target import StoredDataset, background_of, find_stored, open_target
from labeling.importing.unread import notes_on_unread
from labeling.importing.worker import Job, Prepared, Task, died, prepare
from labeling.options import DatasetOptions
from labeling.progress import Progress, silent
from labeling.subsets import list_subsets
from labeling.workers import map_in_order

__all__ = ["ImportReport", "ImportRequest", "import_dataset"]

_BATCH = 100  # images a transaction


def import_dataset(home: Home, database: Database, request: ImportRequest, progress: Progress = silent) -> ImportReport:
    """Import a source, or import it again.

    Options that the request leaves open are those stored with the dataset, else the source's own customs. For the
    images that the source holds, membership in the source's lists becomes what the source says; roles are sticky; an
    image or label that is gone is reported and kept. One bad file never stops the rest.

    Args:
        home: holds the content store.
        database: its database.
        request: what to import.
        progress: told how far large files are listed, and the count of images done.

    Raises:
        UserError: the source as a whole cannot be read, holds no image, or needs more than 254 classes; names that
            are none; a dataset in the trash or of another format; a disk that is full.
    """
    require_format(request.format)
    content = Store(home.store)
    content.sweep()
    stored = find_stored(database, request)
    with open_source(home, request.location, progress, link=request.link) as source:
        return source.reported(_import(content, database, request, stored, source, progress))


def _import(
    content: Store,
    database: Database,
    request: ImportRequest,
    stored: StoredDataset | None,
    source: OpenedSource,
    progress: Progress,
) -> ImportReport:
    location = source.location
    moved = stored is not None and bool(stored.source) and stored.source != request.remembered
    before = stored.options if stored else None
    asked = asked_options(request, before, same_source=not moved)
    listing = list_source(request.format, replace(read_request(location, asked), progress=progress))
    if not listing.items and not listing.skipped:
        raise UserError(f"{location} holds no image that can be imported as {request.format}.")
    options = settled_options(asked, request, location, listing, before)
    if before is None and listing.background == options.background == DatasetOptions().background:
        # Named by nobody, so the project's own serves: two backgrounds are one too many.
        options = options.model_copy(update={"background": background_of(database, request) or options.background})
    link = request.link or (stored is not None and stored.linked)
    target = open_target(database, request, listing, options, link)
    tally = Tally(notes=_first_notes(listing, stored, moved, changed_options(before, options) if before else []))
    tally.notes += notes_on_unread(location)
    left_out = [(member.path, member.why) for member in source.skipped]
    for file, reason in left_out + [(problem.file, problem.reason) for problem in listing.skipped]:
        tally.counts["skipped"] += 1
        tally.add(file, "skipped", reason)
    job = Job(request.format, read_request(location, options), content.root, link)
    store = ImportStore(database, content, target, request, options, request.remembered, tally)
    _import_items(job, listing, stored.photos if stored else {}, store, progress)
    if stored is not None:
        _report_gone(listing, stored, request.remembered, tally)
    classes = [info.name for info in list_classes(database, target.project) if info.index is not None]
    tally.notes += _case_variants(classes)
    if besides := tally.counts["besides"]:
        tally.notes.append(
            f"Images that look as they did at their last import: {besides}. Of what their files say beside shapes "
            "(ids, flags, further keys) more is kept now than by an earlier workbench, or that changed."
        )
    return tally.report(
        project=target.project,
        dataset=target.dataset,
        classes=tuple(classes),
        subsets=list_subsets(database, target.project, target.dataset),
    )


def _import_items(job: Job, listing: Listing, photos: dict[str, str], store: ImportStore, progress: Progress) -> None:
    tasks = (Task(job, item, photos.get(item.path)) for item in _distinct(listing, store.tally))
    total, batch, links = len(listing.items), list[Prepared](), 0
    for done, outcome in enumerate(map_in_order(prepare, tasks, on_death=died, isolated=True), start=1):
        if isinstance(outcome, Prepared):
            batch.append(outcome)
            links += outcome.photo.is_link
        else:
            store.tally.counts["skipped"] += 1
            store.tally.add(outcome.item.file, "skipped", outcome.reason)
        if len(batch) == _BATCH:
            store.commit(batch)
            batch = []
        progress(done, total, "images")
    store.commit(batch)
    if links:
        store.tally.notes.append(f"Photos that are links: {links}. The files that they lead to were read.")


def _distinct(listing: Listing, tally: Tally) -> Iterator[Item]:
    """Yield the items, each path once: the path is an image's identity."""
    seen = set[str]()
    for item in listing.items:
        if item.path in seen:
            tally.counts["skipped"] += 1
            tally.add(item.file, "skipped", f"the source names the image {item.path} twice; the first one was taken")
        else:
            seen.add(item.path)
            yield item


def _report_gone(listing: Listing, stored: StoredDataset, source: str, tally: Tally) -> None:
    told = {problem.file for problem in listing.skipped}
    for path in sorted(stored.here - {item.path for item in listing.items} - told):
        tally.add(path, "gone", f"it is no longer in {source}; the image and its labels are kept here")


def _first_notes(listing: Listing, stored: StoredDataset | None, moved: bool, changes: list[str]) -> list[str]:
    notes = list(listing.notes)
    if stored is not None and moved:
        notes.append(
            f"The dataset was last imported from {stored.source}; images that are not here are left as they are."
        )
    return notes + changes


def _case_variants(classes: list[str]) -> list[str]:
    variants = defaultdict[str, list[str]](list)
    for name in classes:
        variants[name.casefold()].append(name)
    return [
        f"The classes {' and '.join(map(repr, names))} differ only in case. If they are one class, merge them."
        for names in variants.values()
        if len(names) > 1
    ]
