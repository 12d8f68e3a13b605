"""The images that evaluations share, with what became of each: pairs of two, or of many beside a baseline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from db.errors import UserError
from training.evaluation.compare_matching import shared_numbers
from training.evaluation.derived.disputes import read_disputes
from training.evaluation.gallery import ScoredImage, evaluation_page, image_scores
from training.evaluation.opened import OpenEvaluation


@dataclass(frozen=True)
class ImagePair:
    """One image in both evaluations; scores are mIoU."""

    a: ScoredImage
    b: ScoredImage

    @property
    def difference(self) -> float | None:
        """Return b - a, None where either is n/a."""
        return None if self.a.score is None or self.b.score is None else self.b.score - self.a.score

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"a": vars(self.a), "b": vars(self.b), "difference": self.difference}


@dataclass(frozen=True)
class PairPage:
    """Some of the images that both have, and how many there are in all pages together."""

    total: int
    images: tuple[ImagePair, ...]


def paired_images(a: OpenEvaluation, b: OpenEvaluation, *, offset: int = 0, limit: int = 100) -> PairPage:
    """Return a page of the images that both evaluations hold, those that lost most first.

    The same image is one of the same bytes: it may have been labelled anew, or lie in another dataset. Those without a
    score on either side come last.

    Args:
        a: the first.
        b: the second.
        offset: pairs to pass over.
        limit: pairs at most.

    Raises:
        UserError: the files of one of them are damaged.
    """
    others = _by_content(b)
    pairs = [ImagePair(image, others[digest]) for digest, image in _by_content(a).items() if digest in others]
    pairs.sort(key=_order)
    return PairPage(len(pairs), tuple(pairs[offset : offset + limit]))


def _by_content(evaluation: OpenEvaluation) -> dict[str, ScoredImage]:
    images = evaluation.record.images
    page = evaluation_page(evaluation, sort="path", limit=len(images))
    return {images[found.number].image_sha256: found for found in page.images}


def _order(pair: ImagePair) -> tuple[bool, float, str]:
    difference = pair.difference
    return difference is None, difference or 0, pair.a.path


# ---- of many

DISPUTED, LOST, GAINED, PATH = "disputed", "lost", "gained", "path"
ORDERS = (DISPUTED, LOST, GAINED, PATH)


@dataclass(frozen=True)
class Dispute:
    """How far the models are of different minds on an image, in pixels.

    Attributes:
        pixels: of the image.
        disputed: those whose predictions are not all the same.
        labelled: of these, those with a label that all evaluations share.
        right: of these, those that each model has right.
    """

    pixels: int
    disputed: int
    labelled: int
    right: tuple[int, ...]


@dataclass(frozen=True)
class SharedImage:
    """An image that all evaluations hold.

    Attributes:
        numbers: its number in each.
        dataset: name, as the first has it.
        path: inside the dataset, likewise.
        width: pixels.
        height: pixels.
        scores: its mIoU in each, None where n/a.
        dispute: None where nobody has compared the predictions yet.
    """

    numbers: tuple[int, ...]
    dataset: str
    path: str
    width: int
    height: int
    scores: tuple[float | None, ...]
    dispute: Dispute | None


@dataclass(frozen=True)
class SharedPage:
    """Some of the images that all have, and how many there are in all pages together."""

    evaluations: tuple[int, ...]
    total: int
    images: tuple[SharedImage, ...]


def shared_images(
    evaluations: Sequence[OpenEvaluation], *, sort: str = LOST, offset: int = 0, limit: int = 100
) -> SharedPage:
    """Return a page of the images that all evaluations hold.

    Args:
        evaluations: the baseline first.
        sort: `disputed` (the largest share of pixels whose predictions differ first), `lost` (what any of the others
            lost most against the baseline, in mIoU), `gained`, or `path`. Those without a score come last.
        offset: images to pass over.
        limit: images at most.

    Raises:
        UserError: there is no such order, `disputed` before the predictions were compared, or files are damaged.
    """
    numbers = shared_numbers(evaluations)
    scores = np.stack([image_scores(each)[of] for each, of in zip(evaluations, numbers.T, strict=True)], axis=1)
    counts = read_disputes(evaluations)
    first = evaluations[0].record
    ranked = _ranked(sort, scores, counts, [first.images[number].path for number in numbers[:, 0].tolist()])

    def shown(row: int) -> SharedImage:
        image = first.images[numbers[row, 0]]
        dispute = None
        if counts is not None:
            pixels, disputed, labelled, *right = counts[row].tolist()
            dispute = Dispute(pixels, disputed, labelled, tuple(right))
        return SharedImage(
            numbers=tuple(numbers[row].tolist()),
            dataset=first.dataset,
            path=image.path,
            width=image.width,
            height=image.height,
            scores=tuple(None if np.isnan(score) else score for score in scores[row].tolist()),
            dispute=dispute,
        )

    chosen = ranked[offset : offset + limit].tolist()
    return SharedPage(tuple(each.id for each in evaluations), len(numbers), tuple(shown(row) for row in chosen))


def _ranked(
    sort: str, scores: NDArray[np.float64], counts: NDArray[np.int64] | None, paths: Sequence[str]
) -> NDArray[np.intp]:
    """Return the rows in the order asked for; ties by path."""
    by_path = np.argsort(np.argsort(np.array(paths), kind="stable"))
    if sort == PATH:
        return np.argsort(by_path)
    if sort == DISPUTED:
        if counts is None:
            raise UserError("Nobody has compared the predictions yet: `workbench compare A B --disputed 10` does it.")
        key = -counts[:, 1] / counts[:, 0]
    elif sort in (LOST, GAINED):
        change = scores[:, 1:] - scores[:, :1]
        defined = ~np.isnan(change)
        bound = np.inf if sort == LOST else -np.inf
        extreme = np.where(defined, change, bound)
        key = extreme.min(axis=1) if sort == LOST else -extreme.max(axis=1)  # without any, inf: it comes last
    else:
        raise UserError(f"These images are sorted by {', '.join(ORDERS)}, not {sort!r}.")
    return np.lexsort((by_path, key))
