"""Puts the commands together and turns exceptions into exit codes."""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import Annotated

import typer

from db.errors import UserError
from workbench.cli import (
    commands_data,
    commands_import,
    commands_models,
    commands_projects,
    commands_test,
    commands_train,
)
from workbench.cli.output import fail, wants_json

EXIT_OURS = 1
EXIT_USER = 2
EXIT_INTERRUPTED = 130

app = typer.Typer(
    name="workbench",
    help="Semantic segmentation on your own photos: import labels, train, see where a model fails, export the weights.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
for module in (commands_projects, commands_import, commands_data, commands_train, commands_test, commands_models):
    module.register(app)


def _print_version(value: bool) -> None:
    if value:
        typer.echo(version("segmentation-workbench"))
        raise typer.Exit


@app.callback()
def _root(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line: exit code 0 done, 2 the user's mistake, 1 ours, 130 interrupted."""
    try:
        app()
    except UserError as error:
        sys.exit(fail(str(error), EXIT_USER, as_json=wants_json(sys.argv)))
    except KeyboardInterrupt:
        sys.exit(fail("Interrupted.", EXIT_INTERRUPTED, as_json=wants_json(sys.argv)))
    except BrokenPipeError:
        # The reader of our output (head, less) has gone: nothing is left to say, and nobody to say it to.
        sys.stderr.close()
        sys.exit(EXIT_OURS)
