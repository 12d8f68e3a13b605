"""How light differs between the demo's two domains. Colours are RGB in 0..1, before noise and exposure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Color = tuple[float, float, float]
CLASSES = ("sky", "building", "tree", "lawn", "path", "person", "car")


@dataclass(frozen=True)
class Light:
    """The light of a domain.

    Attributes:
        sky_top: colour at the zenith.
        sky_low: colour above the horizon.
        tint: multiplies everything but the sky.
        shadow: how much light a shadow takes, 0..1.
        exposure: range of the overall gain.
        noise: standard deviation of the sensor's noise.
        lit_windows: share of windows with a lamp behind them.
    """

    sky_top: Color
    sky_low: Color
    tint: Color
    shadow: float
    exposure: tuple[float, float]
    noise: float
    lit_windows: float


LIGHTS = {
    "day": Light(
        sky_top=(0.33, 0.55, 0.90),
        sky_low=(0.80, 0.88, 0.97),
        tint=(1.0, 1.0, 0.98),
        shadow=0.45,
        exposure=(0.8, 1.15),
        noise=0.025,
        lit_windows=0.0,
    ),
    "dusk": Light(
        sky_top=(0.26, 0.32, 0.58),
        sky_low=(0.92, 0.68, 0.54),
        tint=(0.74, 0.63, 0.68),
        shadow=0.25,
        exposure=(0.65, 1.0),
        noise=0.035,
        lit_windows=0.3,
    ),
}

WALLS: tuple[Color, ...] = (
    (0.62, 0.36, 0.28),
    (0.72, 0.68, 0.60),
    (0.55, 0.57, 0.60),
    (0.82, 0.77, 0.66),
    (0.45, 0.52, 0.58),
)
FOLIAGE: tuple[Color, ...] = ((0.16, 0.33, 0.12), (0.24, 0.38, 0.13), (0.34, 0.38, 0.12), (0.42, 0.32, 0.12))
GRASS: tuple[Color, ...] = ((0.38, 0.56, 0.22), (0.45, 0.58, 0.27), (0.52, 0.56, 0.30))
PAVING: tuple[Color, ...] = ((0.62, 0.60, 0.57), (0.70, 0.63, 0.53), (0.50, 0.50, 0.52))
PAINTWORK: tuple[Color, ...] = (
    (0.75, 0.10, 0.10),
    (0.10, 0.20, 0.60),
    (0.88, 0.88, 0.88),
    (0.15, 0.15, 0.17),
    (0.55, 0.57, 0.60),
    (0.90, 0.70, 0.10),
)
COATS: tuple[Color, ...] = (
    (0.75, 0.15, 0.20),
    (0.95, 0.85, 0.25),
    (0.20, 0.30, 0.70),
    (0.90, 0.90, 0.92),
    (0.55, 0.20, 0.55),
)
SKIN: tuple[Color, ...] = ((0.93, 0.76, 0.64), (0.76, 0.56, 0.42), (0.45, 0.30, 0.22))


def pick(rng: np.random.Generator, colors: tuple[Color, ...], spread: float = 0.05) -> NDArray[np.float32]:
    """Return one of the colours, moved a little, as float32 (3,)."""
    color = np.asarray(colors[rng.integers(len(colors))]) + rng.normal(0, spread, 3)
    return np.clip(color, 0, 1).astype(np.float32)
