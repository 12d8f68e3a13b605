"""A trainer's attempt: what it leaves behind when it ends well, when it is asked to stop, and when something breaks."""

from __future__ import annotations

import errno
import os
import signal
import time
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
import yaml

from db.home import Home
from db.locks import hold
from tests.support.runs import CLASSES, make_run, tiny_recipe
from training.architectures import build
from training.data.batches import Batch, BatchMaker
from training.data.device import Placement, make_batches
from training.engine import attempt as attempt_module
from training.engine import events, loop, state, workload
from training.engine.attempt import attempt
from training.engine.events import Event, EventWriter, follow, read_events
from training.engine.length import Length, plan
from training.engine.machine import device_lock
from training.engine.meter import Meter
from training.engine.precision import candidates, fastest
from training.engine.probe import Speed, build_step
from training.engine.rundir import RunDirectory
from training.engine.state import load_checkpoint
from training.engine.step import Outcome, Step
from training.engine.validate import validate
from training.models.find import load_run_model as load_model
from training.models.spec import Ancestor
from training.numerics import Numerics
from training.recipe import Recipe, load_recipe


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)  # the tiny networks gain nothing from more


def kinds(run: RunDirectory) -> list[str]:
    return [event.kind for event in read_events(run.events)]


def saved_step(run: RunDirectory) -> int:
    step: int = load_checkpoint(run.last)["progress"]["step"]
    return step


def at_step(monkeypatch: pytest.MonkeyPatch, number: int, action: Any) -> None:
    """Have `action(outcome)` stand in for what optimiser step `number` (from 0) returns; the probe is left alone."""
    run = loop.Training.run
    step = Step.__call__

    def running(training: loop.Training) -> str:
        def deadly(self: Step, index: int, batches: list[Batch]) -> Outcome:
            outcome = step(self, index, batches)
            return action(outcome) or outcome if index == number else outcome

        monkeypatch.setattr(Step, "__call__", deadly)
        return run(training)

    monkeypatch.setattr(loop.Training, "run", running)


def test_a_run_learns_and_leaves_models_behind(tmp_path: Path) -> None:
    run = make_run(tmp_path, tiny_recipe(steps="60", **{"optimizer.lr": "0.02", "augment.jitter": "0"}))
    assert attempt(run.path) == 0
    result = run.result()
    assert result is not None
    assert (result.state, result.step, result.init) == ("finished", 60, "scratch (random weights)")
    assert result.best_miou is not None
    assert result.best_miou > 0.5
    preparing = [event.values["what"] for event in read_events(run.events) if event.kind == "preparing"]
    assert preparing[0] == "on cpu"
    assert preparing[-1] == "measuring how fast it trains"  # after which only `started` is waited for
    assert "counting the pixels of each class" in preparing
    assert set(kinds(run)) >= {"attempt", "init", "preparing", "started", "step", "validation", "checkpoint", "end"}
    for path in (run.last, run.best):
        model = load_model(path, "1:last")
        assert model.spec.classes == CLASSES
        trained = model.spec.lineage[-1]
        assert isinstance(trained, Ancestor)
        assert trained.on == "train"
        averaged = torch.load(path, weights_only=True)["ema"]
        assert all(torch.equal(value, averaged[key]) for key, value in model.module.state_dict().items())
    assert load_model(run.best, "1:best").spec.metrics["miou"] == pytest.approx(result.best_miou)
    assert not (run.path / ".reserve").exists()


def test_without_validation_images_the_last_is_the_model(tmp_path: Path) -> None:
    run = make_run(tmp_path, tiny_recipe(steps="5"), val=0)
    assert attempt(run.path) == 0
    assert run.last.exists()
    assert not run.best.exists()
    assert any("No image has role val" in str(event.values) for event in read_events(run.events))


@pytest.mark.parametrize(("train", "crop"), [(1, "16x16"), (2, "none"), (1, "64x64")])
def test_one_or_two_images_and_any_crop_will_do(tmp_path: Path, train: int, crop: str) -> None:
    run = make_run(tmp_path, tiny_recipe(steps="3", crop=crop), train=train, val=1)
    assert attempt(run.path) == 0


def test_early_stop_counts_validations_without_gain(tmp_path: Path) -> None:
    settings = {"validation.every_steps": "5", "early_stop.patience": "2", "early_stop.min_delta": "1"}
    run = make_run(tmp_path, tiny_recipe(**settings))
    assert attempt(run.path) == 0
    result = run.result()
    assert result is not None
    assert result.step == 15
    assert "Stopped early" in result.sentence


@pytest.mark.parametrize(("asked", "state_"), [("signal", "interrupted"), ("flag", "stopped")])
def test_asked_to_stop_it_finishes_the_step_and_saves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: str, state_: str
) -> None:
    run = make_run(tmp_path, tiny_recipe())

    def ask(outcome: Outcome) -> None:
        if asked == "signal":
            os.kill(os.getpid(), signal.SIGTERM)
        else:
            run.stop_flag.touch()

    at_step(monkeypatch, 6, ask)
    assert attempt(run.path) == 75
    result = run.result()
    assert result is not None
    assert (result.state, result.step, saved_step(run)) == (state_, 7, 7)
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    monkeypatch.undo()
    run.stop_flag.unlink(missing_ok=True)
    assert attempt(run.path) == 0
    assert saved_step(run) == 40


def test_a_wish_to_stop_that_an_earlier_attempt_met_does_not_stop_the_next(tmp_path: Path) -> None:
    run = make_run(tmp_path, tiny_recipe(steps="5"))
    run.stop_flag.touch()
    assert attempt(run.path) == 0
    assert not run.stop_flag.exists()


def test_weights_without_a_validation_of_their_own_claim_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run(tmp_path, tiny_recipe(**{"validation.every_steps": "5"}))
    at_step(monkeypatch, 6, lambda outcome: run.stop_flag.touch())
    assert attempt(run.path) == 75
    assert load_model(run.best, "1:best").spec.metrics["miou"] is not None
    assert load_model(run.last, "1:last").spec.metrics == {"step": 7, "miou": None}


def test_where_batches_are_made_is_settled_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run(tmp_path, tiny_recipe(steps="12"))
    used: list[str] = []

    def making(*arguments: Any, placement: Placement, **options: Any) -> BatchMaker:
        used.append(placement)
        return make_batches(*arguments, placement=placement, **options)

    monkeypatch.setattr(workload, "make_batches", making)
    with monkeypatch.context() as roomy:
        roomy.setattr(workload, "choose_placement", lambda *arguments: "device")
        assert attempt(run.path, prepare_only=True) == 0
    assert yaml.safe_load(run.decisions.read_text())["placement"] == "device"
    assert attempt(run.path) == 0
    assert used == ["device", "device"]


@pytest.mark.parametrize(
    ("owner", "said"),
    [
        ("run 7", "A training (run 7) has the device; the estimate waits for it."),
        ("an estimate", "Another estimate has the device; this one waits for it."),
    ],
)
def test_an_estimate_says_what_it_waits_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: str, said: str
) -> None:
    run = make_run(tmp_path, tiny_recipe())
    lock = device_lock(torch.device("cpu"), Home(tmp_path))
    lock.parent.mkdir(parents=True)
    lock.with_suffix(".owner").write_text(owner)

    def stop_when_queued(event: Event) -> None:
        if event.kind == "queued":
            run.stop_flag.touch()

    monkeypatch.setattr(attempt_module, "_print", stop_when_queued)
    with hold(lock, wait=False):
        assert attempt(run.path, prepare_only=True) == 75
    assert [event.values["text"] for event in read_events(run.events) if event.kind == "queued"] == [said]
    lock.with_suffix(".owner").unlink()
    run.stop_flag.unlink()
    assert attempt(run.path, prepare_only=True) == 0
    assert lock.with_suffix(".owner").read_text() == "an estimate"


def test_frozen_statistics_of_random_weights_are_refused(tmp_path: Path) -> None:
    run = make_run(tmp_path, tiny_recipe(frozen_bn="true"))
    assert "frozen_bn=false" in failed(run, code=2)


def test_what_the_device_still_has_to_do_counts_as_training() -> None:
    class Late(torch.Tensor):
        def item(self) -> float:
            time.sleep(0.05)
            return 1.0

    meter = Meter(torch.device("cpu"))
    loss = torch.zeros(()).as_subclass(Late)  # type: ignore[no-untyped-call, unused-ignore]
    meter.add(Outcome(loss, torch.zeros((2, 2), dtype=torch.int64)), 4, 0.0, 0.0)
    meter.loss()
    assert meter.trained >= 0.05


def test_stopped_in_a_validation_it_validates_when_resumed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run(tmp_path, tiny_recipe(**{"validation.every_steps": "5", "checkpoint_every": "50"}))

    def interrupted(*args: Any, **options: Any) -> Any:
        run.stop_flag.touch()
        return validate(*args, **options)

    monkeypatch.setattr("training.engine.loop.validate", interrupted)
    assert attempt(run.path) == 75
    assert load_checkpoint(run.last)["progress"]["history"] == []
    monkeypatch.undo()
    run.stop_flag.unlink()
    assert attempt(run.path) == 0
    assert [entry["step"] for entry in load_checkpoint(run.last)["progress"]["history"]] == list(range(5, 41, 5))


def failed(run: RunDirectory, *, code: int = 1) -> str:
    """Train, check that the run failed as it should, and return its sentence."""
    assert attempt(run.path) == code
    result = run.result()
    assert result is not None
    assert result.state == "failed"
    assert kinds(run)[-1] == "end"
    assert "Traceback" not in result.sentence
    return result.sentence


def test_a_loss_that_is_no_number_ends_it_with_the_last_checkpoint_intact(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(tmp_path, tiny_recipe())
    at_step(monkeypatch, 24, lambda outcome: Outcome(outcome.loss * float("nan"), outcome.counts))
    assert "The loss is not a number" in failed(run)
    assert saved_step(run) == 20
    monkeypatch.undo()
    assert attempt(run.path) == 0


def test_a_learning_rate_out_of_this_world_is_named_as_the_cause(tmp_path: Path) -> None:
    run = make_run(
        tmp_path, tiny_recipe(**{"optimizer.name": "sgd", "optimizer.lr": "1e30", "schedule.warmup_steps": "0"})
    )
    assert "learning rate" in failed(run)
    assert not run.last.exists()


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:117] . DefaultCPUAllocator: can't allocate memory"),
    ],
)
def test_too_little_memory_says_what_helps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(outcome: Outcome) -> None:
        raise error

    run = make_run(tmp_path, tiny_recipe())
    at_step(monkeypatch, 14, fail)
    assert "smaller batch" in failed(run)
    assert saved_step(run) == 10


def test_a_label_that_is_no_class_is_found_before_the_first_step(tmp_path: Path) -> None:
    run = make_run(tmp_path, tiny_recipe())
    labels = np.zeros((24, 32), np.uint8)
    labels[3, 4] = 7
    cv2.imwrite(str(run.images().train[2].class_map), labels)
    sentence = failed(run, code=2)
    assert run.images().train[2].name in sentence
    assert "7" in sentence
    assert "step" not in kinds(run)


class _Full:
    """A file on a disk that fills up after some bytes."""

    def __init__(self, file: Any, room: int) -> None:
        self._file, self._room = file, room

    def write(self, data: bytes) -> int:
        self._room -= len(data)
        if self._room < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        written: int = self._file.write(data)
        return written

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


@pytest.mark.parametrize("room", [0, 5000, 30000])
def test_a_disk_full_at_a_checkpoint_leaves_the_earlier_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    run = make_run(tmp_path, tiny_recipe(**{"validation.every_steps": "100"}))
    save = state.save_checkpoint
    calls = 0

    def filling(path: Path, content: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            real = torch.save
            monkeypatch.setattr("torch.save", lambda content, file: real(content, _Full(file, room)))
        save(path, content)

    monkeypatch.setattr(state, "save_checkpoint", filling)
    assert "disk is full" in failed(run)
    assert saved_step(run) == 10
    assert [path.name for path in (run.path / "checkpoints").iterdir()] == ["last.pt"]
    monkeypatch.undo()
    assert attempt(run.path) == 0


def test_a_disk_full_at_an_event_is_told_from_the_space_set_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(tmp_path, tiny_recipe())

    class FullDisk:
        @staticmethod
        def write(descriptor: int, data: bytes) -> int:
            if b'"checkpoint"' in data and (run.path / ".reserve").exists():
                os.write(descriptor, data[:10])
                raise OSError(errno.ENOSPC, "No space left on device")
            return os.write(descriptor, data)

        def __getattr__(self, name: str) -> Any:
            return getattr(os, name)

    monkeypatch.setattr(events, "os", FullDisk())
    assert "disk is full" in failed(run)
    assert run.events.read_bytes().endswith(b"\n")
    assert saved_step(run) == 10


def test_a_bug_of_ours_is_called_one_and_leaves_a_traceback_in_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(outcome: Outcome) -> None:
        raise KeyError("layer9")

    run = make_run(tmp_path, tiny_recipe())
    at_step(monkeypatch, 3, fail)
    assert "error of the workbench itself" in failed(run)
    assert "Traceback" in capsys.readouterr().err


def test_a_damaged_checkpoint_is_named(tmp_path: Path) -> None:
    run = make_run(tmp_path, tiny_recipe(steps="5"))
    assert attempt(run.path) == 0
    run.last.write_bytes(run.last.read_bytes()[:1000])
    assert "last.pt cannot be read" in failed(run, code=2)


def test_other_versions_are_a_warning_and_no_refusal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run(tmp_path, tiny_recipe())
    at_step(monkeypatch, 11, lambda outcome: run.stop_flag.touch())
    assert attempt(run.path) == 75
    run.stop_flag.unlink()
    document = yaml.safe_load(run.decisions.read_text())
    document["machine"]["torch"] = "1.0"
    run.decisions.write_text(yaml.safe_dump(document))
    monkeypatch.undo()
    assert attempt(run.path) == 0
    assert any("torch was 1.0" in str(event.values) for event in read_events(run.events) if event.kind == "warning")


def test_a_second_trainer_is_refused_by_the_lock(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = make_run(tmp_path, tiny_recipe())
    with hold(run.lock, wait=False):
        assert attempt(run.path) == 2
    assert "already running" in capsys.readouterr().err
    assert not run.events.exists()
    assert attempt(tmp_path / "nowhere") == 2


def test_preparing_alone_settles_everything_and_trains_nothing(tmp_path: Path) -> None:
    run = make_run(tmp_path, tiny_recipe(steps="none", epochs="4", precision="auto", channels_last="auto"))
    assert attempt(run.path, prepare_only=True) == 0
    settled = run.decisions.read_text()
    assert yaml.safe_load(settled)["steps"] == 12
    assert "step" not in kinds(run)
    assert attempt(run.path) == 0
    assert run.decisions.read_text() == settled
    assert saved_step(run) == 12


def test_accumulated_passes_are_one_large_batch() -> None:
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (4, 3, 16, 16), generator=generator, dtype=torch.uint8)
    labels = torch.randint(0, 3, (4, 16, 16), generator=generator, dtype=torch.uint8)
    labels[0, :12] = 255
    recipe = tiny_recipe(**{"optimizer.name": "sgd"})
    results = []
    for parts in (1, 2):
        torch.manual_seed(0)
        model = build("unet", 3, width=4, levels=1, batch_norm=False)
        numerics = Numerics(torch.device("cpu"), model.preprocessing)
        step, _, _ = build_step(model, recipe, numerics, None)
        each = 4 // parts
        batches = [Batch(pixels[i : i + each], labels[i : i + each], (0,) * each) for i in range(0, 4, each)]
        results.append((step(0, batches).loss, model.state_dict()))
    torch.testing.assert_close(results[0], results[1])


def test_the_fastest_way_is_kept_and_the_network_is_left_alone() -> None:
    model = build("unet", 3, width=2, levels=1)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    options = candidates(Recipe(channels_last="auto", precision="fp32"), torch.device("cpu"), model.preprocessing)
    assert [option.channels_last for option in options] == [True, False]
    clock = iter(range(1000))
    monotone = {True: 0.0, False: 0.02}

    def step(twin: Any, numerics: Numerics) -> None:
        import time

        next(clock)
        assert twin is not model
        time.sleep(monotone[numerics.channels_last])

    assert fastest(model, options, step).channels_last is True
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())


SPEED = Speed(step=0.5, validation=6.0, memory=1)


def _length(*, validation_images: int = 10, used: float = 0, **settings: str) -> Length:
    return plan(
        load_recipe("default", settings),
        images=80,
        validation_images=validation_images,
        speed=SPEED,
        seconds_used=used,
    )


def test_lengths_in_every_unit() -> None:
    assert _length(steps="7").steps == 7
    assert _length(epochs="3").steps == 30  # 80 images in batches of 8
    assert _length(epochs="3", accumulate="2").steps == 15
    minutes = _length(minutes="10", used=60)
    assert minutes.steps * SPEED.step + minutes.steps / (minutes.validate_every or 1) * SPEED.validation < 600 - 60
    assert _length(minutes="0.001").steps == 1
    assert _length(steps="100", validation_images=0).validate_every is None
    assert _length(steps="100").validate_every == 80  # validations may take 15 % of the time unasked
    assert _length(steps="100", validation="{every_epochs: 0.5}").validate_every == 5
    assert _length(steps="100").checkpoint_every == 120  # a minute


def test_an_encoder_that_thaws_is_planned_with() -> None:
    frozen = partial(_length, freeze_encoder="true", thaw_at="0.25")
    assert frozen(steps="100").thaw_step == 25
    assert frozen(steps="1").thaw_step == 1  # the only step is a frozen one
    assert _length(steps="100").thaw_step is None


def test_readers_leave_out_a_line_that_is_still_being_written(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    writer = EventWriter(path)
    writer.write("attempt", pid=1)
    writer.write("step", loss=float("nan"))
    with path.open("ab") as file:
        file.write(b'{"kind": "step", "att')
    found, position = follow(path, 0)
    assert [(event.kind, event.attempt) for event in found] == [("attempt", 1), ("step", 1)]
    assert found[1].values["loss"] is None
    again = EventWriter(path)
    again.write("attempt", pid=2)
    later, _ = follow(path, position)
    assert [(event.kind, event.attempt) for event in later] == [("attempt", 2)]
    assert attempt_module.RESERVE > 0


def test_a_short_training_leaves_a_network_that_can_be_tested(tmp_path: Path) -> None:
    """Statistics that follow too slowly give a network that is good on its batches and useless by itself."""
    settings = {"batch": "4", "crop": "24x32", "augment.scale": "0.8,1.2", "optimizer.lr": "0.005", "steps": "60"}
    fixed = {"init": "scratch", "precision": "fp32", "channels_last": "false", "validation.every_steps": "60"}
    run = make_run(tmp_path, load_recipe("default", {**settings, **fixed}), architecture="lraspp_mobilenetv3")
    assert attempt(run.path) == 0
    result = run.result()
    assert result is not None
    assert result.best_miou is not None
    assert result.best_miou > 0.4
