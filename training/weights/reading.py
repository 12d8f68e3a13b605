"""Reading weights files made by others, without running anything they bring along."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from db.errors import UserError

MAX_BYTES = 16 * 2**30
"""Files that hold more, packed or unpacked, are refused before anything is read."""

# Where training scripts keep the weights inside a checkpoint.
_INSIDE = ("state_dict", "model_state_dict", "model_state", "model")


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """Read the named tensors of a weights file, onto the CPU, names as they are in the file.

    Takes safetensors, and what `torch.save` writes as far as `weights_only` allows: a state dict, or a checkpoint that
    holds one under `state_dict`, `model_state_dict`, `model_state` or `model`. Nothing in the file is executed.

    Raises:
        UserError: no such file, larger than `MAX_BYTES`, damaged, with Python objects inside, or without tensors.
    """
    if not path.is_file():
        raise UserError(f"There is no weights file {path}.")
    _check_size(path)
    content = _read_safetensors(path) if is_safetensors(path) else _read_pickle(path)
    for key in _INSIDE:
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    tensors = _tensors(content)
    if not tensors:
        raise UserError(
            f"{path} should hold named tensors (a state dict, or a checkpoint with one under {', '.join(_INSIDE)}), "
            f"found {_describe(content)}."
        )
    return tensors


def _check_size(path: Path) -> None:
    size = path.stat().st_size
    if zipfile.is_zipfile(path):  # torch.save's container; its members may be compressed
        with zipfile.ZipFile(path) as archive:
            size = max(size, sum(member.file_size for member in archive.infolist()))
    if size > MAX_BYTES:
        raise UserError(
            f"{path} holds {size / 2**30:.1f} GiB, more than the {MAX_BYTES // 2**30} GiB weights may take."
        )


def is_safetensors(path: Path) -> bool:
    """Tell whether a file is of the safetensors format, by its content: suffixes lie.

    It begins with eight bytes of header length, then comes the header, which is a JSON object.
    """
    with path.open("rb") as file:
        start = file.read(9)
    return path.suffix == ".safetensors" or (len(start) == 9 and start[8:] == b"{" and start[6:8] == b"\0\0")


def _read_safetensors(path: Path) -> object:
    try:
        return safetensors.torch.load_file(path)
    except (SafetensorError, ValueError, KeyError) as error:
        raise UserError(f"{path} is not a whole safetensors file: {error}. Fetch or copy it again.") from error


def _read_pickle(path: Path) -> object:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise UserError(
            f"{path} holds more than tensors, or is damaged. Loading the rest could run code from the file, so it is "
            "refused. Ask for safetensors or a plain state dict, or make one where you trust the file: "
            "torch.save(model.state_dict(), 'weights.pth')."
        ) from error
    except Exception as error:  # a damaged or hostile file can make the reader fail in any way
        cause = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        raise UserError(f"{path} cannot be read as weights ({cause}). Fetch or copy it again.") from error


def _tensors(content: object) -> dict[str, Tensor]:
    if not isinstance(content, Mapping):
        return {}
    return {
        str(key): value.detach()
        for key, value in content.items()
        if isinstance(value, Tensor) and value.layout is torch.strided and not value.is_quantized
    }


def _describe(content: object) -> str:
    if isinstance(content, Mapping):
        keys = [str(key) for key in content]
        return f"the keys {', '.join(keys[:6])}{' ...' if len(keys) > 6 else ''}" if keys else "nothing"
    return f"a {type(content).__name__}"
