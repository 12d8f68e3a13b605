"""What a person wants to know of a training while it runs, gathered without holding it up."""

from __future__ import annotations

import resource
import sys
import time
from contextlib import suppress
from pathlib import Path

import torch

from training.engine.step import Outcome
from training.evaluation.metrics import metrics

REPORT_SECONDS = 1.0


class Meter:
    """Sums over the steps since the last report; reading it is the only moment the host waits for the device.

    Attributes:
        trained: seconds spent in steps during this attempt, validation and checkpoints left out.
        images: images seen during this attempt.
        waited: seconds of `trained` that went by waiting for data.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self.trained = 0.0
        self.images = 0
        self.waited = 0.0
        self._clear()

    def _clear(self) -> None:
        self._since = time.perf_counter()
        self._before = (self.trained, self.images, self.waited)
        self._outcome: Outcome | None = None
        self._steps = 0

    @property
    def due(self) -> bool:
        """Whether there is something to report and it is time."""
        return self._steps > 0 and time.perf_counter() - self._since >= REPORT_SECONDS

    def add(self, outcome: Outcome, images: int, seconds: float, waited: float) -> None:
        """Count one step."""
        earlier = self._outcome
        self._outcome = (
            outcome if earlier is None else Outcome(earlier.loss + outcome.loss, earlier.counts + outcome.counts)
        )
        self._steps += 1
        self.images += images
        self.trained += seconds
        self.waited += waited

    def loss(self) -> float:
        """Return the mean loss since the last report; waits for the device. 0 before a step."""
        if self._outcome is None:
            return 0.0
        start = time.perf_counter()
        total = self._outcome.loss.item()
        # A GPU is given its steps ahead; what it still has to do of them is their time too.
        self.trained += time.perf_counter() - start
        return total / self._steps

    def report(self) -> dict[str, float | int | None]:
        """Return the figures since the last report and begin anew; there must have been a step."""
        assert self._outcome is not None
        loss = self.loss()
        seconds, images, waited = (
            now - before for now, before in zip((self.trained, self.images, self.waited), self._before, strict=True)
        )
        figures = {
            "loss": loss,
            "train_miou": metrics(self._outcome.counts.cpu().numpy()).miou,
            "images_per_second": images / seconds if seconds else None,
            "data_wait_share": waited / seconds if seconds else None,
            "seconds_per_step": seconds / self._steps,
            "memory": peak_memory(self._device),
        }
        self._clear()
        return figures

    def summary(self) -> dict[str, float | None]:
        """Return images per second and data-wait share of the whole attempt."""
        if not self.trained:
            return {"images_per_second": None, "data_wait_share": None}
        return {"images_per_second": self.images / self.trained, "data_wait_share": self.waited / self.trained}


def peak_memory(device: torch.device) -> int:
    """Return the most bytes this process has held: on the GPU what torch reserved, else its resident memory."""
    if device.type == "cuda":
        return torch.cuda.max_memory_reserved(device)
    # Where there is one, Linux's own high-water mark: `ru_maxrss` also knows what our parent held when it started us.
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
