"""H.264 out of frames: a file a segment, each readable by itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import numpy as np
from av.video.stream import VideoStream
from numpy.typing import NDArray

from db.errors import UserError
from training.prediction.video.header import VideoHeader

ENCODERS = ("libx264", "libopenh264", "h264_nvenc", "h264_vaapi", "h264_qsv", "h264_videotoolbox")
"""In the order in which they are tried. The first one takes any picture and needs no device."""
QUALITY = 20
"""Constant rate factor of x264: 0 is lossless, 18 to 23 looks like the source."""

# Whichever the machine: the same frames then give the same bytes. B-frames are left out, as without them frames are
# decoded in the order they are shown in: segments join whatever their time stamps are. With x264's macroblock tree one
# encoding in some hundreds of a small picture came out otherwise, even by one thread; without it none of 1,500.
_OPTIONS = {"libx264": {"crf": str(QUALITY), "preset": "veryfast", "bf": "0", "mbtree": "0"}}
_THREADS = 4
_BT709 = 1  # of colour primaries, transfer and matrix alike (ITU-T H.273)
_LIMITED = 1
_TRIAL = (320, 240)


@dataclass(frozen=True)
class Segment:
    """A file that frames are encoded into."""

    path: Path
    encoder: str
    width: int
    height: int
    time_base: Fraction
    rate: Fraction
    aspect: Fraction | None = None

    @classmethod
    def of(cls, header: VideoHeader, path: Path, encoder: str) -> Segment:
        """Return a segment of a video's frames; sides are made even, as chroma has one sample for two pixels."""
        width, height = even_size(header.width, header.height)
        return cls(path, encoder, width, height, header.time_base, header.rate, header.aspect)


def even_size(width: int, height: int) -> tuple[int, int]:
    """Return (width, height) with a pixel more where one is odd."""
    return width + width % 2, height + height % 2


def to_yuv(pixels: NDArray[np.uint8]) -> av.VideoFrame:
    """Return a picture, uint8 (H, W, 3) RGB, as H.264 takes it: of even sides, colours as BT.709 has them."""
    height, width = pixels.shape[:2]
    if (width, height) != even_size(width, height):
        pixels = np.pad(pixels, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    rgb = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), "rgb24")
    return rgb.reformat(format="yuv420p", dst_colorspace=_BT709, dst_color_range=_LIMITED)


class SegmentWriter:
    """Encodes frames into a segment. Use `write_segment`."""

    def __init__(self, segment: Segment, container: av.container.OutputContainer, stream: VideoStream) -> None:
        self._segment, self._container, self._stream = segment, container, stream

    def write(self, frame: av.VideoFrame, pts: int) -> None:
        """Encode a frame that `to_yuv` made, shown at `pts` of the video's time base."""
        frame.pts, frame.time_base = pts, self._segment.time_base
        self._container.mux(self._stream.encode(frame))

    def end(self) -> None:
        """Encode what the encoder holds back."""
        self._container.mux(self._stream.encode(None))


@contextmanager
def write_segment(segment: Segment) -> Iterator[SegmentWriter]:
    """Open a segment for writing, in NUT, FFmpeg's container that keeps any time base."""
    with av.open(segment.path, "w", format="nut") as container:
        stream = container.add_stream(segment.encoder, rate=segment.rate, options=_OPTIONS.get(segment.encoder, {}))
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = segment.width, segment.height, "yuv420p"
        stream.time_base = segment.time_base
        context = stream.codec_context
        context.time_base = segment.time_base
        context.thread_count = _THREADS
        context.color_primaries = context.color_trc = context.colorspace = _BT709
        context.color_range = _LIMITED
        if segment.aspect is not None:
            context.sample_aspect_ratio = segment.aspect
        writer = SegmentWriter(segment, container, stream)
        yield writer
        writer.end()


@cache
def find_encoder() -> str:
    """Return the name of the first H.264 encoder that works here.

    Raises:
        UserError: the installed FFmpeg has none.
    """
    for name in ENCODERS:
        if name in av.codecs_available and _works(name):
            return name
    raise UserError(
        f"The FFmpeg that PyAV {av.__version__} brings has no H.264 encoder that works here: expected one of "
        f"{', '.join(ENCODERS)}. Install the wheels from PyPI (`pip install --force-reinstall av`), or a PyAV built "
        "against an FFmpeg with libx264."
    )


def _works(name: str) -> bool:
    try:
        context = av.CodecContext.create(name, "w")
        assert isinstance(context, av.VideoCodecContext)
        context.width, context.height = _TRIAL
        context.pix_fmt, context.time_base = "yuv420p", Fraction(1, 25)
        frame = av.VideoFrame(*_TRIAL, "yuv420p")
        frame.pts = 0
        return bool([*context.encode(frame), *context.encode(None)])
    except (av.FFmpegError, ValueError):
        return False
