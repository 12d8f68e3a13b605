"""Training on a GPU. Skipped where there is none; on a machine with one: `pytest tests/gpu`.

Speed beside the reference is measured by `python -m benchmarks.training --device cuda --data DIR/camvid`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from tests.support.runs import make_run, paint, tiny_recipe
from training.architectures import build
from training.data.batches import Batches
from training.data.device import DeviceBatches
from training.data.pack import PackSource, open_or_build
from training.data.spec import BatchSpec
from training.engine.attempt import attempt
from training.engine.events import read_events
from training.engine.probe import build_step
from training.engine.rundir import RunDirectory
from training.engine.state import load_checkpoint
from training.models.find import load_run_model
from training.numerics import Numerics

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU, and torch sees none here")

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _as_it_was(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Keep the locks of the person's own trainings, and torch's switches, out of it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    # Read when cuBLAS starts, which some test here is the first to make it do.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    yield
    torch.use_deterministic_algorithms(False)
    torch.backends.cudnn.deterministic = False


def gpu_run(folder: Path, name: str = "run", **settings: str) -> RunDirectory:
    """A run like those of the CPU's tests, large enough that convolutions take cuDNN's usual ways."""
    recipe = tiny_recipe(**{"options.width": "16", "batch": "4", "crop": "24x32", "steps": "40", **settings})
    return make_run(folder, recipe, name=name, device="cuda")


def tensors(value: Any) -> list[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        return [value]
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [tensor for child in children for tensor in tensors(child)]


@pytest.mark.parametrize("precision", ["auto", "fp32", "bf16", "fp16"])
def test_it_learns_in_every_precision_and_leaves_a_model_for_any_machine(tmp_path: Path, precision: str) -> None:
    run = gpu_run(tmp_path, precision=precision, channels_last="auto", steps="80", **{"optimizer.lr": "0.01"})
    assert attempt(run.path) == 0
    settled = yaml.safe_load(run.decisions.read_text())
    assert settled["device"] == "cuda:0"
    assert settled["placement"] == "device"
    assert settled["precision"] == (precision if precision != "auto" else settled["precision"])
    assert settled["precision"] != "fp32" or precision == "fp32"
    assert 0 < settled["peak_memory"] < torch.cuda.get_device_properties(0).total_memory
    result = run.result()
    assert result is not None
    assert result.best_miou is not None
    assert result.best_miou > 0.5
    model = load_run_model(run.best, "1:best")
    assert {value.device.type for value in model.module.state_dict().values()} == {"cpu"}


def test_killed_and_resumed_it_ends_bit_for_bit_where_one_left_alone_does(tmp_path: Path) -> None:
    settings = {"deterministic": "true", "steps": "1000", "validation.every_steps": "100", "options.dropout": "0.2"}
    whole, killed = (gpu_run(tmp_path, name, **settings) for name in ("whole", "killed"))
    assert trained(whole) == 0, whole.log.read_text()
    for file in ("command.json", "images.json", "run.yaml"):
        (killed.path / file).write_bytes((whole.path / file).read_bytes())
    child = started(killed)
    until(lambda: killed.last.exists() and load_checkpoint(killed.last)["progress"]["step"] >= 50, child)
    child.kill()
    child.wait()
    assert load_checkpoint(killed.last)["progress"]["step"] < 1000, "it was too fast to be killed"
    assert trained(killed) == 0, killed.log.read_text()
    for kind in ("last", "best"):
        one, other = (tensors(load_checkpoint(getattr(run, kind))) for run in (whole, killed))
        assert len(one) == len(other) > 0
        assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_without_the_switch_a_resumed_run_says_what_it_cannot_promise(tmp_path: Path) -> None:
    run = gpu_run(tmp_path)
    assert attempt(run.path) == 0
    assert attempt(run.path) == 0  # finds itself at its end
    warnings = [str(event.values) for event in read_events(run.events) if event.kind == "warning"]
    assert any("deterministic=true" in text for text in warnings)


@pytest.mark.parametrize("jitter", [0.0, 0.3])
def test_batches_made_on_the_gpu_show_what_those_of_the_host_do(tmp_path: Path, jitter: float) -> None:
    photos = paint(tmp_path / "a", 4, size=(40, 60)) + paint(tmp_path / "b", 3, size=(25, 31), seed=1)
    images = [PackSource(photo.photo, photo.class_map, photo.key, photo.name) for photo in photos]
    source = open_or_build(images, tmp_path / "packs")
    spec = BatchSpec(
        crop=(32, 32), scale=(0.5, 2.0), flip=0.5, brightness=jitter, contrast=jitter, saturation=jitter, hue=jitter / 3
    )
    host, gpu = (
        kind(source, range(len(source)), spec, seed=3, batch_size=4, device="cuda") for kind in (Batches, DeviceBatches)
    )
    for step in range(20):
        ours, theirs = host.batch(step), gpu.batch(step)
        assert ours.images == theirs.images
        assert ours.labels.device.type == theirs.labels.device.type == "cuda"
        assert torch.equal(ours.labels, theirs.labels)
        assert ours.pixels.stride() == theirs.pixels.stride()
        assert (ours.pixels.int() - theirs.pixels.int()).abs().max() <= (3 if jitter else 1)


def test_a_batch_made_on_the_gpu_is_the_same_every_time(tmp_path: Path) -> None:
    photos = paint(tmp_path, 4, size=(40, 60))
    source = open_or_build([PackSource(p.photo, p.class_map, p.key, p.name) for p in photos], tmp_path / "packs")
    spec = BatchSpec(crop=(32, 32), scale=(0.5, 2.0), brightness=0.3)
    batches = DeviceBatches(source, range(4), spec, seed=3, batch_size=4, device="cuda")
    first = batches.batch(7)
    assert all(torch.equal(first.pixels, batches.batch(7).pixels) for _ in range(5))


def test_memory_does_not_grow_with_steps(tmp_path: Path) -> None:
    device = torch.device("cuda", 0)
    model = build("unet", 3, width=16, levels=2)
    numerics = Numerics(device, model.preprocessing, "bf16", channels_last=True)
    numerics.place(model)
    photos = paint(tmp_path, 4, size=(64, 96))
    source = open_or_build([PackSource(p.photo, p.class_map, p.key, p.name) for p in photos], tmp_path / "packs")
    batches = DeviceBatches(source, range(4), BatchSpec(crop=(64, 64)), seed=0, batch_size=4, device=device)
    step, _, _ = build_step(model, tiny_recipe(), numerics, None)
    held = []
    for number in range(30):
        step(number, [batches.batch(number)])
        held.append(torch.cuda.memory_allocated(device))
    assert held[-1] == held[10]


def started(run: RunDirectory) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with run.log.open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "training.engine", str(run.path)], env=environment, stdout=log, stderr=log
        )


def trained(run: RunDirectory) -> int:
    return started(run).wait(300)


def until(condition: Any, child: subprocess.Popen[bytes], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert child.poll() is None, "the trainer ended"
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two GPUs")
def test_two_gpus_train_one_run(tmp_path: Path) -> None:
    alone = gpu_run(tmp_path, "alone", precision="fp32", deterministic="true", **{"options.batch_norm": "false"})
    settings = alone.command().recipe
    both = make_run(tmp_path, settings, name="both", device="cuda:0,cuda:1")
    assert [started(run).wait(300) for run in (alone, both)] == [0, 0]
    one, two = (load_checkpoint(run.last)["model"] for run in (alone, both))
    for name, tensor in one.items():
        torch.testing.assert_close(two[name], tensor, rtol=1e-2, atol=1e-3)
