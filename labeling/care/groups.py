"""Which photos show the same: pairs of them, each with its reason, joined into connected groups.

Four reasons, in the order in which a pair is told one of them:

* `same`: the same bytes.
* `alike`: perceptual hashes within `ALIKE_BITS`, and a second look agrees (`LIKENESS`).
* `place`: taken within `PLACE_SECONDS` and `PLACE_METRES` of each other; where a photo says no position, within
  `BURST_SECONDS` from one folder.
* `sequence`: neighbours in a sequence of names, which still look related (`RELATED_BITS`, `RELATED`): the names alone
  would join every photo of a camera's card.

Measured on CamVid at 480 x 360: frames 1/15 s apart correlate at 0.947 or more and copies of another size or quality at
0.999, while no two photos of different drives reach 0.85 (median 0.64); of frames one second apart half reach 0.88.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from labeling.care.capture import Capture, metres_apart
from labeling.care.facts import PhotoReader
from labeling.care.flood import Indices, flood
from labeling.care.hashes import as_numbers, near_pairs
from labeling.care.looks import LOOK_SIDE, comparable
from labeling.care.sequences import neighbours

Reason = Literal["same", "alike", "place", "sequence"]
REASONS: tuple[Reason, ...] = get_args(Reason)

ALIKE_BITS = 8
LIKENESS = 0.93
RELATED_BITS = 20
RELATED = 0.8
PLACE_SECONDS = 60.0
PLACE_METRES = 15.0
BURST_SECONDS = 2.0
_BLOCK = 1 << 13  # pairs whose looks are compared at once, 64 MiB


@dataclass(frozen=True)
class CarePhoto:
    """An image as the search sees it. `hash` is its perceptual hash, None where it has none."""

    dataset: str
    path: str
    image_sha256: str
    hash: str | None


@dataclass(frozen=True)
class Pair:
    """Two images by index, the smaller first, and what joins them."""

    first: int
    second: int
    reason: Reason


def find_pairs(images: Sequence[CarePhoto], reader: PhotoReader) -> list[Pair]:
    """Return pairs that join all images which show the same; between two images at most one pair.

    Args:
        images: any.
        reader: of their photos.
    """
    captures = reader.captures()
    copies = _indices(image.image_sha256 for image in images)
    firsts = [places[0] for places in copies.values()]
    found: dict[tuple[int, int], Reason] = {}

    def add(first: int, second: int, reason: Reason) -> None:
        found.setdefault((min(first, second), max(first, second)), reason)

    for places in copies.values():
        for first, second in pairwise(places):
            add(first, second, "same")
    for first, second in _alike(images, firsts, reader):
        add(first, second, "alike")
    for first, second in _one_place(images, firsts, captures):
        add(first, second, "place")
    for first, second in _following(images, reader):
        add(first, second, "sequence")
    return [Pair(first, second, reason) for (first, second), reason in sorted(found.items())]


def connected(count: int, pairs: Sequence[tuple[int, int]]) -> list[list[int]]:
    """Return the groups of two or more of `count` things that pairs join, each ascending, by their first."""
    ends = np.array(pairs, np.int64).reshape(-1, 2)
    graph = coo_array((np.ones(len(ends), np.int8), (ends[:, 0], ends[:, 1])), shape=(count, count))
    labels = connected_components(graph, directed=False)[1]
    groups = defaultdict[int, list[int]](list)
    for index in np.unique(ends).tolist():
        groups[int(labels[index])].append(index)
    return sorted(groups.values())


def _indices(keys: Iterable[str]) -> dict[str, list[int]]:
    found = defaultdict[str, list[int]](list)
    for index, key in enumerate(keys):
        found[key].append(index)
    return found


def _alike(images: Sequence[CarePhoto], firsts: Sequence[int], reader: PhotoReader) -> list[tuple[int, int]]:
    """Return pairs that join photos of different bytes which are near-identical."""
    members = np.array([index for index in firsts if images[index].hash is not None], np.int64)
    hashes = _hashes(images, members)
    near = near_pairs(hashes, ALIKE_BITS)
    groups = [members[places] for places in connected(len(members), near)]
    looks = _Looks(images, [int(index) for group in groups for index in group], reader)
    table = np.zeros(len(images), np.uint64)
    table[members] = hashes

    def is_near(one: int, others: Indices) -> Indices:
        close = np.flatnonzero(np.bitwise_count(table[others] ^ table[one]) <= ALIKE_BITS)
        return close[looks.correlation(np.full(len(close), one), others[close]) >= LIKENESS]

    return [pair for group in groups for pair in flood(group, is_near)]


class _Looks:
    """How some images look, by their index."""

    def __init__(self, images: Sequence[CarePhoto], wanted: Sequence[int], reader: PhotoReader) -> None:
        found = reader.looks(list(dict.fromkeys(images[index].image_sha256 for index in wanted)))
        row = {sha: number for number, sha in enumerate(found, start=1)}
        unknown = np.zeros((LOOK_SIDE, LOOK_SIDE), np.uint8)  # as one too plain to tell
        self._vectors = comparable(np.stack([unknown, *found.values()]))
        self._rows = np.zeros(len(images), np.int64)
        for index in wanted:
            self._rows[index] = row.get(images[index].image_sha256, 0)

    def correlation(self, first: Indices, second: Indices) -> NDArray[np.float32]:
        rows = self._vectors[self._rows[first]], self._vectors[self._rows[second]]
        return np.asarray(np.einsum("ij,ij->i", *rows), np.float32)


def _hashes(images: Sequence[CarePhoto], indices: Indices) -> NDArray[np.uint64]:
    return as_numbers([images[index].hash or "" for index in indices])


def _one_place(
    images: Sequence[CarePhoto], firsts: Sequence[int], captures: Mapping[str, Capture]
) -> list[tuple[int, int]]:
    """Return pairs that join photos which were taken at one time and place."""
    timed = [(capture, index) for index in firsts if (capture := captures.get(images[index].image_sha256))]
    placed = [(capture.seconds, index) for capture, index in timed if None not in vars(capture).values()]
    bursts = defaultdict[tuple[str, str], list[tuple[float, int]]](list)
    for capture, index in timed:
        if capture.seconds is not None and capture.latitude is None:
            bursts[images[index].dataset, images[index].path.rpartition("/")[0]].append((capture.seconds, index))
    pairs = []
    for burst in map(sorted, bursts.values()):
        follow = pairwise(burst)
        pairs += [(index, other) for (start, index), (end, other) in follow if end - start <= BURST_SECONDS]
    return pairs + _near_by(images, sorted(placed), captures)


def _near_by(
    images: Sequence[CarePhoto], placed: Sequence[tuple[float | None, int]], captures: Mapping[str, Capture]
) -> list[tuple[int, int]]:
    """Return pairs of those photos that say when and where, in the order of time."""
    order = np.array([index for _, index in placed], np.int64)
    known = np.array([list(vars(captures[images[index].image_sha256]).values()) for index in order], np.float64)
    table = np.full((len(images), 3), np.nan)
    table[order] = known.reshape(-1, 3)

    def is_near(one: int, others: Indices) -> Indices:
        times = table[others, 0]
        start, end = np.searchsorted(times, [table[one, 0] - PLACE_SECONDS, table[one, 0] + PLACE_SECONDS + 1e-6])
        window = table[others[start:end], 1:]
        return start + np.flatnonzero(metres_apart(table[one, 1:], window) <= PLACE_METRES)

    pauses = np.flatnonzero(np.diff(table[order, 0]) > PLACE_SECONDS) + 1
    return [pair for part in np.split(order, pauses) for pair in flood(part, is_near)]


def _following(images: Sequence[CarePhoto], reader: PhotoReader) -> list[tuple[int, int]]:
    """Return neighbours in a sequence of names that look related."""
    named = neighbours([(image.dataset, image.path) for image in images])
    pairs = np.array([pair for pair in named if all(images[index].hash for index in pair)], np.int64).reshape(-1, 2)
    apart = np.bitwise_count(_hashes(images, pairs[:, 0]) ^ _hashes(images, pairs[:, 1]))
    pairs = pairs[apart <= RELATED_BITS]
    looks = _Looks(images, np.unique(pairs).tolist(), reader)
    found = []
    for start in range(0, len(pairs), _BLOCK):
        block = pairs[start : start + _BLOCK]
        found += block[looks.correlation(block[:, 0], block[:, 1]) >= RELATED].tolist()
    return [(first, second) for first, second in found]
