"""The browser's server, and who may use it from other computers."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from db.errors import UserError
from workbench.cli.options import HomeOption, JsonOption, Workplace
from workbench.cli.output import emit, moment, note, say, table

if TYPE_CHECKING:
    from workbench.server.serve import Address

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The user's name.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.command("serve", epilog="Example: workbench serve")(serve)
    group = typer.Typer(help="Who may use the server from other computers.", no_args_is_help=True)
    group.command("list", epilog="Example: workbench users list")(list_)
    group.command("add", epilog="Example: workbench users add anna")(add)
    group.command("remove", epilog="Example: workbench users remove anna")(remove)
    app.add_typer(group, name="users")


def serve(
    host: Annotated[
        str, typer.Option(help="Name or address to listen on. Any but this computer's own needs users.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = 7860,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Do not open the browser (also: $WORKBENCH_NO_BROWSER).")
    ] = False,
    import_root: Annotated[
        Path | None,
        typer.Option(
            help="Folders typed in the browser lie in this one (default: your home folder; none with another --host).",
            show_default=False,
        ),
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A further name by which browsers reach this server.", show_default=False),
    ] = None,
    behind_proxy: Annotated[
        bool,
        typer.Option("--behind-proxy", help="Believe what a reverse proxy on this computer says of visitors."),
    ] = False,
    project: Annotated[
        str | None, typer.Option("--project", help="The project to open (default: their list).", show_default=False)
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Open the workbench in the browser. Ctrl-C ends it; trainings and other tasks go on."""
    place = Workplace(home)
    number = _project_number(place, project) if project is not None else None
    if not as_json:
        note("Starting the workbench ...")
    from workbench.server.serve import ServeRequest, serve

    def announce(address: Address) -> None:
        def show() -> None:
            say(f"The workbench is at {address.url}")
            say("Ctrl-C ends it; trainings and other tasks go on.")

        emit(address, as_json=as_json, show=show)
        sys.stdout.flush()  # who started us reads the address from a pipe

    request = ServeRequest(
        host=host,
        port=port,
        import_root=import_root,
        allowed=tuple(allow_host or ()),
        project=number,
        browser=not no_browser,
        behind_proxy=behind_proxy,
    )
    serve(place.home, place.database, request, announce)


def list_(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """List the users."""
    from workbench.server.users import list_users

    found = list_users(Workplace(home).database)

    def show() -> None:
        if not found:
            say("No user yet. Add one: workbench users add NAME")
            return
        table(None, ["user", "since"], ((user.name, moment(user.created_at)) for user in found))

    emit({"users": found}, as_json=as_json, show=show)


def add(
    name: NameArgument,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from the first line of stdin.")
    ] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add a user, or give one another password, which logs them out everywhere."""
    from workbench.server.users import set_user

    database = Workplace(home).database
    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else _type_password()
    is_new = set_user(database, name, password)
    told = f"User {name} is added." if is_new else f"User {name} has a new password; old sessions have ended."
    emit({"user": name, "new": is_new}, as_json=as_json, show=lambda: say(told))


def remove(name: NameArgument, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Remove a user, which logs them out everywhere."""
    from workbench.server.users import remove_user

    remove_user(Workplace(home).database, name)
    emit({"user": name}, as_json=as_json, show=lambda: say(f"User {name} is removed; their sessions have ended."))


def _type_password() -> str:
    if not sys.stdin.isatty():
        raise UserError("A password is typed in a terminal, and there is none. Use --password-stdin.")
    password = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != password:
        raise UserError("The two passwords differ. Nothing was changed; try again.")
    return password


def _project_number(place: Workplace, name: str) -> int:
    from labeling.projects import find_project

    with place.database.read() as session:
        return find_project(session, name).id
