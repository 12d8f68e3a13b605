"""What is seen of a prediction: the classes' colours over the photo or frame, and their names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from db.errors import UserError
from labeling.colors import from_hex
from labeling.maps import voc_colormap
from training.models.spec import ModelSpec

OVERLAY_OPACITY = 0.5
_SMALLEST_TEXT, _LINES = 9, 24  # pixels; half of them fill the height
_INK, _SHEER = (255, 255, 255), 0.75
PAPER = (20, 20, 20)
"""Behind words."""

Row = tuple[str, tuple[int, ...] | None]
"""Words of a legend, and the colour before them."""


@dataclass(frozen=True)
class Look:
    """How a prediction is laid over a photo or a frame.

    Attributes:
        opacity: of the classes' colours, 0 to 1.
        legend: whether the classes' names are written at the top left.
    """

    opacity: float = OVERLAY_OPACITY
    legend: bool = False

    def __post_init__(self) -> None:
        """Check the values."""
        if not 0 <= self.opacity <= 1:
            raise UserError(f"Opacity is from 0 (nothing is seen of the classes) to 1, not {self.opacity:g}.")


PLAIN = Look()
"""Half transparent, without a legend."""


def model_palette(spec: ModelSpec) -> NDArray[np.uint8]:
    """Return the colours of the model's classes, VOC's where nobody chose any; uint8 (K, 3), RGB."""
    if spec.colors:
        return np.array([from_hex(color) for color in spec.colors], np.uint8)
    return voc_colormap(len(spec.classes))


class Painter:
    """Paints photos or frames of one size."""

    def __init__(self, look: Look, classes: Sequence[str], palette: NDArray[np.uint8], size: tuple[int, int]) -> None:
        """Prepare what all frames share.

        Args:
            look: how.
            classes: names in the order of the indices.
            palette: uint8 (K, 3), RGB.
            size: (height, width) of the pictures.
        """
        self._opacity, self._palette = look.opacity, palette
        self._legend = draw_legend(classes, palette, size) if look.legend else None

    def paint(self, pixels: NDArray[np.uint8], index: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return a picture, uint8 (H, W, 3), under the colours of its class indices, uint8 (H, W)."""
        painted = lay_over(pixels, self._palette[index], self._opacity)
        if self._legend is not None:
            height, width = self._legend.shape[:2]
            under = painted[:height, :width]
            painted[:height, :width] = lay_over(under, self._legend, _SHEER)
        return painted


def draw_legend(classes: Sequence[str], palette: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Draw the classes' colours and names, as many as a picture of this (height, width) has room for; the rest counted.

    Letters beyond Latin, Greek and Cyrillic may be lacking.

    Returns:
        uint8 (h, w, 3), not larger than the picture.
    """
    height = size[0]
    text = max(_SMALLEST_TEXT, height // (2 * _LINES))
    room = max(1, (height - text // 2) // round(1.5 * text))
    rows: list[Row] = [(name, tuple(map(int, color))) for name, color in zip(classes, palette, strict=True)]
    if len(rows) > room:
        rows = [*rows[: room - 1], (f"and {len(rows) - room + 1} more", None)]
    return draw_rows(rows, text, size)


def draw_rows(rows: Sequence[Row], text: int, most: tuple[int, int]) -> NDArray[np.uint8]:
    """Draw words of this height below one another, each behind its colour, if it has any.

    Returns:
        uint8 (h, w, 3), as large as needed, and not larger than `most`, (height, width).
    """
    line, gap = round(1.5 * text), text // 2
    font = ImageFont.load_default(text)
    words = ["".join(sign if sign.isprintable() else " " for sign in name) for name, _ in rows]
    wide = min(most[1], 3 * gap + text + round(max(font.getlength(each) for each in words)))
    picture = Image.new("RGB", (wide, min(most[0], gap + line * len(rows))), PAPER)
    pen = ImageDraw.Draw(picture)
    for number, (word, (_, color)) in enumerate(zip(words, rows, strict=True)):
        top = gap + number * line
        if color is not None:
            pen.rectangle((gap, top, gap + text - 1, top + text - 1), color)
        pen.text((2 * gap + text, top + text / 2), word, _INK, font, "lm")
    return np.asarray(picture)


def lay_over(
    photo: NDArray[np.uint8], colors: NDArray[np.uint8], opacity: float = OVERLAY_OPACITY
) -> NDArray[np.uint8]:
    """Lay colours over a photo, both uint8 (H, W, 3), half transparent unless told otherwise."""
    return np.asarray(cv2.addWeighted(photo, 1 - opacity, colors, opacity, 0), np.uint8)
