"""What a look after a home finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be.

    Attributes:
        severity: `error`: something is lost or will fail; `warning`: something should be done before it does;
            `note`: good to know, and nothing need be done.
        what: what was found, and where.
        remedy: what to do.
    """

    severity: Severity
    what: str
    remedy: str
