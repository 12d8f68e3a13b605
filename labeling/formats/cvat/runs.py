"""CVAT's run lengths of a mask: along the rows of its box, unset pixels first. COCO's run down the columns.

(cvat-ai/cvat, cvat/apps/dataset_manager/formats/transformations.py, MaskConverter.)
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from labeling.formats.rle import decode_rle

_RUNS = re.compile(r"\s*[0-9]{1,10}(?:\s*,\s*[0-9]{1,10})*\s*")


def decode_runs(text: str, width: int, height: int) -> NDArray[np.bool_]:
    """Return the mask that `3, 5, 7` describes, bool (height, width).

    Raises:
        ValueError: these are no run lengths, or they do not add up to width x height.
    """
    if not _RUNS.fullmatch(text):
        raise ValueError("its rle is no list of run lengths")
    # Along the rows is down the columns of the transposed mask.
    return decode_rle([int(run) for run in text.split(",")], height, width).T


def encode_runs(pixels: NDArray[np.bool_]) -> str:
    """Return the run lengths of a mask (bool, not empty), as CVAT writes them."""
    flat = pixels.ravel()
    ends = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    runs = np.diff(ends, prepend=0, append=flat.size).tolist()
    return ", ".join(map(str, [0, *runs] if flat[0] else runs))
