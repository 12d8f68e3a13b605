"""Ask for huge pages under torch's large CPU tensors.

Feature maps of many megabytes come and go every step, and the kernel clears each fresh page of 4 KiB as it is first
touched: half a million page faults in a step of fcn_resnet50, a fifth of its time (docs/benchmarks.md). With pages of
2 MiB there is next to nothing left of them. torch asks for those on Linux when this variable is set before its first
allocation (c10/core/impl/alloc_cpu.cpp); elsewhere it means nothing.
"""

from __future__ import annotations

import os

HUGE_PAGES = {"THP_MEM_ALLOC_ENABLE": "1"}
"""For the environment of a process to be."""


def prefer_huge_pages() -> None:
    """Set the variable for this process and its children, unless its owner has decided; call before torch computes."""
    for name, value in HUGE_PAGES.items():
        os.environ.setdefault(name, value)
