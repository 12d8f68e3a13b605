"""Fixtures shared by all tests."""

import os
import signal

# Where tests run in the background, Ctrl-C may be ignored, and children inherit that: trainers must hear it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# One thread a process, of ours and of those that tests start: several test processes with a thread pool each wait for
# one another more than they compute. Before anything loads torch.
os.environ["OMP_NUM_THREADS"] = "1"

from pathlib import Path

# Trainers are started with -P, which leaves out the current folder: they find this tree also where it is not installed.
os.environ["PYTHONPATH"] = str(Path(__file__).parents[1])

import pytest
from hypothesis import HealthCheck, settings

# What is tested is whether code is right, not how busy the machine is.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
if not os.environ.get("CI"):  # there hypothesis has a profile of its own, which draws the same examples every time
    settings.load_profile("unhurried")


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder of real data (CamVid, labelme's sample, reference outputs) that WORKBENCH_TEST_DATA names."""
    folder = os.environ.get("WORKBENCH_TEST_DATA")
    if not folder:
        pytest.skip("WORKBENCH_TEST_DATA is not set: real-data tests need the folder with camvid/, labelme_voc/, ...")
    path = Path(folder)
    if not path.is_dir():
        pytest.fail(f"WORKBENCH_TEST_DATA names {path}, which is not a folder")
    return path
