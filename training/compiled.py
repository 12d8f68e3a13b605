"""Loops over arrays compiled by numba, for what torch's operations would pass over memory again and again to do.

Import this, and what is decorated with it, only where it is about to be called: importing numba takes longer than most
commands.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., object])


def compiled(function: Function) -> Function:
    """Compile a function when it is first called, without the interpreter's lock and with reordered sums.

    What was compiled is kept for the next process: beside the source, else in the user's cache folder, or in the folder
    that NUMBA_CACHE_DIR names. Where none of them can be written, each process compiles for itself, which takes it some
    seconds more.
    """
    try:
        return cast(Function, numba.njit(cache=True, nogil=True, fastmath=True)(function))
    except RuntimeError:  # no such folder
        return cast(Function, numba.njit(nogil=True, fastmath=True)(function))
