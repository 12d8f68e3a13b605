"""From a model's classes to a dataset's: applied to stored counts when an evaluation is read, never when it is made.

A mapping is rows by name, several model classes may go to one dataset class. A model class without a row, or with an
empty one, has no target: its predictions count as errors in the column `other`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

import db.schema as schema
from db.errors import UserError
from db.session import Database
from labeling.names import clean_name
from labeling.projects import find_project

OTHER = "other"
"""Name of the column of predictions without a target class."""
BY_NAME = "by-name"
"""Asked for in place of a saved mapping: classes of the same name. No mapping can be called so."""

Row = tuple[str, str | None]


@dataclass(frozen=True)
class SavedMapping:
    """A mapping of a project. `rows` hold (model class, dataset class or None for `other`)."""

    id: int
    name: str
    rows: tuple[Row, ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"mapping": self.name, "rows": [list(row) for row in self.rows]}


def rows_by_name(model_classes: Sequence[str], truth_classes: Sequence[str]) -> tuple[Row, ...]:
    """Return the mapping used unless another is chosen: each model class to the dataset class of exactly its name."""
    known = set(truth_classes)
    return tuple((name, name if name in known else None) for name in model_classes)


def targets(rows: Iterable[Row], model_classes: Sequence[str], truth_classes: Sequence[str]) -> NDArray[np.intp]:
    """Return, for each model class, the column its predictions are counted in; len(truth_classes) is `other`.

    Raises:
        UserError: a row names a class that the model or the dataset does not have, or a model class comes twice.
    """
    index = {name: position for position, name in enumerate(truth_classes)}
    chosen = _unique(rows)
    if strangers := sorted(chosen.keys() - set(model_classes)):
        raise UserError(
            f"The mapping has rows for {_quoted(strangers)}, which the model does not predict. "
            f"Its classes: {_quoted(model_classes)}."
        )
    if strangers := sorted({target for target in chosen.values() if target is not None} - index.keys()):
        raise UserError(
            f"The mapping leads to {_quoted(strangers)}, which the dataset does not have. "
            f"Its classes: {_quoted(truth_classes)}."
        )
    columns = [index.get(chosen.get(name) or "", len(truth_classes)) for name in model_classes]
    return np.array(columns, np.intp)


def apply(counts: NDArray[np.int64], columns: NDArray[np.intp]) -> NDArray[np.int64]:
    """Turn raw counts into a confusion matrix on the dataset's classes.

    Args:
        counts: int64 (k_truth, k_model), rows are truth.
        columns: (k_model,) from `targets`, values 0..k_truth; k_truth is `other`.

    Returns:
        int64 (k_truth, k_truth + 1), the last column `other`. Its sum is that of `counts`.
    """
    mapped = np.zeros((counts.shape[0] + 1, counts.shape[0]), np.int64)
    np.add.at(mapped, columns, counts.T)
    return np.ascontiguousarray(mapped.T)


def read_mapping_file(path: Path) -> tuple[Row, ...]:
    """Read YAML lines `model class: dataset class`; an empty or null value means `other`.

    Raises:
        UserError: the file is missing, is not such lines, or names a model class twice.
    """
    try:
        node = yaml.compose(path.read_text(encoding="utf-8-sig"), yaml.SafeLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UserError(f"The mapping {path} cannot be read: {error}") from None
    if not isinstance(node, yaml.MappingNode):
        raise UserError(f"The mapping {path} must hold lines `model class: dataset class`.")
    rows: list[Row] = []
    for key, value in node.value:  # nodes, not values: YAML 1.1 would read the class `no` as False and `3` as a number
        if not isinstance(key, yaml.ScalarNode) or not isinstance(value, yaml.ScalarNode):
            raise UserError(f"{path}, line {key.start_mark.line + 1}: expected `model class: dataset class`.")
        plain = value.style is None and value.value in ("", "null", "~")
        rows.append((key.value, None if plain else value.value))
    _unique(rows)
    return tuple(rows)


def save_mapping(database: Database, project: str | None, name: str, rows: Iterable[Row]) -> SavedMapping:
    """Save a mapping under a name; one of that name is replaced, and evaluations read with it change at once.

    Raises:
        UserError: the name is none or `by-name`, there are no rows, or a model class comes twice.
    """
    kept = tuple(rows)
    if not _unique(kept):
        raise UserError(f"The mapping {name!r} has no rows: expected `model class: dataset class`.")
    cleaned = clean_name(name, "mapping")
    if cleaned == BY_NAME:
        raise UserError(f"{BY_NAME!r} means classes of the same name. Give the mapping another name.")
    with database.write() as session:
        owner = find_project(session, project)
        row = _query(session, owner.id, cleaned)
        if row is None:
            row = schema.Mapping(project_id=owner.id, name=cleaned, rows=[])
            session.add(row)
        row.rows = [list(pair) for pair in kept]
        session.flush()
        return _saved(row)


def load_mapping(database: Database, project: str | None, name: str) -> SavedMapping:
    """Return the mapping saved under a name.

    Raises:
        UserError: there is none; the message lists those there are.
    """
    with database.read() as session:
        row = _query(session, find_project(session, project).id, name)
        if row is not None:
            return _saved(row)
    names = _quoted([mapping.name for mapping in list_mappings(database, project)]) or "none yet"
    raise UserError(f"There is no mapping {name!r}; there are: {names}. `workbench mapping set NAME FILE` saves one.")


def list_mappings(database: Database, project: str | None) -> list[SavedMapping]:
    """Return the project's mappings by name."""
    with database.read() as session:
        owner = find_project(session, project)
        query = select(schema.Mapping).where(schema.Mapping.project_id == owner.id).order_by(schema.Mapping.name)
        return [_saved(row) for row in session.scalars(query)]


def _query(session: Session, project_id: int, name: str) -> schema.Mapping | None:
    return session.scalar(
        select(schema.Mapping).where(schema.Mapping.project_id == project_id, schema.Mapping.name == name)
    )


def _saved(row: schema.Mapping) -> SavedMapping:
    return SavedMapping(row.id, row.name, tuple((model, target) for model, target in row.rows))


def _unique(rows: Iterable[Row]) -> Mapping[str, str | None]:
    chosen: dict[str, str | None] = {}
    for name, target in rows:
        if name in chosen:
            raise UserError(f"The mapping has two rows for the model class {name!r}: keep one.")
        chosen[name] = target
    return chosen


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(repr(name) for name in names)
