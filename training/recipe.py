"""A recipe: everything that decides a training besides the data."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from db.errors import UserError
from training.data.sizes import Resize

RECIPES = Path(__file__).parent / "recipes"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _none(value: object) -> object:
    return None if isinstance(value, str) and value.lower() in {"none", "null", ""} else value


def _crop(value: object) -> object:
    """Turn `HxW`, as `Resize` reads it, or one number for a square into (height, width), and `none` into None."""
    value = _none(value)
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


def _range(value: object) -> object:
    if isinstance(value, str):
        return tuple(re.split(r"\s*[,.]{2}\s*|\s*,\s*", value.strip("[]() ")))
    return value


def _text(value: object) -> object:
    return str(value) if isinstance(value, int) else value  # a run's number, as YAML reads it


Side = Annotated[int, Field(ge=1, le=65536)]
HeightWidth = tuple[Side, Side]
Fraction = Annotated[float, Field(ge=0, lt=1)]
Weight = Annotated[float, Field(ge=0)]
Span = Annotated[tuple[float, float], BeforeValidator(_range)]


class Claim(_Part):
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


class Optimizer(_Part):
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
    clip_norm: Annotated[float | None, BeforeValidator(_none)] = Field(default=None, gt=0)


class Schedule(_Part):
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


class Loss(_Part):
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
    presence: Annotated[float | None, BeforeValidator(_none)] = Field(default=None, ge=0)
    label_smoothing: Fraction = 0.0
    focal_gamma: float = Field(default=2.0, ge=0)
    ohem_threshold: float = Field(default=0.7, gt=0, le=1)
    ohem_keep: float = Field(default=0.0625, gt=0, le=1)
    tversky_false_positives: float = Field(default=0.3, ge=0)
    tversky_false_negatives: float = Field(default=0.7, ge=0)
    affinity_position: float = Field(default=0.1, ge=0)
    affinity_pieces: int = Field(default=1, ge=1)
    affinity_long_side: Annotated[int | None, BeforeValidator(_none)] = Field(default=None, ge=1)
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


class Augment(_Part):
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


class Validation(_Part):
    """When the model is tested on the images with role `val`. Neither set: about ten times a run, at least an epoch
    apart.

    Attributes:
        every_steps: steps between two validations.
        every_epochs: passes over the training images between two validations.
    """  # noqa: D205

    every_steps: Annotated[int | None, BeforeValidator(_none)] = Field(default=None, ge=1)
    every_epochs: Annotated[float | None, BeforeValidator(_none)] = Field(default=None, gt=0)


class EarlyStop(_Part):
    """When to stop before the end.

    Attributes:
        patience: stop after so many validations in a row without a best mIoU better by more than `min_delta`; none:
            never.
        min_delta: see `patience`; a fraction.
    """

    patience: Annotated[int | None, BeforeValidator(_none)] = Field(default=None, ge=1)
    min_delta: float = Field(default=0.0, ge=0)


class Recipe(_Part):
    """Everything that decides a training besides the data; see the YAML files in training/recipes.

    Attributes:
        options: keyword options of the architecture, such as `depth`.
        steps: how long, in steps of the optimiser. Give at most one of steps, epochs and minutes; none of them: the
            recipe's `default_epochs`.
        epochs: how long, in passes over the training images.
        minutes: how long, by the clock; becomes steps after a measurement.
        batch: how many photos are looked at together, in one forward pass. More is steadier and takes more memory.
        accumulate: forward passes per optimiser step.
        crop: the piece of a photo that is looked at at once, height and width in pixels. Larger shows more of the
            surroundings and takes more time and memory; none: the whole packed photo (all must then be of one size).
        resize: size photos are packed at: `none`, `HxW`, or `long N` (longer side N).
        pack_long_side: limit on the longer side of a packed photo.
        init: `auto`, `scratch`, `imagenet`, a file, or a run.
        init_parts: what is taken of a run, a model or a file: its `encoder`; `all`, but for what predicts the classes
            where those are others; `auto`: all where the classes are the same, else the encoder. Another architecture
            has only its encoder to give.
        freeze_encoder: the encoder's parameters stay as they are: faster, and safer with few photos.
        thaw_at: of a frozen encoder: the fraction of the training (0.3, say) after which it learns, too; none: never.
        frozen_bn: batch normalisation keeps its statistics, weights and biases.
        ema: decay of the exponential moving average of the weights, which is then what is validated and kept.
        precision: `auto` measures once; on CUDA `bf16` and `fp16` mean autocast.
        channels_last: memory format; `auto` measures once together with `precision`.
        compile: use `torch.compile`.
        deterministic: on CUDA, only algorithms that give the same bits every time, which are slower; the CPU's always
            do.
        checkpoint_every: steps between two checkpoints; none: about once a minute.
        pack: read decoded photos from a pack (`always`), decode them in workers (`never`), or decide by disk space.
        seed: decides every random draw.
    """

    name: str = "default"
    about: str = ""
    claims: Claim | None = None
    options: dict[str, Any] = Field(default_factory=dict)
    steps: Annotated[int | None, BeforeValidator(_none)] = Field(default=None, ge=1)
    epochs: Annotated[float | None, BeforeValidator(_none)] = Field(default=None, gt=0)
    minutes: Annotated[float | None, BeforeValidator(_none)] = Field(default=None, gt=0)
    default_epochs: float = Field(default=60, gt=0)
    batch: int = Field(default=8, ge=1)
    accumulate: int = Field(default=1, ge=1)
    crop: Annotated[HeightWidth | None, BeforeValidator(_crop)] = (240, 320)
    resize: str = "none"
    pack_long_side: int = Field(default=1024, ge=1)
    init: Annotated[str, BeforeValidator(_text)] = "auto"
    init_parts: Literal["auto", "encoder", "all"] = "auto"
    freeze_encoder: bool = False
    thaw_at: Annotated[float | None, BeforeValidator(_none)] = Field(default=None, gt=0, lt=1)
    frozen_bn: bool = False
    optimizer: Optimizer = Optimizer()
    schedule: Schedule = Schedule()
    loss: Loss = Loss()
    augment: Augment = Augment()
    validation: Validation = Validation()
    early_stop: EarlyStop = EarlyStop()
    ema: Annotated[Fraction | None, BeforeValidator(_none)] = None
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    channels_last: bool | Literal["auto"] = "auto"
    compile: bool = False
    deterministic: bool = False
    checkpoint_every: Annotated[int | None, BeforeValidator(_none)] = Field(default=None, ge=1)
    pack: Literal["auto", "always", "never"] = "auto"
    seed: int = Field(default=0, ge=0, lt=2**63)

    @field_validator("resize", mode="before")
    @classmethod
    def _is_a_size(cls, text: object) -> str:
        try:
            return str(Resize.parse(str(text)))
        except UserError as error:
            raise ValueError(str(error)) from None

    @model_validator(mode="after")
    def _one_length(self) -> Recipe:
        given = [name for name in ("steps", "epochs", "minutes") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"give one of steps, epochs and minutes, found {' and '.join(given)}")
        return self

    @model_validator(mode="after")
    def _frozen_before_thawed(self) -> Recipe:
        if self.thaw_at is not None and not self.freeze_encoder:
            raise ValueError(f"thaw_at={self.thaw_at:g} thaws a frozen encoder: set freeze_encoder=true, too")
        return self


def names() -> tuple[str, ...]:
    """Return the names of the recipes that come with the workbench."""
    return tuple(sorted(path.stem for path in RECIPES.glob("*.yaml")))


def load_recipe(name_or_path: str, overrides: Mapping[str, str] | None = None) -> Recipe:
    """Read a recipe by name or from a YAML file and apply `key=value` settings to it.

    Args:
        name_or_path: one of `names()`, or the path of a `.yaml` file.
        overrides: values by dotted key, as in `{"optimizer.lr": "0.01"}`; each is read as YAML where it is one.

    Raises:
        UserError: no such recipe or key, or a value that does not fit; names the key and what was expected.
    """
    document, source = _read(name_or_path)
    for key, text in (overrides or {}).items():
        _set(document, key, text)
    if any(key in (overrides or {}) for key in ("steps", "epochs", "minutes")):
        document = {k: v for k, v in document.items() if k in (overrides or {}) or k not in _LENGTHS}
    try:
        return Recipe.model_validate(document)
    except ValidationError as error:
        raise UserError(_explain(error, source)) from None


_LENGTHS = ("steps", "epochs", "minutes")


def _read(name_or_path: str) -> tuple[dict[str, Any], str]:
    known = RECIPES / f"{name_or_path}.yaml"
    path = known if name_or_path in names() else Path(name_or_path)
    if path is not known and path.suffix not in {".yaml", ".yml"}:
        raise UserError(
            f"There is no recipe '{name_or_path}'. Use one of {', '.join(names())}, or the path of a .yaml file."
        )
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UserError(f"The recipe {path} cannot be read: {error}") from None
    if not isinstance(document, dict):
        raise UserError(f"The recipe {path} should hold `key: value` lines, found {type(document).__name__}.")
    return {"name": path.stem, **document}, name_or_path


def _set(document: dict[str, Any], key: str, text: str) -> None:
    *parents, last = key.split(".")
    part = document
    for parent in parents:
        child = part.setdefault(parent, {})
        if not isinstance(child, dict):
            raise UserError(f"--set {key}={text}: '{parent}' holds a value, so nothing can be set inside it.")
        part = child
    part[last] = _value(text)


def _value(text: str) -> object:
    """Read a value as YAML, but for two things: `1e-3` is a number, and `0x4` a size, not one in base 16."""
    if re.fullmatch(r"[\d.]+[eE][-+]?\d+", text):
        return float(text)
    if re.fullmatch(r"\s*\d+[xX]\d+\s*", text):
        return text
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return text


def _explain(error: ValidationError, source: str) -> str:
    lines = []
    for item in error.errors():
        key = ".".join(
            str(part) for part in item["loc"] if not str(part).startswith(("function-", "tuple[", "literal["))
        )
        if item["type"] == "extra_forbidden":
            lines.append(f"  {key}: no such setting; {_nearest(item['loc'])}")
        else:
            found = f", found {item['input']!r}" if item["type"] != "value_error" else ""
            lines.append(f"  {key or 'recipe'}: {item['msg'].removeprefix('Value error, ')}{found}")
    return f"The recipe {source} does not fit:\n" + "\n".join(dict.fromkeys(lines))


def _nearest(location: tuple[int | str, ...]) -> str:
    """Say which settings may have been meant: of the same part, else of the same or a similar name anywhere."""
    *parents, last = map(str, location)
    known = [tuple(key.split(".")) for key in _keys(Recipe)]
    siblings = [key[-1] for key in known if list(key[:-1]) == parents]
    near = [".".join([*parents, name]) for name in get_close_matches(last, siblings)]
    names = [last, *get_close_matches(last, {key[-1] for key in known}, cutoff=0.8)]
    near = near or [".".join(key) for name in dict.fromkeys(names) for key in known if key[-1] == name]
    if near:
        return f"did you mean {' or '.join(near[:3])}?"
    return f"known here: {', '.join(siblings)}"


def _keys(part: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, field in part.model_fields.items():
        yield prefix + name
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _keys(field.annotation, f"{prefix}{name}.")
