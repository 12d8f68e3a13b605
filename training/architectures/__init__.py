"""Network families, one a file, all keeping `training.architectures.contract`.

A new family is a file here and a line in `_FAMILIES`; variants that share a file have a line each.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from db.errors import UserError
from labeling.annotation import MAX_CLASSES

if TYPE_CHECKING:
    from training.architectures.contract import Architecture

# By name, not by import: listing what there is must not take the seconds that loading torch takes.
# Module and class.
_FAMILIES = {
    "deeplabv1": "deeplabv1.DeepLabV1",
    "deeplabv2": "deeplabv2.DeepLabV2",
    "deeplabv3": "deeplabv3.DeepLabV3",
    "deeplabv3plus": "deeplabv3plus.DeepLabV3Plus",
    "efficientfcn": "efficientfcn.EfficientFCN",
    "encnet": "encnet.EncNet",
    "fcn16s": "fcn_vgg.FCN16s",
    "fcn32s": "fcn_vgg.FCN32s",
    "fcn8s": "fcn_vgg.FCN8s",
    "fcn_resnet101": "fcn_resnet50.FCNResNet101",
    "fcn_resnet50": "fcn_resnet50.FCNResNet50",
    "fpn": "fpn.FPN",
    "hrnet": "hrnet.HRNet",
    "lraspp_mobilenetv3": "lraspp_mobilenetv3.LRASPPMobileNetV3",
    "plainconv": "plainconv.PlainConv",
    "pspnet": "pspnet.PSPNet",
    "resunet": "resunet.ResUNet",
    "segformer": "segformer.SegFormer",
    "segnet": "segnet.SegNet",
    "segnet_bilinear": "segnet.SegNetBilinear",
    "sspfpn": "sspfpn.SSPFPN",
    "unet": "unet.UNet",
}


def names() -> tuple[str, ...]:
    """Return the names of all architectures, sorted; does not load torch."""
    return tuple(sorted(_FAMILIES))


def family(name: str) -> type[Architecture]:
    """Return the class of an architecture, for its paper, preprocessing and the like.

    Raises:
        UserError: no architecture has that name.
    """
    if name not in _FAMILIES:
        raise UserError(f"There is no architecture '{name}'. Choose one of {', '.join(names())}.")
    module, _, kind = _FAMILIES[name].partition(".")
    found: type[Architecture] = getattr(import_module(f"{__name__}.{module}"), kind)
    return found


def options(name: str) -> type[BaseModel]:
    """Return the options of an architecture as a pydantic model: names, types, limits and defaults.

    Raises:
        UserError: no architecture has that name.
    """
    parameters = inspect.signature(family(name), eval_str=True).parameters.values()
    fields: dict[str, Any] = {p.name: (p.annotation, p.default) for p in parameters if p.kind is p.KEYWORD_ONLY}
    return create_model(name, __config__=ConfigDict(extra="forbid"), **fields)


def build(name: str, num_classes: int, **given: Any) -> Architecture:
    """Make a network with initial weights drawn from torch's global generator. Reads no file and no network.

    Args:
        name: one of `names()`.
        num_classes: K, 1..254.
        **given: the architecture's options, as its class documents them.

    Raises:
        UserError: unknown name or option, a value an option does not take, or a number of classes out of range.

    Example:
        >>> build("deeplabv2", 21, depth=18, msc=False).num_classes
        21
    """
    architecture = family(name)
    if not 1 <= num_classes <= MAX_CLASSES:
        raise UserError(f"A network predicts 1 to {MAX_CLASSES} classes, found {num_classes}.")
    return architecture(num_classes, **check_options(name, given))


def check_options(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return all options of an architecture: those given, in their types, and the defaults of the others.

    Raises:
        UserError: unknown name or option, or a value an option does not take; names each.
    """
    known = options(name)
    try:
        chosen = known.model_validate(dict(given))
    except ValidationError as error:
        raise UserError(_explain(name, known, error)) from None
    return {key: getattr(chosen, key) for key in known.model_fields}


def _explain(name: str, known: type[BaseModel], error: ValidationError) -> str:
    lines = [f"The options of {name} do not fit:"]
    for item in error.errors():
        key = ".".join(str(part) for part in item["loc"])
        if item["type"] == "extra_forbidden":
            choices = ", ".join(f"{k}={field.default}" for k, field in known.model_fields.items()) or "none at all"
            lines.append(f"  {key}: no such option; there are (with defaults): {choices}")
        else:
            lines.append(f"  {key}: {item['msg']}, found {item['input']!r}")
    return "\n".join(lines)
