"""Encoders of timm by name, with the extra `zoo`: `timm:regnety_004`."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from functools import lru_cache
from importlib import import_module
from types import ModuleType
from typing import Any, cast

import torch.nn.functional as F
from torch import Tensor, nn

from db.errors import UserError
from training.architectures.contract import blocks_of
from training.architectures.encoder import Encoder
from training.settings import Also

PREFIX = "timm:"
TIMM_TOO = Also(PREFIX, f"{PREFIX}NAME")
"""Beside an encoder's choices: any network of timm that gives a pyramid of maps."""


def load_timm() -> ModuleType:
    """Import timm, which most never need.

    Raises:
        UserError: it is not installed.
    """
    try:
        return import_module("timm")
    except ImportError as error:
        raise UserError(
            f"Encoders named {PREFIX}NAME come from timm, which is not installed. "
            "Run: pip install 'segmentation-workbench[zoo]'"
        ) from error


def timm_name(name: str) -> str:
    """Return what timm calls an encoder given as `timm:NAME` or `timm:NAME.TAG`, after making sure that it has it.

    Names that would make timm look elsewhere (`hf-hub:...`, a folder) are none of its own and are refused here.

    Raises:
        UserError: timm is not installed, or has no such network or tag; names the nearest.
    """
    timm, wanted = load_timm(), name.removeprefix(PREFIX)
    network, _, tag = wanted.partition(".")
    tags = _tags().get(network)
    if tags is None:
        near = get_close_matches(network, _tags(), n=5, cutoff=0.6)
        hint = f"Nearest: {', '.join(PREFIX + each for each in near)}." if near else "timm.list_models() lists them."
        raise UserError(f"timm {timm.__version__} has no network {network!r}. {hint}")
    if tag and tag not in tags:
        have = ", ".join(f"{PREFIX}{network}.{each}" for each in tags) or "none"
        raise UserError(f"timm {timm.__version__} has no weights {tag!r} of {network}; it has {have}.")
    return wanted


@lru_cache(maxsize=1)
def _tags() -> dict[str, tuple[str, ...]]:
    """Return the tags of published weights of every network."""
    timm = load_timm()
    found: dict[str, list[str]] = {name: [] for name in timm.list_models()}
    for full in timm.list_pretrained():
        network, _, tag = full.partition(".")
        if network in found and tag:
            found[network].append(tag)
    return {name: tuple(tags) for name, tags in found.items()}


class TimmEncoder(Encoder):
    """A network of timm without its classifier, by timm's own way of taking features.

    Inputs are padded with zeros, right and below, to multiples of the output stride, and the maps cut to
    ceil(H / stride): where sizes divide evenly the maps are timm's, to the last digit. Stochastic depth is as timm
    makes the network, which is without.

    Keys are `body.` and timm's; timm joins the first parts of some by an underscore (`stages_0.`), which
    `imagenet_key` knows.

    Args:
        name: `timm:NAME` or `timm:NAME.TAG`; the tag decides only which weights fit by name.
        output_stride: 8, 16 or 32; under 32 where timm can dilate the network.

    Raises:
        UserError: timm is not installed, has no such network, or cannot take a pyramid of maps from it for images of
            any size, or not at this output stride.
    """

    def __init__(self, name: str, output_stride: int = 32) -> None:
        super().__init__()
        wanted, timm = timm_name(name), load_timm()
        options = {} if output_stride == 32 else {"output_stride": output_stride}
        try:
            body = timm.create_model(wanted, pretrained=False, features_only=True, **options)
        except (RuntimeError, TypeError, AssertionError, NotImplementedError, AttributeError) as error:
            if options:
                raise UserError(
                    f"timm cannot build {name} with an output stride of {output_stride}, only 32."
                ) from error
            raise UserError(f"timm cannot take feature maps from {name}: {error}") from error
        self.body = cast(nn.Module, body)
        self.imagenet = name
        self.channels = tuple(body.feature_info.channels())
        self.strides = tuple(body.feature_info.reduction())
        self._channels_last = str(getattr(body, "output_fmt", "")).endswith("NHWC")
        _refuse_flat(name, self.strides, output_stride)
        _refuse_fixed(name, body)
        self._names = frozenset(self.state_dict())

    def blocks(self) -> list[list[nn.Parameter]]:
        """Return the stem's parts and the stages, from input to output; see `Architecture.encoder_blocks`."""
        parts = list(self.body.children())
        return blocks_of(_stages(parts[0] if len(parts) == 1 else self.body))

    def imagenet_key(self, key: str) -> str | None:
        """Translate a key of timm's classifier."""
        parts = key.split(".")
        forms = ("_".join(parts[:joined]) + "." + ".".join(parts[joined:]) for joined in range(1, len(parts)))
        candidates = (f"{before}{form}" for form in (key, *forms) for before in ("body.", "body.model."))
        return next((name for name in candidates if name in self._names), None)

    def forward(self, x: Tensor) -> list[Tensor]:
        """See `Encoder`."""
        height, width = x.shape[-2:]
        coarsest = self.strides[-1]
        maps = self.body(F.pad(x, (0, -width % coarsest, 0, -height % coarsest)))
        first = (m.movedim(-1, 1) if self._channels_last else m for m in maps)
        return [
            m[..., : -(-height // stride), : -(-width // stride)] for m, stride in zip(first, self.strides, strict=True)
        ]


def _stages(body: nn.Module) -> Iterator[nn.Module]:
    """Yield the parts of a network; of those that are rows of stages, such as EfficientNet's, the stages."""
    for part in body.children():
        if isinstance(part, nn.Sequential) and all(isinstance(inner, nn.Sequential) for inner in part):
            yield from part
        else:
            yield part


def _refuse_flat(name: str, strides: tuple[int, ...], output_stride: int) -> None:
    doubling = [2**power for power in range(6) if strides[0] <= 2**power <= output_stride]
    if strides[0] > 4 or list(dict.fromkeys(strides)) != doubling:
        raise UserError(
            f"{name} gives maps at strides {', '.join(map(str, strides))}; a decoder needs one each at 4, 8, ... up to "
            f"{output_stride}. Choose a network with stages, such as {PREFIX}convnextv2_tiny."
        )


def _refuse_fixed(name: str, body: Any) -> None:
    settings = getattr(body, "pretrained_cfg", None) or {}
    if settings.get("fixed_input_size"):
        side = settings.get("input_size", (3, "?", "?"))[-1]
        raise UserError(f"{name} takes photos of {side}x{side} pixels only; an encoder here must take any size.")
