"""Benches: train a list of architectures alike, and read the table of what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from workbench.cli.options import HomeOption, JsonOption, ProjectOption, Workplace, read_settings
from workbench.cli.output import emit, note, progress_bar, say, table

if TYPE_CHECKING:
    from training.bench.listing import BenchView

EXIT_FAILED = 1
EXIT_GO_ON = 75  # EX_TEMPFAIL of sysexits.h: try again later


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.command("bench", epilog="Example: workbench bench --archs unet,deeplabv2 --seeds 3 --minutes 10")(bench)
    group = typer.Typer(help="List benches, and show the table of one.", invoke_without_command=True)
    group.callback(epilog="Example: workbench benches")(benches)
    group.command("show", epilog="Example: workbench benches show bench-1 --as markdown")(benches_show)
    app.add_typer(group, name="benches")


def bench(
    archs: Annotated[
        str, typer.Option("--archs", metavar="A,B,...", help="Architectures, or all. None: those of the bench --name.")
    ] = "",
    seeds: Annotated[
        str | None, typer.Option(metavar="N|A,B,...", help="How many seeds, or which (default: 3).", show_default=False)
    ] = None,
    dataset: Annotated[
        list[str] | None, typer.Option("--dataset", "-d", metavar="NAME", help="Only this dataset. Repeatable.")
    ] = None,
    revision: Annotated[str | None, typer.Option(help="Revision (default: the data as it is now, frozen).")] = None,
    train_on: Annotated[
        str | None, typer.Option(help="Subset or role to train on (default: train).", show_default=False)
    ] = None,
    on: Annotated[
        str | None, typer.Option("--on", help="Subset or role to test on (default: val).", show_default=False)
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(help="Size to test at: original, HxW or `long N` (default: the recipe's `resize`)."),
    ] = None,
    precision: Annotated[
        Literal["fp32", "bf16", "fp16"] | None,
        typer.Option(help="Number format to test in (default: fp32).", show_default=False),
    ] = None,
    recipe: Annotated[
        str | None, typer.Option(help="Name of a recipe, or a YAML file (default: default).", show_default=False)
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Optimiser steps of each training.")] = None,
    epochs: Annotated[float | None, typer.Option(min=0, help="Passes over the training images of each.")] = None,
    minutes: Annotated[float | None, typer.Option(min=0, help="Wall-clock minutes of each.")] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="[ARCH:]KEY=VALUE", help="Recipe setting, of all or of one. Repeatable."),
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(help="auto, cpu, cuda, cuda:N or several to train together (default: auto).", show_default=False),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="What to call it; one begun earlier is gone on with (default: a new one).")
    ] = None,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train architectures alike, test each, and write the table. Started again by its --name it goes on."""
    from training.bench.listing import find_bench
    from training.bench.opening import BenchRequest, open_bench, read_seeds
    from training.bench.work import Display, run_bench
    from workbench.cli.watch import watch_training

    lengths = {"steps": steps, "epochs": epochs, "minutes": minutes}
    given = {key: str(value) for key, value in lengths.items() if value is not None}
    place = Workplace(home)
    owner = place.project(project)
    request = BenchRequest(
        project=owner,
        name=name,
        architectures=[part.strip() for part in archs.split(",") if part.strip()],
        seeds=None if seeds is None else read_seeds(seeds),
        datasets=tuple(dataset or ()),
        revision=revision,
        train_on=train_on,
        on=on,
        size=size,
        precision=precision,
        recipe=recipe,
        settings=read_settings(set_ or []) | given,
        device=device,
    )
    with progress_bar() as progress:
        folder, begun = open_bench(place.home, place.database, request, progress)
    note(f"Bench {begun.name}: {len(begun.entries)} trainings. To go on later: workbench bench --name {begun.name!r}")
    run_bench(place.home, place.database, owner, folder, Display(note, watch_training, progress_bar))
    found = find_bench(place.home, place.database, owner, begun.name)
    emit(found, as_json=as_json, show=lambda: _show(found))
    if found.state != "finished":
        raise typer.Exit(EXIT_FAILED if found.state == "failed" else EXIT_GO_ON)


def benches(
    context: typer.Context, project: ProjectOption = None, home: HomeOption = None, as_json: JsonOption = False
) -> None:
    """List the benches, newest first."""
    if context.invoked_subcommand is not None:
        return
    from training.bench.listing import list_benches

    place = Workplace(home)
    found = list_benches(place.home, place.database, place.project(project))

    def show() -> None:
        rows = (
            (
                view.bench.name,
                view.state,
                f"{sum(entry.measures is not None for entry in view.bench.entries)} / {len(view.bench.entries)}",
                ", ".join(view.bench.architectures),
            )
            for view in found
        )
        table(None, ["bench", "state", ">trainings", "architectures"], rows)

    emit({"benches": found}, as_json=as_json, show=show)


def benches_show(
    name: Annotated[str, typer.Argument(help="Name of the bench.")],
    form: Annotated[
        Literal["table", "markdown", "csv"], typer.Option("--as", help="For this terminal, a document or a program.")
    ] = "table",
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the table of a bench, also while it goes on."""
    from training.bench.listing import find_bench
    from training.bench.table import write_table

    place = Workplace(home)
    found = find_bench(place.home, place.database, place.project(project), name)

    def show() -> None:
        if form == "table":
            _show(found)
        else:
            say(write_table(found.bench, form).rstrip())

    emit(found, as_json=as_json, show=show)


def _show(found: BenchView) -> None:
    from training.bench.table import about, percents

    rows = (
        (
            row.architecture,
            f"{len(row.seeds)} / {row.planned}",
            percents(row.miou),
            None if row.parameters is None else f"{row.parameters / 1e6:.1f}",
            None if row.images_per_second is None else f"{row.images_per_second:.1f}",
            None if row.memory is None else f"{row.memory / 2**30:.2f}",
            None if row.steps is None else f"{row.steps:.0f}",
            None if row.minutes is None else f"{row.minutes:.1f}",
        )
        for row in found.rows
    )
    columns = ["architecture", ">seeds", ">mIoU %", ">million parameters", ">images/s", ">GiB", ">steps", ">minutes"]
    table(f"Bench {found.bench.name}: {found.state}", columns, rows)
    for line in ("", *about(found.bench)):
        say(line)
    for row in found.rows:
        for fault in row.faults:
            say(f"{row.architecture}, {fault}")
