"""Pictures of an evaluation's images: the photo, its truth, what was predicted, and how sure the network was.

All are of one size at one setting, so that they lie over one another pixel by pixel. Truth and prediction are index
PNGs, 8-bit greyscale: whoever shows them chooses the colours. What an evaluation did not store is predicted when it is
first asked for, by the same model at the same size.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Literal, cast

import numpy as np
from numpy.typing import NDArray

from db.errors import NotFoundError, UserError
from db.home import Home
from db.session import Database
from db.store import Store
from labeling.linked import photo_path
from labeling.manifest import ManifestImage
from labeling.maps import MapError, read_map_png, write_map_png
from labeling.photos import PhotoError, read_photo
from labeling.thumbnails import PNG, Picture, Size, photo_jpeg, pictures, reduce_map, stored_map_png
from training.evaluation.opened import OpenEvaluation
from training.evaluation.store import CONFIDENCE, INDEX, EvaluatedImage, map_name
from training.prediction.size import Size as NetworkSize

if TYPE_CHECKING:
    from training.prediction.inference import Precision
    from training.prediction.predicted import Prediction

Layer = Literal["photo", "truth", "prediction", "confidence"]


def evaluation_picture(
    home: Home, database: Database, evaluation: OpenEvaluation, number: int, layer: Layer, size: Size
) -> Picture:
    """Return a picture of an evaluation's image.

    Args:
        home: holds photos, maps and the model.
        database: its database.
        evaluation: with the mapping it is read under.
        number: of the image in the evaluation, from 0.
        layer: `photo`; `truth`, class indices of the dataset, 255 ignore; `prediction`, the same indices through the
            mapping, the number of classes for `other`; `confidence`, softmax of the winning class, 0..255 for 0..1.
        size: longer side in pixels, 0 for the full size.

    Raises:
        NotFoundError: the evaluation has no such image, or the photo is gone.
        UserError: a file is damaged, or what was not stored cannot be predicted; says why and what to do.
    """
    image = evaluated_image(evaluation, number)
    if layer == "photo":
        return photo_jpeg(home, database, _named(evaluation, image), size)
    if layer == "truth":
        return stored_map_png(home, image.map_sha256, (image.width, image.height), size)
    name = f"{layer}-{evaluation.version}-{size}"
    made = pictures(home).get(
        f"evaluations/{evaluation.directory.name}/{number}-{name}.png",
        partial(_encode, home, database, evaluation, number, layer, size),
    )
    return Picture(made, PNG, f'"{evaluation.directory.name}-{number}-{name}"')


def _encode(
    home: Home,
    database: Database,
    evaluation: OpenEvaluation,
    number: int,
    layer: Literal["prediction", "confidence"],
    size: Size,
) -> bytes:
    if layer == "prediction":
        pixels = predicted_map(home, database, evaluation, number)
    else:
        pixels = _raw(home, database, evaluation, number, layer)
    return write_map_png(reduce_map(pixels, size))


def predicted_map(home: Home, database: Database, evaluation: OpenEvaluation, number: int) -> NDArray[np.uint8]:
    """Return what was predicted, uint8 (H, W) of the photo's size: classes of the dataset, their number for `other`.

    Raises:
        UserError: as `evaluation_picture`.
    """
    columns = np.zeros(256, np.uint8)
    columns[: len(evaluation.columns)] = evaluation.columns
    return columns[_raw(home, database, evaluation, number, "prediction")]


def evaluated_image(evaluation: OpenEvaluation, number: int) -> EvaluatedImage:
    """Return an image by its number. Raises `NotFoundError` where there is none."""
    images = evaluation.record.images
    if not 0 <= number < len(images):
        raise NotFoundError(f"Evaluation {evaluation.id} has images 0 to {len(images) - 1}, not {number}.")
    return images[number]


def _raw(
    home: Home, database: Database, evaluation: OpenEvaluation, number: int, layer: Literal["prediction", "confidence"]
) -> NDArray[np.uint8]:
    if evaluation.record.predictions:
        return _stored(evaluation, number, layer)
    return _predicted(home, database, evaluation, number, layer)


def _stored(evaluation: OpenEvaluation, number: int, layer: Layer) -> NDArray[np.uint8]:
    path = evaluation.directory / (INDEX if layer == "prediction" else CONFIDENCE) / map_name(number)
    try:
        return read_map_png(path)
    except (OSError, MapError) as error:
        raise UserError(f"The evaluation's file {path.name} cannot be read: {error}. Evaluate again.") from None


def _predicted(
    home: Home, database: Database, evaluation: OpenEvaluation, number: int, layer: Literal["prediction", "confidence"]
) -> NDArray[np.uint8]:
    """Predict the image, and keep both of what that gives, as the other one is asked for next."""
    cache = pictures(home)
    folder = f"evaluations/{evaluation.directory.name}"

    def raw(which: str) -> str:
        return f"{folder}/{number}-raw-{which}.png"

    def make() -> bytes:
        found = _predict(home, database, evaluation, number)
        maps = {"prediction": found.index, "confidence": found.confidence}
        for which, pixels in maps.items():
            if which != layer:
                cache.get(raw(which), partial(write_map_png, pixels))
        return write_map_png(maps[layer])

    return read_map_png(cache.get(raw(layer), make))


def _predict(home: Home, database: Database, evaluation: OpenEvaluation, number: int) -> Prediction:
    from training.prediction.kept_model import KEPT  # loads torch, which the pictures that are stored do not need

    record = evaluation.record
    image = _named(evaluation, record.images[number])
    try:
        photo = read_photo(photo_path(database, Store(home.store), image))
    except PhotoError as error:
        raise NotFoundError(f"The photo {image.path} cannot be read: {error}.") from error
    size = NetworkSize.parse(record.size)
    # In the numbers it was evaluated in: the picture must be the one that was counted.
    precision = cast("Precision", record.precision)
    model, prediction = KEPT.predict(
        home,
        database,
        evaluation.project,
        record.model,
        photo,
        size,
        precision=precision,
        refinement=record.refinement,
        bundles=True,
    )
    if model.sha256 != record.model_sha256:
        raise UserError(
            f"Evaluation {evaluation.id} stored no predictions, and the model {record.model} has changed since, so "
            "they cannot be made now. Evaluate again, with predictions."
        )
    return prediction


def _named(evaluation: OpenEvaluation, image: EvaluatedImage) -> ManifestImage:
    dataset = evaluation.record.dataset
    return ManifestImage(dataset, image.path, image.image_sha256, image.map_sha256, None, ())
