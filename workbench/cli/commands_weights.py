"""The catalogue of pretrained weights: what there is, fetching, taking in a file, checking one."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.cli.options import HomeOption, JsonOption, Workplace
from workbench.cli.output import emit, progress_bar, say, table

if TYPE_CHECKING:
    from training.weights.check import CheckReport
    from training.weights.entry import Weights

NameArgument = Annotated[str, typer.Argument(help="Name in `workbench weights list`, or timm:NAME.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    weights = typer.Typer(help="Pretrained weights of the catalogue.", no_args_is_help=True)
    weights.command("list", epilog="Example: workbench weights list 'timm:regnet*'")(weights_list)
    weights.command("fetch", epilog="Example: workbench weights fetch resnet50")(weights_fetch)
    weights.command("add", epilog="Example: workbench weights add mit_b0 ~/Downloads/model.safetensors")(weights_add)
    weights.command("check", epilog="Example: workbench weights check resnet50")(weights_check)
    app.add_typer(weights, name="weights")


def weights_list(
    pattern: Annotated[
        str, typer.Argument(help="Only names that fit, with * and ?; timm:... lists what timm publishes.")
    ] = "*",
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """List pretrained weights: what they were trained on, how to have them, and which are on disk."""
    from training.weights.catalogue import CATALOGUE, TIMM, how_to_get, locate

    place = Workplace(home).home
    if pattern.startswith(TIMM):
        from training.weights.timm_entries import timm_catalogue

        entries = timm_catalogue(pattern)
    else:
        entries = [weights for weights in CATALOGUE.values() if fnmatchcase(weights.name, pattern)]
    found = [_entry(weights) | {"how": how_to_get(weights), "path": locate(weights, place)} for weights in entries]

    def show() -> None:
        rows = (
            (w["name"], w["about"], "; ".join(w["trained_on"]), "fetch" if w["url"] else "from file", w["path"] or "-")
            for w in found
        )
        table(None, ["name", "what", "trained on", "had by", "on disk"], rows)

    emit({"weights": found}, as_json=as_json, show=show)


def _entry(weights: Weights) -> dict[str, Any]:
    plain = ("name", "kind", "about", "licence", "fits", "url", "page")
    return {name: getattr(weights, name) for name in plain} | {"trained_on": [str(each) for each in weights.trained_on]}


def weights_fetch(name: NameArgument, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Download pretrained weights and check them against their publisher's checksum."""
    from training.weights.catalogue import fetch, fetch_directory, find_weights

    with progress_bar() as progress:
        path = fetch(find_weights(name), fetch_directory(Workplace(home).home), progress)
    emit({"name": name, "path": path}, as_json=as_json, show=lambda: say(str(path)))


def weights_add(
    name: NameArgument,
    file: Annotated[Path, typer.Argument(help="The file, as you downloaded it.")],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take in weights that you downloaded yourself, after trying them; `--init imagenet` finds them then."""
    from training.weights.catalogue import find_weights
    from training.weights.check import add_weights

    report = add_weights(Workplace(home).home, find_weights(name), file)
    emit(report, as_json=as_json, show=lambda: _show(report))


def weights_check(
    what: Annotated[str | None, typer.Argument(help="A name in the catalogue, or a file; none: all on disk.")] = None,
    entry: Annotated[str | None, typer.Option("--as", help="What a file should be: a name in the catalogue.")] = None,
    arch: Annotated[str | None, typer.Option(help="What a file should load into, where it is no entry.")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Architecture option. Repeatable.")
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look whether weights are there, have their checksum, and load, tensor by tensor. Exits with 1 if not."""
    from training.models.importing import read_options
    from training.weights.check import check_weights, problems

    found = check_weights(Workplace(home).home, what, entry=entry, architecture=arch, options=read_options(set_ or []))

    def show() -> None:
        for report in found:
            _show(report)
        if not found:
            say("No weights of the catalogue are on this machine.")

    emit({"weights": found, "problems": problems(found)}, as_json=as_json, show=show)
    if problems(found):
        raise typer.Exit(1)


def _show(report: CheckReport) -> None:
    name = report.name or str(report.path)
    if report.problem:
        say(f"{name}: {report.problem}")
        return
    outputs = f", {report.classes} classes" if report.classes else ""
    say(f"{name}: loads into {report.fits}{outputs}")
    say(f"  {report.path}")
    say(f"  SHA-256 {report.sha256}, compared with: {report.checksum}")
    for line in report.keys.text.splitlines() if report.keys else ():
        say(f"  {line}")
