"""A recipe: everything that decides a training besides the data."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, Field, ValidationError, field_validator, model_validator

from db.errors import UserError
from training.data.sizes import Resize
from training.recipe_parts import (
    Augment,
    Claim,
    EarlyStop,
    Fraction,
    HeightWidth,
    Loss,
    Optimizer,
    Part,
    Schedule,
    Validation,
    as_crop,
    as_none,
    as_text,
)

RECIPES = Path(__file__).parent / "recipes"


class Recipe(Part):
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
    steps: Annotated[int | None, BeforeValidator(as_none)] = Field(default=None, ge=1)
    epochs: Annotated[float | None, BeforeValidator(as_none)] = Field(default=None, gt=0)
    minutes: Annotated[float | None, BeforeValidator(as_none)] = Field(default=None, gt=0)
    default_epochs: float = Field(default=60, gt=0)
    batch: int = Field(default=8, ge=1)
    accumulate: int = Field(default=1, ge=1)
    crop: Annotated[HeightWidth | None, BeforeValidator(as_crop)] = (240, 320)
    resize: str = "none"
    pack_long_side: int = Field(default=1024, ge=1)
    init: Annotated[str, BeforeValidator(as_text)] = "auto"
    init_parts: Literal["auto", "encoder", "all"] = "auto"
    freeze_encoder: bool = False
    thaw_at: Annotated[float | None, BeforeValidator(as_none)] = Field(default=None, gt=0, lt=1)
    frozen_bn: bool = False
    optimizer: Optimizer = Optimizer()
    schedule: Schedule = Schedule()
    loss: Loss = Loss()
    augment: Augment = Augment()
    validation: Validation = Validation()
    early_stop: EarlyStop = EarlyStop()
    ema: Annotated[Fraction | None, BeforeValidator(as_none)] = None
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    channels_last: bool | Literal["auto"] = "auto"
    compile: bool = False
    deterministic: bool = False
    checkpoint_every: Annotated[int | None, BeforeValidator(as_none)] = Field(default=None, ge=1)
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
