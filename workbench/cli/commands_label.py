"""Starting labelme, the program people draw labels with until they draw them here."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from db.errors import UserError
from workbench.cli.options import HomeOption, JsonOption
from workbench.cli.output import emit


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("label", epilog="Example: workbench label ./photos --classes labels.txt")(label)


def label(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder of the photos; labels are written beside.")],
    classes: Annotated[Path | None, typer.Option(metavar="FILE", help="Class names to choose from.")] = None,
    home: HomeOption = None,  # every command takes it, so that a script can pass it to all
    as_json: JsonOption = False,
) -> None:
    """Open a folder in labelme, and return when its window is closed."""
    program = _find_labelme()
    if not folder.is_dir():
        raise UserError(f"{folder} is not a folder. Give the folder your photos lie in.")
    if classes is not None and not classes.is_file():
        raise UserError(f"There is no file {classes}. Give a text file with one class name a line.")
    # An absolute path, so that a folder called --version is a folder.
    command = [program, str(folder.resolve()), *(["--labels", str(classes.resolve())] if classes else [])]
    code = subprocess.run(command, check=False, stdout=sys.stderr).returncode
    if code != 0:
        raise UserError(f"labelme ended with code {code}. It needs a screen; what it printed says more.")
    emit({"folder": str(folder)}, as_json=as_json, show=lambda: None)


def _find_labelme() -> str:
    """Return the program, of this environment before any other."""
    beside = shutil.which("labelme", path=str(Path(sys.executable).parent))
    program = beside or shutil.which("labelme")
    if program is None:
        raise UserError(
            "labelme is not installed. Install it with: pip install 'segmentation-workbench[desktop]' "
            "(GPL; it is only ever started as a program of its own)."
        )
    return program
