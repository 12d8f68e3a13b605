"""Images a second of an evaluation, beside the usual loop, and peak memory at two numbers of images.

    python -m benchmarks.evaluation [--data DIR/camvid] [--arch NAME ...] [--rounds N] [--device cuda]
                                    [--images 100 10000]

* **speed**: CamVid's `val` at its own 480x360; the network has random weights, the same ones in every way. The usual
  loop opens photo and class map with Pillow, normalises the photo, runs the network alone in fp32, upsamples the
  logits, and gives the argmax to torchmetrics' confusion matrix. `counts` is our evaluation without the predictions
  and without boundaries: the same figures, and per image what the pages need besides (counts, score histograms,
  entropy); `whole` stores predictions and confidences and measures boundaries, too. Model and database are ready
  before the clock starts; rounds alternate, and the first of each is left out. That both count alike is said by
  `agreement`: the share of the confusion matrix' pixels in the same cell (bf16, where it is chosen, moves a few).
* **memory**: the peak of a process of its own that evaluates a tiny network on the labelled ones (two thirds, of
  480x360) of so many generated images, ROC bins included.

Prints one JSON line each.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torchmetrics.classification import MulticlassConfusionMatrix

from benchmarks.data import camvid_folder
from benchmarks.gallery import CLASSES
from benchmarks.server_home import make_gallery
from db.home import Home
from db.session import Database, open_database
from labeling.importing.request import ImportRequest
from labeling.importing.run import import_dataset
from training.architectures import build
from training.engine.meter import peak_memory
from training.evaluation.evaluate import evaluate
from training.models.bundle import load_bundle, save_bundle
from training.models.loaded import LoadedModel
from training.models.spec import ModelSpec

IGNORED = 255
ARCHITECTURES = ("lraspp_mobilenetv3", "unet")
TINY = {"width": 4, "levels": 2}


def main() -> None:
    """Measure and print the lines."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--arch", nargs="*", default=ARCHITECTURES)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--images", type=int, nargs="*", default=[100, 10_000])
    parser.add_argument("--peak-of", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.peak_of:
        _evaluate_generated(given.peak_of)
        print(peak_memory(torch.device("cpu")))
        return
    if given.arch:
        _speed(camvid_folder(given.data), given.arch, given.rounds, given.device)
    _memory(given.images)


def _speed(camvid: Path, architectures: Sequence[str], rounds: int, device: str) -> None:
    names = (camvid / "ImageSets" / "Segmentation" / "val.txt").read_text().split()
    classes = tuple((camvid / "labels.txt").read_text().split())
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder) / "home")
        database = open_database(home)
        import_dataset(home, database, ImportRequest("voc", camvid, project="camvid", dataset="camvid"))
        for architecture in architectures:
            bundle = _bundle(Path(folder) / f"{architecture}.safetensors", architecture, classes)
            ours = partial(_ours, home, database, bundle, device)
            ways: dict[str, Callable[[], NDArray[np.int64]]] = {
                "loop": partial(_loop, camvid, names, bundle, device),
                "counts": partial(ours, whole=False),
                "whole": partial(ours, whole=True),
            }
            line = {"kind": "speed", "arch": architecture, "device": device, "images": len(names)}
            print(json.dumps(line | _in_turns(ways, rounds, len(names))), flush=True)


def _in_turns(ways: dict[str, Callable[[], NDArray[np.int64]]], rounds: int, images: int) -> dict[str, Any]:
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    counted = {}
    for _ in range(1 + rounds):
        for name, way in ways.items():
            start = time.perf_counter()
            counted[name] = way()
            seconds[name].append(time.perf_counter() - start)
    said: dict[str, Any] = {f"{name}_per_second": round(images / median(each[1:]), 2) for name, each in seconds.items()}
    for name in ("counts", "whole"):
        pairs = zip(seconds["loop"][1:], seconds[name][1:], strict=True)
        said[f"{name}_times_faster"] = [round(loop / ours, 2) for loop, ours in pairs]
    same = np.minimum(counted["loop"], counted["counts"]).sum() / counted["loop"].sum()
    return said | {"agreement": round(float(same), 5)}


def _ours(home: Home, database: Database, bundle: Path, device: str, *, whole: bool) -> NDArray[np.int64]:
    found = evaluate(
        home,
        database,
        project="camvid",
        model=str(bundle),
        dataset="camvid",
        on="val",
        device=device,
        predictions=whole,
        boundary=whole,
    )
    return found.confusion[:, :-1]


@torch.inference_mode()
def _loop(camvid: Path, names: Sequence[str], bundle: Path, device: str) -> NDArray[np.int64]:
    """Evaluate as one writes it down: an image at a time."""
    loaded = _model(bundle)
    network = loaded.module.eval().to(device)
    spec = loaded.spec
    mean = torch.tensor(spec.preprocessing.mean, device=device).view(1, 3, 1, 1)
    std = torch.tensor(spec.preprocessing.std, device=device).view(1, 3, 1, 1)
    metric = MulticlassConfusionMatrix(len(spec.classes), ignore_index=IGNORED).to(device)
    for name in names:
        photo = np.array(Image.open(camvid / "JPEGImages" / f"{name}.jpg").convert("RGB"))
        truth = torch.from_numpy(np.array(Image.open(camvid / "SegmentationClass" / f"{name}.png"))).long().to(device)
        pixels = torch.from_numpy(photo).to(device).permute(2, 0, 1)[None].float() / 255
        logits = network((pixels - mean) / std)
        logits = F.interpolate(logits, truth.shape, mode="bilinear", align_corners=False)
        metric.update(logits.argmax(1), truth[None])
    return np.asarray(metric.compute().cpu(), np.int64)


@cache
def _model(bundle: Path) -> LoadedModel:
    return load_bundle(bundle)


def _bundle(path: Path, architecture: str, classes: Sequence[str], **options: int) -> Path:
    torch.manual_seed(0)
    spec = ModelSpec(architecture=architecture, options=options, classes=tuple(classes))
    save_bundle(path, build(architecture, len(classes), **options), spec)
    return path


def _memory(counts: Sequence[int]) -> None:
    peaks = {}
    for images in counts:
        with tempfile.TemporaryDirectory() as folder:
            home = Home(Path(folder) / "home")
            make_gallery(home, open_database(home), images)
            argv = [sys.executable, "-m", "benchmarks.evaluation", "--peak-of", folder]
            said = subprocess.run(argv, check=True, capture_output=True, text=True).stdout
        peaks[f"peak_mib_at_{images}"] = round(int(said.split()[-1]) / 1024**2, 1)
    print(json.dumps({"kind": "memory", **peaks}), flush=True)


def _evaluate_generated(folder: Path) -> None:
    home = Home(folder / "home")
    database = open_database(home)
    bundle = _bundle(folder / "tiny.safetensors", "unet", [f"class {number}" for number in range(CLASSES)], **TINY)
    evaluate(
        home,
        database,
        project="benchmark",
        model=str(bundle),
        dataset="day",
        size="60x80",
        device="cpu",
        boundary=False,
    )


if __name__ == "__main__":
    main()
