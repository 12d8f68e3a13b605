"""Masks of numbers that were masks of colours: what turning them into grey leaves."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import PurePosixPath

import numpy as np

from labeling.annotation import IGNORE
from labeling.formats.places import Place
from labeling.maps import voc_colormap

_LARGE = 40
_SHOWN = 8
_VOC_COLORS = 22  # background, 20 classes and one more; beyond them nearly every grey is some colour's


def look_like_greys(values: Collection[int]) -> bool:
    """Tell whether mask values have the gaps that greys of colours have: few, and far beyond a count of classes."""
    classes = set(values) - {0, IGNORE}
    return len(classes) > 1 and max(classes) > _LARGE and 2 * (len(classes) + 1) <= max(classes)


def note_on_greys(masks: Sequence[Place], scanned: Sequence[frozenset[int] | None]) -> tuple[str, ...]:
    """Return a sentence where masks that are read by number look like colours turned into grey, else nothing.

    Args:
        masks: the files.
        scanned: the values in each, as `labeling.formats.masks.scan.scan_masks` gives them.
    """
    found = frozenset[int]().union(*(values for values in scanned if values))
    if not look_like_greys(found):
        return ()
    place, values = max(zip(masks, scanned, strict=True), key=_suspicion)
    shown = ", ".join(map(str, sorted(values or ())[:_SHOWN])) + (", ..." if len(values or ()) > _SHOWN else "")
    voc = found - {IGNORE} <= set(_voc_greys())
    kind = "the greys of VOC's colours" if voc else "values with such gaps, as colours have in grey"
    return (
        f"{PurePosixPath(place.name).name} holds {shown}: {kind}. If the masks were colours, bring them as they were, "
        "with their colour table (--colors FILE); if the values are meant, name them (--classes FILE).",
    )


def _suspicion(mask: tuple[Place, frozenset[int] | None]) -> tuple[bool, int]:
    """Rank a mask by how well it shows what is the matter: the gaps, or at least values far out."""
    values = mask[1] or frozenset()
    return look_like_greys(values), max(values - {IGNORE}, default=0)


def _voc_greys() -> tuple[int, ...]:
    """Return the greys of VOC's colours by ITU-R 601-2, as Pillow's and OpenCV's conversions have it."""
    red, green, blue = voc_colormap(_VOC_COLORS).astype(np.uint32).T
    return tuple(((red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16).tolist())
