"""What people said of labels that a model doubts: they are right. It is about a class map: labels that change are
doubted anew.
"""  # noqa: D205

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import delete, select, tuple_
from sqlalchemy.dialects.sqlite import insert

from db.schema import Dataset, Image, LabelVerdict
from db.session import Database

_AT_ONCE = 1000


def said_right(database: Database, project_id: int, dataset: str) -> set[tuple[str, str]]:
    """Return the images of a dataset whose labels were said to be right: their paths and the class maps' sha256."""
    query = (
        select(Image.path, LabelVerdict.map_sha256)
        .join(LabelVerdict, LabelVerdict.image_id == Image.id)
        .join(Dataset, Dataset.id == Image.dataset_id)
        .where(Dataset.project_id == project_id, Dataset.name == dataset)
    )
    with database.read() as session:
        return {(path, sha256) for path, sha256 in session.execute(query)}


def say_right(
    database: Database, project_id: int, dataset: str, maps: Mapping[str, str], *, right: bool = True
) -> None:
    """Remember that the labels of images are right, or that this is open again.

    Args:
        database: keeps it.
        project_id: of the project.
        dataset: name.
        maps: sha256 of the class map that was looked at, by the path of its image; one that is gone is passed over.
        right: whether they are; False takes back what was said.
    """
    query = select(Image.path, Image.id).join(Dataset, Dataset.id == Image.dataset_id)
    query = query.where(Dataset.project_id == project_id, Dataset.name == dataset)
    paths = list(maps)
    with database.write() as session:
        for start in range(0, len(paths), _AT_ONCE):
            found = session.execute(query.where(Image.path.in_(paths[start : start + _AT_ONCE]))).all()
            keys = [(number, maps[path]) for path, number in found]
            if not keys:
                continue
            if right:
                rows = [{"image_id": number, "map_sha256": sha256} for number, sha256 in keys]
                session.execute(insert(LabelVerdict).values(rows).on_conflict_do_nothing())
            else:
                named = tuple_(LabelVerdict.image_id, LabelVerdict.map_sha256).in_(keys)
                session.execute(delete(LabelVerdict).where(named))
