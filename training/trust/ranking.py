"""Likely label errors, the most likely first: images with their regions, and the classes they are in.

A region's score is the radius of the largest disk in it, in percent of the image's diagonal, times how unlike the model
the confusion is (`training.trust.suspects.surprise`): wide and rare comes first. An image has that of its best region.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from db.errors import UserError
from db.session import Database
from training.evaluation.as_csv import table_csv
from training.evaluation.labels_now import maps_now
from training.evaluation.opened import OpenEvaluation, kept_record
from training.trust.store import Doubts, doubts_path, read_doubts
from training.trust.suspects import surprise
from training.trust.verdicts import said_right
from training.trust.worth import total_counts, warnings

State = Literal["open", "right", "changed"]
Sort = Literal["score", "quality", "path"]
STATES: tuple[State, ...] = get_args(State)
_GONE = -1
_KEPT = 4


@dataclass(frozen=True)
class SuspectRegion:
    """A region that is likely labelled wrongly.

    Attributes:
        label, seen: names of the class it is labelled as, and of the one the model sees.
        pixels: count.
        box: left, top, width, height in pixels.
        score: see the module.
    """

    label: str
    seen: str
    pixels: int
    box: tuple[int, int, int, int]
    score: float


@dataclass(frozen=True)
class SuspectImage:
    """An image with likely label errors.

    Attributes:
        number: its place in the evaluation.
        image: its number in the project.
        dataset, path: names it.
        width, height: pixels.
        state: `open`; `right`: somebody said that the labels are; `changed`: they were changed since.
        score: of the best region of those asked for.
        quality: 1 - share of the labelled pixels that are suspect, cleanlab's `num_pixel_issues`.
        regions: those asked for, the best first.
    """

    number: int
    image: int
    dataset: str
    path: str
    width: int
    height: int
    state: State
    score: float
    quality: float
    regions: tuple[SuspectRegion, ...]


@dataclass(frozen=True)
class SuspectClass:
    """What is doubted of a class's labels.

    Attributes:
        name: of the class.
        images, regions: how many, of all states.
        pixels: suspect ones, those outside of any region too.
        seen: the class that the model sees most instead; None where nothing is suspect.
    """

    name: str
    images: int
    regions: int
    pixels: int
    seen: str | None


@dataclass(frozen=True)
class LabelErrors:
    """A page of what a model doubts.

    Attributes:
        total: images in all pages together.
        states: images by state.
        images: those of this page.
        classes: every class of the dataset, in its order.
        warnings: why the list may say little, in sentences.
    """

    total: int
    states: dict[State, int]
    images: tuple[SuspectImage, ...]
    classes: tuple[SuspectClass, ...]
    warnings: tuple[str, ...]


def label_errors(
    database: Database,
    evaluation: OpenEvaluation,
    *,
    state: State = "open",
    label: str | None = None,
    seen: str | None = None,
    sort: Sort = "score",
    offset: int = 0,
    limit: int = 20,
) -> LabelErrors:
    """Return a page of an evaluation's likely label errors.

    Args:
        database: knows the images as they are now.
        evaluation: with the mapping it is read under.
        state: only images of this state.
        label: only regions that are labelled as this class.
        seen: only regions where the model sees this class.
        sort: `score` (the most likely error first), `quality` (the least first) or `path`.
        offset: images to pass over.
        limit: images at most.

    Raises:
        UserError: there is no such class, nobody has looked yet, or the file of what was found is damaged.
    """
    record, names = evaluation.record, evaluation.record.truth_classes
    wanted = [(0, label), (1, seen)]
    places = [(column + 1, record.class_index(name)) for column, name in wanted if name is not None]
    doubts, scores = _ready(evaluation)
    states, numbers = _states(database, evaluation)
    chosen = np.ones(len(scores), bool)
    for column, place in places:
        chosen &= doubts.regions[:, column] == place
    best = np.full(len(record.images), -1.0)
    np.maximum.at(best, doubts.regions[chosen, 0], scores[chosen])
    quality = 1 - doubts.pixels[:, 0] / np.maximum(doubts.pixels[:, 1], 1)
    known = {each: (best >= 0) & (states == place) for place, each in enumerate(STATES)}
    listed = np.flatnonzero(known[state])
    paths = np.array([record.images[number].path for number in listed.tolist()], object)
    keys = {"score": -best[listed], "quality": quality[listed], "path": np.zeros(len(listed))}
    order = listed[np.lexsort((np.argsort(np.argsort(paths)), keys[sort]))]
    chosen_places = np.flatnonzero(chosen)
    owners = doubts.regions[chosen_places, 0]  # ascending
    images = []
    for number in order[offset : offset + limit].tolist():
        own = chosen_places[slice(*np.searchsorted(owners, (number, number + 1)))]
        own = own[np.argsort(-scores[own], kind="stable")]
        images.append(
            SuspectImage(
                number=number,
                image=numbers[number],
                dataset=record.dataset,
                path=record.images[number].path,
                width=record.images[number].width,
                height=record.images[number].height,
                state=state,
                score=float(best[number]),
                quality=float(quality[number]),
                regions=tuple(_region(names, doubts.regions[place].tolist(), float(scores[place])) for place in own),
            )
        )
    counts = {each: int(mask.sum()) for each, mask in known.items()}
    return LabelErrors(len(listed), counts, tuple(images), _classes(names, doubts), warnings(database, evaluation))


def errors_csv(found: LabelErrors) -> str:
    """Return a row a region, for spreadsheets."""
    head = ("number", "image", "state", "quality", "score", "labelled", "seen", "pixels")
    rows = (
        (i.number, f"{i.dataset}/{i.path}", i.state, i.quality, r.score, r.label, r.seen, r.pixels, *r.box)
        for i in found.images
        for r in i.regions
    )
    return table_csv([(*head, "left", "top", "width", "height"), *rows])


def _region(names: tuple[str, ...], row: list[int], score: float) -> SuspectRegion:
    _, label, seen, pixels, left, top, width, height = row
    return SuspectRegion(names[label], names[seen], pixels, (left, top, width, height), score)


def _classes(names: tuple[str, ...], doubts: Doubts) -> tuple[SuspectClass, ...]:
    found = []
    for place, name in enumerate(names):
        own = doubts.regions[doubts.regions[:, 1] == place]
        row = doubts.pairs[place]
        seen = names[int(row.argmax())] if row.any() else None
        found.append(SuspectClass(name, len(np.unique(own[:, 0])), len(own), int(row.sum()), seen))
    return tuple(found)


def _ready(evaluation: OpenEvaluation) -> tuple[Doubts, NDArray[np.float64]]:
    path = doubts_path(evaluation.directory, evaluation.columns)
    try:
        changed = path.stat().st_mtime_ns
    except FileNotFoundError:
        raise UserError(
            f"Nobody has looked for label errors in evaluation {evaluation.id}: workbench label-errors {evaluation.id}"
        ) from None
    return _kept(path, changed, evaluation.directory, tuple(evaluation.columns.tolist()))


@lru_cache(maxsize=_KEPT)
def _kept(path: Path, changed: int, directory: Path, columns: tuple[int, ...]) -> tuple[Doubts, NDArray[np.float64]]:
    record = kept_record(directory)
    doubts = read_doubts(path, len(record.images))
    diagonals = np.array([np.hypot(image.height, image.width) for image in record.images])
    unlike = surprise(total_counts(directory), np.array(columns, np.intp))[doubts.regions[:, 1], doubts.regions[:, 2]]
    return doubts, 100 * doubts.radius / diagonals[doubts.regions[:, 0]] * unlike


def _states(database: Database, evaluation: OpenEvaluation) -> tuple[NDArray[np.int8], list[int]]:
    """Return the place in `STATES` of each image, `_GONE` without one, and its number in the project."""
    record = evaluation.record
    now = maps_now(database, evaluation.project_id, record.dataset)
    right = said_right(database, evaluation.project_id, record.dataset)
    states = np.full(len(record.images), _GONE, np.int8)
    numbers = []
    for place, image in enumerate(record.images):
        number, maps = now.get(image.path, (0, frozenset[str]()))
        numbers.append(number)
        if not number:
            continue
        state: State = "changed" if image.map_sha256 not in maps else "open"
        if (image.path, image.map_sha256) in right:
            state = "right" if state == "open" else state
        states[place] = STATES.index(state)
    return states, numbers


def image_maps(evaluation: OpenEvaluation, numbers: list[int]) -> dict[str, str]:
    """Return the sha256 of the class map that some images were evaluated with, by path.

    Raises:
        UserError: the evaluation has no such image.
    """
    images = evaluation.record.images
    if strangers := [number for number in numbers if not 0 <= number < len(images)]:
        raise UserError(f"Evaluation {evaluation.id} has images 0 to {len(images) - 1}, not {strangers[0]}.")
    return {images[number].path: images[number].map_sha256 for number in numbers}
