"""Neighbours in a sequence, as names of files tell: `IMG_0012` and `IMG_0013`, `0001TP_006690` and `0001TP_006720`."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import PurePosixPath
from statistics import median

_NUMBERED = re.compile(r"(.*?)([0-9]{1,15})([^0-9]*)", re.DOTALL)
_CLOSE = 2
"""How many usual steps of its sequence may lie between neighbours: one missing photo breaks no sequence."""


def neighbours(paths: Sequence[tuple[str, str]]) -> Iterator[tuple[int, int]]:
    """Yield the index pairs of images that follow each other in a sequence with close numbers.

    A sequence is what has the same dataset, folder and name but for its last number. How far its numbers are apart
    usually, their median, is the measure of what is close.

    Args:
        paths: (dataset, relative path) of each image.
    """
    sequences = defaultdict[tuple[str, str, str, str], list[tuple[int, int]]](list)
    for index, (dataset, path) in enumerate(paths):
        pure = PurePosixPath(path)
        if match := _NUMBERED.fullmatch(pure.stem):
            before, number, after = match.groups()
            sequences[dataset, str(pure.parent), before, after].append((int(number), index))
    for numbered in sequences.values():
        numbered.sort()
        steps = [second[0] - first[0] for first, second in pairwise(numbered)]
        if not steps:
            continue
        close = _CLOSE * max(1, median(steps))
        for step, ((_, first), (_, second)) in zip(steps, pairwise(numbered), strict=True):
            if step <= close:
                yield first, second
