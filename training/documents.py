"""Files that one process writes whole and others read: what was asked of a run or a task, and how it ended."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from db.errors import UserError


class Document(BaseModel):
    """A frozen file of a run or a task."""

    model_config = ConfigDict(frozen=True, extra="forbid")


D = TypeVar("D", bound=Document)


def read_document(kind: type[D], path: Path) -> D:
    """Read a file that we wrote earlier.

    Raises:
        FileNotFoundError: it is not there.
        UserError: it is damaged, or of a version that writes it otherwise.
    """
    try:
        return kind.model_validate_json(path.read_bytes())
    except ValidationError:
        raise UserError(
            f"{path} is damaged, or was written by another version of the workbench. Update the workbench, or delete "
            f"the folder {path.parent}."
        ) from None
