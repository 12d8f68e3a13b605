"""Color jitter as one affine map per sample.

Brightness, contrast, saturation and hue, in this order, are each affine in RGB, so together they are one 3x3 matrix and
an offset: a single pass over the pixels, clipped once at the end. Factors mean what they do in torchvision's
ColorJitter; hue is a rotation in the chroma plane of YIQ, which keeps luma (as MXNet's HueJitterAug does), not
a shift of HSV's hexagon.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, sin, tau

import numpy as np
from numpy.typing import NDArray

from training.data.spec import BatchSpec

GREY = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601 luma
_YIQ = np.array([GREY, [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])
_RGB = np.linalg.inv(_YIQ)


@dataclass(frozen=True)
class Color:
    """RGB becomes `matrix @ RGB + pivot * grey`, where `grey` is the sample's mean grey before the change.

    Attributes:
        matrix: (3, 3) float64.
        pivot: what contrast moves colours away from or towards, as a multiple of the mean grey.
    """

    matrix: NDArray[np.float64]
    pivot: float

    def affine(self, mean: Sequence[float]) -> NDArray[np.float64]:
        """Return (3, 4), the matrix with the offset beside it, for a sample of this mean RGB."""
        offset = self.pivot * float(GREY @ np.asarray(mean))
        return np.column_stack((self.matrix, np.full(3, offset)))


def draw_color(spec: BatchSpec, draws: Sequence[float]) -> Color:
    """Turn four draws (brightness, contrast, saturation, hue), each in [0, 1), into a color change."""
    strengths = (spec.brightness, spec.contrast, spec.saturation)
    brightness, contrast, saturation = (
        1 + strength * (2 * draw - 1) for strength, draw in zip(strengths, draws[:3], strict=True)
    )
    # Grey is what saturation and hue leave alone, so the offset of contrast, a grey, passes through both unchanged.
    matrix = saturation * np.eye(3) + (1 - saturation) * GREY
    if spec.hue:
        matrix = _rotation(spec.hue * (2 * draws[3] - 1)) @ matrix
    return Color(matrix * (brightness * contrast), (1 - contrast) * brightness)


def _rotation(turns: float) -> NDArray[np.float64]:
    c, s = cos(tau * turns), sin(tau * turns)
    return np.asarray(_RGB @ np.array([[1, 0, 0], [0, c, -s], [0, s, c]]) @ _YIQ)
