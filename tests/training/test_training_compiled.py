"""Compiled loops: what was compiled is kept for the next process, and nothing fails where it cannot be."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

LOOP = """
from training.compiled import compiled

@compiled
def twice(number):
    return 2 * number

print(twice(21), sum(twice.stats.cache_hits.values()))
"""


def run(folder: Path) -> str:
    command = [sys.executable, str(folder / "loop.py")]
    root = Path(__file__).parents[2]
    environment = {"PATH": "", "PYTHONPATH": str(root), "NUMBA_CACHE_DIR": "", "HOME": str(folder / "nowhere")}
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout


def test_the_next_process_finds_what_was_compiled(tmp_path: Path) -> None:
    (tmp_path / "loop.py").write_text(LOOP)
    assert run(tmp_path) == "42 0\n"
    assert run(tmp_path) == "42 1\n"


def test_where_no_folder_can_be_written_it_is_compiled_again(tmp_path: Path) -> None:
    (tmp_path / "loop.py").write_text(LOOP)
    for name in ("__pycache__", "nowhere"):  # files where folders would be: not even root can write into them
        (tmp_path / name).write_text("")
    assert run(tmp_path) == "42 0\n"
    assert run(tmp_path) == "42 0\n"
