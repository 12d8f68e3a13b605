"""A video on its way through the network, segment by segment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from db.files import explain_os_errors, scratch_file, settle, sync_files
from labeling.maps import write_map_png
from labeling.progress import Progress
from training.data.parallel import ordered_map
from training.data.resample import resize_photo
from training.prediction.drawing import Look, Painter, model_palette
from training.prediction.inference import Predictor
from training.prediction.size import Size
from training.prediction.video.encoder import Segment, SegmentWriter, to_yuv, write_segment
from training.prediction.video.frames import FrameReader, Stamp, StoredFrame, pixels_of
from training.prediction.video.header import VideoHeader
from training.prediction.video.joining import join_segments
from training.prediction.video.outputs import Outputs
from training.prediction.video.smoothing import Smoothing
from training.prediction.video.work import VideoEnd, WorkFolder

_THREADS, _AHEAD = 2, 4  # on each side of the network
_TOLD = "frames predicted"


@dataclass(frozen=True)
class _Ready:
    stamp: Stamp
    pixels: NDArray[np.uint8]
    small: NDArray[np.uint8]  # at the network's size


@dataclass(frozen=True)
class _Predicted:
    stamp: Stamp
    pixels: NDArray[np.uint8]
    index: NDArray[np.uint8]
    state: bytes | None  # what a segment's last frame leaves behind


@dataclass(frozen=True)
class _Painted:
    stamp: Stamp
    picture: av.VideoFrame | None
    png: bytes | None
    state: bytes | None


class VideoJob:
    """A video on its way through the network. `predict` goes on from the first segment that is missing."""

    def __init__(
        self,
        header: VideoHeader,
        work: WorkFolder,
        outputs: Outputs,
        predictor: Predictor,
        *,
        asked: Size,
        look: Look,
        smoothing: Smoothing | None,
        encoder: str,
        progress: Progress,
    ) -> None:
        self._header, self._work, self._outputs = header, work, outputs
        self._predictor, self._smoothing, self._encoder, self._progress = predictor, smoothing, encoder, progress
        self._small = asked.target(header.height, header.width)
        spec = predictor.model.spec
        self._palette = model_palette(spec)
        self._painter = Painter(look, spec.classes, self._palette, (header.height, header.width))

    def predict(self) -> VideoEnd:
        """Write all segments that are missing, and how the video ended."""
        done = len(self._work.segments())
        if done and self._smoothing:
            self._smoothing.load(self._work.state(done))
        if done:
            self._progress(0, None, f"going on from frame {done * self._work.frames}")
        reader = FrameReader(self._header, done * self._work.frames)
        with closing(ordered_map(self._read, reader, threads=_THREADS, ahead=_AHEAD)) as decoded:
            predicted = self._predicted(decoded)
            with closing(ordered_map(self._paint, predicted, threads=_THREADS, ahead=_AHEAD)) as painted:
                for first in painted:
                    self._write(first, painted)
        end = VideoEnd(
            frames=reader.count,
            end_pts=reader.last.pts + reader.last.duration,
            last_duration=reader.last.duration,
            broken=reader.broken,
            moved=reader.moved,
            cuts=0 if self._smoothing is None else self._smoothing.cuts,
        )
        self._work.finish(end)
        return end

    def join(self, end: VideoEnd) -> tuple[str, ...]:
        """Make the outputs of what is done."""
        target = self._outputs.video
        if target is None:
            return ()
        with explain_os_errors(target.parent), scratch_file(target.parent) as file:
            audio = join_segments(self._work.segments(), self._header, end.last_duration, Path(file.name))
            settle(file, target)
        return audio

    def _read(self, frame: StoredFrame) -> _Ready:
        pixels = pixels_of(frame, self._header)
        return _Ready(frame.stamp, pixels, resize_photo(pixels, self._small))

    def _predicted(self, frames: Iterable[_Ready]) -> Iterator[_Predicted]:
        for batch in self._batches(iter(frames)):
            sizes = [(frame.pixels.shape[0], frame.pixels.shape[1]) for frame in batch]
            found = self._predictor.predict(
                [frame.small for frame in batch],
                sizes,
                originals=[frame.pixels for frame in batch],
                over_time=self._smoothing,
            )
            for frame, prediction in zip(batch, found, strict=True):
                ends = (frame.stamp.number + 1) % self._work.frames == 0 and frame is batch[-1]
                state = self._smoothing.dump() if ends and self._smoothing else None
                yield _Predicted(frame.stamp, frame.pixels, prediction.index, state)

    def _batches(self, frames: Iterator[_Ready]) -> Iterator[list[_Ready]]:
        """Put frames together; batches begin with the same frames wherever the work begins."""
        first = next(frames, None)
        if first is None:
            return
        settled = self._work.settled()
        if settled is None:
            settled = self._predictor.settle(first.small)
            self._work.settle(settled)
        fixed = self._predictor.refinement.model_copy(update={"window": settled.window})
        self._predictor = Predictor(self._predictor.model, self._predictor.device, settled.precision, fixed)
        batch: list[_Ready] = []
        for frame in chain([first], frames):
            batch.append(frame)
            if len(batch) == settled.batch:
                yield batch
                batch = []
        if batch:
            yield batch

    def _paint(self, predicted: _Predicted) -> _Painted:
        maps, video = self._outputs.maps, self._outputs.video
        return _Painted(
            predicted.stamp,
            None if video is None else to_yuv(self._painter.paint(predicted.pixels, predicted.index)),
            None if maps is None else write_map_png(predicted.index, self._palette),
            predicted.state,
        )

    def _write(self, first: _Painted, following: Iterator[_Painted]) -> None:
        """Write one segment, of which `first` is the first frame."""
        number = first.stamp.number // self._work.frames
        maps: list[Path] = []
        state: bytes | None = None
        with self._work.segment(number) as path, ExitStack() as open_files:
            writer: SegmentWriter | None = None
            if self._outputs.video is not None:
                writer = open_files.enter_context(write_segment(Segment.of(self._header, path, self._encoder)))
            for painted in chain([first], following):
                stamp, state = painted.stamp, painted.state
                done = stamp.number + 1
                if writer is not None and painted.picture is not None:
                    writer.write(painted.picture, stamp.pts)
                if painted.png is not None:
                    maps.append(self._write_map(stamp.number, painted.png))
                self._progress(done, max(done, self._header.frames) if self._header.frames else None, _TOLD)
                if done % self._work.frames == 0:
                    break
            sync_files(maps)
            if state is not None:
                self._work.keep_state(number + 1, state)
        self._work.drop_states(number + 1)

    def _write_map(self, number: int, png: bytes) -> Path:
        """Write the class map of a frame whole or not at all; it is flushed to disk with its segment."""
        assert self._outputs.maps is not None
        path = self._outputs.maps / f"{number:08d}.png"
        with explain_os_errors(path.parent):
            path.parent.mkdir(parents=True, exist_ok=True)
            with scratch_file(path.parent) as file:
                file.write(png)
                file.flush()
                Path(file.name).replace(path)
        return path
