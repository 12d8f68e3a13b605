"""A trainer on another machine, known by its heartbeat alone."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

import pytest

from db.errors import UserError
from training.engine import heartbeat
from training.engine.heartbeat import NAME, SILENCE, beating, beats_elsewhere
from training.runs.files import is_alive


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder that counts as one on a network filesystem."""
    monkeypatch.setattr(heartbeat, "is_network_filesystem", lambda path: True)
    return tmp_path


def test_a_beating_heart_elsewhere_is_a_live_run(shared: Path) -> None:
    (shared / NAME).write_text("another-machine")
    assert beats_elsewhere(shared) == "another-machine"
    assert is_alive(shared)
    with pytest.raises(UserError, match="being trained on another-machine"), beating(shared):
        raise AssertionError
    assert (shared / NAME).read_text() == "another-machine"


def test_a_heart_that_stopped_is_a_dead_run(shared: Path) -> None:
    (shared / NAME).write_text("another-machine")
    stopped = time.time() - SILENCE - 1
    os.utime(shared / NAME, (stopped, stopped))
    assert not is_alive(shared)
    with beating(shared):
        assert (shared / NAME).read_text() == socket.gethostname()
        assert not is_alive(shared), "on its own machine the lock speaks"
    assert not (shared / NAME).exists()


def test_it_beats(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "PERIOD", 0.01)
    with beating(shared):
        os.utime(shared / NAME, (0, 0))
        deadline = time.monotonic() + 10
        while (shared / NAME).stat().st_mtime == 0:
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_no_heart_is_needed_on_a_disk_of_ones_own(tmp_path: Path) -> None:
    with beating(tmp_path):
        assert list(tmp_path.iterdir()) == []
