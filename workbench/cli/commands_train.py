"""Training: start, resume, stop and watch runs."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from db.errors import UserError
from workbench.cli.options import DevicesOption, HomeOption, JsonOption, ProjectOption, Workplace, read_settings
from workbench.cli.output import emit, note, percent, progress_bar, say, table

if TYPE_CHECKING:
    from training.runs.creation import RunHandle, TrainRequest
    from training.runs.estimate import Estimate
    from training.runs.lifecycle import RunInfo

EXIT_FAILED = 1
EXIT_USER = 2
EXIT_RESUME = 75  # EX_TEMPFAIL of sysexits.h: try again later

RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="Number or name of a run.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.command("train", epilog="Example: workbench train --arch unet --set options.encoder=resnet18 --minutes 20")(
        train
    )
    app.command("runs", epilog="Example: workbench runs")(runs)
    app.command("resume", epilog="Example: workbench resume 12")(resume)
    app.command("stop", epilog="Example: workbench stop 12")(stop)
    app.command("logs", epilog="Example: workbench logs 12 -f")(logs)


def train(
    arch: Annotated[str, typer.Option("--arch", help="Architecture.")],
    dataset: Annotated[
        list[str] | None, typer.Option("--dataset", "-d", metavar="NAME", help="Only this dataset. Repeatable.")
    ] = None,
    revision: Annotated[str | None, typer.Option(help="Revision (default: the data as it is now, frozen).")] = None,
    on: Annotated[str, typer.Option(help="Subset or role to train on; images with role val validate.")] = "train",
    recipe: Annotated[str, typer.Option(help="Name of a recipe, or a YAML file.")] = "default",
    steps: Annotated[int | None, typer.Option(min=1, help="Optimiser steps.")] = None,
    epochs: Annotated[float | None, typer.Option(min=0, help="Passes over the training images.")] = None,
    minutes: Annotated[float | None, typer.Option(min=0, help="Wall-clock minutes, measured into steps first.")] = None,
    batch: Annotated[int | None, typer.Option(min=1, help="Images of one forward pass.")] = None,
    crop: Annotated[str | None, typer.Option(help="HxW of what the network sees, or none.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Decides every random draw.")] = None,
    init: Annotated[str | None, typer.Option(help="auto, scratch, imagenet, a weights file, or a run.")] = None,
    device: DevicesOption = "auto",
    precision: Annotated[Literal["auto", "fp32", "bf16", "fp16"] | None, typer.Option(help="Number format.")] = None,
    name: Annotated[str | None, typer.Option(help="What to call the run.")] = None,
    detach: Annotated[bool, typer.Option("--detach", help="Return at once; the training goes on by itself.")] = False,
    estimate: Annotated[
        bool, typer.Option("--estimate", help="Only measure how long it would take and how much memory.")
    ] = False,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Recipe setting. Repeatable.")
    ] = None,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train a model. Ctrl-C saves and leaves; `workbench resume` goes on to the same result."""
    from training.runs.lifecycle import TrainRequest, create_run

    given = {
        "steps": steps,
        "epochs": epochs,
        "minutes": minutes,
        "batch": batch,
        "crop": crop,
        "seed": seed,
        "init": init,
        "precision": precision,
    }
    settings = read_settings(set_ or []) | {key: str(value) for key, value in given.items() if value is not None}
    place = Workplace(home)
    request = TrainRequest(
        architecture=arch,
        project=place.project(project),
        datasets=tuple(dataset or ()),
        revision=revision,
        on=on,
        recipe=recipe,
        settings=settings,
        device=device,
        name=name,
    )
    if estimate:
        _estimate(place, request, as_json=as_json)
        return
    with progress_bar() as progress:
        run = create_run(place.home, place.database, request, progress)
    _warn(run.warnings)
    open_ended = not {"steps", "epochs", "minutes"} & settings.keys()
    if open_ended and not detach and sys.stdin.isatty() and sys.stderr.isatty() and not as_json:
        _ask(place, run)
    _finish(_launch(place, run, detach=detach), as_json=as_json, detached=detach)


def runs(project: ProjectOption = None, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """List the runs, newest first."""
    from training.engine.narrate import duration
    from training.runs.lifecycle import list_runs

    place = Workplace(home)
    found = list_runs(place.home, place.database, place.project(project))

    def show() -> None:
        rows = (
            (
                r.id,
                r.name,
                r.architecture,
                r.state,
                f"{r.figures.get('step', 0)} / {r.figures.get('steps', '?')}",
                percent(r.figures.get("best_miou")),
                duration(r.figures["eta"]) if r.figures.get("eta") else "",
                r.figures.get("init") or "",
            )
            for r in found
        )
        table(None, [">run", "name", "architecture", "state", ">step", ">best val mIoU %", ">ETA", "init"], rows)

    emit({"runs": found}, as_json=as_json, show=show)


def resume(
    run: RunArgument,
    detach: Annotated[bool, typer.Option("--detach", help="Return at once.")] = False,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Go on with a run that was stopped, killed or failed, from its last checkpoint."""
    from training.runs.lifecycle import resume_run
    from workbench.cli.watch import watch_training

    place = Workplace(home)
    with watch_training() as watcher:
        info = resume_run(place.home, place.database, place.project(project), run, detach=detach, on_event=watcher)
    _finish(info, as_json=as_json, detached=detach)


def stop(run: RunArgument, project: ProjectOption = None, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Let a run finish its step, save and end; it can be resumed."""
    from training.runs.lifecycle import stop_run

    place = Workplace(home)
    info = stop_run(place.home, place.database, place.project(project), run)
    emit(info, as_json=as_json, show=lambda: show_run(info))


def logs(
    run: RunArgument,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the run ends.")] = False,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print a run's log."""
    from training.runs.lifecycle import find_run, follow_log

    place = Workplace(home)
    info = find_run(place.home, place.database, place.project(project), run)
    lines = []
    for line in follow_log(info.directory, follow=follow):
        lines.append(line) if as_json else say(line)
    if as_json:
        info = find_run(place.home, place.database, place.project(project), run)
        emit({**info.to_json(), "log": lines}, as_json=True, show=lambda: None)


def _ask(place: Workplace, run: RunHandle) -> None:
    """Show what the training will take and let the person decide."""
    from training.runs.estimate import estimate
    from training.runs.trash import discard_run
    from workbench.cli.watch import watch_training

    with watch_training() as watcher:
        found = estimate(place.home, place.database, run, watcher)
    question = f"Train {_taking(found)}?"
    if not typer.confirm(question, default=True, err=True):
        discard_run(place.home, place.database, run)
        note("Nothing was trained.")
        raise typer.Exit(0)


def _estimate(place: Workplace, request: TrainRequest, *, as_json: bool) -> None:
    """Print what a training would take; nothing of it stays."""
    from training.runs.creation import plan_run
    from training.runs.estimate import estimate_plan
    from workbench.cli.watch import watch_training

    with progress_bar() as progress:
        plan = plan_run(place.home, place.database, request, progress)
    _warn(plan.warnings)
    with watch_training() as watcher:
        found = estimate_plan(plan, watcher)

    def show() -> None:
        say(_taking(found))
        say(f"  {found.images_per_second:.1f} images/s on {found.device}, {found.precision}")
        say(f"  {found.images} images to train on, {found.validation_images} to validate on")
        say(f"  init: {found.init}")

    emit({**asdict(found), "sentence": f"{_taking(found)}."}, as_json=as_json, show=show)


def _warn(warnings: tuple[str, ...]) -> None:
    for warning in warnings:
        note(f"Warning: {warning}")
    if warnings:
        note("What to do about it: workbench check")


def _taking(found: Estimate) -> str:
    from training.engine.narrate import duration

    return f"{found.steps} steps, about {duration(found.seconds)}, {found.peak_memory / 2**30:.1f} GiB"


def _launch(place: Workplace, run: RunHandle, *, detach: bool) -> RunInfo:
    from training.runs.lifecycle import launch
    from workbench.cli.watch import watch_training

    with watch_training() as watcher:
        return launch(place.home, place.database, run, detach=detach, on_event=watcher)


def _finish(info: RunInfo, *, as_json: bool, detached: bool) -> None:
    if info.exit_code == EXIT_USER:
        raise UserError(f"Run {info.id} cannot train: {info.figures.get('sentence')}")
    emit(info, as_json=as_json, show=lambda: show_run(info))
    if info.state == "finished" or (detached and info.exit_code in (None, 0)):
        return
    raise typer.Exit(EXIT_FAILED if info.state == "failed" else EXIT_RESUME)


def show_run(info: RunInfo) -> None:
    """Print how a run stands."""
    known = info.to_json()
    say(f"Run {info.id} ({info.name}): {info.state}, step {known['steps']} of {known['steps_planned'] or '?'}")
    if known["images_per_second"] is not None:
        waiting = percent(known["data_wait_share"])
        say(f"  {known['images_per_second']:.1f} images/s, waiting for data {waiting} % of the time")
    if known["best"] is not None:
        say(f"  best val mIoU {percent(known['best']['miou'])} % at step {known['best']['step']}")
    if known["init"]:
        say(f"  init: {known['init']}")
    if info.state not in ("finished", "running", "queued", "preparing"):
        say(f"  {known['sentence']}")
