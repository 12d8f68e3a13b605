"""How a process gets its memory."""

import ctypes
import os
import platform
import subprocess
import sys

import pytest

from training.allocation import HEAPS, share_heaps

# Threads that live at the same time and each take memory: how many heaps of glibc there are afterwards (its own report
# names each). The first one is the program's.
COUNT = """
import ctypes, sys, threading
from training.allocation import share_heaps
if sys.argv[1] == "shared":
    share_heaps()
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


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is another one")
def test_threads_share_two_heaps():
    assert heaps("shared") == HEAPS
    assert heaps("each its own") > HEAPS


def test_another_c_library_is_left_alone(monkeypatch):
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    monkeypatch.setattr(ctypes, "CDLL", None)
    share_heaps()
