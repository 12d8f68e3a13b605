"""What people said of labels that a model doubts: not an error. Kept with the project, for as long as the labels stay.

A verdict is on an image's class map by its hash: labels that change are doubted anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from db.files import explain_os_errors, write_atomic
from db.home import Home
from db.locks import hold
from db.schema import utc_now
from training.documents import Document, read_document


class Verdict(Document):
    """An image whose labels are right as they are.

    Attributes:
        dataset, path: of the image.
        map_sha256: of its class map.
        at: when it was said, UTC.
    """

    dataset: str
    path: str
    map_sha256: str
    at: datetime


class Verdicts(Document):
    """All of a project."""

    right: tuple[Verdict, ...] = ()


def read_verdicts(home: Home, project_id: int) -> Verdicts:
    """Return what was said in a project.

    Raises:
        UserError: the file is damaged.
    """
    try:
        return read_document(Verdicts, _file(home, project_id))
    except FileNotFoundError:
        return Verdicts()


def say_right(home: Home, project_id: int, dataset: str, maps: Mapping[str, str], *, right: bool = True) -> None:
    """Remember that the labels of images are right, or that this is open again.

    Args:
        home: keeps it.
        project_id: of the project.
        dataset: name.
        maps: sha256 of the class map that was looked at, by the path of its image.
        right: whether they are; False takes back what was said.

    Raises:
        UserError: the file is damaged, or cannot be written.
    """
    path = _file(home, project_id)
    with explain_os_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        home.locks.mkdir(exist_ok=True)
    with hold(home.locks / f"verdicts-{project_id}.lock", wait=True):
        others = (
            each
            for each in read_verdicts(home, project_id).right
            if each.dataset != dataset or maps.get(each.path) != each.map_sha256
        )
        said = [Verdict(dataset=dataset, path=name, map_sha256=sha, at=utc_now()) for name, sha in maps.items()]
        kept = Verdicts(right=(*others, *(said if right else ())))
        write_atomic(path, kept.model_dump_json(indent=1).encode())


def _file(home: Home, project_id: int) -> Path:
    return home.verdicts / str(project_id) / "labels.json"
