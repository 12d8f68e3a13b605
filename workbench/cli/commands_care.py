"""Looking after the home: what is wrong with it, what takes its space, what can go, backups."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from db.errors import UserError
from workbench.cli.options import HomeOption, JsonOption, Workplace
from workbench.cli.output import emit, progress_bar, say, table
from workbench.plain import plain

EXIT_FINDINGS = 1


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.command("doctor", epilog="Example: workbench doctor --full")(doctor)
    app.command("du", epilog="Example: workbench du")(du)
    app.command("gc", epilog="Example: workbench gc --delete")(gc)
    app.command("backup", epilog="Example: workbench backup /mnt/stick/workbench.tar")(backup)
    app.command("restore", epilog="Example: workbench restore workbench.tar --home ~/restored")(restore)


def doctor(
    full: Annotated[bool, typer.Option("--full", help="Read everything and compare it with its hash, too.")] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look whether the home is sound: database, stored files, linked photos, runs, disk. It changes nothing.

    Exit code 0: nothing needs to be done (notes are told all the same); 1: something does, each finding with its
    remedy; 2: there is no workbench at --home.
    """
    from db.home import Home
    from training.care.doctor import examine

    place = Home.resolve(home)  # as it is: making its folders would hide that they are gone
    if not place.path.is_dir():
        raise UserError(f"There is no workbench in {place.path}. Name another --home.")
    with progress_bar() as progress:
        report = examine(place, full=full, progress=progress)

    def show() -> None:
        for finding in report.findings:
            say(f"{finding.severity}: {finding.what}\n  -> {finding.remedy}")
        say(sentence)

    read = "read whole" if full else "looked at by name and size, not read"
    todo = sum(finding.severity != "note" for finding in report.findings)
    found = "all is well" if report.clean else f"{todo} {'thing needs' if todo == 1 else 'things need'} to be done"
    sentence = f"{report.files} stored files {read}: {found}."
    emit({**plain(report), "sentence": sentence}, as_json=as_json, show=show)
    if not report.clean:
        raise typer.Exit(EXIT_FINDINGS)


def du(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Say what takes the space of the home, by project and kind."""
    from training.care.usage import usage

    place = Workplace(home)
    found = usage(place.home, place.database)

    def show() -> None:
        rows = ((share.project or "(home)", share.kind, share.files, _size(share.bytes)) for share in found.shares)
        table(None, ["project", "what", ">files", ">size"], rows)
        say(f"{_size(found.bytes)} in {found.home}; {_size(found.free)} are free on its disk")

    emit(found, as_json=as_json, show=show)


def gc(
    delete: Annotated[bool, typer.Option("--delete", help="Delete it; otherwise it is only listed.")] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """List, or delete, what nobody needs: what is long in the trash, what nothing refers to, what is made again.

    Whatever an image, an annotation version, a revision or something in the trash refers to stays, and so does what
    was written or used within a day. Imports, trainings and the server may go on meanwhile.
    """
    from training.care.gc import collect

    place = Workplace(home)
    with progress_bar() as progress:
        found = collect(place.home, place.database, delete=delete, progress=progress)
    total = sum(freed.bytes for freed in found)

    def show() -> None:
        table(None, ["what", ">items", ">size"], ((f.kind, f.items, _size(f.bytes)) for f in found))
        say(sentence)

    freed = f"{_size(total)} freed." if delete else f"{_size(total)} can be freed: workbench gc --delete"
    sentence = freed if total or any(f.items for f in found) else "Nothing to free."
    emit({"deleted": delete, "bytes": total, "sentence": sentence, "kinds": found}, as_json=as_json, show=show)


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="File to write, on another disk if you can.")],
    without_runs: Annotated[
        bool, typer.Option("--without-runs", help="Leave out runs, evaluations and what came of them.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there.")] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the whole home into one file; the server and trainings may go on meanwhile.

    Linked photos are not in it: they stay where they are. Caches are left out; they are made again.
    """
    from db.home import Home
    from training.care.backup import back_up

    place = Home.resolve(home)
    with progress_bar() as progress:
        report = back_up(place, file, with_runs=not without_runs, overwrite=overwrite, progress=progress)
    said = f"{report.path}: {report.files} files, {_size(report.bytes)}"
    restoring = f"{said}\nTo have it back: workbench restore {report.path} --home FOLDER"
    emit({**plain(report), "sentence": said}, as_json=as_json, show=lambda: say(restoring))


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `workbench backup` wrote.")],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a home of a backup. Every file is checked; --home must be empty or new.

    For what lies in the trash there is `workbench trash restore`.
    """
    from db.home import Home
    from training.care.backup import restore as unpack

    with progress_bar() as progress:
        report = unpack(file, Home.resolve(home), progress=progress)
    said = f"{report.home}: {report.files} files, {_size(report.bytes)}, as {report.of} was"
    emit(report, as_json=as_json, show=lambda: say(f"{said}\nUse it: workbench projects --home {report.home}"))


def _size(count: int) -> str:
    """Write bytes as people read them."""
    size = float(count)
    for unit, digits in (("bytes", 0), ("kB", 0), ("MB", 1)):
        if size < 1000:
            return f"{size:.{digits}f} {unit}"
        size /= 1000
    return f"{size:.2f} GB"
