"""Puts the commands together and turns exceptions into exit codes."""

from __future__ import annotations

import io
import os
import sys
import traceback
from typing import Annotated

import typer

from db.errors import UserError
from training.allocation import prefer_huge_pages
from workbench.cli import (
    commands_archs,
    commands_bench,
    commands_care,
    commands_check,
    commands_classes,
    commands_curves,
    commands_data,
    commands_domain,
    commands_domains,
    commands_evaluations,
    commands_history,
    commands_images,
    commands_import,
    commands_label,
    commands_mapping,
    commands_models,
    commands_predict,
    commands_predictions,
    commands_projects,
    commands_recognise,
    commands_report,
    commands_serve,
    commands_shift,
    commands_subsets,
    commands_tasks,
    commands_test,
    commands_train,
    commands_trash,
    commands_trust,
    commands_weights,
)
from workbench.cli.output import fail, fail_usage, wants_json

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
for module in (
    commands_projects,
    commands_recognise,
    commands_label,
    commands_import,
    commands_classes,
    commands_curves,
    commands_data,
    commands_check,
    commands_archs,
    commands_train,
    commands_bench,
    commands_test,
    commands_mapping,
    commands_domain,
    commands_domains,
    commands_shift,
    commands_evaluations,
    commands_report,
    commands_models,
    commands_predict,
    commands_predictions,
    commands_tasks,
    commands_trash,
    commands_trust,
    commands_care,
    commands_weights,
    commands_serve,
    commands_subsets,
    commands_images,
    commands_history,
):
    module.register(app)


def _print_version(value: bool) -> None:
    if value:
        from importlib.metadata import version

        typer.echo(version("segmentation-workbench"))
        raise typer.Exit


@app.callback()
def _root(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


# Typer brings a copy of click since 0.20-odd and used the package before; its BadParameter is public in either.
UsageError: type[Exception] = typer.BadParameter.__mro__[1]


def main() -> None:
    """Run the command line: exit code 0 done, 2 the user's mistake, 1 ours, 75 stopped, 130 interrupted."""
    prefer_huge_pages()
    assert isinstance(sys.stdout, io.TextIOWrapper)
    sys.stdout.reconfigure(errors="backslashreplace")  # as stderr is: names of files may hold any bytes
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command in this process and return its exit code."""
    as_json = wants_json(arguments)
    try:
        code = app(arguments, prog_name="workbench", standalone_mode=False)
        sys.stdout.flush()  # here, not at the interpreter's end, where a reader that has gone cannot be caught
    except UserError as error:
        return fail(str(error), EXIT_USER, as_json=as_json)
    except UsageError as error:
        return fail_usage(error, EXIT_USER, as_json=as_json)
    except (KeyboardInterrupt, typer.Abort):
        return fail("Interrupted.", EXIT_INTERRUPTED, as_json=as_json)
    except BrokenPipeError:
        # The reader of our output (head, less) has gone: nothing is left to say, and nobody to say it to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_OURS
    except Exception as error:
        traceback.print_exc()
        return fail(f"The workbench itself failed: {error!r}", EXIT_OURS, as_json=as_json)
    if code == EXIT_INTERRUPTED:  # what some releases of Typer make of Ctrl-C
        return fail("Interrupted.", EXIT_INTERRUPTED, as_json=as_json)
    return code or 0
