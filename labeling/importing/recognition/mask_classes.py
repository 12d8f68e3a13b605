"""The classes in a sample of mask files, for the formats that have such."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from db.errors import UserError
from labeling.formats.base import ReadRequest
from labeling.formats.labels import find_colors, find_labels, read_colors, read_labels
from labeling.formats.masks.palettes import note_on_palettes
from labeling.formats.masks.scan import scan_masks
from labeling.formats.places import Place
from labeling.importing.recognition.guess import spread

SAMPLED_MASKS = 24


def mask_classes(
    root: Path, masks: Sequence[Place], evidence: list[str]
) -> tuple[dict[str, int], str, dict[str, str], tuple[str, ...]]:
    """Return the values in a sample of masks by class name, what was read, options and problems."""
    options = {"unlabelled": "ignore"}
    problems: list[str] = []
    names: tuple[str, ...] = ()
    labels_file, colors_file = find_labels(ReadRequest(root), root), find_colors(ReadRequest(root), root)
    table = {}
    try:
        if labels_file is not None:
            names = read_labels(labels_file)
            options["classes_file"] = str(labels_file)
            evidence.append(f"{labels_file.name} names {len(names)} classes")
        if colors_file is not None:
            table = read_colors(colors_file)
            options["colors_file"] = str(colors_file)
            evidence.append(f"{colors_file.name} gives the colours of {len(table)} classes")
    except UserError as error:
        problems.append(str(error))
    names = names or tuple(table)
    index = {color: names.index(name) for name, color in table.items() if name in names}
    sample = spread(masks, SAMPLED_MASKS)
    counts = Counter[str]()
    unread = 0
    for values in scan_masks(sample, index):
        if values is None:
            unread += 1
        else:
            counts.update(names[value] if value < len(names) else str(value) for value in sorted(values))
    if unread:
        problems.append(
            f"{unread} of {len(sample)} masks that were read are in colours without a colour table, or cannot be read. "
            "Colour masks need one (--colors FILE, lines `name r g b`)."
        )
    problems += note_on_palettes(sample)
    read = f"values in {len(sample) - unread} of {len(masks)} masks"
    return dict(counts.most_common()), read, options, tuple(problems)
