"""What can be trained: the architectures, and the recipe's settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.cli.options import JsonOption
from workbench.cli.output import emit, say, table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from training.architecture_cards import ArchitectureCard
    from training.settings import Setting


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.command("archs", epilog="Example: workbench archs unet --set encoder=resnet18")(archs)
    app.command("settings", epilog="Example: workbench settings --recipe default")(settings)


def archs(
    name: Annotated[str | None, typer.Argument(help="Only this one, with its options.")] = None,
    classes: Annotated[int, typer.Option(min=1, max=254, help="Classes that the figures are for.")] = 21,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="An option of the architecture. Repeatable.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List the architectures: what they are, how large, and how much work."""
    from training.architecture_cards import architecture_card, architecture_cards
    from training.model_import import read_options

    if name is None:
        cards = architecture_cards(classes=classes)
        emit({"architectures": cards}, as_json=as_json, show=lambda: _show_cards(cards))
    else:
        card = architecture_card(name, classes=classes, options=read_options(set_ or []))
        emit(card, as_json=as_json, show=lambda: _show_card(card))


def settings(as_json: JsonOption = False) -> None:
    """List what `train --set` takes: every setting of a recipe with its default."""
    from training.recipe_form import recipe_schema

    groups = recipe_schema()

    def show() -> None:
        for group in groups:
            _show_settings(group.title, group.settings)
            say("")

    emit({"groups": groups}, as_json=as_json, show=show)


def _show_cards(cards: Iterable[ArchitectureCard]) -> None:
    rows = ((c.name, c.year, f"{c.parameters / 1e6:.1f}", f"{c.gflops:.0f}", c.cost, c.what_it_is) for c in cards)
    table(None, ["architecture", ">year", ">million parameters", ">GFLOPs at 512x512", "cost", "what it is"], rows)


def _show_card(card: ArchitectureCard) -> None:
    say(f"{card.title} ({card.year}): {card.what_it_is}")
    say(f"  {card.paper}")
    say(
        f"  {card.parameters:,} parameters for {card.classes} classes, output stride {card.output_stride}, "
        f"{card.gflops:.1f} GFLOPs for a photo of 512x512 ({card.cost})"
    )
    say(f"  ImageNet weights: {card.imagenet or card.imagenet_note}")
    if card.options:
        _show_settings("\nOptions (--set options.NAME=VALUE)", card.options)


def _show_settings(title: str, found: Iterable[Setting]) -> None:
    table(
        title, ["setting", "default", "takes", "what it does"], ((s.key, _value(s), _takes(s), s.help) for s in found)
    )


def _value(setting: Setting) -> Any:
    return "none" if setting.default is None else str(setting.default)


def _takes(setting: Setting) -> str:
    text = ", ".join(map(str, setting.choices)) if setting.choices else setting.kind
    if setting.minimum is not None:
        text += f" {'>' if setting.above else '>='} {setting.minimum:g}"
    if setting.maximum is not None:
        text += f" {'<' if setting.below else '<='} {setting.maximum:g}"
    return text + (" or none" if setting.optional else "")
