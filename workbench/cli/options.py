"""Options that commands share, and the workplace they open."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from db.home import Home
    from db.session import Database
    from db.store import Store

HomeOption = Annotated[
    Path | None,
    typer.Option(
        "--home", help="The workbench's folder (default: $WORKBENCH_HOME, else ~/.workbench).", show_default=False
    ),
]
ProjectOption = Annotated[
    str | None,
    typer.Option("--project", help="The project (default: the current one, else the only one).", show_default=False),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print exactly one JSON object on stdout.")]
DatasetOption = Annotated[str, typer.Option("--dataset", "-d", help="The dataset.")]
ModelArgument = Annotated[
    str, typer.Argument(help="A run (12, 12:best, 12:last), an imported model's name, or a bundle file.")
]
SizeOption = Annotated[str, typer.Option(help="Size photos are given to the network at: original, HxW or `long N`.")]
ScalesOption = Annotated[
    str, typer.Option(metavar="S,S,...", help="Scales of that size to look at, as 0.5,1,1.5; their looks are combined.")
]
FlipOption = Annotated[bool, typer.Option("--flip", help="Look at the mirror image, too.")]
CombineOption = Annotated[
    Literal["mean", "max"], typer.Option(help="Combine looks by the mean of probabilities or the maximum of logits.")
]
WindowOption = Annotated[
    int, typer.Option(help="Side of windows that slide over the photo, blended; 0: whole where memory allows.")
]
CrfOption = Annotated[
    int, typer.Option(metavar="N", help="Refine by a dense CRF of N iterations (10 is usual); 0: none.")
]
CrfSetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--crf-set",
        metavar="KEY=VALUE",
        help="Another parameter of the CRF: smoothness, smoothness_xy, appearance, appearance_xy, appearance_rgb. "
        "Repeatable.",
    ),
]
StyleOption = Annotated[
    Literal["histogram", "fourier"] | None,
    typer.Option(help="Give photos the look of those the model was trained on first."),
]
MappingOption = Annotated[
    str | None,
    typer.Option(help="A saved mapping, or by-name: classes of the same name (default: as it was made)."),
]
StyleOfOption = Annotated[
    str | None,
    typer.Option(metavar="DATASET[:ON]", help="Photos whose look it is, in place of those the model was trained on."),
]
DevicesOption = Annotated[
    str, typer.Option("--device", help="auto, cpu, cuda or cuda:N; several train together: cuda:0,cuda:1.")
]
DeviceOption = Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")]
OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Write into a folder that holds files.")]


@dataclass(frozen=True)
class Workplace:
    """The home a command works in, opened when first needed."""

    explicit: Path | None

    @cached_property
    def home(self) -> Home:
        """The workbench home, made if absent."""
        from db.home import Home

        home = Home.resolve(self.explicit)
        home.ensure()
        return home

    @cached_property
    def database(self) -> Database:
        """Its database, migrated if that is needed."""
        from db.session import open_database

        return open_database(self.home)

    @cached_property
    def store(self) -> Store:
        """Its content store."""
        from db.store import Store

        return Store(self.home.store)

    def project(self, name: str | None) -> str:
        """Return the name of the named or usual project. Raises UserError where there is none."""
        from labeling.projects import find_project

        with self.database.read() as session:
            return find_project(session, name).name

    def project_id(self, name: str | None) -> int:
        """Return the number of the named or usual project. Raises UserError where there is none."""
        from labeling.projects import find_project

        with self.database.read() as session:
            return find_project(session, name).id


def read_settings(pairs: list[str], option: str = "--set") -> dict[str, str]:
    """Read the values of an option, each `key=value`."""
    found = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key.strip():
            raise typer.BadParameter(f"expected key=value, found {pair!r}", param_hint=option)
        found[key.strip()] = value
    return found
