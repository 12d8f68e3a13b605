import os
import signal
import threading
import time

import pytest

from db.locks import LockHeldError, hold, is_held
from tests.support.processes import FORKED


def hold_until_killed(path, ready):
    with hold(path, wait=False):
        ready.set()
        signal.pause()


@pytest.fixture
def holder(tmp_path):
    """A process that holds the lock."""
    ready = FORKED.Event()
    process = FORKED.Process(target=hold_until_killed, args=(tmp_path / "lock", ready))
    process.start()
    assert ready.wait(30)
    yield process
    process.kill()
    process.join()


def test_free_held_free(tmp_path):
    path = tmp_path / "lock"
    assert not is_held(path)
    with hold(path, wait=False):
        assert is_held(path)
        assert is_held(path)  # looking does not let go
    assert not is_held(path)


def test_who_does_not_wait_is_told_who_waits_gets_it_once_the_holder_is_killed(tmp_path, holder):
    path = tmp_path / "lock"
    assert is_held(path)
    with pytest.raises(LockHeldError, match="lock is held by another process"), hold(path, wait=False):
        pass
    threading.Timer(0.1, holder.kill).start()
    with hold(path, wait=True):
        holder.join()
        assert holder.exitcode == -signal.SIGKILL
    assert not is_held(path)


def test_being_looked_at_is_not_being_held(tmp_path):
    path = tmp_path / "lock"
    path.touch()
    stop = time.monotonic() + 0.5

    def look():
        while time.monotonic() < stop:
            is_held(path)
            time.sleep(0.001)

    lookers = [threading.Thread(target=look) for _ in range(2)]
    for looker in lookers:
        looker.start()
    while time.monotonic() < stop:
        with hold(path, wait=False):
            pass
    for looker in lookers:
        looker.join()


def test_a_program_started_by_the_holder_does_not_keep_the_lock(tmp_path):
    path = tmp_path / "lock"
    with hold(path, wait=False):
        child = os.posix_spawn("/bin/sleep", ["sleep", "30"], dict(os.environ))
    try:
        assert not is_held(path)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
