"""What changed from one revision to another: counts, and the images a page at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from db.errors import UserError
from db.home import Home
from db.schema import Dataset, Image
from db.session import Database
from db.store import Store
from labeling.manifest import Change, ChangedImage, Manifest, compare, load_manifest
from labeling.projects import find_project
from labeling.revisions import find_revision

MAX_PAGE = 1000


@dataclass(frozen=True)
class DifferenceEntry:
    """An image that differs.

    Attributes:
        dataset: name.
        path: relative POSIX path in the dataset.
        changes: `added` or `removed`; else one or more of `photo`, `labels`, `role`, `subsets`.
        image: its number today, None where the project has it no more.
        role_before: in the first revision.
        role_after: in the second.
        subsets_before: in the first revision.
        subsets_after: in the second.
    """

    dataset: str
    path: str
    changes: tuple[Change, ...]
    image: int | None
    role_before: str | None
    role_after: str | None
    subsets_before: tuple[str, ...]
    subsets_after: tuple[str, ...]


@dataclass(frozen=True)
class RevisionDifference:
    """What changed from revision `a` to revision `b`.

    Attributes:
        a: id of the first.
        b: id of the second.
        images_a: images in the first.
        images_b: images in the second.
        unchanged: images that are the same in both.
        counts: images per kind of change; one may have several.
        classes_added: names only in the second.
        classes_removed: names only in the first.
        classes_moved: names with another index. Class maps that show one of these count as changed labels.
        total: images that differ (in the asked way).
        entries: some of them, by dataset and path.
    """

    a: str
    b: str
    images_a: int
    images_b: int
    unchanged: int
    counts: dict[Change, int]
    classes_added: tuple[str, ...]
    classes_removed: tuple[str, ...]
    classes_moved: tuple[str, ...]
    total: int
    entries: tuple[DifferenceEntry, ...]


def revision_difference(
    home: Home,
    database: Database,
    project: str | None,
    a: str,
    b: str,
    *,
    only: Change | None = None,
    offset: int = 0,
    limit: int = 100,
) -> RevisionDifference:
    """Return what changed from revision `a` to revision `b`.

    Args:
        home: holds the content store.
        database: its database.
        project: name; None is the current one, or the only one.
        a: beginning of the id of the first revision.
        b: of the second.
        only: entries with this change only; the counts are of all.
        offset: entries to leave out first.
        limit: at most so many entries, 0 to 1000.

    Raises:
        UserError: no revision, or more than one, begins so; offset or limit is out of range.
    """
    if offset < 0 or not 0 <= limit <= MAX_PAGE:
        raise UserError(f"A page has 0 to {MAX_PAGE} entries and begins at 0 or later, found {limit} from {offset}.")
    store = Store(home.store)
    digests = [find_revision(database, project, reference).digest for reference in (a, b)]
    first, second = (load_manifest(store, digest) for digest in digests)
    changed = list(compare(first, second))
    counts = Counter(change for each in changed for change in each.changes)
    wanted = [each for each in changed if only is None or only in each.changes]
    return RevisionDifference(
        a=digests[0],
        b=digests[1],
        images_a=len(first.images),
        images_b=len(second.images),
        unchanged=len(first.images) - sum(each.before is not None for each in changed),
        counts={kind: counts[kind] for kind in ("added", "removed", "photo", "labels", "role", "subsets")},
        classes_added=tuple(name for name in second.classes if name not in first.classes),
        classes_removed=tuple(name for name in first.classes if name not in second.classes),
        classes_moved=_moved(first, second),
        total=len(wanted),
        entries=_entries(database, project, wanted[offset : offset + limit]),
    )


def _moved(first: Manifest, second: Manifest) -> tuple[str, ...]:
    index = {name: place for place, name in enumerate(first.classes)}
    return tuple(name for place, name in enumerate(second.classes) if index.get(name, place) != place)


def _entries(database: Database, project: str | None, changed: Sequence[ChangedImage]) -> tuple[DifferenceEntry, ...]:
    entries = []
    with database.read() as session:
        query = select(Image.id).join(Dataset, Dataset.id == Image.dataset_id)
        query = query.where(Dataset.project_id == find_project(session, project).id, Dataset.deleted_at.is_(None))
        for each in changed:
            named = each.after or each.before
            assert named is not None
            entries.append(
                DifferenceEntry(
                    dataset=named.dataset,
                    path=named.path,
                    changes=each.changes,
                    image=session.scalar(query.where(Dataset.name == named.dataset, Image.path == named.path)),
                    role_before=each.before.role if each.before else None,
                    role_after=each.after.role if each.after else None,
                    subsets_before=each.before.subsets if each.before else (),
                    subsets_after=each.after.subsets if each.after else (),
                )
            )
    return tuple(entries)
