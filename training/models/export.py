"""Taking the weights away: a bundle, plain safetensors, pt2 or ONNX, each checked against the original.

The pt2 and ONNX files hold the whole path from pixels to logits: input `pixels`, float32 (N, 3, H, W), RGB in 0..255;
output `logits`, float32 (N, K, H, W). N, H and W are free.
"""

from __future__ import annotations

import importlib.util
import io
import logging
import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from db.errors import UserError
from db.files import explain_os_errors, file_sha256, scratch_file, settle
from db.home import Home
from db.session import Database
from labeling.exporting.guard import refuse_file
from training.architectures.contract import Architecture, Preprocessing
from training.models.bundle import build_module, encode_bundle, load_bundle, read_tensors
from training.models.export_images import check_images
from training.models.find import load_model
from training.models.loaded import LoadedModel

Format = Literal["bundle", "safetensors", "pt2", "onnx"]
Run = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""Pixels (N, 3, H, W) to logits (N, K, H, W)."""

IMAGES_CHECKED = 4
LARGEST_SIDE = 8192
EXAMPLE_SHAPE = (2, 3, 96, 128)  # of the input that tracing sees; its sizes are marked as free
LEAST_AGREEMENT = 0.99
"""A file whose classes differ from the original's on more than the rest of the pixels is not the same model."""


@dataclass(frozen=True)
class WeightsReport:
    """An exported file and how it compares with the original.

    Attributes:
        path: the file.
        sha256: of the file.
        max_abs_difference: largest difference of a logit over all checked images.
        argmax_agreement: share of pixels, 0..1, that get the same class.
        images_checked: how many real images that was measured on.
    """

    path: Path
    sha256: str
    max_abs_difference: float
    argmax_agreement: float
    images_checked: int


class FromPixels(nn.Module):
    """A network with its preprocessing in front."""

    def __init__(self, network: Architecture, preprocessing: Preprocessing) -> None:
        super().__init__()
        self.network = network
        self.preprocessing = preprocessing

    def forward(self, pixels: Tensor) -> Tensor:
        """Map RGB pixels (N, 3, H, W), float32 in 0..255, to logits (N, K, H, W)."""
        return self.network(self.preprocessing(pixels))


def export_weights(
    home: Home,
    database: Database,
    *,
    project: str | None,
    model: str,
    format: Format,
    to: Path,
    overwrite: bool = False,
    images: int = IMAGES_CHECKED,
) -> WeightsReport:
    """Write a model in a format other programs read, having loaded the file again and compared it on real images.

    Args:
        home: the workbench home.
        database: its database.
        project: name; None for the current one.
        model: reference, as `training.models.find.load_model` reads it.
        format: of the file.
        to: the file; it is there when the comparison went well, and otherwise as it was.
        overwrite: replace what is there.
        images: to compare on, at least one.

    Raises:
        UserError: the target exists, an extra is missing, the architecture cannot be exported in that format, there is
            no image to check on, or the file does not compute what the original does.
    """
    refuse_file(to, overwrite=overwrite)
    loaded = load_model(home, database, project, model)
    if format == "onnx":
        _need_onnx()
    if format in ("pt2", "onnx") and format not in loaded.module.exports:
        kinds = ", ".join(sorted({"bundle", "safetensors"} | loaded.module.exports))
        why = f" {loaded.module.exports_note}" if loaded.module.exports_note else ""
        raise UserError(f"{loaded.spec.architecture} cannot be exported as {format}.{why} Use one of {kinds}.")
    smallest = loaded.module.exported_side if format in ("pt2", "onnx") else 1
    photos = check_images(home, database, project, loaded.spec, images, smallest)
    data = _WRITERS[format](loaded)
    with explain_os_errors(to.parent), scratch_file(to.parent) as file:
        file.write(data)
        file.flush()
        difference, agreement = _verify(loaded, format, Path(file.name), photos)
        settle(file, to)
    return WeightsReport(to, file_sha256(to), difference, agreement, len(photos))


def _verify(loaded: LoadedModel, format: Format, path: Path, images: list[NDArray[np.uint8]]) -> tuple[float, float]:
    """Return the largest difference and the agreement; raise `UserError` unless the file is the same model."""
    try:
        difference, agreement = _compare(loaded, _READERS[format](path, loaded), images)
    except Exception as error:  # readers raise what they like, and whatever it is, the file is of no use
        cause = f"{type(error).__name__}: {error}".splitlines()[0][:300]
        raise UserError(
            f"The {format} file of {loaded.reference} was written but does not run here ({cause}), so it was not kept. "
            "Use another --format."
        ) from error
    if agreement < LEAST_AGREEMENT or not math.isfinite(difference):  # NaN everywhere may agree by chance
        raise UserError(
            f"The {format} file of {loaded.reference} gives only {agreement:.1%} of the pixels of {len(images)} images "
            f"the class that the original gives (at least {LEAST_AGREEMENT:.0%} is expected; its logits are off by up "
            f"to {difference:.3g}), so it was not kept. Use another --format."
        )
    return difference, agreement


def _compare(loaded: LoadedModel, run: Run, images: list[NDArray[np.uint8]]) -> tuple[float, float]:
    original = FromPixels(loaded.module, loaded.spec.preprocessing).eval()
    largest, same, total = np.float32(0), 0, 0
    for image in images:
        pixels = np.ascontiguousarray(image.transpose(2, 0, 1)[None], np.float32)
        with torch.inference_mode():
            wanted = original(torch.from_numpy(pixels)).numpy()
        found = run(pixels)
        largest = np.maximum(largest, np.abs(wanted - found).max())  # unlike max(), it keeps a NaN
        same += int((wanted.argmax(1) == found.argmax(1)).sum())
        total += wanted.shape[2] * wanted.shape[3]
    return float(largest), same / total


def _write_bundle(loaded: LoadedModel) -> bytes:
    return encode_bundle(loaded.module.state_dict(), loaded.spec)


def _write_safetensors(loaded: LoadedModel) -> bytes:
    from safetensors.torch import save

    state = loaded.module.state_dict()
    return save({name: tensor.contiguous() for name, tensor in state.items()}, metadata={"format": "pt"})


def _trace(loaded: LoadedModel) -> torch.export.ExportedProgram:
    """Trace the path from pixels to logits with all three sizes free."""
    side = {"min": loaded.module.exported_side, "max": LARGEST_SIDE}
    free = {
        0: torch.export.Dim("n", min=1),
        2: torch.export.Dim("height", **side),
        3: torch.export.Dim("width", **side),
    }
    program = torch.export.export(
        FromPixels(loaded.module, loaded.spec.preprocessing).eval(),
        (torch.rand(EXAMPLE_SHAPE) * 255,),
        dynamic_shapes={"pixels": free},
        # Cutting a map to its skip compares sizes in ways that hold for all of them but that no prover sees through.
        prefer_deferred_runtime_asserts_over_guards=True,
    )
    # It notes them down as assertions all the same, as the example had them: sides that are multiples of 16 in a U-Net.
    # The operations themselves are right for any size.
    for node in list(program.graph.nodes):
        if node.target is torch.ops.aten._assert_scalar.default:
            program.graph.erase_node(node)
    program.graph.eliminate_dead_code()
    program.graph_module.recompile()
    return program


def _write_pt2(loaded: LoadedModel) -> bytes:
    buffer = io.BytesIO()
    torch.export.save(_trace(loaded), buffer)
    return buffer.getvalue()


def _need_onnx() -> None:
    missing = [name for name in ("onnx", "onnxscript", "onnxruntime") if importlib.util.find_spec(name) is None]
    if missing:
        raise UserError(
            f"ONNX export needs {', '.join(missing)}. Install them with: pip install 'segmentation-workbench[onnx]'"
        )


def _write_onnx(loaded: LoadedModel) -> bytes:
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter's own internals; what it wrote is checked afterwards
        program = torch.onnx.export(
            _trace(loaded), dynamo=True, input_names=["pixels"], output_names=["logits"], verbose=False
        )
    if program is None:
        raise RuntimeError("torch.onnx.export returned no program")
    proto = program.model_proto
    for key, value in (("classes", "\n".join(loaded.spec.classes)), ("workbench", loaded.spec.model_dump_json())):
        proto.metadata_props.add(key=key, value=value)
    return proto.SerializeToString()


def _run_network(network: nn.Module) -> Run:
    def run(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.inference_mode():
            return network(torch.from_numpy(pixels)).numpy()

    return run


def _read_bundle(path: Path, loaded: LoadedModel) -> Run:
    again = load_bundle(path)
    return _run_network(FromPixels(again.module, again.spec.preprocessing))


def _read_safetensors(path: Path, loaded: LoadedModel) -> Run:
    module = build_module(loaded.spec, read_tensors(path), str(path))
    return _run_network(FromPixels(module, loaded.spec.preprocessing))


def _read_pt2(path: Path, loaded: LoadedModel) -> Run:
    with path.open("rb") as file:  # of a path, torch expects the suffix .pt2
        return _run_network(torch.export.load(file).module())


def _read_onnx(path: Path, loaded: LoadedModel) -> Run:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda pixels: session.run(["logits"], {"pixels": pixels})[0]


_WRITERS: dict[Format, Callable[[LoadedModel], bytes]] = {
    "bundle": _write_bundle,
    "safetensors": _write_safetensors,
    "pt2": _write_pt2,
    "onnx": _write_onnx,
}
_READERS: dict[Format, Callable[[Path, LoadedModel], Run]] = {
    "bundle": _read_bundle,
    "safetensors": _read_safetensors,
    "pt2": _read_pt2,
    "onnx": _read_onnx,
}
