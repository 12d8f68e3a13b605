"""What the server's threads keep of the memory they needed once."""

import ctypes
import os
import subprocess
import sys

import pytest

from workbench.server import memory

# Threads that live at the same time and each take memory: how many heaps of glibc there are afterwards (its own report
# names each). The first one is the program's.
COUNT = """
import ctypes, sys, threading
from workbench.server.memory import share_heaps
if sys.argv[1] == "shared":
    assert share_heaps()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
together = threading.Barrier(6)
def take():
    libc.malloc(ctypes.c_size_t(1000))
    together.wait()
threads = [threading.Thread(target=take) for _ in range(6)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
libc.malloc_stats()
"""


def heaps(how):
    said = subprocess.run(
        [sys.executable, "-c", COUNT, how], env=os.environ, capture_output=True, text=True, check=True
    )
    return said.stderr.count("Arena ")


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_stats"), reason="the C library is not glibc")
def test_threads_share_two_heaps():
    assert heaps("shared") == memory.HEAPS
    assert heaps("each its own") > memory.HEAPS


def test_elsewhere_nothing_is_set(monkeypatch):
    monkeypatch.setattr(memory.sys, "platform", "darwin")
    assert not memory.share_heaps()
