import threading
import time

import cv2
import pytest
import torch

from tests.support.sources import ArraySource
from training.data.batches import Batch, Batches
from training.data.parallel import ordered_map
from training.data.prefetch import prefetch
from training.data.spec import BatchSpec


class Recorded:
    """Batches that show the image of their step's number, made after a while; some cannot be made."""

    def __init__(self, *, seconds=0.0, broken=None):
        self.made = []
        self._seconds, self._broken = seconds, broken

    def batch(self, step):
        self.made.append(step)
        # Odd ones take longer, so that they are overtaken.
        time.sleep(self._seconds * (1 + step % 2))
        if step == self._broken:
            raise RuntimeError(f"no batch {step}")
        return Batch(torch.empty(0), torch.empty(0), (step,))


def take(batches, count):
    return [next(batches).images[0] for _ in range(count)]


def data_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("data")]


@pytest.mark.parametrize("threads", [1, 3])
def test_batches_come_in_order_from_the_first_step(threads):
    with prefetch(Recorded(seconds=0.002), 5, 4, threads=threads) as batches:
        assert take(batches, 20) == list(range(5, 25))
    assert not data_threads()


def test_threads_change_no_byte():
    source = ArraySource.noise([(40, 60), (30, 30), (25, 70)])
    spec = BatchSpec(crop=(16, 24), scale=(0.5, 2.0), flip=0.5, brightness=0.2)
    made = Batches(source, [0, 1, 2], spec, seed=0, batch_size=2)
    expected = [made.batch(step) for step in range(10)]
    for threads in (1, 4):
        with prefetch(made, 0, 4, threads=threads) as batches:
            for wanted, batch in zip(expected, batches, strict=False):
                assert batch.pixels.equal(wanted.pixels)
                assert batch.labels.equal(wanted.labels)


def test_it_runs_ahead_by_its_depth_and_no_more():
    recorded = Recorded()
    with prefetch(recorded, 0, 3, threads=2) as batches:
        next(batches)
        deadline = time.monotonic() + 5
        while len(recorded.made) < 4 and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(0.02)
        assert sorted(recorded.made) == [0, 1, 2, 3]


def test_an_error_reaches_the_consumer_in_its_place():
    with prefetch(Recorded(broken=3), 0, 4, threads=2) as batches:
        assert take(batches, 3) == [0, 1, 2]
        with pytest.raises(RuntimeError, match="no batch 3"):
            next(batches)
        with pytest.raises(StopIteration):
            next(batches)
    assert not data_threads()


def test_closing_stops_the_threads_at_once_and_twice_does_no_harm():
    batches = prefetch(Recorded(seconds=0.01), 0, 8, threads=2)
    next(batches)
    batches.close()
    batches.close()
    assert not data_threads()
    with pytest.raises(StopIteration):
        next(batches)


def test_an_error_in_the_consumer_stops_the_threads():
    with pytest.raises(ZeroDivisionError), prefetch(Recorded(), 0, 2) as batches:
        next(batches).images[0] / 0
    assert not data_threads()


def test_waiting_is_measured():
    with prefetch(Recorded(seconds=0.02), 0, 1, threads=1) as batches:
        for _ in range(4):
            next(batches)
        assert batches.wait_seconds > 0.04
    with prefetch(Recorded(), 0, 4, threads=1) as batches:
        next(batches)
        first = batches.wait_seconds
        for _ in range(5):
            time.sleep(0.02)
            next(batches)
        assert batches.wait_seconds - first < 0.05


def test_cv2s_own_threads_are_put_back():
    before = cv2.getNumThreads()
    try:
        cv2.setNumThreads(3)
        with prefetch(Recorded(), 0, 2) as batches:
            next(batches)
            assert cv2.getNumThreads() == 1
        assert cv2.getNumThreads() == 3
    finally:
        cv2.setNumThreads(before)


def test_a_depth_of_none_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        prefetch(Recorded(), 0, 0)


def test_the_results_of_finite_work_come_in_order_and_all():
    assert list(ordered_map(lambda i: i * i, range(50), threads=3, ahead=4)) == [i * i for i in range(50)]
    assert list(ordered_map(str, [], threads=3, ahead=4)) == []
