"""Using a model on photos and videos."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli.options import (
    CombineOption,
    CrfOption,
    CrfSetOption,
    DeviceOption,
    FlipOption,
    HomeOption,
    JsonOption,
    ModelArgument,
    ProjectOption,
    ScalesOption,
    SizeOption,
    WindowOption,
    Workplace,
    read_settings,
)
from workbench.cli.output import emit, note, progress_bar, say

if TYPE_CHECKING:
    from training.prediction.predict import PredictReport
    from training.prediction.video.predict_video import VideoReport


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("predict", epilog="Example: workbench predict 12:best ./new-photos --to ./predictions")(predict)


def predict(
    model: ModelArgument,
    source: Annotated[
        Path, typer.Argument(metavar="SRC", help="A photo, a folder or an archive of photos, or a video.")
    ],
    to: Annotated[
        Path,
        typer.Option(
            "--to", "--output", help="Folder to write into, empty or new; of a video also the name of an .mp4 file."
        ),
    ],
    size: SizeOption = "original",
    scales: ScalesOption = "1",
    flip: FlipOption = False,
    combine: CombineOption = "mean",
    window: WindowOption = 0,
    crf: CrfOption = 0,
    crf_set: CrfSetOption = None,
    overlay: Annotated[
        bool, typer.Option(help="Also write the photos, or the video, with the classes laid over them.")
    ] = True,
    opacity: Annotated[float, typer.Option(help="Of the classes' colours, 0 to 1.")] = 0.5,
    legend: Annotated[bool, typer.Option("--legend", help="Write the classes' names into the overlay.")] = False,
    labelme: Annotated[
        bool, typer.Option("--labelme", help="Also write a labelme file of each photo, to be corrected in labelme.")
    ] = False,
    smooth: Annotated[
        float, typer.Option(help="Of a video: weight of the frames before, 0 (none) to below 1, as 0.7.")
    ] = 0.0,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Write into a folder that holds files, or over a file of that name.")
    ] = False,
    device: DeviceOption = "auto",
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Use a model on photos or a video: index PNGs and overlays, an MP4 with the sound kept.

    What is done of a video is kept beside the output: the same command goes on with it after a kill or Ctrl-C.
    """
    from db.errors import UserError
    from labeling.importing.archives import is_archive
    from labeling.importing.source import OpenedSource, open_source
    from training.prediction.drawing import Look
    from training.prediction.predict import predict_folder
    from training.prediction.refinement import Refinement
    from training.prediction.video.header import is_video
    from training.prediction.video.outputs import VIDEO_SUFFIX
    from training.prediction.video.predict_video import predict_video

    others = read_settings(crf_set or [], "--crf-set")
    refinement = Refinement.read(scales, flip=flip, combine=combine, window=window, crf=crf, crf_settings=others)
    # Who names an MP4 to write has a video in mind, and is told if it is none.
    video = is_video(source) or (to.suffix.lower() == VIDEO_SUFFIX and not source.is_dir())
    if smooth and not video:
        raise UserError(f"--smooth is for a video: {source} is none, and photos do not follow one another.")
    if labelme and video:
        raise UserError("--labelme is for photos: labelme opens no video.")
    work: Callable[..., PredictReport | VideoReport]
    work = partial(predict_video, smooth=smooth) if video else partial(predict_folder, labelme=labelme)
    place = Workplace(home)
    with progress_bar() as progress, ExitStack() as stack:
        opened = OpenedSource(source)
        if source.is_file() and is_archive(source):
            opened = stack.enter_context(open_source(place.home, source, progress))
        for member in opened.skipped:
            note(f"Left out {member.path}: {member.why}")
        report = work(
            place.home,
            place.database,
            project=project,
            model=model,
            source=opened.location,
            to=to,
            size=size,
            overlay=overlay,
            look=Look(opacity, legend),
            overwrite=overwrite,
            device=device,
            refinement=refinement,
            progress=progress,
        )
    for line in _remarks(report):
        note(line)
    emit(report, as_json=as_json, show=lambda: say(_summary(report)))


def _summary(report: PredictReport | VideoReport) -> str:
    from training.prediction.predict import PredictReport

    if isinstance(report, PredictReport):
        return f"{report.images} images in {report.to}, {report.images_per_second:.1f} a second"
    written = " and ".join(str(path) for path in (report.video, report.maps) if path is not None)
    said = f"{report.frames} frames of {report.width} x {report.height} in {written}"
    if report.resumed < report.frames:
        said += f", {report.frames_per_second:.1f} a second"
    if report.resumed:
        said += f" ({report.resumed} of them were done before)"
    return said + "".join(f"; sound: {each}" for each in report.audio)


def _remarks(report: PredictReport | VideoReport) -> list[str]:
    from training.prediction.predict import PredictReport

    if isinstance(report, PredictReport):
        return [f"Skipped {problem.file}: {problem.reason}" for problem in report.skipped]
    return list(report.notes)
