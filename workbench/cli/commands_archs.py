"""What can be trained: the architectures, and the recipe's settings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.cli.options import HomeOption, JsonOption
from workbench.cli.output import emit, say, table
from workbench.plain import plain

if TYPE_CHECKING:
    from collections.abc import Iterable

    from training.architecture_cards import ArchitectureCard, Described
    from training.settings import Setting


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.command("archs", epilog="Example: workbench archs unet --set encoder=resnet18 --drawing unet.svg")(archs)
    app.command("settings", epilog="Example: workbench settings --recipe default")(settings)


def archs(
    name: Annotated[str | None, typer.Argument(help="Only this one, with its options.")] = None,
    classes: Annotated[int, typer.Option(min=1, max=254, help="Classes that the figures are for.")] = 21,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="An option of the architecture. Repeatable.")
    ] = None,
    drawing: Annotated[
        Path | None,
        typer.Option(metavar="FILE.svg", help="With NAME: draw it, from what is observed as a photo passes through."),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the drawing that is there.")] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the architectures: what they are, how large, how much work and memory, and what exports them."""
    from db.errors import UserError
    from db.home import Home
    from training.architecture_cards import architecture_cards, described
    from training.models.importing import read_options

    at = Home.resolve(home)
    if name is None:
        if drawing is not None:
            raise UserError(
                "Which architecture is to be drawn? Write its name, as in: workbench archs unet --drawing u.svg"
            )
        cards = architecture_cards(classes=classes, home=at)
        emit({"architectures": cards}, as_json=as_json, show=lambda: _show_cards(cards))
        return
    options = read_options(set_ or [])
    found = described(name, classes=classes, options=options, home=at)
    if drawing is not None:
        _write_drawing(drawing, found.svg(options), overwrite=overwrite)
    told = plain(found.card) | {"drawing": plain(found.drawing) | {"file": None if drawing is None else str(drawing)}}
    emit(told, as_json=as_json, show=lambda: _show_card(found, drawing))


def settings(as_json: JsonOption = False) -> None:
    """List what `train --set` takes: every setting of a recipe with its default."""
    from training.recipe_form import recipe_schema

    groups = recipe_schema()

    def show() -> None:
        for group in groups:
            _show_settings(group.title, group.settings)
            say("")

    emit({"groups": groups}, as_json=as_json, show=show)


def _write_drawing(path: Path, svg: str, *, overwrite: bool) -> None:
    from db.errors import UserError
    from db.files import write_atomic

    if path.exists() and (path.is_dir() or not overwrite):
        raise UserError(
            f"{path} exists already. Choose another file" + ("." if path.is_dir() else ", or add --overwrite.")
        )
    if not path.absolute().parent.is_dir():
        raise UserError(f"The folder {path.parent} does not exist. Make it first, or choose another file.")
    write_atomic(path, svg.encode())


def _show_cards(cards: Iterable[ArchitectureCard]) -> None:
    columns = ["architecture", ">year", ">million parameters", ">GFLOPs", ">memory", ">stride", "exports", "cost"]
    rows = (
        (
            card.name,
            card.year,
            f"{card.parameters / 1e6:.1f}",
            f"{card.gflops:.0f}",
            mebibytes(card.kept_bytes),
            card.output_stride,
            ", ".join(card.exports),
            card.cost,
            card.what_it_is,
        )
        for card in cards
    )
    table(None, [*columns, "what it is"], rows)
    say("\nGFLOPs forward, and memory a training step keeps (fp32), both of one photo of 512x512.")


def _show_card(found: Described, drawing: Path | None) -> None:
    from training.architecture_cards import COPIES

    card = found.card
    say(f"{card.title} ({card.year}): {card.what_it_is}")
    say(f"  {card.paper}")
    say(
        f"  {card.parameters:,} parameters for {card.classes} classes, output stride {card.output_stride}, "
        f"{card.gflops:.1f} GFLOPs for a photo of 512x512 ({card.cost})"
    )
    held = ", ".join(f"{mebibytes(copies * card.weight_bytes)} with {name}" for name, copies in COPIES.items())
    say(
        f"  Memory of training, in fp32: {mebibytes(card.kept_bytes)} for every photo of 512x512, and for weights, "
        f"gradients and optimiser {held}"
    )
    say(f"  ImageNet weights: {card.imagenet or card.imagenet_note}")
    say(f"  Exports: {', '.join(('bundle', 'safetensors', *card.exports))}. {card.exports_note}".rstrip())
    rows = [
        (node.name, node.modules, "; ".join("x".join(map(str, shape)) for shape in node.shapes), node.parameters)
        for node in found.drawing.nodes
        if node.kind in ("part", "operation")
    ]
    table("\nParts, in the order they are at work", ["part", "consists of", "gives", ">parameters"], rows)
    if card.options:
        _show_settings("\nOptions (--set options.NAME=VALUE)", card.options)
    if drawing is not None:
        say(f"\nDrawn: {drawing}")


def mebibytes(count: int) -> str:
    """Write bytes as people compare memory: `1434 MiB`."""
    return f"{count / 2**20:,.0f} MiB"


def _show_settings(title: str, found: Iterable[Setting]) -> None:
    table(
        title, ["setting", "default", "takes", "what it does"], ((s.key, _value(s), _takes(s), s.help) for s in found)
    )


def _value(setting: Setting) -> Any:
    return "none" if setting.default is None else str(setting.default)


def _takes(setting: Setting) -> str:
    text = ", ".join(map(str, setting.choices)) if setting.choices else setting.kind
    if setting.also:
        text += f", {setting.also}"
    if setting.minimum is not None:
        text += f" {'>' if setting.above else '>='} {setting.minimum:g}"
    if setting.maximum is not None:
        text += f" {'<' if setting.below else '<='} {setting.maximum:g}"
    return text + (" or none" if setting.optional else "")
