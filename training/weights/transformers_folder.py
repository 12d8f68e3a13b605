"""What a folder that transformers' `save_pretrained` wrote says of the model in it: SegFormer's config.json."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from db.errors import UserError
from training.architectures.contract import Preprocessing

_CONFIG, _PIXELS = "config.json", "preprocessor_config.json"
_MOST = 1 << 20  # bytes; the largest there are name a few thousand classes
# Depths and widths of the encoders, as `training.architectures.mix_transformer` has them.
_SIZES = {
    ((2, 2, 2, 2), 32): "b0",
    ((2, 2, 2, 2), 64): "b1",
    ((3, 4, 6, 3), 64): "b2",
    ((3, 4, 18, 3), 64): "b3",
    ((3, 8, 27, 3), 64): "b4",
    ((3, 6, 40, 3), 64): "b5",
}


@dataclass(frozen=True)
class FolderModel:
    """A segmentation model as its folder describes it."""

    architecture: str
    options: dict[str, Any]
    classes: tuple[str, ...]
    preprocessing: Preprocessing


def read_folder(file: Path) -> FolderModel | None:
    """Read what lies beside a weights file; None where no config.json of transformers does.

    Raises:
        UserError: it is damaged, or describes something else than a SegFormer of a published size.
    """
    config = _read(file.with_name(_CONFIG))
    kind = config.get("model_type") if config else None
    if config is None or kind is None:
        return None
    if kind != "segformer":
        raise UserError(
            f"{file.with_name(_CONFIG)} describes a model of the type {kind!r}; of transformers' models only segformer "
            "is read. Give --arch and --classes to read the weights without it."
        )
    try:
        depths, widths = tuple(config["depths"]), config["hidden_sizes"]
        size = _SIZES[depths, widths[0]]
        names = {int(number): str(name) for number, name in config["id2label"].items()}
        classes = tuple(names[number] for number in range(len(names)))
        options = {"size": size, "decoder_width": int(config["decoder_hidden_size"])}
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise UserError(
            f"{file.with_name(_CONFIG)} describes no SegFormer of a published size, b0 to b5, with its classes: {error}"
        ) from error
    return FolderModel("segformer", options, _told_apart(classes), _preprocessing(file))


def _preprocessing(file: Path) -> Preprocessing:
    pixels = _read(file.with_name(_PIXELS)) or {}
    usual = Preprocessing()
    try:
        mean, std = (
            tuple(255 * float(value) for value in pixels[key]) if key in pixels else default
            for key, default in (("image_mean", usual.mean), ("image_std", usual.std))
        )
    except (TypeError, ValueError) as error:
        raise UserError(f"{file.with_name(_PIXELS)}: image_mean and image_std should be three numbers each.") from error
    if len(mean) != 3 or len(std) != 3 or not all(std):
        raise UserError(f"{file.with_name(_PIXELS)}: image_mean and image_std should be three numbers each, std not 0.")
    return Preprocessing(mean=mean, std=std)


def _told_apart(names: tuple[str, ...]) -> tuple[str, ...]:
    """Number names that occur again: classes are told apart by them."""
    seen: dict[str, int] = {}
    found = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        found.append(name if seen[name] == 1 else f"{name} {seen[name]}")
    return tuple(found)


def _read(path: Path) -> dict[str, Any] | None:
    if not path.is_file():
        return None
    if path.stat().st_size > _MOST:
        raise UserError(f"{path} is larger than such a file can be ({_MOST} bytes).")
    try:
        found = json.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is no readable JSON: {error}") from error
    if not isinstance(found, dict):
        raise UserError(f"{path} should hold a JSON object.")
    return found
