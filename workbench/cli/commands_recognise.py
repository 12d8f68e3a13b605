"""`workbench recognise`: what a folder or archive looks like, before it is imported."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli.options import HomeOption, JsonOption, Workplace
from workbench.cli.output import emit, progress_bar, say, table

if TYPE_CHECKING:
    from labeling.importing.recognise import Guess

CLASSES_SHOWN = 20
OPTIONS = {"classes_file": "--classes", "colors_file": "--colors", "unlabelled": "--unlabelled"}


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("recognise", epilog="Example: workbench recognise ./photos")(recognise)


def recognise(
    source: Annotated[Path, typer.Argument(metavar="SRC", help="Folder, zip, tar, or COCO's JSON file, to look at.")],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what a folder or archive looks like: format, classes, and the import that fits. Nothing of it is kept."""
    from labeling.importing.archives import is_archive
    from labeling.importing.recognise import recognise as look_at
    from labeling.importing.recognise import recognise_archive

    if is_archive(source.expanduser()):
        with progress_bar() as progress:  # to unpack it may take a while
            found = recognise_archive(Workplace(home).home, source, progress)
    else:
        found = look_at(source)

    def show() -> None:
        for guess in found.guesses:
            say(f"{guess.format}: {guess.images} photos, {guess.labels} of them labelled")
            for line in (*guess.evidence, *guess.problems):
                say(f"  {line}")
            if guess.classes:
                shown = list(guess.classes.items())[:CLASSES_SHOWN]
                table(f"  Seen in {guess.classes_from}:", ["class", ">count"], shown)
            say(f"  {_command(guess, found.source)}")
        for note in found.notes:
            say(note)

    emit(found, as_json=as_json, show=show)


def _command(guess: Guess, source: Path) -> str:
    options = [part for name, value in guess.options.items() for part in (OPTIONS[name], value)]
    return shlex.join(["workbench", "import", guess.format, str(source), *options])
