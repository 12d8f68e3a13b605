"""How fast a network predicts: one method, the same for every architecture, and the sentence that states it."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

WARM_UP = 2
LEAST = 3
SECONDS = 3.0

METHOD = (
    "one photo at a time, from its pixels in memory to its class map (network, resizing, argmax); the median of at "
    f"least {LEAST} passes in {SECONDS:g} s, after {WARM_UP} to warm up; files neither read nor written."
)


def images_per_second(
    predict: Callable[[], object], *, seconds: float = SECONDS, clock: Callable[[], float] = time.perf_counter
) -> float:
    """Return how many photos a second are predicted, see `METHOD`.

    Args:
        predict: predicts one photo, and is done when it returns.
        seconds: to measure for.
        clock: in seconds.
    """
    for _ in range(WARM_UP):
        predict()
    passes: list[float] = []
    begin = clock()
    while len(passes) < LEAST or clock() - begin < seconds:
        start = clock()
        predict()
        passes.append(clock() - start)
    return 1 / statistics.median(passes)
