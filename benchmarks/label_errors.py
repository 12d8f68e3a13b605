"""Whether labels spoilt on purpose are found: `python -m benchmarks.label_errors --home HOME EVAL...`.

In every third image of an evaluation one joined region of a class gets another class at random. Suspect regions are
then ranked as `workbench label-errors` does, and by size or radius alone for comparison. An evaluation's own labels
have errors too, which count as misses here. The thresholds are those of the labels before: the histograms do not tell
them after.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from db.home import Home
from db.session import open_database
from db.store import Store
from labeling.annotation import IGNORE
from labeling.map_store import load_map
from labeling.maps import read_map_png
from training.evaluation.counting import count
from training.evaluation.opened import OpenEvaluation, open_evaluation
from training.evaluation.store import CONFIDENCE, INDEX, map_name, read_histograms
from training.trust.regions import regions
from training.trust.suspects import surprise, suspects, thresholds

EVERY, SMALLEST, LARGEST, DRAWS = 3, 400, 8000, 4
FIRST = (20, 50)


def main() -> None:
    """Print the share of spoilt regions among the first, by evaluation and order."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("evaluations", type=int, nargs="+")
    arguments = parser.parse_args()
    database = open_database(Home(arguments.home))
    for number in arguments.evaluations:
        found = open_evaluation(database, number)
        results = np.mean([draw(found, seed) for seed in range(DRAWS)], axis=0)
        print(f"evaluation {number}: {results[0]:.0f} regions, {results[1]:.0f} of them spoilt")
        for place, order in enumerate(("score", "size", "radius")):
            told = ", ".join(f"first {n}: {results[2 + place * len(FIRST) + i]:.0%}" for i, n in enumerate(FIRST))
            print(f"  by {order}: {told}")


def draw(found: OpenEvaluation, seed: int) -> list[float]:
    """Spoil labels once; return regions, spoilt ones among them, and the share of those first by each order."""
    record, classes = found.record, len(found.record.truth_classes)
    columns = np.full(256, classes, np.uint8)
    columns[: len(found.columns)] = found.columns
    limits = thresholds(read_histograms(found.directory, record).scores, found.columns)
    generator = np.random.default_rng(seed)
    counts = np.zeros((classes, len(record.model_classes)), np.int64)
    rows: list[tuple[float, float, int, int, bool]] = []
    for number, image in enumerate(record.images):
        truth = load_map(Store(found.home.store), image.map_sha256).copy()
        spoilt = np.zeros(truth.shape, bool)
        if (number + seed) % EVERY == 0:
            spoilt = spoil(truth, classes, generator)
        raw = read_map_png(found.directory / INDEX / map_name(number))
        confidence = read_map_png(found.directory / CONFIDENCE / map_name(number))
        counts += count(truth, raw, classes, len(record.model_classes))
        seen, diagonal = columns[raw], float(np.hypot(*truth.shape))
        for region, mask in regions(truth, seen, suspects(truth, seen, confidence, limits)):
            box = np.s_[region.top : region.top + region.height, region.left : region.left + region.width]
            hit = bool((spoilt[box] & mask).sum() > region.pixels / 2)
            rows.append((region.radius / diagonal, float(region.pixels), region.label, region.seen, hit))
    unlike = surprise(counts, found.columns)
    hits = np.array([row[4] for row in rows])
    orders = ([row[0] * unlike[row[2], row[3]] for row in rows], [row[1] for row in rows], [row[0] for row in rows])
    shares = [hits[np.argsort(-np.array(values))[:first]].mean() for values in orders for first in FIRST]
    return [len(rows), int(hits.sum()), *map(float, shares)]


def spoil(truth: NDArray[np.uint8], classes: int, generator: np.random.Generator) -> NDArray[np.bool_]:
    """Give one joined region of a class map another class, in place; return its mask."""
    parts = []
    for label in np.unique(truth[truth != IGNORE]).tolist():
        _, numbers, sizes, _ = cv2.connectedComponentsWithStats((truth == label).astype(np.uint8))
        fitting = np.flatnonzero((sizes[1:, cv2.CC_STAT_AREA] > SMALLEST) & (sizes[1:, cv2.CC_STAT_AREA] < LARGEST))
        parts += [(numbers == part + 1, label) for part in fitting.tolist()]
    if not parts:
        return np.zeros(truth.shape, bool)
    mask, label = parts[generator.integers(len(parts))]
    truth[mask] = generator.choice([other for other in range(classes) if other != label])
    return mask


if __name__ == "__main__":
    main()
