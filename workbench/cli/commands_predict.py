"""Using a model on photos and videos."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
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
from workbench.cli.output import emit, note, percent, progress_bar, say, table

if TYPE_CHECKING:
    from training.prediction.predict import PredictReport
    from training.prediction.video.predict_video import VideoReport


_EXAMPLES = """\b
Example: workbench predict 12:best ./new-photos --to ./predictions
         workbench predict 12:best photos.zip --to results.zip --labelme
         workbench predict 12:best walk.mov --to walk-predicted.mp4 --smooth 0.7
         workbench predict 12:best ./new-photos --to ./both --beside 14:best"""


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("predict", epilog=_EXAMPLES)(predict)


def predict(
    model: ModelArgument,
    source: Annotated[
        Path, typer.Argument(metavar="SRC", help="A photo, a folder or an archive of photos, or a video.")
    ],
    to: Annotated[
        Path,
        typer.Option(
            "--to",
            "-o",
            "--output",
            help="Folder to write into, empty or new; or a file to make: a .zip for photos, an .mp4 for a video.",
        ),
    ],
    beside: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MODEL",
            help="Another model for the same photos: a picture of all beside each other, and where they agree. "
            "Repeatable, up to three.",
        ),
    ] = None,
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

    A photo that cannot be read is named and left out; the others are done.

    What is done of a video is kept beside the output: the same command goes on with it after a kill or Ctrl-C. Photos
    are done again, with --overwrite if there is a folder; a zip is there when it is whole.
    """
    from db.errors import UserError
    from labeling.importing.archives import is_archive
    from labeling.importing.source import OpenedSource, open_source
    from training.prediction.drawing import Look
    from training.prediction.predict import PredictReport, predict_folder
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
    if beside and video:
        raise UserError("--beside is for photos: predict the video with each of the models.")
    if not video and to.is_file() and source.exists() and to.samefile(source):
        raise UserError(f"{to} is what is to be predicted. Choose another name to write to.")
    work: Callable[..., PredictReport | VideoReport]
    photos = partial(predict_folder, labelme=labelme, beside=beside or ())
    work = partial(predict_video, smooth=smooth) if video else photos
    place = Workplace(home)
    with progress_bar() as progress, ExitStack() as stack:
        opened = OpenedSource(source)
        if source.is_file() and is_archive(source):
            opened = stack.enter_context(open_source(place.home, source, progress))
        for member in opened.skipped:
            note(f"Left out {member.path}: {member.why}")
        try:
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
        except KeyboardInterrupt:
            note(_after_break(to, video=video))
            raise
    if isinstance(report, PredictReport):
        skipped = (replace(problem, file=opened.said(problem.file)) for problem in report.skipped)
        report = replace(report, skipped=tuple(skipped))
    for line in _remarks(report):
        note(line)
    emit(report, as_json=as_json, show=lambda: _show(report))


def _after_break(to: Path, *, video: bool) -> str:
    from training.prediction.targets import is_zip_name

    if video:
        return "The same command goes on with the video."
    if is_zip_name(to):
        return f"{to} was not written: it is there when it is whole. The same command begins anew."
    return f"What is done lies in {to}. The same command with --overwrite does all photos again."


def _show(report: PredictReport | VideoReport) -> None:
    from training.prediction.predict import PredictReport

    if not isinstance(report, PredictReport):
        return say(_video(report))
    names = [each.model for each in report.models]
    columns = ["class", *(f">{name}" for name in names)]
    if report.beside is None:
        alone = ((each.name, percent(each.share)) for each in report.models[0].classes if each.share)
        table("Share of the pixels, %", columns, alone)
    else:
        said = report.beside.said
        shares = ((each.name, *map(percent, each.shares)) for each in said.classes if any(each.shares))
        table("Share of the pixels, %", columns, shares)
        everyone = "both models" if len(names) == 2 else f"all {len(names)} models"
        say(f"{percent(said.agree)} % of the pixels get the same class from {everyone}.")
        for pair in said.pairs if len(names) > 2 else ():
            say(f"{percent(pair.agree)} % from {names[pair.a]} and {names[pair.b]}")
    return say(f"{report.images} images in {report.to}, {report.images_per_second:.1f} a second")


def _video(report: VideoReport) -> str:
    written = " and ".join(str(path) for path in (report.video, report.maps) if path is not None)
    said = f"{report.frames} frames of {report.width} x {report.height} in {written}"
    if report.resumed < report.frames:
        said += f", {report.frames_per_second:.1f} a second"
    if report.resumed:
        said += f" ({report.resumed} of them were done before)"
    return said + "".join(f"; sound: {each}" for each in report.audio)


def _remarks(report: PredictReport | VideoReport) -> list[str]:
    from training.prediction.predict import PredictReport

    if not isinstance(report, PredictReport):
        return list(report.notes)
    known: dict[tuple[str, ...], list[str]] = {}
    for name, models in (report.beside.unmatched if report.beside else {}).items():
        known.setdefault(models, []).append(name)
    return [
        *(f"Skipped {problem.file}: {problem.reason}" for problem in report.skipped),
        *(f"Known to {' and '.join(models)} only: {', '.join(names)}." for models, names in known.items()),
    ]
