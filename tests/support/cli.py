"""The command line as others meet it: a process of its own, with what it prints and its exit code.

`start` and `run` start an interpreter, as people do. `ask` and `fork`, of which tests need many, fork a process that
has the libraries loaded already (`tests.support.processes`): torch alone takes seconds.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from tests.support.processes import FORKED

ROOT = Path(__file__).resolve().parents[2]
TINY = (
    *("--arch", "unet", "--set", "options.width=4", "--set", "options.levels=2", "--init", "scratch"),
    *("--crop", "64x64", "--batch", "2", "--device", "cpu", "--precision", "fp32"),
)
"""Arguments of a training that takes milliseconds a step."""


@dataclass(frozen=True)
class Answer:
    """What a command said."""

    code: int
    out: str
    err: str

    @property
    def object(self) -> dict[str, Any]:
        """The one JSON object on stdout; fails where there is anything else."""
        found = json.loads(self.out)
        assert isinstance(found, dict)
        assert self.out == json.dumps(found, ensure_ascii=False) + "\n"
        return found


@dataclass(frozen=True)
class Workbench:
    """A workbench in a temporary folder, used through its command line."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        ours = {"PYTHONPATH": str(ROOT), "WORKBENCH_HOME": str(self.folder / "home"), "OMP_NUM_THREADS": "1"}
        return {**os.environ, **ours, "PYTHONIOENCODING": "utf-8"}

    def start(self, *arguments: object, **options: Any) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "workbench.cli", *map(str, arguments)],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            **options,
        )

    def run(self, *arguments: object) -> Answer:
        return answer(self.start(*arguments))

    def ask(self, *arguments: object) -> dict[str, Any]:
        """Run a command that should succeed with `--json` and return its object."""
        said = self._fork(*arguments, "--json")
        assert said.code == 0, said.err
        return said.object

    def _fork(self, *arguments: object, seconds: float = 300) -> Answer:
        with tempfile.TemporaryDirectory() as folder:
            out, err = Path(folder, "out"), Path(folder, "err")
            words = [*map(str, arguments)]
            process = self.fork(*words, out=out, err=err)
            process.join(seconds)
            if process.is_alive():
                process.kill()
                raise AssertionError(f"{words} did not end within {seconds} s; it said:\n{err.read_text()}")
            assert process.exitcode is not None
            return Answer(process.exitcode, out.read_text("utf-8"), err.read_text("utf-8"))

    def fork(self, *arguments: object, out: Path, err: Path) -> BaseProcess:
        """Start a command, its output in files."""
        words = [*map(str, arguments)]
        process = FORKED.Process(target=_command, args=(self.folder, self.environment, words, out, err))
        process.start()
        return process

    def wait_for_run(
        self, number: int, is_so: Callable[[dict[str, Any]], bool], seconds: float = 300
    ) -> dict[str, Any]:
        """Ask for a run until something is so."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = {run["run"]: run for run in self.ask("runs")["runs"]}
            if number in found and is_so(found[number]):
                return found[number]
            time.sleep(0.2)
        raise AssertionError(f"waited {seconds} s in vain; the runs: {found}")


def _command(folder: Path, environment: dict[str, str], words: list[str], out: Path, err: Path) -> None:
    """Be `python -P -m workbench.cli` in a folder, with an environment, its output in files."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for stream, path in ((sys.stdout, out), (sys.stderr, err)):
        with path.open("wb") as file:
            os.dup2(file.fileno(), stream.fileno())
        assert isinstance(stream, io.TextIOWrapper)
        stream.reconfigure(encoding="utf-8")
    sys.argv = [str(ROOT / "workbench" / "cli" / "__main__.py"), *words]
    from workbench.cli.app import main

    try:
        main()
    finally:
        # What an interpreter does first at its end. Pools of processes close then, and multiprocessing waits for them.
        threading._shutdown()  # type: ignore[attr-defined]


def answer(process: subprocess.Popen[str], seconds: float = 300) -> Answer:
    """Wait for a process to end; one that does not is killed."""
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        raise AssertionError(f"did not end within {seconds} s; it said:\n{out}\n{err}") from None
    return Answer(process.returncode, out, err)
