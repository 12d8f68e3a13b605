"""The figures that come from what is derived from an evaluation's maps."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.evaluation.derived.boundary_figures import BoundaryFigures, boundary_figures
from training.evaluation.derived.objects import object_iou
from training.evaluation.derived.store import Known, Shapes, read_shapes, shapes_path

_KEPT = 8


@dataclass(frozen=True)
class ObjectFigures:
    """Instance-weighted IoU; see `training.evaluation.derived.objects`.

    Attributes:
        iiou: mean over the classes that have objects, 0..1; None without any.
        class_iiou: by class.
        class_objects: by class, how many there are.
        images: images whose objects are known; the others are left out.
        note: why some or all are left out; None where none is.
    """

    iiou: float | None
    class_iiou: tuple[float | None, ...]
    class_objects: tuple[int, ...]
    images: int
    note: str | None

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values of the whole."""
        return {"iiou": self.iiou, "objects": sum(self.class_objects), "images": self.images, "note": self.note}


@dataclass(frozen=True)
class ShapeFigures:
    """How well boundaries and objects are met."""

    boundary: BoundaryFigures
    objects: ObjectFigures


def read_shape_figures(directory: Path, columns: NDArray[np.intp], images: int, classes: int) -> ShapeFigures | None:
    """Return the figures of an evaluation under a mapping, kept for the next call; None where nobody has counted yet.

    Args:
        directory: of the evaluation.
        columns: (k_model,), see `training.evaluation.opened.OpenEvaluation`.
        images: how many the evaluation has.
        classes: how many the dataset has.

    Raises:
        UserError: the file of what was counted is damaged.
    """
    path = shapes_path(directory, columns)
    try:
        changed = path.stat().st_mtime_ns
    except FileNotFoundError:
        return None
    return _kept(path, changed, images, classes)


@lru_cache(maxsize=_KEPT)
def _kept(path: Path, changed: int, images: int, classes: int) -> ShapeFigures:
    return shape_figures(read_shapes(path, images, classes))


def shape_figures(shapes: Shapes) -> ShapeFigures:
    """Compute the figures from what was counted."""
    class_iiou, counts = object_iou(shapes.objects[:, 1:], shapes.wrong)
    defined = [value for value in class_iiou if value is not None]
    return ShapeFigures(
        boundary=boundary_figures(shapes.boundary),
        objects=ObjectFigures(
            iiou=sum(defined) / len(defined) if defined else None,
            class_iiou=class_iiou,
            class_objects=counts,
            images=int((shapes.known == Known.OBJECTS).sum()),
            note=_note(shapes.known),
        ),
    )


def _note(known: NDArray[np.uint8]) -> str | None:
    reasons = {
        Known.NO_OBJECTS: "are labelled by masks that tell no objects apart",
        Known.NO_VERSION: "have no version of their labels left that gives the class map they were evaluated with",
    }
    told = [
        f"{n} of {len(known)} images {reason}" for why, reason in reasons.items() if (n := int((known == why).sum()))
    ]
    return f"Left out of the instance-weighted IoU: {'; '.join(told)}." if told else None
