"""What a model is besides its weights: enough to build the network again and to say where it comes from."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from labeling.annotation import MAX_CLASSES
from labeling.parts import part_title
from training.architectures.contract import Preprocessing
from training.evaluation.public_data import PublicTraining

Color = Annotated[str, Field(pattern=r"^#[0-9a-f]{6}$")]


class Ancestor(BaseModel):
    """One training that shaped a model's weights.

    Attributes:
        revision: digest of the revision it was trained on.
        datasets: names of the datasets of that revision it was trained on; empty: all of them.
        on: subset or role it was trained on, as `training.evaluation.selection.select` reads it.
        run: number of the run in its project; None for a training outside any project.
        init: what the training started from, in words (`scratch`, `imagenet`, `run 12:best`, a file name).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    revision: str
    datasets: tuple[str, ...] = ()
    on: str = "train"
    run: int | None = None
    init: str | None = None


class Adaptation(BaseModel):
    """A change of a model's weights by photos whose labels nobody looked at.

    Attributes:
        how: `adabn` or `tent`.
        dataset: name of the photos' dataset.
        on: which of its photos, as `labeling.images.photos_of` reads it.
        images: how many.
        parent: the model it was made of, as it was named.
        parent_sha256: of that model's file; None in models older than this.
        size: what the network saw, as `training.prediction.size.Size` writes it; None likewise.
        photos_sha256: of the photos, as `training.adaptation.adapted.photos_digest` has it; None likewise.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    how: str
    dataset: str
    on: str
    images: int
    parent: str
    parent_sha256: str | None = None
    size: str | None = None
    photos_sha256: str | None = None

    def __str__(self) -> str:
        """Say it in words."""
        photos = f"{self.images} photos of {part_title(self.dataset, self.on)}"
        return f"{self.parent} to {photos}, by {self.how}, without labels"


Lineage = tuple[Ancestor | PublicTraining, ...]
"""Every training that shaped a model's weights, the oldest first: in a home, or on public data before."""


class ModelSpec(BaseModel):
    """A model without its weights; its JSON travels in checkpoints and bundles.

    Attributes:
        architecture: name of the network family.
        options: keyword options its constructor was given.
        classes: names in the order of the network's outputs.
        colors: of the classes, `#rrggbb`, for pictures; empty where nobody chose any.
        preprocessing: from pixels to network input.
        recipe: the recipe it was trained with; None for an imported model.
        lineage: every training that shaped the weights, the oldest first; empty where unknown.
        revision: digest of the revision it was last trained on; None for an imported model.
        adaptations: what was done to its weights without labels since, the oldest first.
        metrics: figures its training noted (`miou`, `step`, ...), for the record.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    architecture: str
    options: dict[str, Any] = Field(default_factory=dict)
    classes: tuple[str, ...] = Field(min_length=1, max_length=MAX_CLASSES)
    colors: tuple[Color, ...] = ()
    preprocessing: Preprocessing = Preprocessing()
    recipe: dict[str, Any] | None = None
    lineage: Lineage = ()
    revision: str | None = None
    adaptations: tuple[Adaptation, ...] = ()
    metrics: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_color_a_class(self) -> ModelSpec:
        if self.colors and len(self.colors) != len(self.classes):
            raise ValueError(f"expected a colour for each of the {len(self.classes)} classes, found {len(self.colors)}")
        return self
