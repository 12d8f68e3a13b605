"""What is written of predicted photos, under which names: the same in a folder and in a zip."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from labeling.colors import to_hex
from labeling.exporting.names import export_names
from labeling.maps import write_map_png
from labeling.thumbnails import encode_png
from training.evaluation.as_csv import table_csv
from training.models.loaded import LoadedModel
from training.prediction.drawing import Look, Painter, model_palette
from training.prediction.labelme import labelme_json
from training.prediction.shares import Beside, ClassShare, Counted, SharedClasses, class_shares
from training.prediction.side_by_side import draw_beside

JPEG_QUALITY = 90
BESIDE_FOLDER, CLASSES_NAME, SHARES_NAME, AGREEMENT_NAME = "beside", "classes.csv", "shares.csv", "agreement.csv"

File = tuple[str, bytes]
"""Name, relative, with slashes, and content."""


@dataclass(frozen=True)
class PredictedBy:
    """What one model was used for.

    Attributes:
        model: what names it for good.
        folder: of its files below the output; empty for a model alone.
        classes: with their shares of all pixels.
    """

    model: str
    folder: str
    classes: tuple[ClassShare, ...]


@dataclass(frozen=True, slots=True)
class PhotoBeside:
    """What several models say of a photo; see `Beside`.

    Attributes:
        photo: its path.
        agree: share of the pixels that get the same class from all models.
        pairs: from each two, in the order of `BesideReport.pairs`.
        shares: of the classes that any model sees, by name, model by model.
    """

    photo: str
    agree: float
    pairs: tuple[float, ...]
    shares: dict[str, tuple[float | None, ...]]


@dataclass(frozen=True)
class BesideReport:
    """What several models say of all photos.

    Attributes:
        said: of all pixels.
        unmatched: classes that not every model knows, each with the models that do.
        photos: one by one.
    """

    said: Beside
    unmatched: dict[str, tuple[str, ...]]
    photos: tuple[PhotoBeside, ...]


@dataclass(frozen=True)
class Said:
    """What was counted in a photo."""

    photo: str
    counted: Counted
    beside: Beside


class Writing:
    """Makes the files of photos, from any thread, and sums up what they show.

    Attributes:
        models: that predict.
    """

    def __init__(self, models: Sequence[LoadedModel], look: Look, *, overlay: bool, labelme: bool) -> None:
        """Prepare.

        Args:
            models: one, or several beside each other.
            look: of overlays.
            overlay: whether there are any.
            labelme: write a labelme file of each photo.
        """
        self.models = models
        self._look, self._overlay, self._labelme = look, overlay, labelme
        self._palettes = [model_palette(each.spec) for each in models]
        self._shared = SharedClasses([(m.spec.classes, own) for m, own in zip(models, self._palettes, strict=True)])
        self._names = [each.reference for each in models]
        self._folders = model_folders(self._names) if len(models) > 1 else [""]
        self._total: Counted | None = None
        self._photos: list[PhotoBeside] = []
        self._shares = [table_csv([("photo", "class", *self._names)])]

    def say(self, photo: str, maps: Sequence[NDArray[np.uint8]]) -> Said:
        """Count what the models say of a photo of this path, each uint8 (H, W)."""
        counted = self._shared.count(maps)
        return Said(photo, counted, self._shared.told(counted))

    def photo_files(
        self, said: Said, stem: str, pixels: NDArray[np.uint8], maps: Sequence[NDArray[np.uint8]]
    ) -> Iterator[File]:
        """Yield the files of a photo, uint8 (H, W, 3), whose names begin with `stem`."""
        height, width = pixels.shape[:2]
        for model, palette, index, above in zip(self.models, self._palettes, maps, self._folders, strict=True):
            yield f"{above}index/{stem}.png", write_map_png(index, palette)
            if self._overlay:
                painter = Painter(self._look, model.spec.classes, palette, (height, width))
                yield f"{above}overlay/{stem}.jpg", _jpeg(painter.paint(pixels, index))
            if self._labelme:
                name = Path(said.photo).name
                yield f"{above}labelme/{stem}.json", labelme_json(index, model.spec.classes, name)
        if len(self.models) > 1:
            picture = draw_beside(pixels, maps, self._names, self._shared, said.beside, self._look.opacity)
            yield f"{BESIDE_FOLDER}/{stem}.beside.png", encode_png(picture)

    def add(self, said: Said) -> None:
        """Sum a photo up, in the order of the photos."""
        self._total = said.counted if self._total is None else self._total + said.counted
        shares = {each.name: each.shares for each in said.beside.classes if any(each.shares)}
        self._shares.append(table_csv((said.photo, name, *values) for name, values in shares.items()))
        if len(self.models) > 1:
            pairs = tuple(pair.agree for pair in said.beside.pairs)
            self._photos.append(PhotoBeside(said.photo, said.beside.agree, pairs, shares))

    def tables(self) -> Iterator[File]:
        """Yield the tables, once all photos are summed up."""
        for model, palette, above in zip(self.models, self._palettes, self._folders, strict=True):
            yield f"{above}{CLASSES_NAME}", classes_csv(model.spec.classes, palette)
        yield SHARES_NAME, _utf8("".join(self._shares))
        if len(self.models) > 1:
            pairs = self._beside().pairs if len(self.models) > 2 else ()  # of two, all are the pair
            names = [f"{self._names[pair.a]} and {self._names[pair.b]}" for pair in pairs]
            rows = ((each.photo, each.agree, *each.pairs[: len(pairs)]) for each in self._photos)
            yield AGREEMENT_NAME, _utf8(table_csv([("photo", "all", *names), *rows]))

    def predicted_by(self) -> tuple[PredictedBy, ...]:
        """Return the models with the shares of all pixels."""
        assert self._total is not None
        return tuple(
            PredictedBy(
                model.reference,
                above.rstrip("/"),
                tuple(class_shares(model.spec.classes, palette, counts[places])),
            )
            for model, palette, above, counts, places in zip(
                self.models, self._palettes, self._folders, self._total.classes, self._shared.places, strict=True
            )
        )

    def beside(self) -> BesideReport | None:
        """Return what the models say of all photos; None of a model alone."""
        if len(self.models) == 1:
            return None
        unmatched = {name: tuple(self._names[m] for m in models) for name, models in self._shared.unmatched()}
        return BesideReport(self._beside(), unmatched, tuple(self._photos))

    def _beside(self) -> Beside:
        assert self._total is not None
        return self._shared.told(self._total)


def model_folders(references: Sequence[str]) -> list[str]:
    """Return a folder for each of several models, with a slash at the end, that every system can hold.

    Example:
        >>> model_folders(["12:best", "models/campus.safetensors"])
        ['12_best/', 'campus/']
    """
    taken, folders = {BESIDE_FOLDER, CLASSES_NAME, SHARES_NAME, AGREEMENT_NAME}, []
    for reference in references:
        stem = reference.rpartition("/")[2].removesuffix(".safetensors")
        name = export_names([stem], stems=False)[stem]
        while name.casefold() in taken:
            name += "_"
        taken.add(name.casefold())
        folders.append(f"{name}/")
    return folders


def classes_csv(classes: Sequence[str], palette: NDArray[np.uint8]) -> bytes:
    """Return what the values of class maps stand for, as CSV.

    Args:
        classes: names in the order of the indices.
        palette: uint8 (K, 3), RGB.
    """
    colors = (to_hex((int(red), int(green), int(blue))) for red, green, blue in palette)
    rows = ((index, *each) for index, each in enumerate(zip(classes, colors, strict=True)))
    return _utf8(table_csv([("index", "class", "color"), *rows]))


def _utf8(text: str) -> bytes:
    return text.encode(errors="backslashreplace")


def _jpeg(pixels: NDArray[np.uint8]) -> bytes:
    encoded, data = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not encoded:
        raise RuntimeError("OpenCV could not encode the overlay")
    return data.tobytes()
