"""The affinity loss, value and gradient: ours in tiles against the dense form, which keeps both matrices.

The dense form is the definition as one would write it in torch, autograd included: five (M, M) distances summed, their
exponential, P P^T and the cosine. Each measurement is a process of its own, so that its peak is its own; the peak is
what the process (on a GPU: torch's allocator) held at most beyond what it held before, so the inputs and what a first
call compiles are left out. A form that would need more than `--memory` is not run, and says so.

    python -m benchmarks.affinity [--device cuda] [--sizes 64 128 224] [--rounds 3]

prints one JSON line a size, for one photo-like image of 21 classes: seconds (the best of the rounds) and peak MiB of
each, and how far each one's gradient is from that of the dense form in float64, in multiples of its largest entry.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from training.losses.affinity import affinity_sum

CLASSES = 21
DENSE_MATRICES = 5
"""(M, M) fp32 matrices that the dense form holds at once, at least."""


def image(side: int, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Return logits, labels and colours of a scene of soft blobs."""
    generator = torch.Generator().manual_seed(0)
    coarse = torch.randn(1, CLASSES + 3, 8, 8, generator=generator)
    fine = F.interpolate(coarse, size=(side, side), mode="bicubic")
    fine += 0.1 * torch.randn(fine.shape, generator=generator)
    logits, colors = fine[:, :CLASSES] * 3, fine[:, CLASSES:].sigmoid()
    return logits.to(device), logits.argmax(dim=1).to(torch.uint8).to(device), colors.to(device)


def dense(logits: Tensor, labels: Tensor, colors: Tensor) -> Tensor:
    side = labels.shape[-1]
    where = torch.linspace(0, 0.1, side, dtype=colors.dtype, device=colors.device)
    rows, columns = torch.meshgrid(where, where, indexing="ij")
    features = torch.cat([colors[0], columns[None], rows[None]]).flatten(1)
    p = logits[0].softmax(dim=0).flatten(1).T
    distance = torch.zeros(len(p), len(p), dtype=p.dtype, device=p.device)
    for feature in features:
        distance += (feature[:, None] - feature).abs()
    affinity, predicted = (-distance).exp(), p @ p.T
    return 1 - (affinity * predicted).sum() / (affinity.norm() * predicted.norm())


def run(way: str, side: int, device: torch.device, rounds: int) -> dict[str, Any]:
    """Measure one way in this process."""
    form = affinity_sum if way == "ours" else dense
    kind = torch.float64 if way == "exact" else torch.float32
    small = image(16, device)
    torch.autograd.grad(form(small[0].requires_grad_(), *small[1:]), small[0])
    logits, labels, colors = image(side, device)
    logits, colors = logits.to(kind).requires_grad_(), colors.to(kind)
    before = held(device)
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        (gradient,) = torch.autograd.grad(form(logits, labels, colors), logits)
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        seconds.append(time.perf_counter() - start)
    peak = (held(device) - before) / 2**20
    some = gradient.flatten()[:: max(1, logits.numel() // 1000)].tolist()
    return {"seconds": min(seconds), "peak": peak, "gradient": some}


def held(device: torch.device) -> int:
    """Return the most bytes held until now."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024  # Linux counts in KiB


def in_a_process(way: str, side: int, arguments: argparse.Namespace) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.affinity", "--way", way, "--sizes", str(side)]
    command += ["--device", arguments.device, "--rounds", str(arguments.rounds)]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def measure(side: int, arguments: argparse.Namespace) -> dict[str, Any]:
    line: dict[str, Any] = {"benchmark": "affinity", "device": arguments.device, "side": side}
    needed = DENSE_MATRICES * 4 * side**4 / 2**30
    found = {"ours": in_a_process("ours", side, arguments)}
    if needed <= arguments.memory:
        found["dense"] = in_a_process("dense", side, arguments)
    for way, figures in found.items():
        line |= {f"{way}_seconds": round(figures["seconds"], 4), f"{way}_peak_mib": round(figures["peak"])}
    if needed > arguments.memory:
        return line | {"dense": f"not run: needs at least {needed:.0f} GiB"}
    line["ratio"] = round(found["dense"]["seconds"] / found["ours"]["seconds"], 2)
    if 2 * needed <= arguments.memory:
        exact = np.array(in_a_process("exact", side, arguments)["gradient"])
        for way, figures in found.items():
            line[f"{way}_error"] = float(f"{np.abs(figures['gradient'] - exact).max() / np.abs(exact).max():.1e}")
    return line


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--sizes", type=int, nargs="+", default=[64, 128, 224])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--memory", type=float, default=12, help="GiB the dense form may take")
    parser.add_argument("--way", choices=["ours", "dense", "exact"], help="one way, in the process that measures it")
    arguments = parser.parse_args()
    if arguments.way:
        print(json.dumps(run(arguments.way, arguments.sizes[0], torch.device(arguments.device), arguments.rounds)))
        return
    for side in arguments.sizes:
        print(json.dumps(measure(side, arguments)), flush=True)


if __name__ == "__main__":
    main()
