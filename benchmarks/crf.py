"""The dense CRF beside pydensecrf2, in one run: seconds and labels.

    python -m benchmarks.crf [--data DIR/camvid] [--model FILE] [--photos N] [--rounds N] [--device cuda]

Each with the parameters that are ours by default, 10 iterations: with --model (a bundle), what that model says of
validation photos of CamVid at their own size; and smoothed noise over such photos, of 11 classes at 360x480 and of 21
at 513x513, the size that the public DeepLabv2's figures are made at. Prints a JSON line each: seconds of both (medians
of rounds that alternate, building the kernels included; a first round, which compiles or finds what was compiled, is
left out), ours with one thread and with all or on a GPU, how many times faster each of ours is, and on how many of the
pixels the labels are the same. pydensecrf2 uses one thread.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from pydensecrf.densecrf import DenseCRF2D
from torch import Tensor

from benchmarks.data import camvid_folder
from labeling.photos import read_photo
from training.crf.mean_field import refine
from training.crf.parameters import REPORTED, CrfParameters
from training.data.resample import resize_photo
from training.models.bundle import load_bundle

CASES = ((360, 480, 11), (513, 513, 21))
"""(height, width, classes) of the noise."""


def main() -> None:
    """Measure every kind of input and print its line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--photos", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--device", default="cpu")
    given = parser.parse_args()
    folder = camvid_folder(given.data)
    names = (folder / "ImageSets" / "Segmentation" / "val.txt").read_text().split()
    chosen = names[:: max(1, len(names) // given.photos)][: given.photos]
    photos = [read_photo(next((folder / "JPEGImages").glob(f"{name}.*"))) for name in chosen]
    report = partial(_report, rounds=given.rounds, device=torch.device(given.device))
    if given.model:
        report("model", [(_predicted(given.model, photo), photo) for photo in photos])
    for height, width, classes in CASES:
        sized = [resize_photo(photo, (height, width)) for photo in photos]
        report("noise", [(_noise(seed, height, width, classes), photo) for seed, photo in enumerate(sized)])


def _report(kind: str, cases: list[tuple[Tensor, NDArray[np.uint8]]], *, rounds: int, device: torch.device) -> None:
    threads = torch.get_num_threads()
    counts = {"ours_1_thread": 1, f"ours_{threads}_threads": threads} if device.type == "cpu" else {"ours_gpu": threads}
    medians: dict[str, list[float]] = {name: [] for name in ("pydensecrf2", *counts)}
    same, changed = [], []
    for probabilities, photo in cases:
        inputs = probabilities.to(device), torch.from_numpy(photo).permute(2, 0, 1)[None].to(device)
        ways: dict[str, Callable[[], NDArray[np.intp]]] = {
            "pydensecrf2": partial(_peer, probabilities[0].numpy(), photo),
            **{name: partial(_ours, *inputs, count) for name, count in counts.items()},
        }
        seconds: dict[str, list[float]] = {name: [] for name in ways}
        labels = {}
        for _ in range(1 + rounds):
            for name, way in ways.items():
                start = time.perf_counter()
                labels[name] = way()
                seconds[name].append(time.perf_counter() - start)
        for name, measured in seconds.items():
            medians[name].append(float(np.median(measured[1:])))
        theirs, *ours = labels.values()
        same.append(min(float((theirs == each).mean()) for each in ours))
        changed.append(float((theirs != probabilities[0].argmax(dim=0).numpy()).mean()))
    told = {name: float(np.mean(each)) for name, each in medians.items()}
    ratios = {f"{name}_times_faster": round(told["pydensecrf2"] / told[name], 2) for name in counts}
    height, width = cases[0][1].shape[:2]
    line = {"kind": kind, "photos": len(cases), "height": height, "width": width, "classes": cases[0][0].shape[1]}
    line |= {name: round(value, 4) for name, value in told.items()} | ratios
    line |= {"same_labels_least": round(min(same), 5), "changed_by_the_crf": round(float(np.mean(changed)), 4)}
    print(json.dumps(line), flush=True)


def _ours(probabilities: Tensor, pixels: Tensor, threads: int) -> NDArray[np.intp]:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        return refine(probabilities, pixels)[0].argmax(dim=0).cpu().numpy()
    finally:
        torch.set_num_threads(before)


def _peer(
    probabilities: NDArray[np.float32], photo: NDArray[np.uint8], wanted: CrfParameters = REPORTED
) -> NDArray[np.intp]:
    classes, height, width = probabilities.shape
    crf = DenseCRF2D(width, height, classes)
    crf.setUnaryEnergy(np.ascontiguousarray(-np.log(np.clip(probabilities, 1e-5, 1)).reshape(classes, -1)))
    crf.addPairwiseGaussian(sxy=wanted.smoothness_xy, compat=wanted.smoothness)
    xy, rgb = wanted.appearance_xy, wanted.appearance_rgb
    crf.addPairwiseBilateral(sxy=xy, srgb=rgb, rgbim=np.ascontiguousarray(photo), compat=wanted.appearance)
    return np.array(crf.inference(wanted.iterations)).reshape(classes, height, width).argmax(axis=0)


@torch.inference_mode()
def _predicted(bundle: Path, photo: NDArray[np.uint8]) -> Tensor:
    model = load_bundle(bundle)
    pixels = torch.from_numpy(photo).permute(2, 0, 1)[None]
    return model.module.eval()(model.spec.preprocessing(pixels)).float().softmax(dim=1)


def _noise(seed: int, height: int, width: int, classes: int) -> Tensor:
    coarse = 2 * torch.randn(1, classes, 20, 20, generator=torch.Generator().manual_seed(seed))
    return F.interpolate(coarse, size=(height, width), mode="bilinear").softmax(dim=1)


if __name__ == "__main__":
    main()
