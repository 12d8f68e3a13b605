"""timm's published weights as entries of the catalogue, read from what the installed timm says of them."""

from __future__ import annotations

from fnmatch import fnmatchcase
from importlib import import_module
from typing import Any

from db.errors import UserError
from training.architectures.contract import Preprocessing
from training.architectures.timm_encoder import PREFIX, load_timm, timm_name
from training.evaluation.public_data import PublicTraining
from training.weights.entry import Weights, digits_of

# What the parts of a tag, such as `fb_in22k_ft_in1k`, say of the data. Of other data the tag itself must do.
_DATA = {"in1k": "imagenet1k", "in12k": "imagenet12k", "in21k": "imagenet21k", "in22k": "imagenet21k"}


def timm_weights(name: str) -> Weights:
    """Return the entry of `timm:NAME.TAG`, or of `timm:NAME` with the tag that timm prefers.

    The entry can be fetched where timm's address ends in a checksum; otherwise the file is downloaded by hand from the
    page that timm names.

    Raises:
        UserError: timm is not installed, has no such network or tag, or no weights for it.
    """
    wanted = timm_name(name)
    known = import_module("timm.models").get_pretrained_cfg(wanted)
    if known is None or not (known.url or known.hf_hub_id):
        raise UserError(f"timm has no published weights of {wanted}. Others: timm.list_pretrained().")
    full = f"{known.architecture}.{known.tag}" if known.tag else known.architecture
    url = known.url if known.url and known.url.endswith(".pth") and digits_of(known.url) else None
    parts = (known.tag or "").split("_")
    return Weights(
        name=f"{PREFIX}{full}",
        kind="backbone",
        about=f"timm {load_timm().__version__}: {known.description or full}",
        licence=known.license or "not stated",
        architecture="fpn",
        options={"encoder": f"{PREFIX}{full}"},
        trained_on=tuple(
            PublicTraining(dataset=_DATA[part], split="train", source=f"timm: the tag {known.tag}")
            for part in parts
            if part in _DATA
        ),
        url=url,
        page="" if url else f"https://huggingface.co/{known.hf_hub_id} (model.safetensors)" if known.hf_hub_id else "",
        preprocessing=_preprocessing(known),
    )


def timm_catalogue(pattern: str) -> list[Weights]:
    """Return the entries whose name, `timm:NAME.TAG`, fits a pattern with `*` and `?`."""
    return [
        timm_weights(name) for each in load_timm().list_pretrained() if fnmatchcase(name := f"{PREFIX}{each}", pattern)
    ]


def _preprocessing(known: Any) -> Preprocessing:
    mean, std = (tuple(255 * value for value in values) for values in (known.mean, known.std))
    return Preprocessing(mean=(mean[0], mean[1], mean[2]), std=(std[0], std[1], std[2]))
