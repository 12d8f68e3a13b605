"""What the masks of a VOC folder mean: from its label files, or from what is in the masks, never by a guess."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from labeling.annotation import IGNORE
from labeling.colors import RGB
from labeling.formats.base import BadItemError, ReadRequest
from labeling.formats.labels import check_count, find_colors, find_labels, read_colors, read_labels
from labeling.formats.masks.files import read_mask_file
from labeling.formats.masks.greys import note_on_greys
from labeling.formats.masks.legend import FoundLegend, Legend, name_colors, name_values, number_values, order_colors
from labeling.formats.masks.palettes import note_on_palettes
from labeling.formats.masks.scan import scan_masks
from labeling.formats.places import Place
from labeling.maps import voc_colormap

_VOC_2012 = (
    "background aeroplane bicycle bird boat bottle bus car cat chair cow diningtable dog horse motorbike person "
    "pottedplant sheep sofa train tvmonitor"
)
VOC_2012 = tuple(_VOC_2012.split())
"""Class names in index order (Everingham et al., VOC2012 development kit, VOCinit.m; background is index 0)."""

_VOC_STEM = re.compile(r"20(07|08|09|10|11|12)_\d{6}")
_VOC_VOID: RGB = (224, 224, 192)
_VOC_MAP: dict[RGB, int] = {tuple(color): index for index, color in enumerate(voc_colormap().tolist())}


def find_legend(request: ReadRequest, source: Path, masks: Sequence[Place]) -> FoundLegend:
    """Return what the masks mean.

    Names come from `--classes`, labels.txt or class_names.txt (value i is the i-th name) and `--colors` or
    labelmap.txt (colours, and without a label file also the order). Where there is neither, VOC 2012's names are taken
    if file names and values are VOC 2012's, else `class_N` for each value found. Colour masks without a colour table
    are read by VOC's colour map, which they must fit exactly.

    Raises:
        UserError: a file of names or colours cannot be read, or there are more than 254 classes.
    """
    labels_file, colors_file = find_labels(request, source), find_colors(request, source)
    ignored = request.options.ignore_index
    if not labels_file and not colors_file:
        found = _from_values(masks, ignored)
        return replace(found, colors=_palette_of(masks, found.legend), notes=found.notes + note_on_palettes(masks))
    table = read_colors(colors_file) if colors_file else {}
    names, values = name_values(read_labels(labels_file)) if labels_file else order_colors(table)
    names, colors = name_colors(table, names)
    check_count(len(names), f"{labels_file} and {colors_file}")
    colors = {_VOC_VOID: IGNORE, **colors} if table else _voc_colors(values)
    legend = Legend(names, values, colors, by_palette=not labels_file, unknown_is_ignore=bool(table)).without(ignored)
    notes = () if legend.by_palette else note_on_palettes(masks)
    return FoundLegend(legend, table or _palette_of(masks, legend), notes)


def _from_values(masks: Sequence[Place], ignored: int | None) -> FoundLegend:
    scanned = scan_masks(masks, _VOC_MAP)
    found = {value for values in scanned if values for value in values} - {IGNORE, ignored}
    if found and max(found) < len(VOC_2012) and all(_VOC_STEM.fullmatch(PurePosixPath(m.name).stem) for m in masks):
        names, values = name_values(VOC_2012)
        notes: tuple[str, ...] = ("File names and values are those of PASCAL VOC 2012: its 21 class names were taken.",)
    else:
        names, values = number_values(found)
        note = "Found neither labels.txt nor labelmap.txt: classes are named after the values in the masks."
        notes = (note, *note_on_greys(masks, scanned))
    return FoundLegend(Legend(names, values, _voc_colors(values)).without(ignored), notes=notes)


def _voc_colors(values: Mapping[int, int]) -> dict[RGB, int]:
    return {color: values[index] for color, index in _VOC_MAP.items() if index in values}


def _palette_of(masks: Sequence[Place], legend: Legend) -> dict[str, RGB]:
    """Return the classes' colours in the first mask's palette, nothing where it has none or one colour twice."""
    try:
        palette = read_mask_file(masks[0].path).palette if masks else None
    except BadItemError:
        return {}
    indices = {index: value for value, index in legend.values.items() if index != IGNORE}
    if not palette or max(indices.values(), default=0) >= len(palette):
        return {}
    colors = {name: palette[indices[index]] for index, name in enumerate(legend.classes) if index in indices}
    return colors if len(set(colors.values())) == len(colors) else {}
