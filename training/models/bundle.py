"""A bundle: one safetensors file that holds a model's weights and, in its header, everything else about it.

Any program that reads safetensors can read the weights; the header's `workbench` entry is the `ModelSpec` as JSON.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import torch
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from db.errors import UserError
from db.files import file_sha256, write_atomic
from training.architectures.contract import Architecture
from training.models.loaded import LoadedModel
from training.models.spec import ModelSpec

HEADER = "workbench"


def build_module(spec: ModelSpec, state: dict[str, Tensor], source: str) -> Architecture:
    """Build a model's network and fill it, in eval mode.

    Args:
        spec: what to build.
        state: all of its weights.
        source: named when they do not fit.

    Raises:
        UserError: the weights are not those of the network the spec describes.
    """
    from training.architectures import build

    with torch.random.fork_rng(devices=[]):  # the weights drawn here are replaced; the caller's draws stay as they were
        module = build(spec.architecture, len(spec.classes), **spec.options)
    try:
        module.load_state_dict(state)
    except RuntimeError as error:
        raise UserError(f"The weights in {source} are not those of {spec.architecture}: {error}") from None
    return module.eval()


def encode_bundle(state: dict[str, Tensor], spec: ModelSpec) -> bytes:
    """Return a bundle's bytes. Tensors go to the CPU; equal input gives equal bytes."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in sorted(state.items())}
    return _in_order(save(tensors, metadata={HEADER: spec.model_dump_json(), "format": "pt"}))


def _in_order(data: bytes) -> bytes:
    """Return a safetensors file with its metadata in order: the library writes it in any, another one each time.

    The file is the header's length, 8 bytes, little-endian; the header, JSON that spaces may follow; the tensors.
    """
    end = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:end])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + data[end:]


def save_bundle(path: Path, module: Architecture, spec: ModelSpec) -> str:
    """Write a bundle, whole or not at all; return its sha256.

    Raises:
        UserError: the disk is full or the folder cannot be written.
    """
    data = encode_bundle(module.state_dict(), spec)
    write_atomic(path, data)
    return hashlib.sha256(data).hexdigest()


def read_spec(path: Path) -> ModelSpec | None:
    """Return what a safetensors file's header says of the model, or None where it is not a bundle.

    Raises:
        UserError: the file is no safetensors file, or its header is damaged.
    """
    try:
        with safe_open(path, framework="pt") as file:
            header = (file.metadata() or {}).get(HEADER)
    except (SafetensorError, OSError) as error:
        raise UserError(f"{path} is not a readable safetensors file: {error}") from None
    if header is None:
        return None
    try:
        return ModelSpec.model_validate_json(header)
    except ValidationError as error:
        raise UserError(f"{path}: its `{HEADER}` header is not a model description: {error}") from None


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Return all tensors of a safetensors file, on the CPU."""
    with safe_open(path, framework="pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping


def describe_bundle(path: Path) -> tuple[ModelSpec, frozenset[str]]:
    """Return what a bundle is, and the names of its tensors, without reading these.

    Raises:
        UserError: not a bundle, or damaged.
    """
    spec = _known_spec(path)
    with safe_open(path, framework="pt") as file:
        return spec, frozenset(file.keys())


def load_bundle(path: Path) -> LoadedModel:
    """Load a bundle as a model.

    Raises:
        UserError: not a bundle, damaged, or weights that do not fit what the header says.
    """
    spec = _known_spec(path)
    module = build_module(spec, read_tensors(path), str(path))
    return LoadedModel(module, spec, file_sha256(path), str(path))


def _known_spec(path: Path) -> ModelSpec:
    spec = read_spec(path)
    if spec is None:
        raise UserError(
            f"{path} holds weights but not what model they belong to. Import it, naming the architecture and the "
            "classes: workbench models import FILE --arch NAME --classes FILE"
        )
    return spec
