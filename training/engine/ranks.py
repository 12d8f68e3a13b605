"""What the processes that train one run together tell each other. Alone, every answer is one's own and costs nothing.

Each has the whole network and takes its share of every batch. What must be the same everywhere is: gradients (summed by
torch's DistributedDataParallel while the backward pass still runs), the pixels a loss is divided by, what was decided,
whether to stop. Whoever asks, all must ask: the answers are collective operations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import timedelta
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed import TCPStore  # type: ignore[attr-defined]
from torch.nn.parallel import DistributedDataParallel

from training.architectures.contract import Architecture, Logits
from training.engine.failure import PartnerLostError
from training.engine.place import Place

T = TypeVar("T")

PATIENCE = timedelta(minutes=10)
"""How long one waits for another, which may be writing a checkpoint meanwhile, before the training counts as stuck."""


@contextmanager
def join(place: Place, device: torch.device) -> Iterator[Ranks]:
    """Meet the others for the length of the block.

    Args:
        place: of this process.
        device: it computes on; GPUs talk through NCCL, CPUs through Gloo.

    Raises:
        PartnerLostError: another process ended while this one waited for it.
    """
    if place.world == 1:
        yield Ranks()
        return
    if device.type == "cuda":
        torch.cuda.set_device(device)
    store = None
    if place.meeting is not None:
        host, _, port = place.meeting.rpartition(":")
        store = TCPStore(host, int(port), place.world, is_master=False, timeout=PATIENCE)
    # Objects and flags are on the CPU, wherever the network computes.
    backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
    dist.init_process_group(backend, store=store, rank=place.rank, world_size=place.world, timeout=PATIENCE)
    try:
        yield Ranks(place.rank, place.world, device)
    except RuntimeError as error:
        # Gloo has no exception of its own, but names its files.
        if isinstance(error, dist.DistError) or "gloo" in str(error):
            raise PartnerLostError from error
        raise
    finally:
        dist.destroy_process_group()


class Ranks:
    """The processes of a training, seen from one of them.

    Attributes:
        rank: this one.
        world: how many.
    """

    def __init__(self, rank: int = 0, world: int = 1, device: torch.device | None = None) -> None:
        self.rank = rank
        self.world = world
        self._device = device

    @property
    def leads(self) -> bool:
        """Whether this one writes what is to be kept."""
        return self.rank == 0

    def any(self, mine: bool) -> bool:
        """Tell whether it holds for any of them."""
        if self.world == 1:
            return mine
        flag = torch.tensor(mine, dtype=torch.uint8)
        dist.all_reduce(flag, dist.ReduceOp.MAX)
        return bool(flag)

    def same(self, mine: T) -> T:
        """Return what the leader has here; it is pickled between processes of the same training."""
        if self.world == 1:
            return mine
        held = [mine]
        dist.broadcast_object_list(held, src=0)
        return held[0]

    def sum(self, mine: Tensor) -> Tensor:
        """Return the sum over all, in the tensor given."""
        if self.world > 1:
            dist.all_reduce(mine)
        return mine

    def share(self, images: Sequence[int], leaders: Sequence[int]) -> list[int]:
        """Deal out images, about the same number to each.

        Args:
            images: of all.
            leaders: those that the leader is to have, whoever's turn it is.
        """
        wanted = frozenset(leaders)
        turn = enumerate(images)
        return [image for n, image in turn if (0 if image in wanted else n % self.world) == self.rank]

    def same_buffers(self, model: nn.Module) -> None:
        """Give every process the leader's batch statistics, which each gathers from its own share."""
        if self.world > 1:
            for buffer in model.buffers():
                dist.broadcast(buffer, src=0)

    def logits(self, model: Architecture) -> Callable[[Tensor], Logits]:
        """Return the model's `logits`; its gradients, of a loss times `world`, will be those summed over all.

        The weights become the leader's, and each forward pass begins with the leader's batch statistics.
        """
        if self.world == 1:
            return model.logits
        where = [self._device] if self._device is not None and self._device.type == "cuda" else None
        return DistributedDataParallel(_Heads(model), device_ids=where, gradient_as_bucket_view=True)

    def without_sum(self, logits: Callable[[Tensor], Logits]) -> AbstractContextManager[object]:
        """Return the context of a pass whose gradients are summed with those of a later one."""
        return logits.no_sync() if isinstance(logits, DistributedDataParallel) else nullcontext()


ALONE = Ranks()
"""A process that trains by itself."""


class _Heads(nn.Module):
    def __init__(self, model: Architecture) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Logits:
        return self.model.logits(x)
