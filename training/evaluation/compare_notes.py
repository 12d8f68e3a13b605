"""What is another in two evaluations, in words: what of it keeps their figures from being compared comes first."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from labeling.parts import part_title
from training.evaluation.bootstrap import FEW_IMAGES, FEWEST_IMAGES
from training.evaluation.opened import kept_record
from training.evaluation.report import EvaluationReport


def notes(a: EvaluationReport, b: EvaluationReport) -> list[str]:
    """Say everything that is another in the two: the doubts, then what may well be another."""
    told = (
        ("Model", a.record.model, b.record.model),
        ("Revision", a.record.revision[:12], b.record.revision[:12]),
        ("Refined by", _refinement(a), _refinement(b)),
    )
    found = doubts(a, b) + _between(told)
    if a.record.model == b.record.model and a.record.model_sha256 != b.record.model_sha256:
        found.append(f"The weights of the model {a.record.model} changed in between.")
    return found


def doubts(a: EvaluationReport, b: EvaluationReport) -> list[str]:
    """Say what keeps the figures of the two from being compared as they are: images, labels, classes, sizes."""
    told = (
        ("Tested on", _split(a), _split(b)),
        ("Mapping", _mapping_name(a), _mapping_name(b)),
        ("Size", a.record.size, b.record.size),
    )
    found = _between(told) + _of_images(a, b)
    if set(a.record.truth_classes) != set(b.record.truth_classes):
        found.append("Their class lists differ: means over the classes are of other classes.")
    for letter, one, other in (("a", a, b), ("b", b, a)):
        known = set(other.record.truth_classes)
        if alone := [name for name in one.record.truth_classes if name not in known]:
            found.append(f"Only in {letter}: {', '.join(alone)}.")
    few = min(len(a.record.images), len(b.record.images))
    if few < FEW_IMAGES:
        found.append(f"Images: only {few}. So few make intervals rough; fewer than {FEWEST_IMAGES} give none.")
    return found


def same_images(a: EvaluationReport, b: EvaluationReport) -> bool:
    """Tell whether both hold the same images with the same truth, so that they can be resampled together."""
    return a.directory == b.directory or _images(a.directory) == _images(b.directory)


def _of_images(a: EvaluationReport, b: EvaluationReport) -> list[str]:
    if same_images(a, b):
        return []
    truths = {image.image_sha256: image.map_sha256 for image in a.record.images}
    shared = [image for image in b.record.images if image.image_sha256 in truths]
    apart = sum(truths[image.image_sha256] != image.map_sha256 for image in shared)
    if not shared:
        return ["Their images differ: they have none in common."]
    found = []
    if len(shared) < max(len(a.record.images), len(b.record.images)):
        found.append(
            f"Their images differ: {len(shared)} in both, of {len(a.record.images)} in a and {len(b.record.images)} "
            "in b."
        )
    if apart:
        found.append(f"Their labels differ: {apart} of the {len(shared)} images in both were labelled anew.")
    return found


@lru_cache(maxsize=32)
def _images(directory: Path) -> str:
    """Return a digest of an evaluation's images and their truth, whatever their order."""
    images = sorted((image.image_sha256, image.map_sha256) for image in kept_record(directory).images)
    return hashlib.sha256(repr(images).encode()).hexdigest()


def _between(told: tuple[tuple[str, str, str], ...]) -> list[str]:
    return [f"{noun}: a = {ours}, b = {theirs}." for noun, ours, theirs in told if ours != theirs]


def _split(report: EvaluationReport) -> str:
    return part_title(report.record.dataset, report.record.on)


def _mapping_name(report: EvaluationReport) -> str:
    return report.mapping.name if report.mapping else "classes of the same name"


def _refinement(report: EvaluationReport) -> str:
    return str(report.record.refinement) or "nothing"
