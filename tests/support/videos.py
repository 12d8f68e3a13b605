"""Tiny videos, written by PyAV as cameras and phones write them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

COLORS = ((230, 30, 30), (30, 200, 30), (30, 30, 230))
"""Of the fields that `picture` shows, and of the classes of a `ColorNet` that names them."""


def picture(number: int, width: int = 64, height: int = 48) -> NDArray[np.uint8]:
    """Return a frame: red above, green below, and a blue bar that grows from the left, by two pixels a frame."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[: height // 2], pixels[height // 2 :] = COLORS[0], COLORS[1]
    pixels[height // 4 : -height // 4, : 2 * (number % (width // 2))] = COLORS[2]
    return pixels


def write_video(
    path: Path,
    frames: int = 12,
    *,
    size: tuple[int, int] = (64, 48),
    stamps: Sequence[int] = (),
    time_base: Fraction = Fraction(1, 12_800),
    rate: int = 25,
    codec: str = "libx264",
    rotation: int = 0,
    audio: str | None = None,
    pictures: Sequence[NDArray[np.uint8]] = (),
) -> Path:
    """Write a video of `size` (width, height), with a tone where `audio` names a codec.

    Args:
        path: its suffix names the container.
        frames: how many.
        size: as stored.
        stamps: of the frames in `time_base`; evenly at `rate` unless given.
        time_base: seconds of a unit.
        rate: frames a second.
        codec: of the pictures.
        rotation: degrees counterclockwise that a player turns them by.
        audio: codec of the sound.
        pictures: to show instead of `picture`.
    """
    with av.open(path, "w") as out:
        video = out.add_stream(codec, rate=rate, options={"crf": "5"} if codec == "libx264" else {})
        assert isinstance(video, av.VideoStream)
        video.width, video.height, video.pix_fmt = *size, "yuvj420p" if codec == "mjpeg" else "yuv420p"
        video.codec_context.time_base = time_base
        video.time_base = time_base
        if rotation:
            video.set_display_rotation(rotation)
        sound = out.add_stream(audio, rate=16_000) if audio else None
        for number in range(frames):
            pixels = pictures[number] if len(pictures) else picture(number, *size)
            frame = av.VideoFrame.from_ndarray(pixels, "rgb24")
            frame.pts = stamps[number] if len(stamps) else round(number / rate / time_base)
            frame.time_base = time_base
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        if sound is not None:
            assert isinstance(sound, av.AudioStream)
            for tone in _tone(frames / rate):
                out.mux(sound.encode(tone))
            out.mux(sound.encode(None))
    return path


def _tone(seconds: float, rate: int = 16_000, piece: int = 1024) -> Iterator[av.AudioFrame]:
    for start in range(0, max(piece, round(seconds * rate)), piece):
        wave = np.sin(2 * np.pi * 440 * np.arange(start, start + piece) / rate)
        frame = av.AudioFrame.from_ndarray((8000 * wave).astype(np.int16)[None], "s16", "mono")
        frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
        yield frame
