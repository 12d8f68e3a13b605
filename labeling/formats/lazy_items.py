"""Items that are filled when they are taken, so that a listing holds little of what they carry to the workers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import overload

from labeling.formats.base import Item


class LazyItems(Sequence[Item]):
    """Items of which each is filled when it is taken.

    Args:
        items: before they are filled.
        fill: returns an item with all that reading it needs.
    """

    def __init__(self, items: Sequence[Item], fill: Callable[[Item], Item]) -> None:
        self._items, self._fill = items, fill

    def __len__(self) -> int:
        return len(self._items)

    @overload
    def __getitem__(self, at: int) -> Item: ...

    @overload
    def __getitem__(self, at: slice) -> LazyItems: ...

    def __getitem__(self, at: int | slice) -> Item | LazyItems:
        return LazyItems(self._items[at], self._fill) if isinstance(at, slice) else self._fill(self._items[at])
