"""How far two samples lie apart, without an assumption on how they are distributed.

Cliff's delta (Cliff, Dominance statistics: ordinal analyses to answer ordinal questions, Psychological Bulletin 114,
1993): the share of pairs in which the value from there is the larger, less the share in which it is the smaller. The
words are those of Romano, Kromrey, Coraggio and Skowronek (Appropriate statistics for ordinal level data, Florida
Association of Institutional Research, 2006): below 0.147 negligible, below 0.33 small, below 0.474 medium, else large.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Size = Literal["negligible", "small", "medium", "large"]
FEWEST = 5
"""Values on either side below which nothing is said."""
_SIZES: tuple[tuple[float, Size], ...] = ((0.147, "negligible"), (0.33, "small"), (0.474, "medium"))


def cliffs_delta(home: NDArray[np.floating], there: NDArray[np.floating]) -> float | None:
    """Return Cliff's delta, -1 to 1: positive where values there are larger; None where either has too few.

    Args:
        home: values (N,), none of them NaN.
        there: values (M,).
    """
    if min(len(home), len(there)) < FEWEST:
        return None
    ordered = np.sort(home)
    below = np.searchsorted(ordered, there, side="left").astype(np.int64).sum()
    above = (len(home) - np.searchsorted(ordered, there, side="right").astype(np.int64)).sum()
    return float((below - above) / (len(home) * len(there)))


def size_of(delta: float | None) -> Size | None:
    """Say in a word how large an effect is; None where there is none to speak of."""
    if delta is None:
        return None
    return next((word for limit, word in _SIZES if abs(delta) < limit), "large")


def median(values: NDArray[np.floating]) -> float | None:
    """Return the median, None of nothing."""
    return float(np.median(values)) if len(values) else None
