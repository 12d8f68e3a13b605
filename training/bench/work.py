"""Working through a bench: training after training, test after test; it can be put down anywhere and gone on with.

Trainings are processes of their own. A bench that is killed leaves its training to go on by itself; when the bench is
started again it waits for that one, or resumes it if it was stopped, and does nothing twice.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass

from db.errors import NotFoundError, UserError
from db.files import write_atomic
from db.home import Home
from db.locks import LockHeldError, hold
from db.session import Database
from labeling.progress import Progress
from training.bench.document import Bench, BenchFolder, Entry
from training.bench.measure import datasets_with, measure
from training.bench.table import write_table
from training.engine.events import Event
from training.engine.failure import explain
from training.runs import process as run_process
from training.runs.creation import RunHandle, TrainRequest, create_run
from training.runs.files import is_alive
from training.runs.lifecycle import RESUMABLE, RunInfo, find_run, launch


@dataclass(frozen=True)
class Display:
    """Where a bench tells how it goes.

    Attributes:
        say: a line.
        training: gives who is told a training's events; its argument says which one it is.
        working: gives who is told of the work between trainings; likewise.
    """

    say: Callable[[str], None]
    training: Callable[[str], AbstractContextManager[Callable[[Event], None]]]
    working: Callable[[str], AbstractContextManager[Progress]]


class _PutDown(Exception):  # noqa: N818 - it is no error
    """A training was stopped, and the bench with it."""


def run_bench(home: Home, database: Database, project: str, folder: BenchFolder, display: Display) -> Bench:
    """Do what is left to do of a bench, and write its table as it grows.

    Args:
        home: of the bench.
        database: likewise.
        project: name.
        folder: of the bench.
        display: told how it goes.

    Returns:
        The bench. Entries without measures failed, if they have a fault; else it was put down before them.

    Raises:
        UserError: another process works on it, or nothing can be tested.
    """
    try:
        with hold(folder.lock, wait=False):
            return _Work(home, database, project, folder, display).run()
    except LockHeldError:
        raise UserError(
            f"The bench {folder.path.name!r} is being worked on; a second process would spoil it."
        ) from None


class _Work:
    def __init__(self, home: Home, database: Database, project: str, folder: BenchFolder, display: Display) -> None:
        self._home, self._database, self._project = home, database, project
        self._folder, self._display = folder, display
        self._bench = folder.read()

    def run(self) -> Bench:
        datasets_with(self._home, self._bench.plan)  # nothing to test on is better told now than after an hour
        total = len(self._bench.entries)
        with suppress(_PutDown):
            for number, entry in enumerate(self._bench.entries):
                if entry.measures is None:
                    self._one(number, f"{entry.architecture}, seed {entry.seed} ({number + 1} of {total})")
        return self._bench

    def _one(self, number: int, label: str) -> None:
        """Train and test one entry; what is the matter with it is written down, and the others go on."""
        self._display.say(label)
        self._change(number, fault=None)
        try:
            self._train(number, label)
            self._test(number, label)
        except (UserError, OSError, RuntimeError, MemoryError) as error:
            fault = explain(error, str(self._folder.path))
            if fault is None:
                traceback.print_exception(error)
                fault = f"An error of the workbench itself: {type(error).__name__}: {error}"
            self._change(number, fault=" ".join(fault.split()))
            self._display.say(f"{label}: {fault}")

    def _train(self, number: int, label: str) -> None:
        """Bring an entry's run to its end, from wherever it is.

        Raises:
            UserError: it failed; says why.
        """
        run = self._find(self._bench.entries[number])
        if run is None:
            with self._display.working(label) as progress:
                made = create_run(self._home, self._database, self._request(number), progress)
            for warning in made.warnings:
                self._display.say(f"{label}: {warning}")
            self._change(number, run=made.id)
            run = self._again(made.id)
        if is_alive(run.directory):
            with self._display.training(label) as on_event:
                run_process.attend(run.directory, on_event)
            run = self._again(run.id)
        elif run.state in RESUMABLE:
            handle = RunHandle(run.id, run.directory)
            with self._display.training(label) as on_event:
                run = launch(self._home, self._database, handle, on_event=on_event)
        if run.state == "stopped":
            self._display.say(f"{label}: put down at step {run.figures.get('step', 0)}")
            raise _PutDown
        if run.state != "finished":
            raise UserError(str(run.figures.get("sentence")))

    def _test(self, number: int, label: str) -> None:
        entry = self._bench.entries[number]
        assert entry.run is not None
        with self._display.working(label) as progress:
            found = measure(
                self._home,
                self._database,
                self._project,
                self._bench.plan,
                entry.run,
                who=f"bench {self._bench.name}",
                progress=progress,
            )
        self._change(number, measures=found)

    def _request(self, number: int) -> TrainRequest:
        entry, plan = self._bench.entries[number], self._bench.plan
        return TrainRequest(
            architecture=entry.architecture,
            project=self._project,
            datasets=plan.datasets,
            revision=plan.revision,
            on=plan.train_on,
            recipe=plan.recipe,
            settings=plan.settings_of(entry.architecture, entry.seed),
            device=plan.device,
            name=f"{entry.architecture} seed {entry.seed} ({self._bench.name})",
        )

    def _find(self, entry: Entry) -> RunInfo | None:
        """Return an entry's run, None where it has none yet or somebody deleted it."""
        if entry.run is None:
            return None
        try:
            return self._again(entry.run)
        except NotFoundError:
            return None

    def _again(self, run: int) -> RunInfo:
        return find_run(self._home, self._database, self._project, str(run))

    def _change(self, number: int, **changes: object) -> None:
        """Write down what is new of an entry, and the table with it."""
        entries = list(self._bench.entries)
        entries[number] = entries[number].model_copy(update=changes)
        self._bench = self._bench.model_copy(update={"entries": tuple(entries)})
        self._folder.write(self._bench)
        for path, form in self._folder.tables.items():
            write_atomic(path, write_table(self._bench, form).encode())
