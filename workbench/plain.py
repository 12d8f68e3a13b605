"""Records of any room as plain JSON values, for the command line and for pages."""

from __future__ import annotations

import math
from dataclasses import fields, is_dataclass
from datetime import datetime
from pathlib import Path
from typing import Any


def plain(value: Any) -> Any:
    """Return a value as strict JSON has it: n/a figures are null, times ISO 8601, records objects, text UTF-8."""
    if hasattr(value, "to_json"):
        return plain(value.to_json())
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, dict):
        return {readable(str(key)): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, str | Path):
        return readable(str(value))
    return plain(value.model_dump(mode="json")) if hasattr(value, "model_dump") else value


def readable(text: str) -> str:
    """Return a text that UTF-8 can hold: the names of files may hold any bytes, and those are shown escaped."""
    return text.encode("utf-8", "backslashreplace").decode()
