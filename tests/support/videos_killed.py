"""A prediction of a video in a process of its own, with a network that names colours, which may kill itself."""

from __future__ import annotations

import os
import resource
import signal
from pathlib import Path
from typing import Any
from unittest.mock import patch

from db.home import Home
from db.session import open_database
from tests.support.tiny_models import PLAIN, ColorNet, loaded
from tests.support.videos import COLORS
from training.prediction.video import predict_video as rim

CLASSES = ("sky", "road", "car")
SEGMENT = 16


def colors_named() -> Any:
    """Return a model that names the colours of `tests.support.videos.picture`, and paints them as they are."""
    hexes = tuple("#{:02x}{:02x}{:02x}".format(*color) for color in COLORS)
    return loaded(ColorNet(COLORS), CLASSES, preprocessing=PLAIN, colors=hexes)


def predict(home: Path, source: Path, to: Path, **options: Any) -> rim.VideoReport:
    """Predict a video by `colors_named`, in segments of 16 frames, in fp32: `auto` would follow the machine's load."""
    place = Home(home)
    place.ensure()
    with (
        patch.object(rim, "load_model", lambda *_: colors_named()),
        patch.object(rim, "SEGMENT_FRAMES", SEGMENT),
        patch("training.prediction.inference.has_bf16_instructions", lambda: False),
    ):
        options = {"device": "cpu", "project": None, "model": "any", **options}
        return rim.predict_video(place, open_database(place), source=source, to=to, **options)


def predict_and_die(home: Path, source: Path, to: Path, at: int, options: dict[str, Any]) -> None:
    """Predict a video and die of SIGKILL once frame `at` is done."""

    def progress(done: int, total: int | None, what: str) -> None:
        if done >= at:
            os.kill(os.getpid(), signal.SIGKILL)

    predict(home, source, to, progress=progress, **options)


def predict_joining_dies(home: Path, source: Path, to: Path) -> None:
    """Predict a video and die of SIGKILL where the segments are joined."""

    def join(*_: Any) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    with patch("training.prediction.video.job.join_segments", join):
        predict(home, source, to)


def peaks(home: Path, sources: list[Path], to: Path, figures: Path) -> None:
    """Write the process's peak memory in KiB after each of these videos, a line each."""
    lines = []
    for source in sources:
        predict(home, source, to, overwrite=True)
        lines.append(str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))
    figures.write_text("\n".join(lines))
