"""What can be set in a pydantic model, told so that a form can be made of it: kind, default, limits, choices, help.

Help comes from the docstring where the setting is documented anyway: the `Attributes` of a model, the `Args` of a
constructor.
"""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel, GetCoreSchemaHandler, ValidationError, ValidatorFunctionWrapHandler
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

Kind = Literal["integer", "number", "boolean", "choice", "text", "pair", "list", "table"]

_SECTION = re.compile(r"^(?:Attributes|Args):\n((?:[ ]{4}.*\n?|\n)+)", re.MULTILINE)
_ENTRY = re.compile(r"^[ ]{4}(\w[\w, ]*): ((?:.*\n?)(?:[ ]{8}.*\n?|\n)*)", re.MULTILINE)


@dataclass(frozen=True)
class Also:
    """Put beside a choice in its annotation: it also takes any text that begins with `prefix`.

    Attributes:
        prefix: how such text begins.
        form: what it looks like, for people (`timm:NAME`).
    """

    prefix: str
    form: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Tell pydantic; whoever uses the text says what is wrong with it."""
        return core_schema.no_info_wrap_validator_function(self._check, handler(source))

    def _check(self, value: Any, choose: ValidatorFunctionWrapHandler) -> Any:
        if isinstance(value, str) and value.startswith(self.prefix):
            return value
        try:
            return choose(value)
        except ValidationError as error:
            raise PydanticCustomError("choice", f"{error.errors()[0]['msg']}, or {self.form}") from None


@dataclass(frozen=True)
class Setting:
    """One thing that can be set.

    Attributes:
        key: dotted, as `--set` takes it.
        kind: what it is; `pair` is two numbers, `list` several values, `table` values by name.
        default: plain JSON value; None where nothing is a value.
        optional: nothing (`none`) is a value, too.
        choices: of a `choice`, in order.
        minimum: smallest value, itself excluded where `above`.
        maximum: largest value, itself excluded where `below`.
        above: see `minimum`.
        below: see `maximum`.
        help: what it does, in a sentence or two.
        also: what a `choice` takes beside its choices, for people (`timm:NAME`); empty for nothing.
    """

    key: str
    kind: Kind
    default: Any
    optional: bool
    choices: tuple[Any, ...]
    minimum: float | None
    maximum: float | None
    above: bool
    below: bool
    help: str
    also: str = ""


def settings_of(
    model: type[BaseModel], documented: type, *, prefix: str = "", without: Collection[str] = ()
) -> Iterator[Setting]:
    """Describe the fields of a model, those of its parts after a dot.

    Args:
        model: whose fields can be set.
        documented: the class whose docstring says what they do: the model itself, or the class it is the options of.
        prefix: put before the keys.
        without: names of fields to leave out.
    """
    told = help_texts(documented)
    for name, field in model.model_fields.items():
        part = field.annotation
        if name in without:
            continue
        if isinstance(part, type) and issubclass(part, BaseModel):
            yield from settings_of(part, part, prefix=f"{prefix}{name}.")
        else:
            yield _setting(f"{prefix}{name}", field, told.get(name, ""))


def help_texts(documented: type) -> Mapping[str, str]:
    """Return what a class's docstring says of each attribute or argument, on one line."""
    section = _SECTION.search(inspect.getdoc(documented) or "")
    found: dict[str, str] = {}
    for names, text in _ENTRY.findall(section[1]) if section else ():
        sentence = " ".join(text.split())
        for name in names.split(", "):
            found[name] = sentence[:1].upper() + sentence[1:]
    return found


def _setting(key: str, field: FieldInfo, text: str) -> Setting:
    annotation, metadata = _unwrap(field.annotation, list(field.metadata))
    alternatives = get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else (annotation,)
    chosen = [one for one in alternatives if one is not types.NoneType]
    optional = len(chosen) < len(alternatives)
    if len(chosen) == 1:
        annotation, metadata = _unwrap(chosen[0], metadata)
        kind, choices = _kind(annotation)
    else:  # such as bool | Literal["auto"]
        kind, choices = "choice", tuple(value for one in chosen for value in _values(one))
    limits = _limits(metadata)
    default = field.get_default(call_default_factory=True)
    return Setting(
        key=key,
        kind=kind,
        default=list(default) if isinstance(default, tuple) else default,
        optional=optional,
        choices=choices,
        also=next((item.form for item in metadata if isinstance(item, Also)), ""),
        help=text,
        **limits,
    )


def _unwrap(annotation: Any, metadata: list[Any]) -> tuple[Any, list[Any]]:
    while get_origin(annotation) is Annotated:
        annotation, *more = get_args(annotation)
        for item in more:
            metadata += item.metadata if isinstance(item, FieldInfo) else [item]
    return annotation, metadata


def _kind(annotation: Any) -> tuple[Kind, tuple[Any, ...]]:
    plain: dict[Any, Kind] = {bool: "boolean", int: "integer", float: "number", str: "text"}
    if annotation in plain:
        return plain[annotation], ()
    origin = get_origin(annotation)
    if origin is Literal:
        return "choice", get_args(annotation)
    if origin is tuple:
        return ("list" if Ellipsis in get_args(annotation) else "pair"), ()
    if origin is dict:
        return "table", ()
    raise TypeError(f"no form for a setting of the type {annotation}")


def _values(annotation: Any) -> tuple[Any, ...]:
    return (True, False) if annotation is bool else get_args(annotation)


def _limits(metadata: list[Any]) -> dict[str, Any]:
    limits: dict[str, Any] = {"minimum": None, "maximum": None, "above": False, "below": False}
    for item in metadata:
        match item:
            case Ge(ge=value):
                limits |= {"minimum": value}
            case Gt(gt=value):
                limits |= {"minimum": value, "above": True}
            case Le(le=value):
                limits |= {"maximum": value}
            case Lt(lt=value):
                limits |= {"maximum": value, "below": True}
    return limits
