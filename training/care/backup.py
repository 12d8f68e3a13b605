"""Backups of a home and homes made of backups: what `db.backup` does, and what names paths in files of runs."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel

from db.backup import BackupReport, write_backup
from db.files import write_atomic
from db.home import Home
from db.restoration import Restored, restore_backup
from labeling.progress import Progress, silent
from training.documents import D, read_document
from training.engine.rundir import Command, Images
from training.tasks.files import TaskCommand


def back_up(
    home: Home, target: Path, *, with_runs: bool = True, overwrite: bool = False, progress: Progress = silent
) -> BackupReport:
    """Write a home into one file; see `db.backup.write_backup`."""
    return write_backup(home, target, progress, with_runs=with_runs, overwrite=overwrite)


def restore(file: Path, home: Home, *, progress: Progress = silent) -> Restored:
    """Make a home of a backup; see `db.restoration.restore_backup`. Its runs can be resumed there."""
    return restore_backup(file, home, progress, _rename_paths)


def _rename_paths(unpacked: Home, old: Path, new: Path) -> None:
    """Make the documents of runs and tasks, which name files by absolute paths, name those of the new home."""
    folders = [*unpacked.runs.glob("*/"), *unpacked.trash.glob("run-*/")]
    for folder in folders:
        _rewrite(folder / "command.json", Command, old, new)
        _rewrite(folder / "images.json", Images, old, new)
    for folder in (unpacked.path / "tasks").glob("*/"):
        _rewrite(folder / "command.json", TaskCommand, old, new)


def _rewrite(path: Path, kind: type[D], old: Path, new: Path) -> None:
    if not path.is_file():
        return
    document = read_document(kind, path)
    moved = _moved(document, old, new)
    if moved != document:
        write_atomic(path, moved.model_dump_json(indent=None if kind is Images else 1).encode())


def _moved(value: D, old: Path, new: Path) -> D:
    changed = {name: _below(getattr(value, name), old, new) for name in type(value).model_fields}
    return value.model_copy(update=changed)


def _below(value: object, old: Path, new: Path) -> object:
    if isinstance(value, Path) and value.is_relative_to(old):
        return new / value.relative_to(old)
    if isinstance(value, tuple):
        return tuple(_below(each, old, new) for each in value)
    if isinstance(value, BaseModel):
        changed = {name: _below(getattr(value, name), old, new) for name in type(value).model_fields}
        return value.model_copy(update=changed)
    return value
