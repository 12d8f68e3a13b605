"""A polygon by the rule `center`, as runs of pixels: without a mask of its own, its area is a subtraction.

See `labeling.raster.center_rule` for the rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labeling.annotation import Point


@dataclass(frozen=True)
class Runs:
    """Pixels of a map, counted row after row: run i goes from `starts[i]` to before `ends[i]`. None overlap."""

    starts: NDArray[np.int64]
    ends: NDArray[np.int64]

    def count(self) -> int:
        """Return the number of pixels."""
        return int((self.ends - self.starts).sum())

    def paint(self, target: NDArray[np.uint8], value: int) -> None:
        """Give the pixels a value on a contiguous map (H, W)."""
        # Through its memory, a run of a few hundred pixels costs half of what numpy's own slices do.
        flat, row = target.reshape(-1).data, bytes([value]) * target.shape[1]
        for start, end in zip(self.starts.tolist(), self.ends.tolist(), strict=True):
            flat[start:end] = row[: end - start]


def polygon_runs(points: Sequence[Point], height: int, width: int) -> Runs:
    """Return the pixels whose centres lie inside a polygon: every row between its crossings with the edges, in pairs.

    Args:
        points: three or more, finite, at most about a million pixels outside the map.
        height: of the map, pixels.
        width: likewise.
    """
    corners = np.array(points, np.float64)
    x, y = corners[:, 0], corners[:, 1]
    next_x, next_y = np.concatenate((x[1:], x[:1])), np.concatenate((y[1:], y[:1]))
    # From top to bottom, so that an edge crosses a row at the same place whichever polygon it belongs to.
    swap = y > next_y
    upper_x, lower_x = np.where(swap, next_x, x), np.where(swap, x, next_x)
    upper_y, lower_y = np.where(swap, next_y, y), np.where(swap, y, next_y)
    first = _rows(upper_y, height)
    count = _rows(lower_y, height) - first
    edge = np.repeat(np.arange(len(x)), count)
    row = np.arange(len(edge)) + (first - np.cumsum(count) + count)[edge]
    part = (row + 0.5 - upper_y[edge]) / (lower_y - upper_y)[edge]
    crossing = upper_x[edge] + part * (lower_x - upper_x)[edge]
    column = np.minimum(np.maximum(np.ceil(crossing - 0.5), 0), width).astype(np.int64)
    # A row has an even number of crossings, so sorted pairs never mix rows; the end of one may be the next one's start.
    places = np.sort(row * width + column)
    starts, ends = places[0::2], places[1::2]
    filled = starts < ends
    return Runs(starts[filled], ends[filled])


def _rows(y: NDArray[np.float64], height: int) -> NDArray[np.int64]:
    """Return the first row whose centre is at or below each y."""
    return np.minimum(np.maximum(np.ceil(y - 0.5), 0), height).astype(np.int64)
