"""A model adapted to photos without labels is another model: kept beside its parent, tested and used as any other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from torch import Tensor

from db.home import Home
from db.session import Database
from db.store import Store
from labeling.images import DatasetPhoto, photos_of
from labeling.parts import ALL
from labeling.progress import Progress, silent
from training.adaptation.adapted import photos_digest
from training.adaptation.batch_norm import LEARNING_RATE, minimise_entropy, reestimate
from training.adaptation.home_photos import read_photos
from training.data.resample import resize_photo
from training.models.bundle import encode_bundle
from training.models.find import load_model
from training.models.keeping import clean_model_name, keep_model
from training.models.spec import Adaptation
from training.numerics import Numerics, pick_device
from training.prediction.inference import Predictor
from training.prediction.size import Size

How = Literal["adabn", "tent"]
WAYS: tuple[How, ...] = get_args(How)


@dataclass(frozen=True)
class AdaptedModel:
    """A model that was made of another one.

    Attributes:
        name: what commands take.
        parent: the model it was made of.
        how: which way.
        images: photos it was adapted to.
        layers: layers of batch normalisation that were changed.
        entropy: mean entropy in nats of a pixel's prediction over the first and last tenth of TENT's steps; None
            otherwise.
        sha256: of its bundle.
        notes: sentences for people.
    """

    name: str
    parent: str
    how: How
    images: int
    layers: int
    entropy: tuple[float, float] | None
    sha256: str
    notes: tuple[str, ...]


def adapt(
    home: Home,
    database: Database,
    *,
    project: str | None,
    model: str,
    how: How,
    dataset: str,
    on: str = ALL,
    size: str = "original",
    name: str | None = None,
    learning_rate: float = LEARNING_RATE,
    device: str = "auto",
    progress: Progress = silent,
) -> AdaptedModel:
    """Adapt a model to photos of a dataset as it is now; their labels, if they have any, are not looked at.

    Args:
        home: receives the model.
        database: its database.
        project: name; None is the current one, or the only one.
        model: reference of the parent.
        how: `adabn` measures the statistics of batch normalisation anew, `tent` trains its scales and shifts first.
        dataset: name.
        on: `all`, `unlabelled`, a role or a subset's name.
        size: what the network sees; what it will be tested at.
        name: of the new model (default: of the parent, the way and the photos).
        learning_rate: of TENT.
        device: as `training.numerics.pick_device` reads it.
        progress: told the photos that passed.

    Raises:
        UserError: something of the above is not there, a photo cannot be read, or the network has no batch
            normalisation.
    """
    photos = photos_of(database, project, dataset, on)
    loaded = load_model(home, database, project, model)
    chosen = clean_model_name(name if name is not None else usual_name(loaded.reference, how, dataset, on))
    # In full precision: statistics and gradients of half of it would be those of its rounding.
    predictor = Predictor(loaded, pick_device(device), "fp32")
    passes = 2 if how == "tent" else 1

    def batches(number: int) -> Iterator[Tensor]:
        done = number * len(photos)
        for batch in _batches(predictor, database, Store(home.store), photos, Size.parse(size)):
            yield batch
            done += len(batch)
            progress(done, passes * len(photos), "photos passed through the network")

    entropies = minimise_entropy(loaded.module, batches(0), learning_rate=learning_rate) if how == "tent" else []
    layers = reestimate(loaded.module, batches(passes - 1))
    adaptation = Adaptation(
        how=how,
        dataset=dataset,
        on=on,
        images=len(photos),
        parent=loaded.reference,
        parent_sha256=loaded.sha256,
        size=str(Size.parse(size)),
        photos_sha256=photos_digest(photos),
    )
    spec = loaded.spec.model_copy(update={"adaptations": (*loaded.spec.adaptations, adaptation), "metrics": {}})
    sha256, notes = keep_model(
        home, database, project, chosen, encode_bundle(loaded.module.state_dict(), spec), spec, str(adaptation)
    )
    return AdaptedModel(
        name=chosen,
        parent=loaded.reference,
        how=how,
        images=len(photos),
        layers=layers,
        entropy=_first_and_last(entropies),
        sha256=sha256,
        notes=notes,
    )


def usual_name(parent: str, how: How, dataset: str, on: str) -> str:
    """Return what an adapted model is called where nobody names it."""
    part = dataset if on == ALL else f"{dataset} {on}"
    return f"{Path(parent).stem.replace(':', '-')} {how} {part}"


def _batches(
    predictor: Predictor, database: Database, store: Store, photos: Sequence[DatasetPhoto], size: Size
) -> Iterator[Tensor]:
    """Yield network inputs of neighbours of one size together."""
    numerics = Numerics(predictor.device, predictor.model.spec.preprocessing, channels_last=True)
    pixels = (resize_photo(photo, size.target(*photo.shape[:2])) for photo in read_photos(database, store, photos))
    for batch in predictor.gather(pixels, lambda photo: photo):
        yield numerics.input(predictor.pixels(batch))


def _first_and_last(entropies: Sequence[float]) -> tuple[float, float] | None:
    tenth = max(1, len(entropies) // 10)
    if not entropies:
        return None
    return sum(entropies[:tenth]) / tenth, sum(entropies[-tenth:]) / tenth
