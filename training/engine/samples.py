"""What the network makes of a few fixed photos at every validation, kept as pictures: `samples/<step>/<n>.png`.

`n` is the photo's place among the run's validation images (`images.json`), the picture its predicted class map at the
working size. They come out of the validation itself, so they cost a few small files. They are no part of the state: a
resumed run writes those it repeats again, and the same.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from labeling.maps import write_map_png

if TYPE_CHECKING:
    from torch import Tensor

SHOWN = 4
KEPT = 40
"""Validations whose samples are kept; of more, the older ones are thinned evenly."""


def spread(count: int) -> tuple[int, ...]:
    """Return the places of the photos that are shown among `count`: at most four, evenly over the list."""
    return tuple(sorted({(2 * i + 1) * count // (2 * SHOWN) for i in range(SHOWN)})) if count else ()


def sample_steps(folder: Path) -> list[int]:
    """Return the steps that have samples, in order."""
    if not folder.is_dir():
        return []
    return sorted(int(path.name) for path in folder.iterdir() if path.name.isascii() and path.name.isdigit())


class Samples:
    """Collects predictions during a validation and writes them after it.

    Args:
        folder: `samples` of the run.
        val: the validation images, as indices into the source.
    """

    def __init__(self, folder: Path, val: Sequence[int]) -> None:
        self._folder = folder
        self._places = {val[n]: n for n in spread(len(val))}
        self._maps: dict[int, Tensor] = {}

    @property
    def images(self) -> tuple[int, ...]:
        """The images that are shown, as indices into the source."""
        return tuple(self._places)

    def see(self, images: Sequence[int], prediction: Tensor) -> None:
        """Take what is wanted of a batch.

        Args:
            images: N indices into the source.
            prediction: (N, H, W) classes, without padding; stays where it is until `write`.
        """
        for row, image in enumerate(images):
            if image in self._places:
                self._maps[self._places[image]] = prediction[row].byte()

    def write(self, step: int) -> None:
        """Write what was seen as that of `step`, all pictures or none, and forget it.

        Raises:
            OSError: the disk is full.
        """
        seen, self._maps = self._maps, {}
        if not seen:
            return
        unfinished = self._folder / f".{step}.tmp"
        _remove(unfinished)
        unfinished.mkdir(parents=True)
        for n, prediction in seen.items():
            (unfinished / f"{n}.png").write_bytes(write_map_png(prediction.cpu().numpy()))
        _remove(self._folder / str(step))
        unfinished.rename(self._folder / str(step))
        self._thin()

    def go_back_to(self, step: int) -> None:
        """Remove what a killed attempt wrote of later steps, or left unfinished."""
        if not self._folder.is_dir():
            return
        late = [str(each) for each in sample_steps(self._folder) if each > step]
        for name in (*late, *(path.name for path in self._folder.glob(".*.tmp"))):
            _remove(self._folder / name)

    def _thin(self) -> None:
        steps = sample_steps(self._folder)
        while len(steps) > KEPT:
            # The one between the two nearest neighbours, the oldest of those: first and last have only one.
            inner = range(1, len(steps) - 1)
            spare = min(inner, key=lambda i: steps[i + 1] - steps[i - 1])
            _remove(self._folder / str(steps.pop(spare)))


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
