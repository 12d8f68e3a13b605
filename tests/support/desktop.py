"""labelme itself, on a screen that nobody looks at, worked by keys and mouse as a person does."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

PATIENCE = 120.0  # seconds: a machine that tests fill starts a program of Qt's slowly
_LIBRARIES = "libxcb-icccm4 libxcb-image0 libxcb-keysyms1 libxcb-render-util0 libxcb-xinerama0 libxkbcommon-x11-0"
_NEEDED = {
    "Xvfb": "apt-get install xvfb",
    "xdotool": "apt-get install xdotool",
    "labelme": f"pip install 'labelme>=6', and for its windows apt-get install {_LIBRARIES}",
}


def require_desktop() -> None:
    """Fail in the gate, and skip elsewhere, where a program is missing that these tests are about."""
    beside = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    missing = [how for name, how in _NEEDED.items() if shutil.which(name, path=beside) is None]
    if not missing:
        return
    reason = f"these tests work labelme itself on a virtual screen; install what is missing: {'; '.join(missing)}"
    if os.environ.get("CI") or os.environ.get("WORKBENCH_NO_BROWSER"):  # the latter is set by the gate
        pytest.fail(reason)
    pytest.skip(reason)


@dataclass(frozen=True)
class Screen:
    """A screen of its own, `environment` for the programs on it."""

    environment: dict[str, str]

    def windows(self) -> list[str]:
        """The visible windows of labelme, the oldest first."""
        done = self._do("search", "--onlyvisible", "--class", "labelme", check=False)
        return done.stdout.split()

    def press(self, *keys: str) -> None:
        """Press keys in the newest window."""
        self._do("windowfocus", "--sync", self.windows()[-1], "key", "--delay", "50", *keys)

    def click(self, x: int, y: int) -> None:
        """Click a pixel of the screen."""
        self._do("mousemove", "--sync", str(x), str(y), "click", "1")

    def _do(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["xdotool", *words], env=self.environment, capture_output=True, text=True, check=check, timeout=PATIENCE
        )


@contextmanager
def screen(folder: Path) -> Iterator[Screen]:
    """Give a virtual screen; labelme keeps its settings in `folder`."""
    reading, writing = os.pipe()
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1400x900x24", "-nolisten", "tcp"]
    server = subprocess.Popen(command, pass_fds=(writing,), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.close(writing)
    try:
        with os.fdopen(reading) as said:
            number = said.readline().strip()
        assert number, "Xvfb did not start"
        ours = {"DISPLAY": f":{number}", "HOME": str(folder), "XDG_RUNTIME_DIR": str(folder), "QT_QPA_PLATFORM": "xcb"}
        yield Screen({**os.environ, **ours})
    finally:
        server.terminate()
        server.wait()


def wait_for(what: Callable[[], Any], alive: subprocess.Popen[Any]) -> Any:
    """Ask until the answer is true; fail where the program ended meanwhile."""
    deadline = time.monotonic() + PATIENCE
    while not (found := what()):
        assert alive.poll() is None, "it ended"
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)
    return found
