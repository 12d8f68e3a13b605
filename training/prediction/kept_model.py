"""The model used last, kept ready on its device for the next photo: loading takes seconds, a photo far less."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from db.home import Home
from db.session import Database
from training.data.resample import resize_photo
from training.models.files import ModelFile, find_model_file
from training.models.find import load_model_file
from training.models.loaded import LoadedModel
from training.numerics import pick_device
from training.prediction.inference import Precision, Predictor
from training.prediction.predicted import Prediction
from training.prediction.refinement import NONE, Refinement
from training.prediction.size import Size

IDLE_SECONDS = 600.0
"""A model that nobody used for so long makes room: a training may want the memory."""

Result = TypeVar("Result")
_Stamp = tuple[Path, int, int, Precision]


@dataclass(frozen=True)
class _Kept:
    stamp: _Stamp
    predictor: Predictor


def _later(seconds: float, action: Callable[[], None]) -> None:
    timer = threading.Timer(seconds, action)
    timer.daemon = True
    timer.start()


class KeptModel:
    """One model at most, until it is idle. Any number of threads may ask; they are served one after the other.

    All of it happens in one thread: each thread that ever predicts keeps workers and buffers of torch's for as long as
    it is, and a server's have come to forty times 17 MB.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        later: Callable[[float, Callable[[], None]], None] = _later,
    ) -> None:
        """Keep nothing yet.

        Args:
            clock: seconds since whenever.
            later: has an action done after so many seconds.
        """
        self._thread = ThreadPoolExecutor(1, "kept-model")
        self._kept: _Kept | None = None
        self._clock, self._later = clock, later
        self._used = 0.0
        self._watched = False

    def predict(
        self,
        home: Home,
        database: Database,
        project: str,
        reference: str,
        pixels: NDArray[np.uint8],
        size: Size,
        *,
        precision: Precision = "auto",
        refinement: Refinement = NONE,
        bundles: bool = False,
    ) -> tuple[LoadedModel, Prediction]:
        """Predict a photo.

        Args:
            home: holds the model.
            database: its database.
            project: name of the model's project.
            reference: of a model of the project.
            pixels: uint8 (H, W, 3) RGB.
            size: what the network sees.
            precision: what the network computes in.
            refinement: what is done besides running the network once.
            bundles: the reference may also be the path of a bundle.

        Returns:
            The model, and what it says of the photo.

        Raises:
            UserError: there is no such model, or its file is damaged.
        """
        file = find_model_file(home, database, project, reference, bundles=bundles)
        height, width = pixels.shape[:2]
        small = resize_photo(pixels, size.target(height, width))

        def work(ready: Predictor) -> tuple[LoadedModel, Prediction]:
            predictor = Predictor(ready.model, ready.device, precision, refinement)
            return ready.model, predictor.predict([small], [(height, width)], originals=[pixels])[0]

        return self._with(file, precision, work)

    def predict_steps(
        self,
        home: Home,
        database: Database,
        project: str,
        reference: str,
        pixels: NDArray[np.uint8],
        size: Size,
        iterations: Sequence[int],
    ) -> tuple[LoadedModel, list[Prediction]]:
        """Predict a photo after each of these numbers of iterations of a CRF, ascending; else as `predict` does."""
        file = find_model_file(home, database, project, reference, bundles=False)
        small = resize_photo(pixels, size.target(*pixels.shape[:2]))
        return self._with(
            file, "auto", lambda ready: (ready.model, ready.predict_steps(small, pixels, iterations, "probabilities"))
        )

    def _with(self, file: ModelFile, precision: Precision, work: Callable[[Predictor], Result]) -> Result:
        return self._thread.submit(self._work, file, precision, work).result()

    def _work(self, file: ModelFile, precision: Precision, work: Callable[[Predictor], Result]) -> Result:
        stamp = _stamp(file.path, precision)  # the last checkpoint of a run that goes on is replaced again and again
        if self._kept is None or self._kept.stamp != stamp:
            self._kept = None  # two at once may not fit
            self._kept = _Kept(stamp, Predictor(load_model_file(file), pick_device("auto"), precision))
            self._watch()
        try:
            return work(self._kept.predictor)
        finally:
            self._used = self._clock()

    def _watch(self) -> None:
        self._used = self._clock()
        if not self._watched:
            self._watched = True
            self._later(IDLE_SECONDS, self._look_whether_idle)

    def _look_whether_idle(self) -> None:
        self._thread.submit(self._release_idle).result()

    def _release_idle(self) -> None:
        """Let the model go where nobody used it for long enough, else look again when that may be so."""
        left = self._used + IDLE_SECONDS - self._clock()
        if left > 0:
            self._later(left, self._look_whether_idle)
            return
        self._kept, self._watched = None, False
        torch.cuda.empty_cache()  # torch would keep the memory for itself, out of a trainer's reach


def _stamp(path: Path, precision: Precision) -> _Stamp:
    status = path.stat()
    return path, status.st_size, status.st_mtime_ns, precision


KEPT = KeptModel()
"""The one of this process."""
