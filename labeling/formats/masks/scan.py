"""A first look over all masks of a source: which values they hold decides what they mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np

from labeling.annotation import IGNORE
from labeling.colors import RGB
from labeling.formats.base import BadItemError
from labeling.formats.masks.files import grey_levels, read_mask_file
from labeling.formats.places import Place
from labeling.workers import map_in_order

_NO_COLORS: Mapping[RGB, int] = {}


def scan_masks(masks: Sequence[Place], colors: Mapping[RGB, int] = _NO_COLORS) -> list[frozenset[int] | None]:
    """Return the index values of every mask file, None where it holds none or cannot be read.

    Files are decoded in processes, so that one that crashes its decoder is merely one that cannot be read.

    Args:
        masks: files.
        colors: index of each colour of a colour file; empty: a colour file is read only where it is black and white.
    """
    return list(map_in_order(partial(_scan, colors=colors), masks, on_death=_unreadable, isolated=True))


def _unreadable(_mask: Place) -> None:
    return None


def _scan(mask: Place, colors: Mapping[RGB, int]) -> frozenset[int] | None:
    try:
        file = read_mask_file(mask.path)
    except BadItemError:
        return None
    if file.colors is not None and colors:
        found = np.unique(file.colors.reshape(-1, 3), axis=0).tolist()
        indices = {colors.get((red, green, blue)) for red, green, blue in found}
        return None if None in indices else frozenset(index for index in indices if index is not None)
    values = file.values if file.values is not None else grey_levels(file)
    if values is None:
        return None
    found = frozenset(np.flatnonzero(np.bincount(values.ravel())).tolist())
    # Black and white saved as RGB or as a flat JPEG is what it seems; other greys there may be anything.
    return found if (file.colors is None and not file.lossy) or found <= {0, IGNORE} else None
