"""labelme as it is installed here: where it is, which version, what it can be asked for. It is never imported."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from db.errors import UserError

FIRST_WITH_MASKS = (5, 5)
"""Version whose files hold masks as ours do: PNGs of zeros and ones."""

_SECONDS = 60.0  # to say its version; the first start on a slow disk compiles all of it
_VERSION = re.compile(r"(\d+)\.(\d+)(?:\.\d+)*")


@dataclass(frozen=True)
class Labelme:
    """The program.

    Attributes:
        path: of the executable.
        version: as it says; empty where it does not.
        options: the long options it has.
    """

    path: str
    version: str
    options: frozenset[str]

    @property
    def shows_masks(self) -> bool:
        """Whether it opens files with masks; a version that is not known is taken for a new one."""
        found = _VERSION.fullmatch(self.version)
        return found is None or (int(found[1]), int(found[2])) >= FIRST_WITH_MASKS

    def command(self, folder: Path, labels: Path | None = None, flags: Path | None = None) -> list[str]:
        """Return the words that open a folder: what is saved lies beside its photo, by itself, without the photo.

        Args:
            folder: of the photos.
            labels: names to choose from, one a line.
            flags: names of flags of a whole photo, likewise.
        """
        # Versions 4 and 5 embed photos and save when told to unless asked otherwise, 6 and later do neither.
        asked = [option for option in ("--nodata", "--autosave", "--nosortlabels") if option in self.options]
        named = [("--labels", labels), ("--flags", flags)]
        files = [word for option, file in named if file is not None for word in (option, str(file.resolve()))]
        # An absolute path, so that a folder called --version is a folder.
        return [self.path, str(folder.resolve()), *files, *asked]


def find_labelme() -> str:
    """Return the executable, of this environment before any other.

    Raises:
        UserError: there is none.
    """
    program = shutil.which("labelme", path=str(Path(sys.executable).parent)) or shutil.which("labelme")
    if program is None:
        raise UserError(
            "labelme is not installed. Install it with: pip install 'segmentation-workbench[desktop]' "
            "(GPL; it is only ever started as a program of its own)."
        )
    return program


def ask_labelme() -> Labelme:
    """Find labelme and ask it what it is.

    Raises:
        UserError: there is none, or it does not start.
    """
    program = find_labelme()
    found = _VERSION.search(_said(program, "--version"))
    options = re.findall(r"--[a-z][a-z-]*", _said(program, "--help"))
    return Labelme(program, found[0] if found else "", frozenset(options))


def require_screen() -> None:
    """Refuse to start a program with windows where there is no screen.

    Raises:
        UserError: there is none.
    """
    if not has_screen():
        raise UserError(
            "labelme needs a screen, and this login has none (neither DISPLAY nor WAYLAND_DISPLAY is set). Run this "
            "in a terminal on the computer's own desktop, or over `ssh -X`."
        )


def has_screen() -> bool:
    """Tell whether windows of this process would be seen."""
    return sys.platform != "linux" or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


def _said(program: str, option: str) -> str:
    command: Sequence[str] = (program, option)
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UserError(f"labelme does not start ({program} {option}: {error}). Install it again.") from error
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["nothing"])[-1]
        raise UserError(f"labelme does not start: `{program} {option}` said {last!r}. Install it again.")
    return done.stdout + done.stderr
