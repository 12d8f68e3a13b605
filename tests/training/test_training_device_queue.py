"""Who computes where: any free device will do for `auto`, and a GPU is one, from whatever home it is used."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from db.home import Home
from db.locks import hold
from training.engine.device_queue import own_device
from training.engine.failure import Stopped
from training.engine.machine import device_lock, usable_devices


def locks(folder: Path) -> dict[str, Path]:
    return {"cuda:0": folder / "one" / "0.lock", "cuda:1": folder / "1.lock"}


def test_the_first_free_device_is_taken(tmp_path: Path) -> None:
    told: list[str] = []
    with (
        own_device(locks(tmp_path), "run 1", waiting=told.append, stop=lambda: False) as first,
        own_device(locks(tmp_path), "run 2", waiting=told.append, stop=lambda: False) as second,
    ):
        assert (first, second) == ("cuda:0", "cuda:1")
        asked = iter([False, False, True])
        with (
            pytest.raises(Stopped),
            own_device(locks(tmp_path), "run 3", waiting=told.append, stop=lambda: next(asked)),
        ):
            pytest.fail("there was no device left")
    assert told == ["run 2"]
    with own_device(locks(tmp_path), "run 4", waiting=told.append, stop=lambda: False) as again:
        assert again == "cuda:0"


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    monkeypatch.setattr("torch.cuda.get_device_properties", lambda device: SimpleNamespace(uuid=f"chip{device.index}"))


@pytest.mark.usefixtures("two_gpus")
def test_two_homes_share_a_gpu_and_its_lock_but_not_that_of_the_cpu(tmp_path: Path) -> None:
    mine, yours = Home(tmp_path / "mine"), Home(tmp_path / "yours")
    auto = usable_devices("auto")
    assert list(map(str, auto)) == ["cuda:0", "cuda:1"]
    assert list(map(str, usable_devices("cuda"))) == ["cuda:0"]
    assert device_lock(auto[0], mine) == device_lock(auto[0], yours)
    assert device_lock(auto[0], mine) != device_lock(auto[1], mine)
    with ExitStack() as held:
        first = {str(device): device_lock(device, mine) for device in auto}
        held.enter_context(own_device(first, "run 1", waiting=print, stop=lambda: False))
        second = {str(device): device_lock(device, yours) for device in auto}
        assert held.enter_context(own_device(second, "run 1", waiting=print, stop=lambda: False)) == "cuda:1"
    cpu = torch.device("cpu")
    assert device_lock(cpu, mine) != device_lock(cpu, yours)
    device_lock(cpu, mine).parent.mkdir(parents=True)
    with hold(device_lock(cpu, mine), wait=False):
        pass
