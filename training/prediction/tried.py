"""Photos that a model was tried on, kept for a day: the photo as it came, and what the model said of it."""

from __future__ import annotations

import io
import re
import secrets
import shutil
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from db.errors import NotFoundError, UserError
from db.files import explain_os_errors, write_atomic
from labeling.colors import from_hex
from labeling.maps import read_map_png, write_map_png
from labeling.photos import read_photo
from labeling.thumbnails import Size, encode_photo, encode_png
from training.prediction.affinity import affinity_png
from training.prediction.drawing import lay_over
from training.prediction.labelme import labelme_json
from training.prediction.shares import Beside, ClassShare, SharedClasses
from training.prediction.try_model import TriedPicture

KEPT_SECONDS = 24 * 3600

_ID = re.compile(r"[0-9a-f]{32}")
_PHOTO, _INDEX, _CONFIDENCE, _LIKELY, _RECORD = "photo", "index.png", "confidence.png", "likely.npz", "tried.json"


class TriedRecord(BaseModel):
    """What is told of a tried photo.

    Attributes:
        id: by which its pictures are asked for.
        model: what names it for good.
        width: pixels, after EXIF rotation.
        height: likewise.
        classes: in the order of the indices.
        seconds: that the prediction took.
        steps: numbers of iterations of a CRF after which there is a map, too.
    """

    model_config = ConfigDict(frozen=True, protected_namespaces=())

    id: str
    model: str
    width: int
    height: int
    classes: tuple[ClassShare, ...]
    seconds: float
    steps: tuple[int, ...] = ()


class TriedStore:
    """The tried photos in one folder, each in a folder of its own.

    Attributes:
        root: the folder; safe to delete.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def keep(self, photo: bytes, tried: TriedPicture) -> TriedRecord:
        """Keep a photo and what a model said of it; what has been kept for a day goes.

        Raises:
            UserError: the folder cannot be written.
        """
        height, width = tried.index.shape
        record = TriedRecord(
            id=secrets.token_hex(16),
            model=tried.model,
            width=width,
            height=height,
            classes=tried.classes,
            seconds=tried.seconds,
            steps=tuple(tried.steps),
        )
        folder = self.root / record.id
        palette = [from_hex(one.color) for one in tried.classes]
        with explain_os_errors(self.root):
            folder.mkdir(parents=True)
            self._sweep()
            write_atomic(folder / _PHOTO, photo)
            write_atomic(folder / _INDEX, write_map_png(tried.index, palette))
            for iterations, index in tried.steps.items():
                write_atomic(folder / _step(iterations), write_map_png(index, palette))
            write_atomic(folder / _CONFIDENCE, write_map_png(tried.confidence))
            write_atomic(folder / _LIKELY, _packed(tried.likely))
            write_atomic(folder / _RECORD, record.model_dump_json().encode())
        return record

    def record(self, tried_id: str) -> TriedRecord:
        """Return what is told of a tried photo. Raises NotFoundError where it is not kept."""
        return TriedRecord.model_validate_json(self._file(tried_id, _RECORD).read_bytes())

    def photo_jpeg(self, tried_id: str, size: Size) -> bytes:
        """Return the photo as a JPEG of this size. Raises NotFoundError where it is not kept."""
        return encode_photo(self._file(tried_id, _PHOTO), size)

    def photo_bytes(self, tried_id: str) -> bytes:
        """Return the photo as it came. Raises NotFoundError where it is not kept."""
        return self._file(tried_id, _PHOTO).read_bytes()

    def labelme_json(self, tried_id: str, image_path: str, iterations: int = 0) -> bytes:
        """Return the class indices as a labelme file of a photo of this path; raises what `index` does."""
        names = [one.name for one in self.record(tried_id).classes]
        return labelme_json(self.index(tried_id, iterations), names, image_path)

    def photo(self, tried_id: str) -> NDArray[np.uint8]:
        """Return the photo, uint8 (H, W, 3). Raises NotFoundError where it is not kept."""
        return read_photo(self._file(tried_id, _PHOTO))

    def index(self, tried_id: str, iterations: int = 0) -> NDArray[np.uint8]:
        """Return the class indices after so many iterations of a CRF, uint8 (H, W).

        Raises:
            NotFoundError: the picture is not kept, or was not tried with so many.
        """
        return read_map_png(self._index_file(tried_id, iterations))

    def index_png(self, tried_id: str, iterations: int = 0) -> bytes:
        """Return the class indices as a PNG whose palette has the classes' colours; raises what `index` does."""
        return self._index_file(tried_id, iterations).read_bytes()

    def confidence(self, tried_id: str) -> NDArray[np.uint8]:
        """Return the confidence, uint8 (H, W). Raises NotFoundError where it is not kept."""
        return read_map_png(self._file(tried_id, _CONFIDENCE))

    def beside(self, tried_ids: Sequence[str]) -> Beside:
        """Return what several models say of one photo, each tried with it.

        Raises:
            NotFoundError: one of them is not kept.
            UserError: they are of photos of several sizes.
        """
        maps = [self.index(each) for each in tried_ids]
        if len({index.shape for index in maps}) > 1:
            raise UserError("These are of photos of several sizes: only models tried on one photo can be compared.")
        shared = SharedClasses([_classes(self.record(each)) for each in tried_ids])
        return shared.told(shared.count(maps))

    def overlay_png(self, tried_id: str, iterations: int = 0) -> bytes:
        """Return the photo with the classes' colours laid over it, as a PNG; raises what `index` does."""
        _, colors = _classes(self.record(tried_id))
        return encode_png(lay_over(self.photo(tried_id), colors[self.index(tried_id, iterations)]))

    def affinity_png(self, tried_id: str, iterations: int = 0) -> bytes:
        """Return what `affinity_picture` draws of the photo and its prediction, as a PNG; raises what `index` does."""
        self._index_file(tried_id, iterations)
        with np.load(self._file(tried_id, _LIKELY)) as likely:
            return affinity_png(self.photo(tried_id), likely[str(iterations)])

    def _index_file(self, tried_id: str, iterations: int) -> Path:
        if iterations and iterations not in self.record(tried_id).steps:
            raise NotFoundError(f"The photo was not tried with {iterations} iterations of the CRF. Try it again.")
        return self._file(tried_id, _step(iterations) if iterations else _INDEX)

    def _file(self, tried_id: str, name: str) -> Path:
        path = self.root / tried_id / name
        # Names come from a browser: nothing but an id of ours becomes part of a path.
        if not _ID.fullmatch(tried_id) or not (path.parent / _RECORD).is_file() or not path.is_file():
            raise NotFoundError("This picture is kept no longer: what is tried is kept for a day. Try the photo again.")
        return path

    def _sweep(self) -> None:
        for folder in self.root.iterdir():
            with suppress(FileNotFoundError):  # somebody else sweeps, too
                if _ID.fullmatch(folder.name) and time.time() - folder.stat().st_mtime > KEPT_SECONDS:
                    shutil.rmtree(folder, ignore_errors=True)


def _classes(record: TriedRecord) -> tuple[list[str], NDArray[np.uint8]]:
    colors = np.array([from_hex(one.color) for one in record.classes], np.uint8)
    return [one.name for one in record.classes], colors


def _step(iterations: int) -> str:
    return f"index-crf-{iterations}.png"


def _packed(likely: Mapping[int, NDArray[np.float32]]) -> bytes:
    buffer = io.BytesIO()
    arrays: dict[str, Any] = {str(iterations): values for iterations, values in likely.items()}
    np.savez(buffer, **arrays)
    return buffer.getvalue()
