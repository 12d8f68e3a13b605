"""Batches made on the CPU."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from training.data.augment import render
from training.data.balance import balance_of
from training.data.sampling import Sample, Sampler, canvas, whole
from training.data.source import Source
from training.data.spec import BatchSpec


@dataclass(frozen=True)
class Batch:
    """The samples of one step.

    Attributes:
        pixels: uint8 (N, 3, H, W) RGB, in channels_last memory format.
        labels: uint8 (N, H, W), 0..253 or 255 for ignore.
        images: N indices into the source.
    """

    pixels: Tensor
    labels: Tensor
    images: tuple[int, ...]


class BatchMaker(Protocol):
    """What prefetching and the engine know of batches, wherever they are made."""

    def batch(self, step: int) -> Batch:
        """Return the batch of this step: the same bytes whenever, in whatever order and thread it is asked for."""


class Batches:
    """Batches made on the CPU and, where the device is another one, copied there.

    Args:
        source: photos and class maps.
        indices: the images of it to draw from; each has its turn once an epoch.
        spec: what is done to them.
        seed: decides the order and every draw.
        batch_size: samples of a step over all ranks.
        device: where batches end up.
        rank: which share of each batch is ours.
        world: number of shares.
    """

    def __init__(
        self,
        source: Source,
        indices: Sequence[int],
        spec: BatchSpec,
        *,
        seed: int,
        batch_size: int,
        device: torch.device | str = "cpu",
        rank: int = 0,
        world: int = 1,
    ) -> None:
        self._source = source
        balance = balance_of(source, indices) if spec.balance else None
        self._sampler = Sampler(source.sizes, tuple(indices), spec, seed, batch_size, rank, world, balance)
        self._device = torch.device(device)

    def batch(self, step: int) -> Batch:
        """Return the batch of this step."""
        samples = self._sampler.samples(step)
        return _collate(self._source, samples, self._sampler.size(step, samples), self._sampler.spec, self._device)


def in_order(
    source: Source, indices: Sequence[int], *, batch_size: int, device: torch.device | str = "cpu"
) -> Iterator[Batch]:
    """Yield images once each, in this order, whole and unchanged; the smaller ones of a batch are padded with ignore.

    For validation: the last batch is as short as it comes.
    """
    for first in range(0, len(indices), batch_size):
        samples = [whole(image, *source.sizes[image].tolist()) for image in indices[first : first + batch_size]]
        yield _collate(source, samples, canvas(samples), BatchSpec(), torch.device(device))


def _collate(
    source: Source, samples: Sequence[Sample], size: tuple[int, int], spec: BatchSpec, device: torch.device
) -> Batch:
    pixels, labels = (
        _to_device(torch.from_numpy(array), device) for array in render(source, samples, size, spec.padding)
    )
    return Batch(pixels.permute(0, 3, 1, 2), labels, tuple(sample.image for sample in samples))


def _to_device(tensor: Tensor, device: torch.device) -> Tensor:
    if device.type == "cpu":
        return tensor
    if device.type != "cuda":
        return tensor.to(device)
    # Pinned memory lets the copy run beside the computation of the step before. Which GPU is the current one is each
    # thread's own affair, and pinning takes memory on that one.
    with torch.cuda.device(device):
        return tensor.pin_memory().to(device, non_blocking=True)
