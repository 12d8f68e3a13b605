"""Mapping a function over many items in processes: in order, with few in flight, so that memory stays flat."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from typing import Generic, TypeVar

import cv2

Task = TypeVar("Task")
Result = TypeVar("Result")

PATIENCE_SECONDS = 1.0
"""How long this process works alone: starting processes takes about as long, and most work is done by then."""

_IN_FLIGHT_PER_WORKER = 4
_MAX_WORKERS = 16


def map_in_order(
    function: Callable[[Task], Result],
    tasks: Iterable[Task],
    *,
    on_death: Callable[[Task], Result],
    workers: int | None = None,
    isolated: bool = False,
) -> Iterator[Result]:
    """Yield `function(task)` of every task, in order; in processes where it takes more than a second.

    At most four tasks a worker are under way or finished and not yet taken. What the function raises is raised here.

    Args:
        function: picklable, as are tasks and results.
        tasks: taken one at a time, as results are.
        on_death: gives the result of (or raises for) a task whose process dies: a decoder that crashes, the system's
            out-of-memory killer. The other tasks under way are computed again.
        workers: processes; default one a usable core, at most 16. With 1 this process computes everything itself.
        isolated: never compute in this process, not even for the first second: for functions that read files of
            unknown origin, whose decoder may crash.
    """
    workers = min(_MAX_WORKERS, usable_cores()) if workers is None else workers
    iterator = iter(tasks)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not isolated and (workers <= 1 or time.monotonic() < deadline):
        try:
            task = next(iterator)
        except StopIteration:
            return
        yield function(task)
    yield from _Pool(function, on_death, workers).run(iterator)


def usable_cores() -> int:
    """Return the count of cores this process may run on."""
    return len(os.sched_getaffinity(0))


class _Pool(Generic[Task, Result]):
    """A process pool that survives the death of its workers.

    Its processes outlive it, for the next one: starting them takes longer than importing a few photos.
    """

    def __init__(self, function: Callable[[Task], Result], on_death: Callable[[Task], Result], workers: int) -> None:
        self._function, self._on_death, self._workers = function, on_death, workers
        self._executor = _take(workers)

    def run(self, tasks: Iterator[Task]) -> Iterator[Result]:
        flying: deque[tuple[Task, Future[Result]]] = deque()
        finished = False
        try:
            while True:
                for task in islice(tasks, self._workers * _IN_FLIGHT_PER_WORKER - len(flying)):
                    flying.append((task, self._submit(task)))
                if not flying:
                    finished = True
                    return
                task, future = flying.popleft()
                try:
                    result = future.result()
                except BrokenProcessPool:
                    result = self._alone(task)
                    # Everything in flight died with the pool, the innocent too.
                    flying = deque((other, self._submit(other)) for other, _ in flying)
                yield result
        finally:
            if finished:
                _give_back(self._executor, self._workers)
            else:
                self._executor.shutdown(wait=True, cancel_futures=True)

    def _submit(self, task: Task) -> Future[Result]:
        try:
            return self._executor.submit(self._function, task)
        except BrokenProcessPool:
            self._restart()
            return self._executor.submit(self._function, task)

    def _alone(self, task: Task) -> Result:
        """Compute a task with nothing beside it, so that a second death has but one cause."""
        self._restart()
        try:
            return self._executor.submit(self._function, task).result()
        except BrokenProcessPool:
            self._restart()
            return self._on_death(task)

    def _restart(self) -> None:
        self._executor.shutdown(wait=True, cancel_futures=True)
        self._executor = _start(self._workers)


_idle: dict[int, ProcessPoolExecutor] = {}  # at most one by count of workers
_lock = threading.Lock()
os.register_at_fork(after_in_child=_idle.clear)  # they are the parent's processes


def _take(workers: int) -> ProcessPoolExecutor:
    with _lock:
        return _idle.pop(workers, None) or _start(workers)


def _give_back(executor: ProcessPoolExecutor, workers: int) -> None:
    with _lock:
        kept = _idle.setdefault(workers, executor)
    if kept is not executor:  # another thread was faster
        executor.shutdown(wait=True)


def _start(workers: int) -> ProcessPoolExecutor:
    # Spawned, not forked: the parent may have threads (a user interface, torch), whose locks a fork would copy.
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, mp_context=context, initializer=_begin)


def _begin() -> None:
    cv2.setNumThreads(1)  # the processes are as many as the cores
    _leave_with_parent()


def _leave_with_parent() -> None:
    """End this process when its parent is killed: it holds the pipe it waits on open itself and would wait forever."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
