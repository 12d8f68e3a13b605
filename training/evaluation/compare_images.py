"""The images that two evaluations share, with what became of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from training.evaluation.gallery import ScoredImage, evaluation_page
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
