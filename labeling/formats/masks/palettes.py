"""Palettes of masks that are read by number: whether a number has the same colour in all of them."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from labeling.colors import RGB
from labeling.formats.base import BadItemError
from labeling.formats.masks.scan import scan_masks
from labeling.formats.places import Place

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PALETTE_COLOR = 3  # the colour type of palette files (PNG 1.2, 4.1.1)
_MAX_CHUNKS = 64  # before the palette; real files have a handful
_DECODED = 24  # masks whose pixels are looked at

Palette = tuple[RGB, ...]


def note_on_palettes(masks: Sequence[Place]) -> tuple[str, ...]:
    """Return a sentence where one colour is several numbers in different masks, else nothing.

    Programs that make each mask a palette of its own number colours in the order they come: by number such masks mix
    up the classes. Only colours that a mask uses count; of many different palettes some are looked at.
    """
    palettes: dict[Palette, Place] = {}
    for place in masks:
        palette = _palette(place)
        if palette:
            palettes.setdefault(palette, place)
    if len(palettes) < 2:
        return ()
    several = list(palettes.items())[:_DECODED]
    seen: dict[RGB, tuple[int, Place]] = {}
    for (palette, place), values in zip(several, scan_masks([place for _, place in several]), strict=True):
        for value in sorted(values or ()):
            if value >= len(palette):
                continue
            before, first = seen.setdefault(palette[value], (value, place))
            if before != value:
                return (_note(palette[value], (first, before), (place, value)),)
    return ()


def _note(color: RGB, first: tuple[Place, int], second: tuple[Place, int]) -> str:
    said = " and ".join(f"{value} in {PurePosixPath(place.name).name}" for place, value in (first, second))
    return (
        f"The palettes of the masks disagree: the colour {','.join(map(str, color))} is {said}. They are read by "
        "number, so if the colours are meant, classes get mixed up; then name the colours alone (--colors FILE, lines "
        "`name r g b`, and no list of classes)."
    )


def _palette(place: Place) -> Palette:
    """Return the palette of a PNG without decoding it, nothing where it has none."""
    try:
        return _read_palette(place.path)
    except (OSError, BadItemError, struct.error):
        return ()


def _read_palette(path: Path) -> Palette:
    with path.open("rb") as file:
        head = file.read(33)  # the signature and IHDR
        if len(head) < 33 or not head.startswith(_SIGNATURE) or head[25] != _PALETTE_COLOR:
            return ()
        for _ in range(_MAX_CHUNKS):
            length, kind = struct.unpack(">I4s", file.read(8))
            if kind == b"PLTE" and length <= 768:
                data = file.read(length)
                return tuple(zip(data[0::3], data[1::3], data[2::3], strict=False))
            if kind in {b"PLTE", b"IDAT", b"IEND"}:
                return ()
            file.seek(length + 4, 1)
    return ()
