"""Images trained a second: our engine against torchvision's reference way, on the same network, crop and batch.

The peer is the loop of torchvision's references/segmentation/train.py: PIL photos and its transforms behind a
DataLoader, cross-entropy of every head at the input's size, SGD, `loss.item()` every step. Two settings of it:

* **reference**: its defaults: fp32, contiguous tensors, 16 workers (its `--workers`);
* **tuned**: what someone who knows would set: the precision and memory format our engine chose, and the best of the
  worker counts in `--tuned-workers`.

    python -m benchmarks.training --data DIR/camvid [--device cuda] [--arch NAME ...] [--seconds 20] [--rounds 2]

prints one JSON line a network: images a second of each way (the best of the rounds, which alternate; each in a process
of its own), the ratios, and what our engine chose. Validation, checkpoints and the first two steps of a round are
outside the clock; counting the training's own mIoU is inside ours. A GPU is waited for before the clock is read.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import DataLoader

from benchmarks.data import camvid_folder
from benchmarks.loader import ReferenceDataset, camvid
from training.allocation import HUGE_PAGES, keep_freed_memory
from training.architectures import build
from training.architectures.contract import Architecture
from training.data.device import choose_placement, make_batches
from training.data.pack import PackSource, open_or_build
from training.data.packed import Pack
from training.engine.precision import candidates, fastest
from training.engine.probe import build_step, small_step
from training.engine.workload import Workload, batch_spec
from training.numerics import Numerics, pick_device
from training.recipe import Recipe, load_recipe

CLASSES = 11
NETWORKS: dict[str, dict[str, Any]] = {
    "fcn_resnet50": {},
    "lraspp_mobilenetv3": {},
    "unet": {"encoder": "resnet18"},
    "deeplabv2": {"depth": 18, "msc": False},
}


def ours(model: Architecture, workload: Workload, recipe: Recipe, numerics: Numerics) -> Iterator[int]:
    """Train with our engine; yield the images of each step."""
    numerics.place(model)
    step, _, _ = build_step(model, recipe, numerics, None)
    with workload.batches_from(0) as batches:
        for index, batch in enumerate(batches):
            step(index, [batch])
            yield len(batch.images)


def theirs(
    model: Architecture, images: list[PackSource], recipe: Recipe, numerics: Numerics, workers: int
) -> Iterator[int]:
    """Train as torchvision's script does; yield the images of each step."""
    numerics.place(model).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4)
    loader = DataLoader(
        ReferenceDataset(images, jitter=recipe.augment.jitter),
        batch_size=recipe.batch,
        shuffle=True,
        num_workers=workers,
        drop_last=True,
        persistent_workers=workers > 0,
        pin_memory=numerics.device.type == "cuda",
    )
    while True:
        for pixels, labels in loader:
            x = pixels.to(numerics.device, non_blocking=True).contiguous(memory_format=numerics.memory_format)
            y = labels.to(numerics.device, non_blocking=True)
            with numerics.autocast():
                loss = _their_loss(model, x, y)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call, unused-ignore]
            optimizer.step()
            loss.item()
            yield len(pixels)


def _their_loss(model: Architecture, x: Tensor, y: Tensor) -> Tensor:
    logits = model.logits(x)
    heads = [(logits.out, 1.0), *((head, model.head_weights[name]) for name, head in logits.heads.items())]
    up = [(F.interpolate(head, size=y.shape[-2:], mode="bilinear"), weight) for head, weight in heads]
    return torch.stack([weight * F.cross_entropy(head, y, ignore_index=255) for head, weight in up]).sum()


def rate(steps: Iterator[int], seconds: float, device: torch.device) -> float:
    """Return images a second, the first two steps left out."""
    next(steps)
    next(steps)
    _wait(device)
    images, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        images += next(steps)
    _wait(device)
    return images / (time.perf_counter() - start)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def run_way(name: str, way: str, images: list[PackSource], pack: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure one way of training in this process; return images a second and what it computed in."""
    device = pick_device(arguments.device)
    settings = {"optimizer.name": "sgd", "optimizer.lr": "0.01", "batch": str(arguments.batch), "loss.at": "input"}
    recipe = load_recipe("default", settings)
    torch.manual_seed(0)
    model = build(name, CLASSES, **NETWORKS[name])
    if way != "ours":
        chosen = Numerics(device, model.preprocessing, arguments.precision, arguments.channels_last)
        steps = theirs(model, images, recipe, chosen, int(way.partition("_")[2]))
        return {"rate": rate(steps, arguments.seconds, device)}
    keep_freed_memory()  # as the trainer's own process does
    source = open_or_build(images, pack, mode="always")
    assert isinstance(source, Pack)
    indices = tuple(range(len(source)))
    spec = batch_spec(recipe, model.preprocessing)
    placement = choose_placement(source, indices, device)
    batches = make_batches(source, indices, spec, seed=0, batch_size=recipe.batch, device=device, placement=placement)
    workload = Workload(source, indices, (), batches, device, placement)
    chosen = fastest(model, candidates(recipe, device, model.preprocessing), small_step(recipe, batches.batch(0)))
    found = rate(ours(model, workload, recipe, chosen), arguments.seconds, device)
    return {
        "rate": found,
        "precision": chosen.precision,
        "channels_last": chosen.channels_last,
        "placement": placement,
        "threads": torch.get_num_threads(),
    }


def in_a_process(name: str, way: str, pack: Path, arguments: argparse.Namespace, *settings: str) -> dict[str, Any]:
    """Run `run_way` in a fresh process: what one way warms up or asks of the allocator must not help another."""
    common = ["--data", str(arguments.data), "--device", arguments.device, "--batch", str(arguments.batch)]
    command = [sys.executable, "-m", "benchmarks.training", *common, "--seconds", str(arguments.seconds)]
    command += ["--arch", name, "--way", way, "--pack", str(pack), *settings]
    # Before torch is imported, as in the trainer's own process.
    environment = os.environ | (HUGE_PAGES if way == "ours" else {})
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    return json.loads(done.stdout)


def measure(name: str, pack: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure one network every way."""
    best: dict[str, float] = {}
    chosen: dict[str, Any] = {}
    for _ in range(arguments.rounds):
        found = in_a_process(name, "ours", pack, arguments)
        best["ours"] = max(best.get("ours", 0.0), found.pop("rate"))
        chosen = chosen or found
        tuned = ["--precision", chosen["precision"], *(["--channels-last"] if chosen["channels_last"] else [])]
        ways: dict[str, tuple[str, list[str]]] = {"reference": (f"theirs_{arguments.workers}", [])}
        ways |= {f"tuned_{workers}": (f"theirs_{workers}", tuned) for workers in arguments.tuned_workers}
        for label, (way, settings) in ways.items():
            best[label] = max(best.get(label, 0.0), in_a_process(name, way, pack, arguments, *settings)["rate"])
    fastest_tuned = max(value for way, value in best.items() if way.startswith("tuned"))
    line: dict[str, Any] = {"arch": name, "device": arguments.device, **chosen}
    line |= {way: round(value, 2) for way, value in best.items()}
    return line | {
        "against_reference": round(best["ours"] / best["reference"], 2),
        "against_tuned": round(best["ours"] / fastest_tuned, 2),
    }


def main() -> None:
    """Measure the networks asked for and print their lines."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="the folder of CamVid in VOC layout")
    parser.add_argument("--arch", nargs="+", choices=list(NETWORKS), default=list(NETWORKS))
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--workers", type=int, default=16)
    parser.add_argument("--tuned-workers", type=int, nargs="+", default=[1, 2])
    one = parser.add_argument_group("one way, in the process that measures it")
    one.add_argument("--way", help="ours, or theirs_N with N workers")
    one.add_argument("--pack", type=Path)
    one.add_argument("--precision", default="fp32")
    one.add_argument("--channels-last", action="store_true")
    arguments = parser.parse_args()
    arguments.data = camvid_folder(arguments.data)
    if arguments.way:
        images = camvid(arguments.data)
        print(json.dumps(run_way(arguments.arch[0], arguments.way, images, arguments.pack, arguments)))
        return
    with tempfile.TemporaryDirectory() as folder:
        for name in arguments.arch:
            print(json.dumps(measure(name, Path(folder), arguments)), flush=True)


if __name__ == "__main__":
    main()
