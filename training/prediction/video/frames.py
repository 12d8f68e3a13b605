"""The frames of a video, one after the other: numbered, in time, upright."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import av
import numpy as np
from numpy.typing import NDArray

from db.errors import UserError
from training.prediction.video.header import VideoHeader, open_video


@dataclass(frozen=True)
class Stamp:
    """Where a frame stands.

    Attributes:
        number: from 0.
        pts: when it is shown, in units of the video's time base; greater than that of the frame before.
        duration: how long, in the same unit, as far as the file says.
    """

    number: int
    pts: int
    duration: int


@dataclass(frozen=True)
class StoredFrame:
    """A decoded frame as it is stored. `pixels_of` makes a picture of it."""

    stamp: Stamp
    picture: av.VideoFrame


class FrameReader:
    """Decodes a video from its beginning to its end. What came out is the same however often it is read.

    Attributes:
        count: frames found so far; all of them once the iteration has ended.
        last: where the last one of these stands.
        broken: packets that could not be decoded and were left out.
        moved: frames whose time stamp was missing or not greater than the one before.
    """

    def __init__(self, header: VideoHeader, start: int = 0) -> None:
        """Read from frame number `start` on; those before are decoded too, as any may build on them."""
        self._header = header
        self._start = start
        self._first: int | None = None
        self.last = Stamp(-1, 0, 0)
        self.count = 0
        self.broken = 0
        self.moved = 0

    def __iter__(self) -> Iterator[StoredFrame]:
        """Yield the frames.

        Raises:
            UserError: none can be decoded, or the file went away meanwhile.
        """
        with open_video(self._header.path) as (container, stream):
            packets = container.demux(stream)
            while True:
                try:
                    packet = next(packets)
                except (StopIteration, av.FFmpegError):  # of a file that is damaged the rest cannot be found
                    break
                try:
                    decoded = packet.decode()
                except (av.InvalidDataError, av.ArgumentError):
                    self.broken += 1
                    continue
                for frame in decoded:
                    assert isinstance(frame, av.VideoFrame)
                    stamp = self._stamp(frame)
                    if stamp.number >= self._start:
                        yield StoredFrame(stamp, frame)
        if not self.count:
            raise UserError(f"No frame of {self._header.path} can be decoded any more. Copy the video again.")

    def _stamp(self, frame: av.VideoFrame) -> Stamp:
        usual = max(1, round(1 / (self._header.rate * self._header.time_base)))
        last, pts = self.last, frame.pts
        if self._header.untimed:
            # What is told there is the place of the packet, in the order of decoding.
            if self._first is None:
                self._first = frame.dts or 0
            pts = None if frame.dts is None else frame.dts - self._first
        if self.count and (pts is None or pts <= last.pts):
            pts = last.pts + (last.duration or usual)
            self.moved += 1
        self.last = Stamp(self.count, pts or 0, frame.duration or usual)
        self.count += 1
        return self.last


def pixels_of(frame: StoredFrame, header: VideoHeader) -> NDArray[np.uint8]:
    """Return what a frame shows: uint8 (H, W, 3), RGB, upright, all frames of one size."""
    picture = frame.picture
    if (picture.width, picture.height) != (header.raw_width, header.raw_height):
        picture = picture.reformat(header.raw_width, header.raw_height, "rgb24")
    pixels = picture.to_ndarray(format="rgb24")
    return np.ascontiguousarray(np.rot90(pixels, header.rotation), np.uint8)
