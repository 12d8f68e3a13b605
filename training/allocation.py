"""How a process gets its memory from the C library.

Feature maps of many megabytes come and go every step. Left alone, the C library hands each back to the kernel, which
clears a fresh one page of 4 KiB by page: some 300,000 page faults in a step of fcn_resnet50 on a batch of eight, and an
eighth of its time (docs/benchmarks.md). A server has other habits; see `share_heaps`.
"""

from __future__ import annotations

import ctypes
import os
import platform

HUGE_PAGES = {"THP_MEM_ALLOC_ENABLE": "1"}
"""For the environment of a process: torch then asks for pages of 2 MiB (c10/core/impl/alloc_cpu.cpp; Linux)."""

# mallopt(3), glibc
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX, _ARENA_MAX = -1, -2, -4, -8
_NEVER = -1

HEAPS = 2


def prefer_huge_pages() -> None:
    """Ask for huge pages in this process and its children, unless its owner has decided; before torch is imported."""
    for name, value in HUGE_PAGES.items():
        os.environ.setdefault(name, value)


def keep_freed_memory() -> None:
    """Let this process keep what it frees, for the next step; for one that trains until it ends.

    Its peak grew by a seventh in fcn_resnet50, as what was freed in pieces is not always found again whole. Only glibc
    is told; other C libraries have their own ways, and their defaults.
    """
    if platform.libc_ver()[0] != "glibc":
        return
    libc = ctypes.CDLL(None)
    libc.mallopt(_MMAP_MAX, 0)
    libc.mallopt(_TRIM_THRESHOLD, _NEVER)
    libc.mallopt(_TOP_PAD, 64 << 20)


def share_heaps() -> None:
    """Let the threads that this process will start take their memory from two heaps; for a server.

    Left alone, glibc gives each a heap of its own, up to eight a core. A server's threads come and go, and each that
    decodes photos leaves holes in its heap that the others do not use (docs/benchmarks.md).
    """
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).mallopt(_ARENA_MAX, HEAPS)
