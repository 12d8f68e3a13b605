"""What takes the space of a home: by project and kind."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.home import Home
from db.schema import Evaluation, Model, Project, Run
from db.session import Database
from db.store import Store
from labeling.references import references

_Owner = tuple[int | None, str]  # project, kind


@dataclass(frozen=True)
class Share:
    """What one kind of file takes.

    Attributes:
        project: whose; None for what belongs to the whole home. One in the trash is named, too.
        kind: photos, class maps, object maps, manifests, runs, evaluations, models, exports, exported datasets,
            predictions, benches, surveys, shifts; of the home: database, unused content (of the store), and every other
            folder by its name.
        files: count.
        bytes: of them, as they say themselves; a filesystem may take a little more.
    """

    project: str | None
    kind: str
    files: int
    bytes: int


@dataclass(frozen=True)
class Usage:
    """What takes the space of a home: the largest share first, in all, and what is left on its disk, in bytes."""

    home: str
    shares: tuple[Share, ...]
    bytes: int
    free: int


def usage(home: Home, database: Database) -> Usage:
    """Count the bytes of every file of a home, each once.

    Content that two projects share counts for the older one: it is stored once.
    """
    with database.read() as session:
        names = dict(session.execute(select(Project.id, Project.name)).all())
        content = _content(session, Store(home.store))
        folders = _folders(home, session, names)
    files: Counter[_Owner] = Counter()
    sizes: Counter[_Owner] = Counter()
    for where, _, found in os.walk(home.path):
        for path in (Path(where) / name for name in found):
            owner = content.get(path.name) or _owner(path.relative_to(home.path), folders)
            with suppress(FileNotFoundError):  # deleted meanwhile
                sizes[owner] += path.stat().st_size
                files[owner] += 1
    shares = [
        Share(names.get(project) if project is not None else None, kind, count, sizes[project, kind])
        for (project, kind), count in files.items()
    ]
    shares.sort(key=lambda share: (-share.bytes, share.project or "", share.kind))
    return Usage(str(home.path), tuple(shares), sizes.total(), shutil.disk_usage(home.path).free)


def _content(session: Session, store: Store) -> dict[str, _Owner]:
    """Return whose each file of the store is, and what: the oldest project's that names it."""
    found: dict[str, _Owner] = {}
    for each in references(session, store):
        known = found.get(each.sha256)
        if known is None or each.project_id < (known[0] or 0):
            found[each.sha256] = (each.project_id, f"{each.kind}s")
    return found


def _folders(home: Home, session: Session, projects: Iterable[int]) -> dict[str, _Owner]:
    """Return whose the folders and files are that rows name, by the first two parts of their path in the home."""
    found: dict[str, _Owner] = {}
    for number, project, directory in session.execute(select(Run.id, Run.project_id, Run.directory)):
        found[directory] = found[f"{home.trash.name}/run-{number}"] = (project, "runs")
    for project, directory in session.execute(select(Evaluation.project_id, Evaluation.directory)):
        found[directory] = (project, "evaluations")
    for project, path in session.execute(select(Model.project_id, Model.path).order_by(Model.project_id.desc())):
        found[path] = (project, "models")
    for folder in home.by_project:
        found |= {f"{folder.name}/{project}": (project, folder.name.replace("_", " ")) for project in projects}
    return found


def _owner(path: Path, folders: dict[str, _Owner]) -> _Owner:
    if len(path.parts) == 1:
        return None, "database" if path.name.startswith("workbench.db") else "others"
    kind = "unused content" if path.parts[0] == "store" else path.parts[0]
    return folders.get("/".join(path.parts[:2]), (None, kind))
