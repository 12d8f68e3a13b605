"""Pages of an evaluation's images: milliseconds for a page of a hundred, on generated counts.

    python -m benchmarks.evaluation_gallery [--images 10000] [--classes 19]

How its tiles come to be seen is measured by `benchmarks.evaluation_tiles`.

No photo and no network is needed: the counts of an evaluation are drawn at random, written as an evaluation writes
them, and read as the gallery reads them. Prints one JSON line: the first page (files read, scores computed), and the
slowest of all later ones (orders, a cell, a class, the last page).
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from db.schema import utc_now
from training.evaluation.gallery import evaluation_page
from training.evaluation.leaks import Leaks
from training.evaluation.opened import OpenEvaluation, kept_record
from training.evaluation.store import (
    EvaluatedImage,
    EvaluationRecord,
    Histograms,
    ImageCounts,
    counts_matrix,
    new_directory,
    publish,
    write_arrays,
)

SIDE = 512  # pixels of an image's sides
PRESENT = 6  # classes an image shows


def main() -> None:
    """Measure and print the line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--classes", type=int, default=19)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        directory = generate(Path(folder), [placeholder(number) for number in range(chosen.images)], chosen.classes)
        record = kept_record(directory)
        evaluation = OpenEvaluation(1, "p", 1, directory, record, None, np.arange(chosen.classes))
        first = _milliseconds(evaluation)
        last = {"offset": chosen.images - 100}
        class_name = record.truth_classes[3]
        later: list[dict[str, Any]] = [
            {"sort": "miou", **last},
            {"sort": "path"},
            {"sort": f"class:{class_name}"},
            {"having": class_name},
            {"cell": (1, 2)},
            {"cell": (3, 3), "sort": "-miou"},
        ]
        _milliseconds(evaluation, cell=(1, 2))  # reads the transpose
        slowest = max(_milliseconds(evaluation, **page) for page in later for _ in range(3))
    line = {"images": chosen.images, "classes": chosen.classes, "first_ms": first, "slowest_later_ms": slowest}
    print(json.dumps({key: round(value, 1) for key, value in line.items()}))


def generate(
    evaluations: Path, images: Sequence[EvaluatedImage], classes: int, fill: Callable[[Path], None] | None = None
) -> Path:
    """Write an evaluation of images that each show a few classes, four fifths of the pixels right.

    Args:
        evaluations: folder.
        images: in the project 1, whose classes are called `class 0` and on.
        classes: how many.
        fill: writes the predicted maps into the directory it is given; None stores none.
    """
    generator = np.random.default_rng(0)
    counts = []
    for _ in images:
        table = np.zeros((classes, classes), np.int64)
        for truth in generator.choice(classes, min(PRESENT, classes), replace=False):
            table[truth, truth] = generator.integers(SIDE, SIDE * SIDE)
            table[truth, generator.integers(0, classes, 3)] += generator.integers(1, SIDE, 3)
        counts.append(ImageCounts.of(table))
    empty = Histograms(*(np.zeros(shape, np.int64) for shape in ((classes, classes, 1), (1, classes, classes), (256,))))
    with new_directory(evaluations) as directory:
        if fill is not None:
            fill(directory)
        names = tuple(f"class {index}" for index in range(classes))
        record = EvaluationRecord(
            model="1:best",
            model_sha256="0" * 64,
            model_classes=names,
            truth_classes=names,
            dataset="day",
            on="all",
            revision="0" * 64,
            project_id=1,
            size="original",
            precision="fp32",
            device="cpu",
            predictions=fill is not None,
            images=tuple(images),
            leaks=Leaks(),
            seconds=1,
            created_at=utc_now(),
            files=write_arrays(directory, counts_matrix(counts, classes * classes), empty),
        )
        return publish(directory, record)


def placeholder(number: int) -> EvaluatedImage:
    """Return an image that there is no photo of."""
    nothing = "0" * 64
    return EvaluatedImage(path=f"{number:06}.jpg", image_sha256=nothing, map_sha256=nothing, height=SIDE, width=SIDE)


def _milliseconds(evaluation: OpenEvaluation, **page: Any) -> float:
    start = time.perf_counter()
    evaluation_page(evaluation, **page)
    return 1000 * (time.perf_counter() - start)


if __name__ == "__main__":
    main()
