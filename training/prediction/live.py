"""Frames of a camera, one after another, while somebody watches."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from db.errors import UserError
from db.home import Home
from db.session import Database
from labeling.colors import to_hex
from labeling.photos import PhotoError, read_header, read_photo
from training.models.find import read_spec
from training.prediction.drawing import model_palette
from training.prediction.kept_model import KEPT
from training.prediction.size import Size

LARGEST_PIXELS = 2_100_000
"""Of a frame: full HD. A camera's picture is watched, not measured."""


@dataclass(frozen=True)
class LiveFrame:
    """What a model says of a frame.

    Attributes:
        index: class indices, uint8 (H, W) of the frame.
        seconds: it took on the server, waiting for others included.
    """

    index: NDArray[np.uint8]
    seconds: float


@dataclass(frozen=True)
class LiveClass:
    """A class of a model, with its colour as `#rrggbb`."""

    name: str
    color: str


def look_at_frame(
    home: Home, database: Database, *, project: str, model: str, frame: bytes, size: str = "original"
) -> LiveFrame:
    """Predict a frame with a model of a project, which stays loaded for the next one.

    Args:
        home: holds the model.
        database: its database.
        project: name.
        model: reference of one of the project's models.
        frame: a picture's bytes.
        size: what the network sees: `original`, `HxW` or `long N`.

    Raises:
        UserError: no such model, no picture, or a larger one than full HD.
    """
    started = time.perf_counter()
    asked = Size.parse(size)
    try:
        header = read_header(frame)
        target = asked.target(header.height, header.width)
        if max(header.height * header.width, target[0] * target[1]) > LARGEST_PIXELS:  # before it takes the memory
            found = f"{header.width} x {header.height}"
            raise UserError(f"A frame may have {LARGEST_PIXELS:,} pixels (full HD) at most, found {found}.")
        pixels = read_photo(frame)
    except PhotoError as error:
        raise UserError(f"This frame cannot be read: {error}.") from None
    _, prediction = KEPT.predict(home, database, project, model, pixels, asked)
    return LiveFrame(prediction.index, time.perf_counter() - started)


def live_classes(home: Home, database: Database, *, project: str, model: str) -> tuple[LiveClass, ...]:
    """Return the classes of a model in the order of its indices.

    Raises:
        UserError: there is no such model.
    """
    spec = read_spec(home, database, project, model)
    colors = ((int(red), int(green), int(blue)) for red, green, blue in model_palette(spec))
    return tuple(LiveClass(name, to_hex(color)) for name, color in zip(spec.classes, colors, strict=True))
