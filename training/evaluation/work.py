"""The work of an evaluation: photos decoded ahead, the network in the middle, counting and writing behind it.

Memory is bounded by a few photos, however many there are: predictions leave as files, counts as a handful of integers
per image.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from db.errors import UserError
from labeling.annotation import IGNORE
from labeling.maps import read_map_png, write_map_png
from labeling.photos import PhotoError, read_photo
from labeling.progress import Progress
from labeling.workers import usable_cores
from training.data.parallel import ordered_map
from training.data.resample import resize_photo
from training.evaluation.counting import count
from training.evaluation.store import CONFIDENCE, INDEX, Histograms, ImageCounts, map_name
from training.prediction.inference import Predictor
from training.prediction.predicted import SCORE_BINS, Prediction
from training.prediction.size import Size

CALIBRATION_BINS = 32
_MOST_THREADS = 8  # on each side of the network; decoding, counting and zlib all run beside the interpreter


@dataclass(frozen=True)
class Sample:
    """One image to evaluate. `photo` finds the file when it is needed, `name` is for messages."""

    photo: Callable[[], Path]
    class_map: Path
    name: str


@dataclass(frozen=True)
class Outcome:
    """What came out for one image; height and width in pixels, the rest as `EvaluatedImage` has it."""

    counts: ImageCounts
    height: int
    width: int
    entropy: float | None
    confidence: float


@dataclass(frozen=True)
class _Ready:
    number: int
    pixels: NDArray[np.uint8]  # at the network's size
    photo: NDArray[np.uint8]  # at its own
    truth: NDArray[np.uint8]  # at the photo's own


@dataclass(frozen=True)
class _Predicted:
    number: int
    truth: NDArray[np.uint8]
    prediction: Prediction


class EvaluationRun:
    """One pass of a model over some images."""

    def __init__(
        self, predictor: Predictor, samples: Sequence[Sample], *, k_truth: int, k_model: int, size: Size
    ) -> None:
        self._predictor = predictor
        self._samples = samples
        self._size = size
        self._k_truth, self._k_model = k_truth, k_model
        self._lock = threading.Lock()
        self.histograms = Histograms(
            np.zeros((k_model, k_truth, SCORE_BINS), np.int64),
            np.zeros((CALIBRATION_BINS, k_truth, k_model), np.int64),
            np.zeros(256, np.int64),
            np.zeros((256, k_model), np.int64),
        )

    @property
    def cells(self) -> int:
        """Cells of a confusion matrix."""
        return self._k_truth * self._k_model

    def outcomes(self, directory: Path | None, progress: Progress) -> list[Outcome]:
        """Evaluate every image, in order; `directory` receives the predicted maps unless it is None.

        Raises:
            UserError: a photo or class map cannot be read, or they do not fit each other.
        """
        if directory is not None:
            for folder in (INDEX, CONFIDENCE):
                (directory / folder).mkdir()
        threads = max(2, min(_MOST_THREADS, usable_cores() // 2))
        ready = ordered_map(self._load, range(len(self._samples)), threads=threads, ahead=2 * threads)
        settled = ordered_map(
            partial(self._settle, directory=directory), self._predict(ready), threads=threads, ahead=2 * threads
        )
        found: list[Outcome] = []
        for outcome in settled:
            found.append(outcome)
            progress(len(found), len(self._samples), "images evaluated")
        return found

    def _load(self, number: int) -> _Ready:
        sample = self._samples[number]
        try:
            photo = read_photo(sample.photo())
            truth = read_map_png(sample.class_map)
        except (PhotoError, ValueError, OSError) as error:
            raise UserError(f"{sample.name} cannot be evaluated: {error}") from error
        height, width = photo.shape[:2]
        if truth.shape != (height, width):
            raise UserError(
                f"{sample.name} cannot be evaluated: its photo is {width}x{height}, its class map "
                f"{truth.shape[1]}x{truth.shape[0]} pixels. Import the dataset again and freeze it."
            )
        return _Ready(number, resize_photo(photo, self._size.target(height, width)), photo, truth)

    def _predict(self, ready: Iterable[_Ready]) -> Iterator[_Predicted]:
        """Run the network on neighbours of one size together."""
        for batch in self._predictor.gather(ready, lambda image: image.pixels):
            sizes = [(image.truth.shape[0], image.truth.shape[1]) for image in batch]
            pixels, photos = [image.pixels for image in batch], [image.photo for image in batch]
            predictions = self._predictor.predict(pixels, sizes, scores="bins", originals=photos)
            for image, prediction in zip(batch, predictions, strict=True):
                yield _Predicted(image.number, image.truth, prediction)

    def _settle(self, predicted: _Predicted, directory: Path | None) -> Outcome:
        truth, prediction = predicted.truth, predicted.prediction
        try:
            table = count(truth, prediction.index, self._k_truth, self._k_model)
        except ValueError as error:
            raise UserError(f"{self._samples[predicted.number].name} cannot be evaluated: {error}") from error
        self._add_scores(truth, prediction)
        self._add_calibration(truth, prediction)
        if directory is not None:
            # Not flushed one by one: they can be computed again, and the directory has no name yet.
            name = map_name(predicted.number)
            (directory / INDEX / name).write_bytes(write_map_png(prediction.index))
            (directory / CONFIDENCE / name).write_bytes(write_map_png(prediction.confidence))
        confidence = float(prediction.confidence.mean()) / 255
        return Outcome(ImageCounts.of(table), truth.shape[0], truth.shape[1], prediction.entropy, confidence)

    def _add_scores(self, truth: NDArray[np.uint8], prediction: Prediction) -> None:
        assert prediction.scores is not None
        sampled = np.ascontiguousarray(truth[:: prediction.stride, :: prediction.stride])
        for model_class, scores in enumerate(prediction.scores):
            table = count(sampled, scores, self._k_truth, SCORE_BINS)
            with self._lock:
                self.histograms.scores[model_class] += table

    def _add_calibration(self, truth: NDArray[np.uint8], prediction: Prediction) -> None:
        valid = truth != IGNORE
        confidence, winner = prediction.confidence[valid].astype(np.int64), prediction.index[valid]
        cells = confidence * CALIBRATION_BINS // 256 * self._k_truth + truth[valid]
        cells = cells * self._k_model + winner
        shape = self.histograms.calibration.shape
        table = np.bincount(cells, minlength=CALIBRATION_BINS * self._k_truth * self._k_model).reshape(shape)
        winners = np.bincount(confidence * self._k_model + winner, minlength=256 * self._k_model)
        winners = winners.reshape(256, self._k_model)
        with self._lock:
            self.histograms.calibration.__iadd__(table)
            self.histograms.confidence.__iadd__(winners.sum(axis=1))
            assert self.histograms.winners is not None
            self.histograms.winners.__iadd__(winners)
