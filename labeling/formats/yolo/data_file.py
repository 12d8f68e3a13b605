"""`data.yaml`: the names of the classes, and which images are for training, validation and testing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from db.errors import UserError
from labeling.formats.base import RoleName
from labeling.formats.splits import role_of

MAX_BYTES = 2**18

_NAMES = ("data.yaml", "dataset.yaml")
_SUFFIXES = frozenset({".yaml", ".yml"})


@dataclass(frozen=True)
class DataFile:
    """What a data.yaml says.

    Attributes:
        path: of the file.
        names: of the classes by id, in the order of the ids.
        splits: folders of images, or lists of them, by role; as written.
    """

    path: Path
    names: Mapping[int, str]
    splits: Mapping[RoleName, tuple[str, ...]]


def is_data_file(path: Path) -> bool:
    """Tell whether a file is named as YAML."""
    return path.suffix.lower() in _SUFFIXES


def find_data_file(folder: Path) -> DataFile | None:
    """Return a folder's data.yaml, or the first YAML file that names classes as one does; None where there is none.

    Raises:
        UserError: a file of that name cannot be read.
    """
    for name in _NAMES:
        if (folder / name).is_file():
            return read_data_file(folder / name)
    for path in sorted(path for path in folder.glob("*.y*ml") if is_data_file(path) and path.is_file()):
        try:
            return read_data_file(path)
        except UserError:  # some other program's
            continue
    return None


def read_data_file(path: Path) -> DataFile:
    """Read a data.yaml.

    Every scalar is taken as the text it is: to YAML `no` is false and `010` is eight, as names of classes they are not.

    Raises:
        UserError: it cannot be read, is no YAML, names no classes, or is about key points.
    """
    document = _parse(path)
    if not isinstance(document, dict) or "names" not in document:
        raise UserError(f"{path}: expected YOLO's data.yaml with the `names` of the classes, found none.")
    if "kpt_shape" in document:
        raise UserError(f"{path}: it has a kpt_shape, so the labels are key points (pose) and no outlines.")
    splits: dict[RoleName, tuple[str, ...]] = {}
    for key, value in document.items():
        role = role_of(key) if isinstance(key, str) else None
        entries = value if isinstance(value, list) else [value]
        if role is not None:
            splits[role] = (*splits.get(role, ()), *(entry for entry in entries if isinstance(entry, str) and entry))
    return DataFile(path, _names(document["names"], path), splits)


def _parse(path: Path) -> Any:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UserError(f"{path}: larger than {MAX_BYTES // 2**10} KiB, which no data.yaml is.")
        loader = yaml.BaseLoader(path.read_text("utf-8-sig"))
        try:
            return loader.get_single_data()
        finally:
            loader.dispose()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: expected UTF-8 text, found other bytes ({error.reason}).") from error
    except RecursionError as error:
        raise UserError(f"{path}: nested too deeply to be a data.yaml.") from error
    except (yaml.YAMLError, ValueError) as error:
        raise UserError(f"{path}: expected YAML, found text that is none: {' '.join(str(error).split())}.") from error


def _names(value: Any, path: Path) -> dict[int, str]:
    pairs = list(value.items()) if isinstance(value, dict) else []
    if isinstance(value, list):
        pairs = [(str(id), name) for id, name in enumerate(value)]
    found: dict[int, str] = {}
    for id, name in pairs:
        if not isinstance(name, str) or not name.strip() or not isinstance(id, str) or not _is_id(id):
            raise UserError(
                f"{path}: expected `names` as a list, or as `0: name`, found {str(id)[:60]!r}: {str(name)[:60]!r}."
            )
        found[int(id)] = name.strip()
    if not found:
        raise UserError(f"{path}: expected `names` as a list, or as `0: name`, found {str(value)[:60]!r}.")
    return dict(sorted(found.items()))


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10
