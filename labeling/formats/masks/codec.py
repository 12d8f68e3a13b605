"""A tree of images and masks: index masks (8 or 16 bit, palette), black and white ones, or colours with a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from db.errors import UserError
from labeling.annotation import IGNORE
from labeling.formats.base import Item, Listing, ReadRequest, Record
from labeling.formats.labels import check_count, find_colors, find_labels, read_colors, read_labels
from labeling.formats.masks.greys import note_on_greys
from labeling.formats.masks.layouts import find_layout
from labeling.formats.masks.legend import FoundLegend, Legend, name_colors, name_values, number_values, order_colors
from labeling.formats.masks.listing import MaskPairs
from labeling.formats.masks.pairs import Pair
from labeling.formats.masks.palettes import note_on_palettes
from labeling.formats.masks.scan import scan_masks
from labeling.formats.places import Place

BLACK_AND_WHITE = frozenset({0, IGNORE})


def list_source(request: ReadRequest) -> Listing:
    """List photos and masks.

    A folder named like a role (`train/`, `valid_images/`) becomes a subset and gives the role. Photos without a mask
    are unlabelled images.

    Raises:
        UserError: nothing is found, a class file cannot be read, or the masks hold more values than classes can be.
    """
    pairs = MaskPairs.of(request, find_layout(request))
    found = _find_legend(request, pairs.masks)
    if not found.legend.by_palette:
        found = replace(found, notes=found.notes + note_on_palettes(pairs.masks))
    return pairs.listing(found)


def read(item: Item, request: ReadRequest) -> Record:
    """Read a photo and its mask. Raises `BadItemError` where either cannot be used."""
    pair: Pair = item.payload
    return pair.read()


def _find_legend(request: ReadRequest, masks: Sequence[Place]) -> FoundLegend:
    """Return what the masks mean: by the label file and colour table there are, else by the values they hold."""
    labels_file, colors_file = find_labels(request, request.source), find_colors(request, request.source)
    ignored = request.options.ignore_index
    table = read_colors(colors_file) if colors_file else {}
    labels = read_labels(labels_file) if labels_file else ()
    if not table and len(labels) <= 2:
        return _legend_of_values(labels, masks, ignored)
    names, values = name_values(labels) if labels else order_colors(table)
    names, colors = name_colors(table, names)
    check_count(len(names), f"{labels_file} and {colors_file}")
    return FoundLegend(Legend(names, values, colors, by_palette=not labels).without(ignored), table)


def _legend_of_values(labels: tuple[str, ...], masks: Sequence[Place], ignored: int | None) -> FoundLegend:
    """Return the legend of masks whose values must be looked at, all of them: 0 and 255 alone are two classes."""
    scanned = scan_masks(masks)
    found = {value for values in scanned if values for value in values}
    if not labels and masks and not any(scanned):
        raise UserError(
            f"{masks[0].root}: none of the {len(masks)} masks can be read by index. Colour masks need a colour table "
            "(--colors FILE, lines `name r g b`), grey ones must be saved with one channel, JPEGs made again as PNG."
        )
    if found == BLACK_AND_WHITE and ignored != IGNORE:
        if len(labels) == 1:
            raise UserError(
                f"{masks[0].root}: the masks hold only 0 and 255, two classes, but one name: {labels[0]!r}. "
                "Name both in the label file, the one of 0 first."
            )
        names = labels or ("background", "foreground")
        note = f"All masks hold only 0 and 255: read as {names[0]} and {names[1]}."
        return FoundLegend(Legend(names, {0: 0, IGNORE: 1}).without(ignored), notes=(note,))
    if labels:
        return FoundLegend(Legend(*name_values(labels)).without(ignored))
    names, values = number_values(found - {ignored})
    note = "No label file: classes are named after the values in the masks. Give --classes FILE to name them."
    notes = (note, *note_on_greys(masks, scanned), *_note_on_black_and_white(masks, scanned))
    return FoundLegend(Legend(names, values).without(ignored), notes=notes)


def _note_on_black_and_white(masks: Sequence[Place], scanned: Sequence[frozenset[int] | None]) -> tuple[str, ...]:
    """Return a sentence where some masks are black and white among others with numbers: 255 may mean two things."""
    pairs = zip(masks, scanned, strict=True)
    found = [PurePosixPath(mask.name).name for mask, values in pairs if values == BLACK_AND_WHITE]
    if not found or len(found) == sum(map(bool, scanned)):
        return ()
    count = "1 mask holds" if len(found) == 1 else f"{len(found)} masks hold"
    return (
        f"{count} only 0 and 255 ({found[0]}{', ...' if len(found) > 1 else ''}) where others hold more values: 255 is "
        "ignored in all of them. Where it is the foreground, import those masks from a folder of their own.",
    )
