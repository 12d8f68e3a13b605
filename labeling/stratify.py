"""Dividing images among roles so that every class is in every role in about the same share.

Iterative stratification after Sechidis, Tsoumakas and Vlahavas, "On the Stratification of Multi-label Data" (2011):
the rarest class is dealt out first, each of its units to the role that misses it most. Two changes: the count of
images of a role is a limit, not a wish, so that "0.2 of 10" is 2; and what already has a role counts.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def stratify(
    presence: NDArray[np.int64],
    sizes: NDArray[np.int64],
    wanted: NDArray[np.int64],
    room: NDArray[np.int64],
    seed: int,
) -> NDArray[np.int64]:
    """Give every unit (an image, or a group that stays together) a role.

    Args:
        presence: (units, classes) images of the unit that show the class.
        sizes: (units,) images of the unit, at least 1.
        wanted: (roles, classes) images showing the class that the role still misses; below 0 where it has too many.
        room: (roles,) images that the role still takes; the sum is at least that of `sizes`. A unit goes to a full
            role only when all are full (groups can be larger than what is left).
        seed: decides between equals.

    Returns:
        (units,) index of the role.
    """
    order = np.random.default_rng(seed).permutation(len(sizes))
    wanted, room = wanted.copy(), room.copy()
    role_of = np.full(len(sizes), -1, np.int64)
    while open_units := [unit for unit in order if role_of[unit] < 0]:
        left = presence[open_units].sum(axis=0)
        rarest = int(np.where(left > 0, left, np.iinfo(np.int64).max).argmin()) if left.any() else None
        dealt = [unit for unit in open_units if rarest is None or presence[unit, rarest] > 0]
        # Larger groups first: small ones even out what they leave.
        for unit in sorted(dealt, key=lambda unit: -int(sizes[unit])):
            role = _neediest(wanted, room, rarest)
            role_of[unit] = role
            wanted[role] -= presence[unit]
            room[role] -= sizes[unit]
    return role_of


def _neediest(wanted: NDArray[np.int64], room: NDArray[np.int64], label: int | None) -> int:
    open_roles = np.flatnonzero(room > 0)
    if not open_roles.size:
        return int(room.argmax())
    misses = room[open_roles] if label is None else wanted[open_roles, label]
    most = open_roles[misses == misses.max()]
    return int(most[room[most].argmax()])


def shares(total: int, fractions: tuple[float, ...]) -> list[int]:
    """Divide a count by fractions that sum to 1, whole and exact, by largest remainder.

    A fraction above 0 gets at least one where there are enough to go round; the largest gives way.

    Example:
        >>> shares(10, (0.8, 0.2, 0.0))
        [8, 2, 0]
    """
    exact = [total * fraction for fraction in fractions]
    counts = [int(share + 1e-9) for share in exact]
    by_remainder = sorted(range(len(exact)), key=lambda role: counts[role] - exact[role])
    for role in by_remainder[: total - sum(counts)]:
        counts[role] += 1
    for role, fraction in enumerate(fractions):
        largest = counts.index(max(counts))
        if fraction > 0 and counts[role] == 0 and counts[largest] > 1:
            counts[role] += 1
            counts[largest] -= 1
    return counts
