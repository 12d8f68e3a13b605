"""Colours for classes that come without one: each as far as can be from those already in use."""

from __future__ import annotations

import colorsys
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from db.errors import UserError

RGB = tuple[int, int, int]

_TOLD_APART = 60.0
"""Distance, as `next_color` has it, from which two colours are taken for two."""

# Hues at every 10 degrees, in four strengths and four brightnesses: far apart enough to be told from one another,
# neither black (background, by custom) nor white nor grey.
_CANDIDATES = np.array(
    [
        [round(255 * channel) for channel in colorsys.hsv_to_rgb(hue / 36, saturation, value)]
        for value in (0.95, 0.7, 0.5, 0.85)
        for saturation in (0.9, 0.55, 0.35, 0.7)
        for hue in range(36)
    ],
    dtype=np.float64,
)
# What one expects of a thing, so that a coloured photo can be read without its legend; each far from the others.
_LIKELY = {
    "#4fa8e8": ("sky",),
    "#2f7d32": ("tree", "trees", "vegetation", "forest", "bush", "shrub"),
    "#8bd450": ("grass", "lawn", "meadow", "field", "low vegetation"),
    "#1f4e9e": ("water", "river", "lake", "sea", "pond"),
    "#7d6a8a": ("road", "street", "asphalt"),
    "#e6c88f": ("path", "pavement", "sidewalk", "footway", "trail"),
    "#a8572e": ("building", "house", "roof"),
    "#e8342a": ("person", "people", "pedestrian", "human"),
    "#ff8ac2": ("bicyclist", "cyclist", "rider"),
    "#7b2fd0": ("car", "vehicle", "truck", "bus"),
    "#f5d90a": ("sign", "traffic sign", "signsymbol", "traffic light"),
    "#f08a24": ("fence", "railing"),
    "#8a8f99": ("pole", "column_pole", "post"),
    "#6b4a2b": ("soil", "ground", "earth", "terrain", "trunk"),
    "#c7b9a3": ("wall",),
    "#e6f4ff": ("snow", "cloud", "clouds"),
    "#ffe79a": ("sand", "beach"),
    "#d64fd6": ("flower", "flowers"),
}
_NAMED = {name: color for color, names in _LIKELY.items() for name in names}
_AVOIDED = ((0, 0, 0), (255, 255, 255))


def to_hex(color: RGB) -> str:
    """Return `#rrggbb`."""
    return "#{:02x}{:02x}{:02x}".format(*color)


def from_hex(text: str) -> RGB:
    """Read `#rrggbb`, or `rrggbb`.

    Raises:
        UserError: it is neither.
    """
    digits = text.strip().removeprefix("#")
    try:
        if len(digits) != 6:
            raise ValueError(text)
        red, green, blue = bytes.fromhex(digits)
    except ValueError:
        raise UserError(f"A colour is written #rrggbb, as in #3366cc; found {text!r}.") from None
    return red, green, blue


def next_color(used: Iterable[str]) -> str:
    """Return the candidate farthest from every used colour (`#rrggbb`), the same one for the same input.

    Distance is the "redmean" weighted RGB one (https://www.compuphase.com/cmetric.htm), a cheap stand-in for
    perceived difference.
    """
    taken = np.array([*_AVOIDED, *(from_hex(color) for color in used)], dtype=np.float64)
    farthest = int(_squared(_CANDIDATES, taken).min(axis=1).argmax())
    red, green, blue = (int(channel) for channel in _CANDIDATES[farthest])
    return to_hex((red, green, blue))


def likely_color(name: str) -> str | None:
    """Return the colour (`#rrggbb`) that one expects of a thing of this name, None where there is none to expect."""
    return _NAMED.get(name.strip().lower().replace("_", " ")) or _NAMED.get(name.strip().lower())


def differs(color: str, used: Iterable[str]) -> bool:
    """Tell whether a colour can be told from all those in use."""
    taken = np.array([from_hex(each) for each in used], dtype=np.float64).reshape(-1, 3)
    return bool((_squared(np.array([from_hex(color)], dtype=np.float64), taken) > _TOLD_APART**2).all())


def _squared(colors: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the squared distance of every colour from every other one, both (N, 3) in 0..255."""
    difference = colors[:, None, :] - others[None, :, :]
    red_mean = (colors[:, None, 0] + others[None, :, 0]) / 2
    weights = np.stack([2 + red_mean / 256, np.full_like(red_mean, 4), 2 + (255 - red_mean) / 256], axis=2)
    return np.asarray((weights * difference**2).sum(axis=2))


def colors_for(names: Sequence[str], known: Mapping[str, str]) -> tuple[str, ...]:
    """Return a colour (`#rrggbb`) for every name: the known one, else one far from all others."""
    used = list(known.values())
    for name in names:
        if name not in known:
            used.append(next_color(used))
    chosen = iter(used[len(known) :])
    return tuple(known[name] if name in known else next(chosen) for name in names)
