"""How the server's threads share memory."""

from __future__ import annotations

import ctypes
import sys

HEAPS = 2
_M_ARENA_MAX = -8  # of mallopt, in glibc's malloc.h


def share_heaps() -> bool:
    """Let all threads take their memory from two heaps of the C library; return whether it does so.

    By default glibc gives each thread one of its own, up to eight a core. A server's threads come and go, and each
    that decodes photos leaves its heap with holes that the others do not use: they grow with every page looked at.
    Other C libraries have nothing to set. Only threads that are started afterwards share.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
    return mallopt is not None and bool(mallopt(_M_ARENA_MAX, HEAPS))
