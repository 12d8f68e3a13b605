"""One attempt at a run: take its lock, wait for the device, train, and say how it ended, whatever happens.

torch is imported late, so that the run counts as alive as soon as its process starts.
"""

from __future__ import annotations

import os
import socket
import sys
import time
import traceback
from contextlib import AbstractContextManager, ExitStack, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from db.errors import UserError
from db.home import Home
from db.locks import LockHeldError, hold
from training.engine.events import Event, Events, EventWriter, NoEvents
from training.engine.failure import Stopped, TrainingError, explain
from training.engine.followers import gather
from training.engine.heartbeat import beating
from training.engine.narrate import sentence
from training.engine.place import Place
from training.engine.rundir import (
    EXIT_FAILED,
    EXIT_OK,
    EXIT_RESUME,
    EXIT_USER,
    Command,
    Result,
    RunDirectory,
    RunState,
)
from training.engine.stop import StopRequest

if TYPE_CHECKING:
    import torch

    from training.engine.loop import Training

ESTIMATE = "an estimate"
"""What others are told who wait for a device that a measurement has which belongs to no run."""
RESERVE = 64 * 1024
"""Bytes set aside while training, so that a full disk still has room for the sentence that says so."""


def attempt(path: Path, *, prepare_only: bool = False, place: Place = Place()) -> int:  # noqa: B008 - frozen
    """Train the run in `path` as far as it goes.

    Args:
        path: the run's directory.
        prepare_only: settle and measure, but do not train; the run is then `queued` again.
        place: of this process among those that train the run.

    Returns:
        The exit code, see `training.engine.__main__`.
    """
    directory, since = RunDirectory(path), time.time()
    try:
        if place.rank > 0:
            return _Attempt(directory, prepare_only, place, NoEvents()).follow()
        with hold(directory.lock, wait=False), beating(path):
            directory.begin_attempt(since)
            with EventWriter(directory.events, _print) as events:
                return _Attempt(directory, prepare_only, place, events).run()
    except LockHeldError:
        print(f"The run in {path} is already running; a second trainer would spoil it.", file=sys.stderr)
    except UserError as error:
        print(error, file=sys.stderr)
    except OSError as error:
        print(explain(error, str(path)), file=sys.stderr)
        return EXIT_FAILED
    return EXIT_USER


def _print(event: Event) -> None:
    with suppress(OSError):  # a full disk is noticed, and told, where it matters
        print(sentence(event), flush=True)


class _Attempt:
    def __init__(self, directory: RunDirectory, prepare_only: bool, place: Place, events: Events) -> None:
        self._directory = directory
        self._command: Command = directory.command()
        self._prepare_only = prepare_only
        self._place = place
        self._events = events
        self._training: Training | None = None
        self._stop = StopRequest(directory.stop_flag)

    def run(self) -> int:
        reserve = self._directory.path / ".reserve"
        with self._stop.listening():
            try:
                reserve.write_bytes(bytes(RESERVE))
                state, reason, code = self._train()
            except BaseException as error:
                reserve.unlink(missing_ok=True)
                state, reason, code = self._ended_by(error)
            reserve.unlink(missing_ok=True)
            self._finish(state, reason)
        return code

    def follow(self) -> int:
        """Train along with the process that leads, which alone writes; return the exit code."""
        with self._stop.listening():
            try:
                return self._train()[2]
            except BaseException as error:
                return self._ended_by(error)[2]

    def _train(self) -> tuple[RunState, str, int]:
        self._events.write("attempt", pid=os.getpid(), host=socket.gethostname())
        with ExitStack() as held:
            devices = held.enter_context(self._devices())
            place = self._place
            if place.world == 1:
                place = held.enter_context(gather(self._directory.path, len(devices)))
            from training.engine.owned import share_cores
            from training.engine.prepare import Desk, prepare
            from training.engine.ranks import join

            device = devices[place.local]
            share_cores(device, place.local_world)
            ranks = held.enter_context(join(place, device))
            self._events.write("preparing", done=0, total=None, what=f"on {', '.join(str(each) for each in devices)}")
            desk = Desk(self._directory, device, self._events, self._stop, time.monotonic(), ranks)
            self._training = prepare(desk)
            decisions = self._training.decisions
            self._events.write(
                "started",
                step=self._training.state.progress.step,
                **decisions.model_dump(mode="json", exclude={"recipe", "lineage", "preprocessing", "class_weights"}),
            )
            if self._prepare_only:
                return "queued", f"Ready: {decisions.steps} steps.", EXIT_OK
            return "finished", self._training.run(), EXIT_OK

    def _devices(self) -> AbstractContextManager[list[torch.device]]:
        """Take this machine's devices; one of its processes does so for all."""
        from training.engine.owned import devices_together, own_devices

        name, count = self._command.device, self._place.local_world
        if self._place.local > 0:
            return nullcontext(devices_together(name, count))
        home = Home(self._command.home)
        return own_devices(name, count, home, self._who(), waiting=self._tell_waiting, stop=self._stop)

    def _who(self) -> str:
        """Return what to tell others who wait for the device."""
        if self._command.run:
            return f"run {self._command.run}"
        return ESTIMATE if self._prepare_only else str(self._directory.path)

    def _tell_waiting(self, owner: str) -> None:
        if not self._prepare_only:
            text = f"{owner} has the device; waiting for it to end."
        elif owner == ESTIMATE:
            text = "Another estimate has the device; this one waits for it."
        else:
            text = f"A training ({owner}) has the device; the estimate waits for it."
        self._events.write("queued", text=text)

    def _ended_by(self, error: BaseException) -> tuple[RunState, str, int]:
        if isinstance(error, Stopped | KeyboardInterrupt):
            step = self._training.state.progress.step if self._training else 0
            return self._stop.state, f"Put down at step {step}; it can be resumed.", EXIT_RESUME
        reason = explain(error, str(self._directory.path))
        if reason is None:
            traceback.print_exception(error)
            reason = f"An error of the workbench itself: {type(error).__name__}: {error}. The log has the details."
            return "failed", reason, EXIT_FAILED
        print(reason, file=sys.stderr)
        user = isinstance(error, UserError) and not isinstance(error, TrainingError)
        return "failed", reason, EXIT_USER if user else EXIT_FAILED

    def _finish(self, state: RunState, reason: str) -> None:
        result = self._result(state, reason)
        # Each of the two may fail on a full disk; either tells the story.
        with suppress(OSError, UserError):
            self._directory.finish(result)
        with suppress(OSError):
            self._events.write("end", **result.model_dump(mode="json"))

    def _result(self, state: RunState, reason: str) -> Result:
        if self._training is None:
            return Result(state=state, sentence=reason, step=0)
        progress = self._training.state.progress
        return Result(
            state=state,
            sentence=reason,
            step=progress.step,
            steps=self._training.decisions.steps,
            best_step=progress.best_step,
            best_miou=progress.best_miou,
            init=self._training.decisions.init,
            **self._training.meter.summary(),
        )
