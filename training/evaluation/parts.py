"""The parts of an evaluation: which of its images have a role, or are in a subset, in the revision it was made on."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from db.home import Home
from db.store import Store
from labeling.manifest import Manifest, ManifestImage, load_manifest
from training.evaluation.opened import OpenEvaluation, kept_record
from training.evaluation.selection import choices, select

_KEPT = 4


def parts(evaluation: OpenEvaluation) -> dict[str, int]:
    """Count the images of each part: `all`, roles, subsets by name, as `selection.choices` has them.

    Raises:
        UserError: the revision's manifest is gone or damaged.
    """
    return choices(_evaluated(evaluation.home, evaluation.directory))


def in_part(evaluation: OpenEvaluation, on: str) -> NDArray[np.bool_]:
    """Tell of each image whether it is in a part, (images,).

    Args:
        evaluation: whose images.
        on: a role or subset as the revision has it, or `all`, as `selection.select` reads it.

    Raises:
        UserError: no evaluated image has such a role or subset, or the revision's manifest is gone or damaged.
    """
    images = _evaluated(evaluation.home, evaluation.directory)
    chosen = {image.path for image in select(Manifest((), images), [evaluation.record.dataset], on)}
    return np.array([image.path in chosen for image in images], bool)


@lru_cache(maxsize=_KEPT)
def _evaluated(home: Home, directory: Path) -> tuple[ManifestImage, ...]:
    """Return the manifest's entries of an evaluation's images, in its order."""
    record = kept_record(directory)
    manifest = load_manifest(Store(home.store), record.revision)
    known = {image.path: image for image in manifest.images if image.dataset == record.dataset}
    return tuple(known[image.path] for image in record.images)
