"""Joining what lies near each other without looking at every pair: what is joined already is not compared again."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]


def flood(members: Indices, near: Callable[[int, Indices], Indices]) -> list[tuple[int, int]]:
    """Return pairs that join all members which chains of near ones connect.

    A thousand equal ones give 999 pairs, found by a thousand comparisons.

    Args:
        members: int64 (N,), distinct.
        near: tells which of some members, in the order of `members`, lie near one: their places, int64.
    """
    pairs: list[tuple[int, int]] = []
    rest = members
    while len(rest) > 1:
        edge, rest = [int(rest[0])], rest[1:]
        while edge and len(rest):
            one = edge.pop()
            places = near(one, rest)
            if len(places):
                found = rest[places].tolist()
                rest = np.delete(rest, places)
                pairs += [(one, other) for other in found]
                edge += found
    return pairs
