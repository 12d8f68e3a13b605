"""Labelling a dataset in labelme, from handing its images out to taking the changes back."""

from __future__ import annotations

import subprocess
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from db.errors import UserError
from db.home import Home
from db.locks import hold_for_child
from db.session import Database
from labeling.desktop.hand_out import Given, LabelRequest, LeftOut, hand_out
from labeling.desktop.program import Labelme, ask_labelme, require_screen
from labeling.desktop.sessions import list_sessions
from labeling.desktop.take_back import SessionReport, take_back
from labeling.progress import Progress, silent
from labeling.projects import find_project

_GRACE_SECONDS = 10.0
_STDERR = 2  # what labelme says is no part of what a command prints


class InterruptedSessionError(KeyboardInterrupt):
    """Ctrl-C while labelme was open. Its argument says where the changes are, and how they are taken back."""


@dataclass(frozen=True)
class DesktopReport:
    """What came of a session in labelme.

    Attributes:
        images: count of images that were handed out.
        left_out: those that were not.
        earlier: what was taken back first, of sessions that had been killed.
        taken: what was taken back from this one.
        sentence: of this one, in short.
    """

    images: int
    left_out: tuple[LeftOut, ...]
    earlier: tuple[SessionReport, ...]
    taken: SessionReport
    sentence: str


def label_on_desktop(
    home: Home,
    database: Database,
    request: LabelRequest,
    *,
    on_conflict: Literal["ours", "theirs"] = "ours",
    progress: Progress = silent,
) -> DesktopReport:
    """Open images in labelme, wait until its window is closed, and store what was changed.

    What is left of earlier sessions of the project is taken back first.

    Args:
        home: holds the content store and the sessions.
        database: its database.
        request: which images.
        on_conflict: whose labels stay where an image was changed here as well meanwhile.
        progress: told the images handed out and taken back.

    Raises:
        UserError: there is no labelme or no screen, or as `hand_out`.
        InterruptedSessionError: Ctrl-C; labelme was closed, and the folder stays.
    """
    require_screen()
    program = ask_labelme()
    earlier = take_all_back(home, database, request.project, on_conflict=on_conflict, progress=progress)
    given = hand_out(home, database, request, program, progress)
    progress(0, None, "labelme is open")
    try:
        code = _show(program, given)
    except KeyboardInterrupt:
        raise InterruptedSessionError(
            f"What was saved in labelme lies in {given.session.photos}. It is taken back by the next `workbench label "
            "--desktop`, or with: workbench label --desktop --collect"
        ) from None
    taken = take_back(home, database, given.session.id, on_conflict=on_conflict, progress=progress)
    if code != 0 and not taken.files:
        raise UserError(f"labelme ended with code {code}, and nothing was changed. What it printed says more.")
    return DesktopReport(len(given.manifest.images), given.left_out, earlier, taken, taken.sentence)


def take_all_back(
    home: Home,
    database: Database,
    project: str | None,
    *,
    on_conflict: Literal["ours", "theirs"] = "ours",
    progress: Progress = silent,
) -> tuple[SessionReport, ...]:
    """Take back every session of a project (None: of the current one) that labelme does not show.

    Raises:
        UserError: there is no such project.
    """
    with database.read() as session:
        project_id = find_project(session, project).id
    waiting = [info.id for info in list_sessions(home, project_id) if not info.open]
    return tuple(take_back(home, database, n, on_conflict=on_conflict, progress=progress) for n in waiting)


def _show(program: Labelme, given: Given) -> int:
    """Show a session and return labelme's exit code. Its lock is labelme's, whatever becomes of this process."""
    command = program.command(given.session.photos, given.labels, given.flags)
    with hold_for_child(given.session.lock) as lock:
        child = subprocess.Popen(
            command, cwd=given.session.path, stdin=subprocess.DEVNULL, stdout=_STDERR, pass_fds=(lock,)
        )
    try:
        return child.wait()
    except KeyboardInterrupt:
        child.terminate()
        with suppress(subprocess.TimeoutExpired):
            child.wait(_GRACE_SECONDS)
        child.kill()
        child.wait()
        raise
