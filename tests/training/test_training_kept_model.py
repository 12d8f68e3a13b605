"""The model kept for the next photo: loaded once, and let go when nobody has used it for a while."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from db.home import Home
from db.session import open_database
from tests.support.tiny_models import LocalNet, loaded
from training.models.loaded import LoadedModel
from training.prediction.kept_model import IDLE_SECONDS, KeptModel
from training.prediction.size import Size


class Clock:
    """Time that a test lets pass; what is to be done later is done as it does."""

    def __init__(self) -> None:
        self.now = 0.0
        self.due: list[tuple[float, Callable[[], None]]] = []

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        self.due.append((self.now + seconds, action))

    def pass_by(self, seconds: float) -> None:
        self.now += seconds
        ripe, self.due = ([a for a in self.due if (a[0] <= self.now) is ready] for ready in (True, False))
        for _, action in ripe:
            action()


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[LoadedModel]:
    """The models that were read from their file, `1:best`."""
    read: list[LoadedModel] = []
    file = tmp_path / "best.pt"
    file.write_bytes(b"weights")

    def load(_: object) -> LoadedModel:
        read.append(loaded(LocalNet(3)))
        return read[-1]

    monkeypatch.setattr("training.prediction.kept_model.find_model_file", lambda *_, **__: SimpleNamespace(path=file))
    monkeypatch.setattr("training.prediction.kept_model.load_model_file", load)
    monkeypatch.setattr("training.prediction.kept_model.pick_device", lambda _: torch.device("cpu"))
    return read


def test_a_model_is_let_go_once_nobody_used_it_for_a_while(tmp_path: Path, read: list[LoadedModel]) -> None:
    clock, home = Clock(), Home(tmp_path)
    database = open_database(home)
    kept = KeptModel(clock=lambda: clock.now, later=clock.later)

    def use() -> None:
        kept.predict(home, database, "p", "1:best", np.zeros((8, 8, 3), np.uint8), Size(), precision="fp32")

    use()
    clock.pass_by(0.9 * IDLE_SECONDS)
    use()
    clock.pass_by(0.9 * IDLE_SECONDS)
    use()  # not later than that after the one before
    assert (len(read), len(clock.due)) == (1, 1)
    module = weakref.ref(read.pop().module)
    clock.pass_by(0.5 * IDLE_SECONDS)
    assert module() is not None
    clock.pass_by(0.5 * IDLE_SECONDS)
    assert clock.due == []
    gc.collect()
    assert module() is None

    use()  # and again
    assert (len(read), len(clock.due)) == (1, 1)
