"""Batches made ahead by threads, so that the one that trains finds the next one ready."""

from __future__ import annotations

import time
from itertools import count
from types import TracebackType

import cv2

from labeling.workers import usable_cores
from training.data.batches import Batch, BatchMaker
from training.data.parallel import ordered_map


class Prefetcher:
    """Iterates over the batches of start_step, start_step + 1, ... without end; use `with` or call `close`.

    Which thread makes a batch changes nothing about it: a batch depends on its step alone.

    Attributes:
        wait_seconds: how long `next` has kept the consumer waiting so far, the share of data in the time of a run.
    """

    def __init__(self, batches: BatchMaker, start_step: int, depth: int, threads: int) -> None:
        self.wait_seconds = 0.0
        # Our threads are the parallelism; cv2's own pool would fight them and the training for the same cores. The
        # setting is the process's, so it is put back.
        self._cv2_threads = cv2.getNumThreads()
        cv2.setNumThreads(1)
        self._batches = ordered_map(batches.batch, count(start_step), threads=threads, ahead=depth)
        self._closed = False

    def __iter__(self) -> Prefetcher:
        """Return itself."""
        return self

    def __next__(self) -> Batch:
        """Return the next batch, raising what making it raised. After an error or `close` there is none."""
        begin = time.perf_counter()
        try:
            return next(self._batches)
        finally:
            self.wait_seconds += time.perf_counter() - begin

    def close(self) -> None:
        """Stop the threads, waiting for batches that are half made."""
        self._batches.close()
        if not self._closed:
            cv2.setNumThreads(self._cv2_threads)
            self._closed = True

    def __enter__(self) -> Prefetcher:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the threads."""
        self.close()


def prefetch(batches: BatchMaker, start_step: int, depth: int = 4, *, threads: int | None = None) -> Prefetcher:
    """Make batches ahead of their use.

    Args:
        batches: where they come from; asked from several threads at once.
        start_step: the first step.
        depth: how many batches are kept ready or in the making; bounds the memory.
        threads: who makes them; by default one a core, at most `depth`.
    """
    if depth < 1:
        raise ValueError(f"a prefetcher keeps at least one batch ready, not {depth}")
    return Prefetcher(batches, start_step, depth, min(depth, usable_cores()) if threads is None else threads)
