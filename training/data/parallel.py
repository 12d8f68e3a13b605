"""Work done ahead by threads, handed out in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def ordered_map(
    function: Callable[[Item], Result], items: Iterable[Item], *, threads: int, ahead: int
) -> Generator[Result, None, None]:
    """Yield `function(item)` in the order of `items`, computed by `threads` threads, at most `ahead` beforehand.

    Memory is bounded by `ahead` results, also for endless `items`. What a call raises is raised where its result would
    have come. Closing the generator drops what has not begun and waits for what has.
    """
    executor = ThreadPoolExecutor(threads, thread_name_prefix="data")
    pending: deque[Future[Result]] = deque()
    try:
        for item in items:
            pending.append(executor.submit(function, item))
            if len(pending) > ahead:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        executor.shutdown(wait=True, cancel_futures=True)
