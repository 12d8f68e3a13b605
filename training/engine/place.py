"""Which of the processes that train a run together this one is. Knows nothing of torch, so that it is known at once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from db.errors import UserError


@dataclass(frozen=True)
class Place:
    """A process among those that train one run, a device each.

    Attributes:
        rank: 0 leads: it holds the run's lock and is the only one that writes.
        world: how many there are.
        local: which of this machine's they are counted by: its device.
        local_world: how many there are on this machine.
        meeting: `host:port` where the leader waits for the others; None: where the environment says
            (`MASTER_ADDR` and `MASTER_PORT`).
    """

    rank: int = 0
    world: int = 1
    local: int = 0
    local_world: int = 1
    meeting: str | None = None

    @classmethod
    def on_this_machine(cls, rank: int, world: int, meeting: str) -> Place:
        """Return a place among processes of this machine alone."""
        return cls(rank, world, rank, world, meeting)


def place_of(environment: Mapping[str, str] = os.environ) -> Place:
    """Return what a launcher such as torchrun says in the environment; without one, a process by itself.

    Raises:
        UserError: `WORLD_SIZE` is there, but not what belongs to it.
    """
    if int(environment.get("WORLD_SIZE", "1")) == 1:
        return Place()
    names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")
    if missing := [name for name in (*names, "MASTER_ADDR", "MASTER_PORT") if name not in environment]:
        raise UserError(
            f"WORLD_SIZE is {environment['WORLD_SIZE']}, but {', '.join(missing)} is not set. Start the processes of "
            "a training with torchrun, or whatever sets all of them; or unset WORLD_SIZE."
        )
    rank, world, local, local_world = (int(environment[name]) for name in names)
    return Place(rank, world, local, local_world)
