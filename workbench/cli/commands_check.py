"""Whether data can be trusted: what is wrong with them, and images that would leak from one role into another."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from db.errors import UserError
from workbench.cli.options import HomeOption, JsonOption, ProjectOption, Workplace
from workbench.cli.output import emit, progress_bar, say

if TYPE_CHECKING:
    from labeling.care.findings import Finding
    from labeling.care.leaks import Group

EXIT_FOUND = 1
_WITHOUT_ROLE = ("other-size", "out-of-range", "all-ignored", "tiny")  # mended by leaving the files out
_SHOWN = 5  # files, and images of a group, named to a person
_GROUPS = 50
_REASONS = {"same": "same bytes", "alike": "look alike", "place": "one time and place", "sequence": "one sequence"}


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.command("check", epilog="Example: workbench check --dataset photos")(check)
    group = typer.Typer(help="List images that show the same and have different roles.", invoke_without_command=True)
    group.callback(epilog="Example: workbench leaks --all")(leaks)
    group.command("move", epilog="Example: workbench leaks move 3d97155b3b --to train")(move)
    app.add_typer(group, name="leaks")


def check(
    dataset: Annotated[
        list[str] | None, typer.Option("--dataset", "-d", metavar="NAME", help="Only this dataset. Repeatable.")
    ] = None,
    files: Annotated[
        str | None,
        typer.Option(metavar="KIND", help="Print only the files of one kind of finding, one a line, for other tools."),
    ] = None,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look for what is wrong with images, labels, classes and roles. Exit code 1 where something cannot be trained."""
    from labeling.care.check import check_project
    from labeling.care.findings import KINDS
    from training.tasks.files import shell_line, with_options

    if files is not None and files not in KINDS:
        raise UserError(f"There is no kind of finding {files!r}. There are: {', '.join(KINDS)}.")
    place = Workplace(home)
    with progress_bar() as progress:
        found = check_project(
            place.home,
            place.database,
            project=place.project(project),
            datasets=tuple(dataset or ()),
            progress=progress,
        )

    def line(*words: str) -> str:
        """Return a command line that does it in this project and home."""
        return shell_line(with_options(words, f"--project={project}") if project else words, place.home.path)

    def show() -> None:
        if files is not None:
            for finding in found.findings:
                for file in finding.files if finding.kind == files else ():
                    say(file)
            return
        for finding in found.findings:
            _show_finding(finding, line)
        say(f"{found.images} images checked, {found.labelled} of them labelled: {_counted(found.findings)}.")
        if not found.searched:
            say(f"Leaks were not looked for since images came or changed: {line('leaks')}")

    emit(found, as_json=as_json, show=show)
    if any(finding.severity == "error" for finding in found.findings):
        raise typer.Exit(EXIT_FOUND)


def leaks(
    context: typer.Context,
    dataset: Annotated[
        str | None, typer.Option("--dataset", "-d", help="Only groups with an image of this dataset.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Also groups that have one role.")] = False,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """List groups of images that show the same and have different roles."""
    from labeling.care.leaks import find_groups

    if context.invoked_subcommand is not None:
        return
    place = Workplace(home)
    with progress_bar() as progress:
        found = find_groups(
            place.home,
            place.database,
            project=place.project(project),
            dataset=dataset,
            every=every,
            progress=progress,
        )

    def show() -> None:
        for group in found.groups[:_GROUPS]:
            _show_group(group)
        if len(found.groups) > _GROUPS:
            say(f"... and {len(found.groups) - _GROUPS} more (--json has all)")
        say(
            f"{found.leaking} of {found.joined} groups of images that show the same have different roles; "
            f"{found.images} images compared."
        )
        if found.unread:
            say(f"{found.unread} photos could not be read: {' '.join(found.unread_why)}")
        if found.leaking:
            say("Give a group one role: workbench leaks move GROUP --to train|val|test")

    emit(found, as_json=as_json, show=show)


def move(
    to: Annotated[Literal["train", "val", "test"], typer.Option(help="The role that all images of the groups get.")],
    groups: Annotated[
        list[str] | None, typer.Argument(metavar="[GROUP]...", help="Groups, as `leaks` names them.")
    ] = None,
    every: Annotated[bool, typer.Option("--every", help="All groups that have different roles.")] = False,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give all images of a group one role, also those that have another one. Frozen revisions keep theirs."""
    from labeling.care.findings import some
    from labeling.care.leaks import move_groups

    if bool(groups) == every:
        raise UserError("Which groups? Name them as `workbench leaks` does, or move all that leak with --every.")
    place = Workplace(home)
    with progress_bar() as progress:
        moved = move_groups(
            place.home, place.database, groups or (), to, project=place.project(project), progress=progress
        )

    def show() -> None:
        before = ", ".join(f"{count} from {role}" for role, count in moved.images.items())
        images = some(sum(moved.images.values()), "image")
        say(f"{some(len(moved.groups), 'group')} moved to {to}: {images}{f' ({before})' if before else ''}.")

    emit(moved, as_json=as_json, show=show)


def _show_finding(finding: Finding, line: Callable[..., str]) -> None:
    say(f"{finding.severity}: {finding.text} [{finding.kind}]")
    if finding.files:
        more = len(finding.files) - _SHOWN
        say(f"  {', '.join(finding.files[:_SHOWN])}" + (f" and {more} more" if more > 0 else ""))
    say(f"  {finding.remedy}")
    if finding.command:
        say(f"  {line(*finding.command)}")
    elif finding.dataset and finding.kind in _WITHOUT_ROLE:
        named = f"--dataset={finding.dataset}"
        say(f"  {line('check', named, f'--files={finding.kind}')} | {line('set-role', 'none', named, '--from=-')}")


def _show_group(group: Group) -> None:
    roles = ", ".join(f"{role} {count}" for role, count in group.roles.items())
    reasons = ", ".join(f"{_REASONS[reason]} {count}" for reason, count in group.reasons.items())
    say(f"{group.id}  {roles}  ({reasons})")
    shown = [f"{image.dataset}/{image.path} [{image.role or 'no role'}]" for image in group.images]
    more = len(shown) - _SHOWN
    say(f"  {', '.join(shown[:_SHOWN])}" + (f" and {more} more" if more > 0 else ""))


def _counted(findings: tuple[Finding, ...]) -> str:
    from labeling.care.findings import SEVERITIES, some

    counts = {each: sum(finding.severity == each for finding in findings) for each in SEVERITIES}
    return ", ".join(some(count, name) for name, count in counts.items() if count) or "nothing found"
