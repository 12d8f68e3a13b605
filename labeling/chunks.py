"""Lists cut into pieces that a query takes as parameters: SQLite takes at least 999 of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

Value = TypeVar("Value")

_SIZE = 400


def chunks(values: Sequence[Value]) -> Iterator[Sequence[Value]]:
    """Yield the values in order, at most 400 at a time."""
    for start in range(0, len(values), _SIZE):
        yield values[start : start + _SIZE]
