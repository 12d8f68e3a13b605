"""Batches ready a second, without a model: ours against the way torchvision's references load data.

Both cut the same kind of batches out of CamVid (480x360): shorter side resized to a random 180..720, crop 240x320,
left-right flip, batches of 8; once without and once with colour jitter. The peer is the pipeline of torchvision's
references/segmentation (presets.py), said with torchvision.transforms.v2 on PIL photos, behind a DataLoader with two
worker processes. It ends with normalised float32 pixels and int64 labels; ours ends with uint8 and is normalised by
the one that trains, so the two threads that make batches here do that too and its time counts.

    python benchmarks/loader.py --data DIR/camvid

prints one JSON line a benchmark, in images a second, each the best of the rounds, which alternate.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torchvision import tv_tensors
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as F

from benchmarks.data import camvid_folder
from labeling.annotation import IGNORE
from training.architectures.contract import Preprocessing
from training.data.batches import Batch, Batches
from training.data.pack import PackSource, open_or_build
from training.data.packed import Pack
from training.data.prefetch import prefetch
from training.data.spec import BatchSpec

CROP, BATCH, CORES, JITTER = (240, 320), 8, 2, 0.2
BASE, SMALLEST, LARGEST = 360, 180, 720  # CamVid's shorter side, and what the reference makes of it: 0.5 to 2.0 of it
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class ReferenceDataset(Dataset[tuple[Tensor, Tensor]]):
    """CamVid, each image decoded and augmented anew whenever it is asked for."""

    def __init__(self, images: list[PackSource], *, jitter: float) -> None:
        self._images = images
        steps = [
            v2.RandomResize(SMALLEST, LARGEST),
            v2.RandomHorizontalFlip(0.5),
            v2.RandomCrop(CROP, pad_if_needed=True, fill={Image.Image: 0, tv_tensors.Mask: IGNORE}),
            *([v2.ColorJitter(jitter, jitter, jitter)] if jitter else []),
            v2.ToImage(),
            v2.ToDtype({tv_tensors.Image: torch.float32, tv_tensors.Mask: torch.int64, "others": None}, scale=True),
            v2.Normalize(MEAN, STD),
        ]
        self._transform = v2.Compose(steps)

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self._images)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        """Return pixels float32 (3, H, W) and labels int64 (H, W)."""
        photo = Image.open(self._images[index].photo).convert("RGB")
        mask = tv_tensors.Mask(F.pil_to_tensor(Image.open(self._images[index].class_map))[0])
        pixels, labels = self._transform(photo, mask)
        return pixels, labels


def reference_batches(images: list[PackSource], *, jitter: float) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the peer's batches without end."""
    dataset = ReferenceDataset(images, jitter=jitter)
    loader = DataLoader(
        dataset, batch_size=BATCH, shuffle=True, num_workers=CORES, drop_last=True, persistent_workers=True
    )
    while True:
        yield from loader


@dataclass(frozen=True)
class Normalised:
    """Our batches with what the training loop does to them: float32 normalised pixels, int64 labels."""

    batches: Batches
    preprocessing: Preprocessing

    def batch(self, step: int) -> Batch:
        """Return the batch of this step."""
        batch = self.batches.batch(step)
        return Batch(self.preprocessing(batch.pixels), batch.labels.long(), batch.images)


def our_batches(pack: Pack, *, jitter: float) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield our batches without end."""
    scales = tuple(short / BASE for short in range(SMALLEST, LARGEST + 1))
    spec = BatchSpec(crop=CROP, scales=scales, flip=0.5, brightness=jitter, contrast=jitter, saturation=jitter)
    batches = Normalised(Batches(pack, range(len(pack)), spec, seed=0, batch_size=BATCH), Preprocessing())
    with prefetch(batches, 0, threads=CORES) as ready:
        for batch in ready:
            yield batch.pixels, batch.labels


def images_per_second(batches: Iterator[tuple[Tensor, Tensor]], *, seconds: float) -> float:
    """Take batches for some seconds, after the first few."""
    for _ in range(2 * CORES + 4):  # start-up of workers and what they had ready
        next(batches)
    begin, images = time.perf_counter(), 0
    while (elapsed := time.perf_counter() - begin) < seconds:
        images += len(next(batches)[0])
    return images / elapsed


def camvid(folder: Path) -> list[PackSource]:
    """List CamVid's training images."""
    names = (folder / "ImageSets/Segmentation/train.txt").read_text(encoding="utf-8").split()
    return [
        PackSource(folder / f"JPEGImages/{name}.jpg", folder / f"SegmentationClass/{name}.png", key=name)
        for name in names
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="CamVid in VOC layout")
    parser.add_argument("--seconds", type=float, default=5.0, help="length of one measurement")
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each side, in turn")
    arguments = parser.parse_args()
    torch.set_num_threads(1)  # of each worker, as DataLoader has it
    images = camvid(camvid_folder(arguments.data))
    with tempfile.TemporaryDirectory() as folder:
        pack = open_or_build(images, Path(folder), mode="always")
        assert isinstance(pack, Pack)
        for name, jitter in (("loader", 0.0), ("loader with colour jitter", JITTER)):
            ours, peer = [], []
            for _ in range(arguments.rounds):
                ours.append(images_per_second(our_batches(pack, jitter=jitter), seconds=arguments.seconds))
                peer.append(images_per_second(reference_batches(images, jitter=jitter), seconds=arguments.seconds))
            figures = {"benchmark": name, "ours": round(max(ours), 1), "peer": round(max(peer), 1)}
            print(json.dumps({**figures, "ratio": round(max(ours) / max(peer), 2)}), flush=True)


if __name__ == "__main__":
    main()
