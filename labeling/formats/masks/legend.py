"""What a source's mask values and colours mean, and the class map that follows from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from labeling.annotation import IGNORE
from labeling.colors import RGB
from labeling.formats.base import BadItemError, BaseMap
from labeling.formats.labels import IGNORE_NAME, check_count
from labeling.formats.masks.files import MaskFile, describe_counts, grey_levels
from labeling.names import is_reserved

_UNKNOWN = 254  # marks what the legend does not name while a map is made; 254 classes are indices 0..253


@dataclass(frozen=True)
class Legend:
    """What the masks of one source mean. Indices are those of `classes`, 255 is ignore.

    Attributes:
        classes: names in index order, at most 254, none of them reserved.
        values: index of each mask value.
        colors: index of each colour of a colour mask; empty: colours mean nothing here.
        by_palette: palette files are read by their colours where the table knows every colour they use.
        unknown_is_ignore: colours outside the table become ignore (and are reported), else the mask is refused.
        remedy: sentence for the user of a mask with other values, where the source's kind tells more than its file.
    """

    classes: tuple[str, ...]
    values: Mapping[int, int]
    colors: Mapping[RGB, int] = field(default_factory=dict)
    by_palette: bool = False
    unknown_is_ignore: bool = False
    remedy: str = ""

    def without(self, ignored: int | None) -> Legend:
        """Return the legend with one mask value read as ignore."""
        if ignored is None:
            return self
        return replace(self, values={**self.values, ignored: IGNORE})


@dataclass(frozen=True)
class FoundLegend:
    """A legend, the classes' colours where the source has them, and sentences on what was assumed."""

    legend: Legend
    colors: Mapping[str, RGB] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def name_values(names: Iterable[str]) -> tuple[tuple[str, ...], dict[int, int]]:
    """Return the classes and value table of masks whose value i means the i-th name.

    A name that is reserved (`ignore`) is no class: its value means ignore, and so does 255 unless it has a name.
    """
    names = tuple(names)
    classes = tuple(name for name in names if not is_ignore(name))
    indices = [IGNORE if is_ignore(name) else classes.index(name) for name in names]
    return classes, {IGNORE: IGNORE, **dict(enumerate(indices))}


def number_values(found: Iterable[int]) -> tuple[tuple[str, ...], dict[int, int]]:
    """Return `class_N` for each value found, densely indexed, and the value table.

    255 means ignore, but where values reach beyond eight bits it is a number like any other.

    Raises:
        UserError: there are more than 254 values.
    """
    found = set(found)
    ordered = sorted(found if max(found, default=0) > IGNORE else found - {IGNORE})
    check_count(len(ordered), "Values in the masks, each taken for a class (are they instance numbers?)")
    return tuple(f"class_{value}" for value in ordered), {IGNORE: IGNORE, **{v: i for i, v in enumerate(ordered)}}


def order_colors(table: Mapping[str, RGB]) -> tuple[tuple[str, ...], dict[int, int]]:
    """Return the classes of a colour table, and what index masks beside it mean.

    A table of greys names the grey levels themselves (`foreground 255 255 255`); with any other, value i is the i-th
    line.
    """
    classes, values = name_values(table)
    if not all(red == green == blue for red, green, blue in table.values()):
        return classes, values
    return classes, {IGNORE: IGNORE, **{color[0]: values[line] for line, color in enumerate(table.values())}}


def name_colors(table: Mapping[str, RGB], classes: Sequence[str]) -> tuple[tuple[str, ...], dict[RGB, int]]:
    """Return the classes with the table's further names appended, and the index of each of the table's colours."""
    named = (*classes, *(name for name in table if name not in classes and not is_ignore(name)))
    return named, {color: IGNORE if is_ignore(name) else named.index(name) for name, color in table.items()}


def is_ignore(name: str) -> bool:
    """Tell whether a source's label means ignore: `ignore`, `unlabelled` or labelme's `__ignore__`."""
    return name == IGNORE_NAME or is_reserved(name)


def to_base_map(mask: MaskFile, legend: Legend) -> tuple[BaseMap, tuple[str, ...]]:
    """Return a mask as a base map over the legend's classes, with a sentence for each repair.

    Raises:
        BadItemError: a value or colour has no class, colours come without a table, or JPEG has smeared the values.
    """
    if mask.lossy:
        _refuse_smeared(mask, legend)
    colors = _as_colors(mask, legend)
    if colors is not None:
        return _from_colors(colors, legend)
    values = mask.values if mask.values is not None else _black_and_white(mask, legend)
    if values is None:
        remedy = legend.remedy or "Give a colour table (--colors FILE, lines `name r g b`)."
        if grey_levels(mask) is not None:
            remedy += " It is grey in three channels: if its greys are the numbers, save it with one."
        raise BadItemError(f"The mask is a colour image, expected one of numbers. {remedy}")
    return BaseMap(_from_values(values, legend), legend.classes), ()


def _from_values(values: NDArray[np.uint8 | np.uint16], legend: Legend) -> NDArray[np.uint8]:
    table = np.full(np.iinfo(values.dtype).max + 1, _UNKNOWN, np.uint8)
    for value, index in legend.values.items():
        if value < len(table):
            table[value] = index
    pixels = table[values]
    unknown = pixels == _UNKNOWN
    if unknown.any():
        found, counts = np.unique(values[unknown], return_counts=True)
        listed = describe_counts({str(value): int(count) for value, count in zip(found, counts, strict=True)})
        known = ", ".join(_ranges(sorted(legend.values)))
        remedy = legend.remedy or "Name them in the file of classes, or correct the mask."
        raise BadItemError(
            f"The mask holds values without a class: {listed}. Values with a meaning: {known or 'none'}. {remedy}"
        )
    return pixels


def _from_colors(colors: NDArray[np.uint8], legend: Legend) -> tuple[BaseMap, tuple[str, ...]]:
    codes = packed(colors)
    pixels = _color_table(tuple(legend.colors.items()))[codes]
    unknown = pixels == _UNKNOWN
    if not unknown.any():
        return BaseMap(pixels, legend.classes), ()
    found, counts = np.unique(codes[unknown], return_counts=True)
    listed = describe_counts(
        {f"{code >> 16},{code >> 8 & 255},{code & 255}": int(n) for code, n in zip(found, counts, strict=True)}
    )
    if not legend.unknown_is_ignore:
        remedy = legend.remedy or "Add them to the table (`ignore r g b` leaves pixels out)."
        raise BadItemError(f"The mask holds colours that the colour table does not name: {listed}. {remedy}")
    pixels[unknown] = IGNORE
    return BaseMap(pixels, legend.classes), (f"Colours that the colour table does not name became ignore: {listed}.",)


@lru_cache(maxsize=1)
def _color_table(colors: tuple[tuple[RGB, int], ...]) -> NDArray[np.uint8]:
    """Return the index of every 24-bit colour: 16 MB once a process, and one look-up a pixel instead of a sort."""
    table = np.full(1 << 24, _UNKNOWN, np.uint8)
    for (red, green, blue), index in colors:
        table[red << 16 | green << 8 | blue] = index
    return table


def _as_colors(mask: MaskFile, legend: Legend) -> NDArray[np.uint8] | None:
    """Return the colours that the legend's table is to be asked for, None where the values are to be read."""
    if not legend.colors or mask.values is None:
        return mask.colors if legend.colors else None
    return _palette_colors(mask, legend) if legend.by_palette else None


def _palette_colors(mask: MaskFile, legend: Legend) -> NDArray[np.uint8] | None:
    """Return a palette mask as colours where the table knows all it uses, else None."""
    if mask.values is None or not mask.palette:
        return None
    used = np.flatnonzero(np.bincount(mask.values.ravel()))
    if used[-1] >= len(mask.palette) or any(mask.palette[value] not in legend.colors for value in used):
        return None
    return np.array(mask.palette, np.uint8)[mask.values]


def _black_and_white(mask: MaskFile, legend: Legend) -> NDArray[np.uint8] | None:
    """Return the grey levels of a mask saved as RGB where only 0 and 255 have a meaning in this source."""
    if legend.colors or not set(legend.values) <= {0, IGNORE}:
        return None
    return grey_levels(mask)


def _refuse_smeared(mask: MaskFile, legend: Legend) -> None:
    """JPEG mixes neighbouring values; only what cannot come from mixing is believed."""
    levels = mask.values if mask.values is not None else grey_levels(mask)
    if levels is not None and np.isin(levels, (0, IGNORE)).all():
        return
    if mask.colors is not None and (_color_table(tuple(legend.colors.items()))[packed(mask.colors)] != _UNKNOWN).all():
        return
    raise BadItemError("The mask is a JPEG, whose compression smears values at every border. Save masks as PNG.")


def packed(colors: NDArray[np.uint8]) -> NDArray[np.integer]:
    """Return (H, W, 3) colours as one number a pixel, 0xRRGGBB."""
    wide = colors.astype(np.uint32)
    return wide[..., 0] << 16 | wide[..., 1] << 8 | wide[..., 2]


def _ranges(values: list[int]) -> list[str]:
    """Return sorted values as `0-10`, `255`."""
    runs: list[list[int]] = []
    for value in values:
        if runs and value == runs[-1][1] + 1:
            runs[-1][1] = value
        else:
            runs.append([value, value])
    return [str(first) if first == last else f"{first}-{last}" for first, last in runs]
