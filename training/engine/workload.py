"""The images of a run, ready to be drawn from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from db.errors import UserError
from labeling.progress import Progress
from training.architectures.contract import Preprocessing
from training.data.batches import BatchMaker
from training.data.device import Placement, choose_placement, make_batches
from training.data.pack import check_labels, open_or_build
from training.data.packed import Pack
from training.data.prefetch import Prefetcher, prefetch
from training.data.sizes import Resize
from training.data.source import Source
from training.data.spec import BatchSpec
from training.engine.photos import pack_source
from training.engine.ranks import ALONE, Ranks
from training.engine.rundir import Images
from training.recipe import Recipe


@dataclass(frozen=True)
class Workload:
    """What a run trains and is validated on.

    Attributes:
        source: photos and class maps at their working size.
        train: indices of the images trained on.
        val: indices of the images validated on; may be empty.
        batches: makes the training's batches.
        device: where batches end up.
        placement: where they are made.
    """

    source: Source
    train: tuple[int, ...]
    val: tuple[int, ...]
    batches: BatchMaker
    device: torch.device
    placement: Placement = "host"

    def batches_from(self, index: int) -> Prefetcher:
        """Make batches ahead, beginning with this one; use as a context manager."""
        # Cutting a batch out of a pack costs a few ms: one thread does, and more would take cores from the network.
        # Where the device makes them, a thread only tells it to.
        one_is_enough = self.placement == "device" or (self.device.type == "cpu" and isinstance(self.source, Pack))
        return prefetch(self.batches, index, depth=4, threads=1 if one_is_enough else None)

    def histograms(self, num_classes: int) -> NDArray[np.int64]:
        """Return (images trained on, num_classes): pixels of each class."""
        return np.stack([self.source.label_counts(i)[:num_classes] for i in self.train])


def open_workload(
    images: Images,
    packs: Path,
    recipe: Recipe,
    *,
    num_classes: int,
    preprocessing: Preprocessing,
    device: torch.device,
    placement: Placement | None,
    progress: Progress,
    ranks: Ranks = ALONE,
) -> Workload:
    """Decode the photos, or find them decoded, and check every label before the first step.

    Args:
        images: of the run.
        packs: the folder of all packs.
        recipe: sizes, augmentation, batch and seed.
        num_classes: labels 0..num_classes-1 are classes.
        preprocessing: what the network's weights expect.
        device: where batches are to end up.
        placement: where they are made, as the run settled it; None: settle it now.
        progress: told the images done.
        ranks: the processes that share every batch.

    Raises:
        UserError: a file is missing or damaged, a label is no class, or a batch has no image for every process.
    """
    if recipe.batch < ranks.world:
        raise UserError(f"A batch of {recipe.batch} cannot be shared by {ranks.world} devices: give a larger --batch.")
    photos = (*images.train, *images.val)
    source = open_or_build(
        [pack_source(photo) for photo in photos],
        packs,
        long_side=recipe.pack_long_side,
        resize=Resize.parse(recipe.resize),
        mode=recipe.pack,
        progress=progress,
    )
    check_labels(source, num_classes)
    train = tuple(range(len(images.train)))
    settled = placement if placement is not None else ranks.same(choose_placement(source, train, device))
    return Workload(
        source=source,
        train=train,
        val=tuple(range(len(images.train), len(photos))),
        batches=make_batches(
            source,
            train,
            batch_spec(recipe, preprocessing),
            seed=recipe.seed,
            batch_size=recipe.batch,
            device=device,
            placement=settled,
            rank=ranks.rank,
            world=ranks.world,
        ),
        device=device,
        placement=settled,
    )


def batch_spec(recipe: Recipe, preprocessing: Preprocessing) -> BatchSpec:
    """Translate a recipe's augmentation; what lies beyond a photo is painted as the network's zero."""
    red, green, blue = preprocessing.mean if preprocessing.channels == "rgb" else preprocessing.mean[::-1]
    augment = recipe.augment
    return BatchSpec(
        crop=recipe.crop,
        scale=augment.scale,
        scales=augment.scales,
        flip=augment.flip,
        brightness=augment.jitter,
        contrast=augment.jitter,
        saturation=augment.jitter,
        hue=augment.hue,
        balance=augment.balance,
        padding=(round(red), round(green), round(blue)),
    )
