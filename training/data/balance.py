"""Which images show which class, so that a sample can be drawn by its class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labeling.annotation import IGNORE
from training.data.source import Source


@dataclass(frozen=True)
class Balance:
    """Draws by class, each class as likely as any other, however rare.

    So does the class-uniform sampling of Zhu et al., Improving Semantic Segmentation via Video Propagation and Label
    Relaxation, CVPR 2019, arXiv 1812.01593, whose code draws half of an epoch's crops around centroids of classes.
    Here a crop lies around any pixel of the class instead.

    Attributes:
        source: class maps.
        labels: the classes that occur at all.
        images: of each of them, the images of the source that show it.
    """

    source: Source
    labels: tuple[int, ...]
    images: tuple[NDArray[np.intp], ...]

    def draw(self, label: float, image: float) -> tuple[int, int]:
        """Turn two draws, each in [0, 1), into a class's label and an image that shows it."""
        place = int(label * len(self.labels))
        showing = self.images[place]
        return self.labels[place], int(showing[int(image * len(showing))])

    def pixel(self, image: int, label: int, draw: float) -> tuple[int, int]:
        """Turn a draw into the (row, column) of a pixel of this class in an image that shows it."""
        class_map = self.source.class_map(image)
        places = np.flatnonzero(class_map == label)
        row, column = divmod(int(places[int(draw * len(places))]), class_map.shape[1])
        return row, column


def balance_of(source: Source, indices: Sequence[int]) -> Balance | None:
    """Look up where the classes are, from the counts of a pack where there is one; None where no pixel has a class."""
    showing: dict[int, list[int]] = {}
    for image in indices:
        for label in np.flatnonzero(source.label_counts(image)[:IGNORE]).tolist():
            showing.setdefault(label, []).append(image)
    labels = tuple(sorted(showing))
    return Balance(source, labels, tuple(np.array(showing[label], np.intp) for label in labels)) if labels else None
