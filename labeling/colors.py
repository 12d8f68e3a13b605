"""Colours for classes that come without one: each as far as can be from those already in use."""

from __future__ import annotations

import colorsys
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from db.errors import UserError

RGB = tuple[int, int, int]

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
    difference = _CANDIDATES[:, None, :] - taken[None, :, :]
    red_mean = (_CANDIDATES[:, None, 0] + taken[None, :, 0]) / 2
    weights = np.stack([2 + red_mean / 256, np.full_like(red_mean, 4), 2 + (255 - red_mean) / 256], axis=2)
    nearest = (weights * difference**2).sum(axis=2).min(axis=1)
    red, green, blue = (int(channel) for channel in _CANDIDATES[int(nearest.argmax())])
    return to_hex((red, green, blue))


def colors_for(names: Sequence[str], known: Mapping[str, str]) -> tuple[str, ...]:
    """Return a colour (`#rrggbb`) for every name: the known one, else one far from all others."""
    used = list(known.values())
    for name in names:
        if name not in known:
            used.append(next_color(used))
    chosen = iter(used[len(known) :])
    return tuple(known[name] if name in known else next(chosen) for name in names)
