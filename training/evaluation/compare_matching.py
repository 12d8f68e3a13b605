"""Which image of one evaluation is which of another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.evaluation.opened import OpenEvaluation, kept_record

_KEPT = 16
_Key = tuple[str, int]


def shared_numbers(evaluations: Sequence[OpenEvaluation]) -> NDArray[np.int64]:
    """Return the images that all evaluations hold, int64 (images, evaluations): the number of each in each of them.

    The same image is one of the same bytes: it may have been labelled anew, or lie in another dataset. Where an
    evaluation has the same bytes more than once, they are matched in the order of their paths. The images are in the
    order of the first evaluation.
    """
    known = [_by_content(each.directory) for each in evaluations]
    rows = [[each[key] for each in known] for key in known[0] if all(key in each for each in known[1:])]
    return np.array(rows, np.int64).reshape(len(rows), len(evaluations))


@lru_cache(maxsize=_KEPT)
def _by_content(directory: Path) -> dict[_Key, int]:
    images = kept_record(directory).images
    before: Counter[str] = Counter()
    found: dict[_Key, int] = {}
    for number in sorted(range(len(images)), key=lambda number: images[number].path):
        digest = images[number].image_sha256
        found[digest, before[digest]] = number
        before[digest] += 1
    return dict(sorted(found.items(), key=lambda item: item[1]))
