"""A trainer that is killed, anywhere, ends bit for bit where one that is left alone does."""

from __future__ import annotations

import random
import shutil
import signal
from collections.abc import Iterator
from typing import Any

import pytest
import torch

from tests.support.kill_driver import FAULTS, Driver
from tests.support.runs import make_run, tiny_recipe
from training.engine.events import read_events
from training.engine.rundir import RunDirectory
from training.engine.state import load_checkpoint
from training.runs.files import describe

STEPS = 120
SETTINGS = {
    "steps": str(STEPS),
    "checkpoint_every": "10",
    "validation.every_steps": "15",
    "accumulate": "2",
    "options.dropout": "0.2",
    "optimizer.amsgrad": "true",
    "loss.class_weights": "median_frequency",
    "augment.balance": "0.5",
}


@pytest.fixture(scope="module")
def driver() -> Iterator[Driver]:
    driver = Driver()
    yield driver
    driver.close()


@pytest.fixture(scope="module")
def untouched(driver: Driver, tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    """A run that nobody disturbed."""
    run = make_run(tmp_path_factory.mktemp("home"), tiny_recipe(**SETTINGS))
    assert driver.train(run.path) == 0, run.log.read_text()
    return run


def twin(run: RunDirectory, name: str) -> RunDirectory:
    """Return the same run before its first step, its decisions taken."""
    copy = RunDirectory(run.path.with_name(name))
    (copy.path / "checkpoints").mkdir(parents=True)
    for file in ("command.json", "images.json", "run.yaml"):
        shutil.copy(run.path / file, copy.path / file)
    return copy


def differences(a: Any, b: Any, where: str = "") -> list[str]:
    """Name everything that is not bit for bit the same."""
    if isinstance(a, torch.Tensor):
        return [] if torch.equal(a, b) and a.dtype == b.dtype else [where]
    if isinstance(a, dict):
        if a.keys() != b.keys():
            return [f"{where}: keys"]
        return [each for key in a for each in differences(a[key], b[key], f"{where}.{key}")]
    if isinstance(a, list):
        if len(a) != len(b):
            return [f"{where}: length"]
        return [each for i, (x, y) in enumerate(zip(a, b, strict=True)) for each in differences(x, y, f"{where}[{i}]")]
    return [] if a == b else [f"{where}: {a} != {b}"]


def assert_same(one: RunDirectory, other: RunDirectory) -> None:
    for kind in ("last", "best"):
        assert differences(load_checkpoint(getattr(one, kind)), load_checkpoint(getattr(other, kind))) == []
    leftovers = {path.name for path in (other.path / "checkpoints").iterdir()} - {"last.pt", "best.pt"}
    assert not leftovers
    assert pictures(one) == pictures(other)


def pictures(run: RunDirectory) -> dict[str, bytes]:
    return {str(path.relative_to(run.samples)): path.read_bytes() for path in run.samples.rglob("*") if path.is_file()}


def test_any_kill_anywhere_changes_nothing(driver: Driver, untouched: RunDirectory) -> None:
    """Deaths in chosen places and twenty at random times, then the end."""
    run = twin(untouched, "killed")
    rng = random.Random(5)
    killed = 0
    for fault in FAULTS:
        killed += driver.train(run.path, fault=fault, at=rng.randint(1, 2)) == -signal.SIGKILL
    assert killed == len(FAULTS), run.log.read_text()
    while killed < len(FAULTS) + 20 and (not run.last.exists() or _step(run) < STEPS - 10):
        code = driver.train(run.path, kill_after=rng.uniform(0.02, 0.5))
        assert code in (-signal.SIGKILL, 0), run.log.read_text()
        killed += code == -signal.SIGKILL
    assert killed >= 20
    assert describe(run.path)[0] == "interrupted"
    assert driver.train(run.path) == 0, run.log.read_text()
    assert_same(untouched, run)
    attempts = {event.attempt for event in read_events(run.events)}
    assert attempts == set(range(1, len(attempts) + 1))


def _step(run: RunDirectory) -> int:
    step: int = load_checkpoint(run.last)["progress"]["step"]
    return step
