"""An encoder that is frozen first and thaws later: what moves when, and that no interruption shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from tests.support.runs import make_run, tiny_recipe
from tests.training.test_training_ranks import start
from training.architectures import build
from training.architectures.contract import Architecture
from training.data.batches import Batch
from training.engine import loop, probe
from training.engine.attempt import attempt
from training.engine.events import read_events
from training.engine.prepare import INIT_STEP
from training.engine.probe import Speed
from training.engine.rundir import EXIT_OK, EXIT_RESUME, RunDirectory
from training.engine.state import load_checkpoint
from training.engine.step import Outcome, Step, draw_seed
from training.recipe import load_recipe

THAW, STEPS = 6, 12
SETTINGS = {
    "freeze_encoder": "true",
    "thaw_at": str(THAW / STEPS),
    "steps": str(STEPS),
    "checkpoint_every": "3",
    "validation.every_steps": "6",
    "options.dropout": "0.2",
    "optimizer.layer_decay": "0.5",
    "accumulate": "2",
}


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody measure: what is decided does not hang on it."""
    monkeypatch.setattr(probe, "SECONDS", 0.0)


def stop_after(monkeypatch: pytest.MonkeyPatch, run: RunDirectory, number: int) -> None:
    """Ask to stop while step `number`, from 1, is done; the probe is left alone."""
    original, step = loop.Training.run, Step.__call__

    def running(training: loop.Training) -> str:
        def watched(self: Step, index: int, batches: list[Batch]) -> Outcome:
            if index == number - 1:
                run.stop_flag.touch()
            return step(self, index, batches)

        monkeypatch.setattr(Step, "__call__", watched)
        return original(training)

    monkeypatch.setattr(loop.Training, "run", running)


def encoder(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: value for name, value in state.items() if name.startswith("contracting.")}


def same(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


@pytest.mark.usefixtures("_quick")
@pytest.mark.parametrize("broken_at", [THAW - 1, THAW, THAW + 1])
def test_it_moves_from_the_thaw_on_whenever_the_training_is_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken_at: int
) -> None:
    untouched = make_run(tmp_path / "one", tiny_recipe(**SETTINGS))
    assert attempt(untouched.path) == EXIT_OK
    run = make_run(tmp_path / "two", tiny_recipe(**SETTINGS))
    with monkeypatch.context() as patch:
        stop_after(patch, run, broken_at)
        assert attempt(run.path) == EXIT_RESUME
    halfway = load_checkpoint(run.last)
    assert halfway["progress"]["step"] == broken_at
    torch.manual_seed(draw_seed(0, INIT_STEP))
    drawn = build("unet", 3, width=4, levels=2, dropout=0.2).encoder().state_dict()
    held = encoder(halfway["model"])
    moved = [name for name, value in held.items() if not torch.equal(value, drawn[name.removeprefix("contracting.")])]
    # Parameters, and batch normalisation's statistics with them.
    assert (len(moved) == 0) is (broken_at <= THAW)
    assert len(moved) in (0, len(held))
    run.stop_flag.unlink()
    assert attempt(run.path) == EXIT_OK
    assert same(load_checkpoint(untouched.last), load_checkpoint(run.last))
    told = [event.values for event in read_events(untouched.events) if event.kind == "thaw"]
    assert told == [{"step": THAW, "text": f"Step {THAW}: the encoder has thawed and learns from here on."}]


def test_several_processes_thaw_together(tmp_path: Path) -> None:
    settings = {
        **SETTINGS,
        "batch": "3",
        "options.batch_norm": "false",
        "options.dropout": "0",
        "optimizer.name": "sgd",
    }
    alone = make_run(tmp_path / "one", tiny_recipe(**settings))
    together = make_run(tmp_path / "two", tiny_recipe(**settings), device="cpu,cpu")
    trainers = [start(alone), start(together)]
    assert [trainer.wait(120) for trainer in trainers] == [EXIT_OK, EXIT_OK], together.log.read_text()
    for name, value in load_checkpoint(alone.last)["model"].items():
        torch.testing.assert_close(load_checkpoint(together.last)["model"][name], value, rtol=1e-3, atol=1e-4)


def test_the_slower_part_is_measured_and_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that only goes where the encoder learns: of a quarter frozen, the mean is three quarters."""
    clock = [0.0]
    original = Step.__call__

    def timed(self: Step, index: int, batches: list[Batch]) -> Outcome:
        outcome = original(self, index, batches)
        model: Architecture = self._model
        clock[0] += 4.0 if next(model.encoder().parameters()).requires_grad else 1.0
        return outcome

    monkeypatch.setattr(Step, "__call__", timed)
    monkeypatch.setattr("training.engine.probe.time.perf_counter", lambda: clock[0])
    found: list[Speed] = []
    measure = probe.measure

    def noted(*arguments: Any) -> Speed:
        found.append(measure(*arguments))
        return found[-1]

    monkeypatch.setattr("training.engine.prepare.measure", noted)
    run = make_run(tmp_path, tiny_recipe(**{**SETTINGS, "thaw_at": "0.25"}), val=0)
    assert attempt(run.path, prepare_only=True) == EXIT_OK
    assert (found[0].step, found[0].thawed) == (0.25 * 1 + 0.75 * 4, 4.0)


def test_thawing_what_is_not_frozen_is_refused() -> None:
    with pytest.raises(Exception, match="set freeze_encoder=true"):
        load_recipe("default", {"thaw_at": "0.5"})
