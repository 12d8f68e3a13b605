"""Using a model on a video: its frames under the classes' colours as an MP4, or the class maps as PNGs, or both."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from db.files import write_atomic
from db.home import Home
from db.session import Database
from labeling.colors import to_hex
from labeling.progress import Progress, silent
from training.models.find import load_model
from training.numerics import pick_device
from training.prediction.drawing import PLAIN, Look, model_palette
from training.prediction.inference import Predictor
from training.prediction.refinement import NONE, Refinement
from training.prediction.size import Size
from training.prediction.video.encoder import even_size, find_encoder
from training.prediction.video.header import VideoHeader, read_header
from training.prediction.video.job import VideoJob
from training.prediction.video.outputs import Outputs
from training.prediction.video.smoothing import Smoothing
from training.prediction.video.work import SEGMENT_FRAMES, VideoEnd, VideoPlan, discard, open_work, source_sample
from training.prediction.written import CLASSES_NAME, classes_csv


@dataclass(frozen=True)
class VideoReport:
    """What a prediction of a video did.

    Attributes:
        frames: of the video.
        frames_per_second: predicted now.
        resumed: frames that an earlier, broken off command had done.
        width: pixels of the video written, the source's after rotation, and one more where that is odd.
        height: likewise.
        seconds: that the video lasts.
        video: the MP4, None where only maps were asked for.
        maps: the folder of the index maps, None where only the MP4 was.
        encoder: FFmpeg's name of what wrote the MP4.
        audio: what was done with each sound track.
        cuts: frames at which the smoothing began anew.
        notes: what else there is to know.
    """

    frames: int
    frames_per_second: float
    resumed: int
    width: int
    height: int
    seconds: float
    video: Path | None
    maps: Path | None
    encoder: str
    audio: tuple[str, ...]
    cuts: int
    notes: tuple[str, ...]


def predict_video(
    home: Home,
    database: Database,
    *,
    project: str | None,
    model: str,
    source: Path,
    to: Path,
    size: str = "original",
    overlay: bool = True,
    look: Look = PLAIN,
    smooth: float = 0.0,
    overwrite: bool = False,
    device: str = "auto",
    refinement: Refinement = NONE,
    progress: Progress = silent,
) -> VideoReport:
    """Predict a video frame by frame.

    Memory does not depend on its length, but for the index of the MP4, some dozen bytes a frame. What is done is kept
    in segments beside the output; the same call goes on after the last one, and gives what it would have given at once
    (as far as the machine, its libraries and the number of threads are the same).

    Args:
        home: holds the model.
        database: its database.
        project: name, None for the current one.
        model: reference.
        source: the video.
        to: an `.mp4` to write; or a folder, which gets `index/00000000.png`, a class map a frame, and `classes.csv`,
            as `predict_folder` writes them, and `overlay.mp4`.
        size: what the network sees.
        overlay: write the MP4.
        look: of the overlay.
        smooth: weight of the frames before, 0 is none; see `training.prediction.video.smoothing`.
        overwrite: replace what is there, and unfinished work of another call.
        device: that predicts.
        refinement: what is done besides running the network once.
        progress: told of frames.

    Raises:
        UserError: the video cannot be read, the output is there, or the model cannot be loaded.
    """
    outputs = Outputs.of(to, overlay=overlay)
    asked = Size.parse(size)
    header = read_header(source)
    outputs.check(source, overwrite=overwrite)
    encoder = find_encoder() if outputs.video else "none"
    loaded = load_model(home, database, project, model)
    smoothing = Smoothing(smooth, len(loaded.spec.classes)) if smooth else None
    on = pick_device(device)
    palette = model_palette(loaded.spec)
    plan = VideoPlan(
        source=source.name,
        source_bytes=source.stat().st_size,
        source_sample=source_sample(source),
        model=loaded.sha256,
        size=str(asked),
        refinement=refinement.model_dump_json(),
        smooth=smooth,
        opacity=look.opacity,
        legend=look.legend,
        colors=tuple(to_hex((int(red), int(green), int(blue))) for red, green, blue in palette),
        classes=tuple(loaded.spec.classes),
        maps=outputs.maps is not None,
        overlay=outputs.video is not None,
        encoder=encoder,
        device=on.type,
        segment_frames=SEGMENT_FRAMES,
    )
    started = time.perf_counter()
    with open_work(to, plan, overwrite=overwrite) as work:
        resumed = len(work.segments()) * work.frames
        job = VideoJob(
            header,
            work,
            outputs,
            Predictor(loaded, on, refinement=refinement),
            asked=asked,
            look=look,
            smoothing=smoothing,
            encoder=encoder,
            progress=progress,
        )
        end = work.end() or job.predict()
        rate = max(0, end.frames - resumed) / (time.perf_counter() - started)
        audio = job.join(end)
        if outputs.maps is not None:
            write_atomic(to / CLASSES_NAME, classes_csv(loaded.spec.classes, palette))
        discard(work)
    width, height = even_size(header.width, header.height) if outputs.video else (header.width, header.height)
    return VideoReport(
        frames=end.frames,
        frames_per_second=rate,
        resumed=min(resumed, end.frames),
        width=width,
        height=height,
        seconds=_seconds(header, end),
        video=outputs.video,
        maps=outputs.maps,
        encoder=encoder,
        audio=audio,
        cuts=end.cuts,
        notes=tuple(_notes(header, end, outputs)),
    )


def _notes(header: VideoHeader, end: VideoEnd, outputs: Outputs) -> Iterator[str]:
    if outputs.video and even_size(header.width, header.height) != (header.width, header.height):
        yield (
            f"Frames of {header.width} x {header.height} are written with the last row or column twice, as H.264 needs "
            "even sides."
        )
    seconds = _seconds(header, end)
    if header.seconds is not None and header.seconds - seconds > 1:
        yield (
            f"The pictures of {header.path.name} end after {seconds:.1f} of {header.seconds:.1f} seconds: where they "
            "should not, the file was cut off."
        )
    if end.broken:
        yield f"{end.broken} packets of {header.path.name} are damaged and were left out."
    if end.moved:
        yield f"{end.moved} frames had no time stamp, or one that was not after the frame before, and were moved."
    if header.left_out and outputs.video:
        yield f"Left out, as the MP4 holds pictures and sound only: {', '.join(header.left_out)}."


def _seconds(header: VideoHeader, end: VideoEnd) -> float:
    return float(end.end_pts * header.time_base - header.start)
