"""How good the network is on the validation images, at the size they are packed at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

import torch
from torch import Tensor

from labeling.progress import Progress, silent
from training.architectures.contract import Architecture
from training.data.batches import in_order
from training.data.source import Source
from training.engine.ranks import ALONE, Ranks
from training.evaluation.counting import count_tensor
from training.evaluation.metrics import Metrics, metrics
from training.numerics import Numerics


def validate(
    model: Architecture,
    source: Source,
    indices: Sequence[int],
    numerics: Numerics,
    *,
    batch_size: int,
    stop: Callable[[], bool] = lambda: False,
    see: Callable[[Sequence[int], Tensor], None] = lambda images, prediction: None,
    progress: Progress = silent,
    ranks: Ranks = ALONE,
    leaders: Sequence[int] = (),
) -> Metrics | None:
    """Predict whole images and count; memory does not grow with their number.

    Args:
        model: left in eval mode.
        source: photos and class maps at their working size.
        indices: which of them.
        numerics: where and how to compute.
        batch_size: images at a time; only images of one size share a batch, as padding would change predictions.
        stop: asked between batches.
        see: shown every batch: the indices of its N images, and what was predicted, (N, H, W).
        progress: told the images done.
        ranks: the processes that validate together, each its share.
        leaders: the images that the leader is to see.

    Returns:
        The figures, or None when asked to stop before the end.
    """
    model.eval()
    ranks.same_buffers(model)
    counts = torch.zeros((model.num_classes, model.num_classes), dtype=torch.int64, device=numerics.device)
    done = 0
    asked = False
    for group in _same_size(source, ranks.share(indices, leaders)):
        for batch in in_order(source, group, batch_size=batch_size, device=numerics.device):
            asked = asked or stop()
            if asked:
                break
            with torch.inference_mode(), numerics.autocast():
                prediction = model(numerics.input(batch.pixels)).argmax(dim=1)
            count_tensor(counts, batch.labels, prediction)
            see(batch.images, prediction)
            done += len(batch.images)
            progress(min(done * ranks.world, len(indices)), len(indices), "images")
    if ranks.any(asked):
        return None
    return metrics(ranks.sum(counts).cpu().numpy())


def _same_size(source: Source, indices: Sequence[int]) -> Iterator[list[int]]:
    def size(i: int) -> tuple[int, ...]:
        return tuple(source.sizes[i].tolist())

    for _, group in groupby(sorted(indices, key=size), key=size):
        yield list(group)
