"""The parts of a recipe, each a group of settings."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from db.errors import UserError
from training.data.sizes import Resize


class Part(BaseModel):
    """What all parts have in common: they do not change, and know no other settings than theirs."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def as_none(value: object) -> object:
    """Turn `none`, as a command line has it, into None."""
    return None if isinstance(value, str) and value.lower() in {"none", "null", ""} else value


def as_crop(value: object) -> object:
    """Turn `HxW`, as `Resize` reads it, or one number for a square into (height, width), and `none` into None."""
    value = as_none(value)
    if isinstance(value, str) and value.strip().isdecimal():
        value = int(value)
    if isinstance(value, int):
        return value, value
    if not isinstance(value, str):
        return value
    try:
        exact = Resize.parse(value).exact
    except UserError:
        exact = None
    if exact is None:
        raise ValueError(f"expected HxW (as in 240x320), one number for a square, or none, found {value!r}")
    return exact


def as_span(value: object) -> object:
    """Turn `0.5..2` or `0.5, 2` into its two ends."""
    if isinstance(value, str):
        return tuple(re.split(r"\s*[,.]{2}\s*|\s*,\s*", value.strip("[]() ")))
    return value


def as_text(value: object) -> object:
    """Turn a number into the text of it."""
    return str(value) if isinstance(value, int) else value  # a run's number, as YAML reads it


Side = Annotated[int, Field(ge=1, le=65536)]
HeightWidth = tuple[Side, Side]
Fraction = Annotated[float, Field(ge=0, lt=1)]
Weight = Annotated[float, Field(ge=0)]
Span = Annotated[tuple[float, float], BeforeValidator(as_span)]


class Claim(Part):
    """A number that someone published for this recipe, and whether we got it.

    Attributes:
        miou: as a fraction.
        dataset: what it was measured on, and how.
        source: where it stands.
        reproduced: our own figure and how we got it, or `not run`.
    """

    miou: float = Field(ge=0, le=1)
    dataset: str
    source: str
    reproduced: str = "not run"


class Optimizer(Part):
    """The optimiser and who gets which share of its learning rate and weight decay.

    Attributes:
        name: the rule by which gradients become steps.
        lr: how far each step goes; too high and the training runs wild, too low and it hardly gets anywhere. The
            learning rate of every parameter group whose multiplier is 1.
        momentum: of `sgd`: how much of the last step is kept.
        nesterov: of `sgd`: look ahead along the momentum first.
        betas: of `adam` and `adamw`: how much of the running mean and of the running square is kept.
        amsgrad: of `adam` and `adamw`: never let the running square fall.
        weight_decay: how strongly weights are pulled towards zero.
        multipliers: factor on `lr` by parameter-group name; a group that is not named has 1.
        layer_decay: lower rates the nearer to the input: the encoder's last block has `lr` times this, the one before
            times its square, and so on; the rest of the network keeps `lr`. 1: the same rate everywhere. Multiplies
            with `multipliers`.
        no_decay: parameters without weight decay: `norm` (of normalisation layers), `bias`, or parameter-group names.
        clip_norm: largest total gradient norm; none: any.
    """

    name: Literal["sgd", "adam", "adamw"] = "adamw"
    lr: float = Field(default=2e-3, gt=0)
    momentum: Fraction = 0.9
    nesterov: bool = False
    betas: tuple[Fraction, Fraction] = (0.9, 0.999)
    amsgrad: bool = False
    weight_decay: float = Field(default=0.01, ge=0)
    no_decay: tuple[str, ...] = ("norm", "bias")
    multipliers: dict[str, Annotated[float, Field(ge=0)]] = Field(default_factory=dict)
    layer_decay: float = Field(default=1.0, gt=0, le=1)
    clip_norm: Annotated[float | None, BeforeValidator(as_none)] = Field(default=None, gt=0)


class Schedule(Part):
    """How the learning rate falls; see `training.engine.schedule.factor` for the formulas.

    Attributes:
        name: the curve it follows.
        power: of `poly`.
        eta_min: the learning rate at the end of `poly` and `cosine`, as a fraction of the first.
        gamma: of `exponential`: the fraction left at the end; of `inverse_time`: how strongly it falls.
        every: steps between two changes (DeepLab changes every 10).
        warmup_steps: steps of linear warm-up from `warmup_factor`; counted in the total.
        warmup_factor: the share of `lr` that a warm-up begins with.
    """

    name: Literal["constant", "poly", "cosine", "exponential", "inverse_time"] = "poly"
    power: float = Field(default=0.9, gt=0)
    eta_min: float = Field(default=0.0, ge=0, le=1)
    gamma: float = Field(default=0.1, gt=0)
    every: int = Field(default=1, ge=1)
    warmup_steps: int = Field(default=0, ge=0)
    warmup_factor: float = Field(default=0.1, ge=0, le=1)


class Loss(Part):
    """What is minimised: a sum of terms, each times its weight, over what is not ignored; see `training.losses`.

    Attributes:
        cross_entropy: weight of the cross-entropy; 0 leaves it out, as with every term.
        dice: weight of the Dice loss, overlap of regions, per image.
        lovasz: weight of the Lovász-softmax, which stands for the IoU itself, per image.
        tversky: weight of the Tversky loss, Dice with a say in which mistake is worse, per image.
        focal: weight of the focal loss, cross-entropy that pays less attention to easy pixels; usually instead of it.
        ohem: weight of the cross-entropy of the hardest pixels of each image; usually instead of the plain one.
        affinity: weight of the affinity loss, by which pixels that look alike are predicted alike, per image. As
            published 0.15 beside a `cross_entropy` of 0.85.
        presence: weight of telling which classes an image shows at all, for networks that do (`encnet`); none: the
            network's own.
        label_smoothing: of `cross_entropy`: the share of each label that is spread over all classes.
        focal_gamma: of `focal`: how little attention; 0 is cross-entropy.
        ohem_threshold: of `ohem`: a pixel is hard if its true class has a lower probability.
        ohem_keep: of `ohem`: the least share of an image's pixels that counts as hard.
        tversky_false_positives: of `tversky`: alpha, the cost of predicting too much.
        tversky_false_negatives: of `tversky`: beta, the cost of predicting too little.
        affinity_position: of `affinity`: lambda, how much distance in the image counts beside that in colour.
        affinity_pieces: of `affinity`: cut each image into N x N pieces that are looked at by themselves.
        affinity_long_side: of `affinity`: reduce images to this longer side first; none: exact, at their own size.
        affinity_megabytes: of `affinity`: memory for the pieces its matrix is computed in; never for the whole of it.
        class_weights: `none`; `median_frequency` (SegNet, arXiv 1511.00561, section 3.2: over the images a class is
            in); `effective_number` (Cui et al., CVPR 2019, arXiv 1901.05555, eq. 2, over images). Either is scaled so
            that the mean weight over the training pixels is 1, which leaves the meaning of `lr` alone.
        beta: of `effective_number`.
        power: of the weights. 1 as published: classes count alike whatever their size, so rare ones are found early
            and predicted too often. 0.5, their square root, lies between that and counting pixels alike.
        max_weight: limit on a class's weight, in multiples of the smallest; keeps a class of a hundred pixels from
            ruling.
        at: `logits`: labels are resized (nearest) to each head; `input`: heads are resized (bilinear) to the labels;
            `auto`: what the architecture was published with.
    """

    cross_entropy: Weight = 1.0
    dice: Weight = 0.0
    lovasz: Weight = 0.0
    tversky: Weight = 0.0
    focal: Weight = 0.0
    ohem: Weight = 0.0
    affinity: Weight = 0.0
    presence: Annotated[float | None, BeforeValidator(as_none)] = Field(default=None, ge=0)
    label_smoothing: Fraction = 0.0
    focal_gamma: float = Field(default=2.0, ge=0)
    ohem_threshold: float = Field(default=0.7, gt=0, le=1)
    ohem_keep: float = Field(default=0.0625, gt=0, le=1)
    tversky_false_positives: float = Field(default=0.3, ge=0)
    tversky_false_negatives: float = Field(default=0.7, ge=0)
    affinity_position: float = Field(default=0.1, ge=0)
    affinity_pieces: int = Field(default=1, ge=1)
    affinity_long_side: Annotated[int | None, BeforeValidator(as_none)] = Field(default=None, ge=1)
    affinity_megabytes: int = Field(default=256, ge=1)
    class_weights: Literal["none", "median_frequency", "effective_number"] = "none"
    beta: Fraction = 0.999
    power: float = Field(default=1.0, gt=0, le=1)
    max_weight: float = Field(default=20.0, ge=1)
    at: Literal["auto", "logits", "input"] = "auto"

    @model_validator(mode="before")
    @classmethod
    def _named(cls, document: object) -> object:
        """Leave out `name: cross_entropy`, which recipes and runs of before there were terms still say."""
        if isinstance(document, dict) and document.get("name") == "cross_entropy":
            return {key: value for key, value in document.items() if key != "name"}
        return document

    @model_validator(mode="after")
    def _something(self) -> Loss:
        if not any(getattr(self, term) for term in TERMS):
            raise ValueError(f"at least one term has a weight above 0: {', '.join(TERMS)}")
        return self


TERMS = ("cross_entropy", "dice", "lovasz", "tversky", "focal", "ohem", "affinity")
"""The terms of a loss, which compare every head with the labels."""


class Augment(Part):
    """What happens to a batch, on the device that trains.

    Attributes:
        scale: photos are made smaller and larger at random, so that things are known at any distance; a factor on
            their size before cropping, drawn log-uniformly between the two.
        scales: if not empty, draw from these factors instead.
        flip: how often a photo is shown mirrored, left for right: a probability, 0 for never.
        jitter: strength of random brightness, contrast and saturation, each within 1 +- jitter.
        hue: largest random rotation of hue, in turns.
        balance: how often a crop is drawn for what it shows, so that rare classes are seen more: a probability. A class
            is drawn, each as likely as any other, then a photo that shows it, then a crop with a pixel of it.
    """

    scale: Span = (0.5, 2.0)
    scales: tuple[float, ...] = ()
    flip: float = Field(default=0.5, ge=0, le=1)
    jitter: float = Field(default=0.2, ge=0, lt=1)
    hue: float = Field(default=0.0, ge=0, le=0.5)
    balance: float = Field(default=0.0, ge=0, le=1)

    @model_validator(mode="after")
    def _ordered(self) -> Augment:
        factors = (*self.scale, *self.scales)
        if min(factors) <= 0 or self.scale[0] > self.scale[1]:
            raise ValueError(f"scale factors are positive and the range is low to high, found {factors}")
        return self


class Validation(Part):
    """When the model is tested on the images with role `val`. Neither set: about ten times a run, at least an epoch
    apart.

    Attributes:
        every_steps: steps between two validations.
        every_epochs: passes over the training images between two validations.
    """  # noqa: D205

    every_steps: Annotated[int | None, BeforeValidator(as_none)] = Field(default=None, ge=1)
    every_epochs: Annotated[float | None, BeforeValidator(as_none)] = Field(default=None, gt=0)


class EarlyStop(Part):
    """When to stop before the end.

    Attributes:
        patience: stop after so many validations in a row without a best mIoU better by more than `min_delta`; none:
            never.
        min_delta: see `patience`; a fraction.
    """

    patience: Annotated[int | None, BeforeValidator(as_none)] = Field(default=None, ge=1)
    min_delta: float = Field(default=0.0, ge=0)
