"""The folder that an export writes into, which appears whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from db.files import explain_os_errors, scratch_file, settle, sync_folder, sync_tree, write_atomic
from db.scratch import scratch_folder


@dataclass(frozen=True)
class ExportFolder:
    """The folder that an export writes into.

    Attributes:
        path: of the folder.
        hidden: nobody looks at it before it is finished: files are written as they are, and flushed together.
    """

    path: Path
    hidden: bool

    def put(self, name: str, data: bytes) -> None:
        """Write a file of a folder that `make` made; whole or not at all where somebody may look at it.

        Raises:
            UserError: the disk is full or the folder cannot be written.
        """
        path = self.path / name
        if not self.hidden:
            write_atomic(path, data)
            return
        with explain_os_errors(path.parent):
            path.write_bytes(data)

    def stream(self, name: str, pieces: Iterable[bytes]) -> None:
        """Write a file whose content comes in pieces, whole or not at all. Raises as `put`."""
        path = self.path / name
        with explain_os_errors(path.parent), scratch_file(path.parent) as file:
            file.writelines(pieces)
            settle(file, path)

    def make(self, names: Iterable[str]) -> None:
        """Make the folders that files of these names lie in."""
        with explain_os_errors(self.path):
            for folder in sorted({(self.path / name).parent for name in names}):
                folder.mkdir(parents=True, exist_ok=True)


@contextmanager
def export_folder(to: Path) -> Iterator[ExportFolder]:
    """Yield the folder to write into.

    Where `to` is new or empty that is a hidden folder beside it, which takes its name once the block is through: a
    killed export leaves no folder that looks whole, and what it left goes with the next one beside it. Otherwise it is
    `to` itself, whose files are replaced one by one.

    Raises:
        UserError: it cannot be made or written.
    """
    with explain_os_errors(to.parent):
        to.parent.mkdir(parents=True, exist_ok=True)
        if to.exists() and (next(to.iterdir(), None) or to.is_mount() or not os.access(to.parent, os.W_OK)):
            yield ExportFolder(to, hidden=False)
            return
        with scratch_folder(to.parent, prefix=".", suffix=".export") as hidden:
            yield ExportFolder(hidden, hidden=True)
            sync_tree(hidden)
            hidden.rename(to)
            sync_folder(to.parent)
