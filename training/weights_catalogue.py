"""Pretrained weights that can be fetched by name, with the checksum their publisher states.

torchvision names its files `NAME-DIGITS.pth`, DIGITS being the first eight hexadecimal digits of the file's SHA-256
(docs.pytorch.org, `torch.hub.load_state_dict_from_url`, `check_hash`). Sizes, parameter counts and scores are those of
torchvision's own weights enums (torchvision 0.29); a test compares them.
"""

from __future__ import annotations

import hashlib
import http.client
import re
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal
from urllib.parse import urlsplit

from db.errors import UserError
from db.files import explain_os_errors, scratch_file, settle
from labeling.progress import Progress, silent

if TYPE_CHECKING:
    from db.home import Home

_TORCHVISION = "https://download.pytorch.org/models/"
_LICENCE = (
    "torchvision's code is BSD-3-Clause; its README leaves the terms of weights to those of the data they were "
    "trained on ({data})"
)
_IMAGENET = _LICENCE.format(data="ImageNet-1k: research and education, image-net.org/download")
_COCO = _LICENCE.format(data="COCO 2017: images under Flickr's terms, annotations CC BY 4.0, cocodataset.org")
_CHUNK = 1 << 20
_TIMEOUT_SECONDS = 30


@dataclass(frozen=True)
class Weights:
    """One file of published weights.

    Attributes:
        name: what `workbench weights fetch` takes.
        url: where its publisher keeps it, https.
        size: bytes, to about 1 %.
        kind: `backbone`: an ImageNet classifier whose features start a training; `model`: a segmentation network.
        about: what it is and the score its publisher states.
        licence: what is known about the terms.
        architecture: of a model: the architecture it loads into.
    """

    name: str
    url: str
    size: int
    kind: Literal["backbone", "model"]
    about: str
    licence: str
    architecture: str | None = None

    @property
    def file_name(self) -> str:
        """The last part of the address."""
        return urlsplit(self.url).path.rsplit("/", 1)[-1]

    @property
    def sha256_prefix(self) -> str:
        """The first hexadecimal digits of the file's SHA-256, as the publisher put them into its name."""
        digits = re.fullmatch(r".*-([0-9a-f]{8,64})\.\w+", self.file_name)
        if digits is None:
            raise ValueError(f"{self.file_name} states no checksum, so it cannot be in the catalogue")
        return digits[1]


def _mebibytes(size: float) -> int:
    return round(size * 2**20)


def _backbone(name: str, title: str, digits: str, size: float, top1: float, author: str = "") -> Weights:
    url = f"{_TORCHVISION}{name}{author}-{digits}.pth"
    about = f"{title}, torchvision IMAGENET1K_V1, {top1} % top-1 on ImageNet-1k"
    return Weights(name, url, _mebibytes(size), "backbone", about, _IMAGENET)


def _model(name: str, title: str, file: str, size: float, miou: float, architecture: str, options: str = "") -> Weights:
    loads = f"; loads into {architecture}{f' with {options}' if options else ''}"
    about = f"{title}, VOC's 21 classes, mIoU {miou} on COCO val2017 as torchvision states{loads}"
    return Weights(name, f"{_TORCHVISION}{file}.pth", _mebibytes(size), "model", about, _COCO, architecture)


CATALOGUE: dict[str, Weights] = {
    weights.name: weights
    for weights in (
        _backbone("resnet18", "ResNet-18", "f37072fd", 44.661, 69.758),
        _backbone("resnet34", "ResNet-34", "b627a593", 83.275, 73.314),
        _backbone("resnet50", "ResNet-50", "0676ba61", 97.781, 76.13),
        _backbone("resnet101", "ResNet-101", "63fe2227", 170.511, 77.374),
        _backbone("resnet152", "ResNet-152", "394f9c45", 230.434, 78.312),
        _backbone("vgg11", "VGG-11", "8a719046", 506.84, 69.02),
        _backbone("vgg11_bn", "VGG-11 with batch normalisation", "6002323d", 506.881, 70.37),
        _backbone("vgg13", "VGG-13", "19584684", 507.545, 69.928),
        _backbone("vgg13_bn", "VGG-13 with batch normalisation", "abd245e5", 507.59, 71.586),
        _backbone("vgg16", "VGG-16", "397923af", 527.796, 71.592),
        _backbone("vgg16_bn", "VGG-16 with batch normalisation", "6c64b313", 527.866, 73.36),
        _backbone("vgg19", "VGG-19", "dcbb9e9d", 548.051, 72.376),
        _backbone("vgg19_bn", "VGG-19 with batch normalisation", "c79401a0", 548.143, 74.218),
        _backbone("mobilenet_v3_large", "MobileNetV3-Large", "8738ca79", 21.114, 74.042),
        _backbone("mobilenet_v3_small", "MobileNetV3-Small", "047dcff4", 9.829, 67.668),
        _backbone("efficientnet_b0", "EfficientNet-B0", "7f5810bc", 20.451, 77.692, "_rwightman"),
        _backbone("efficientnet_b1", "EfficientNet-B1", "bac287d4", 30.134, 78.642, "_rwightman"),
        _backbone("efficientnet_b2", "EfficientNet-B2", "c35c1473", 35.174, 80.608, "_rwightman"),
        _backbone("efficientnet_b3", "EfficientNet-B3", "b3899882", 47.184, 82.008, "_rwightman"),
        _backbone("efficientnet_b4", "EfficientNet-B4", "23ab8bcd", 74.489, 83.384, "_rwightman"),
        _backbone("efficientnet_b5", "EfficientNet-B5", "1a07897c", 116.864, 83.444, "_lukemelas"),
        _backbone("efficientnet_b6", "EfficientNet-B6", "24a108a5", 165.362, 84.008, "_lukemelas"),
        _backbone("efficientnet_b7", "EfficientNet-B7", "c5b4e57e", 254.675, 84.122, "_lukemelas"),
        _backbone("convnext_tiny", "ConvNeXt-Tiny", "983f1562", 109.119, 82.52),
        _backbone("convnext_small", "ConvNeXt-Small", "0c510722", 191.703, 83.616),
        _backbone("convnext_base", "ConvNeXt-Base", "6075fbad", 338.064, 84.062),
        _backbone("convnext_large", "ConvNeXt-Large", "ea097f82", 754.537, 84.414),
        _model("fcn_resnet50_coco", "FCN ResNet-50", "fcn_resnet50_coco-1167a1af", 135.009, 60.5, "fcn_resnet50"),
        _model("fcn_resnet101_coco", "FCN ResNet-101", "fcn_resnet101_coco-7ecb50ca", 207.711, 63.7, "fcn_resnet101"),
        _model(
            "deeplabv3_resnet50_coco",
            "DeepLab v3 ResNet-50",
            "deeplabv3_resnet50_coco-cd0a2569",
            160.515,
            66.4,
            "deeplabv3",
        ),
        _model(
            "deeplabv3_resnet101_coco",
            "DeepLab v3 ResNet-101",
            "deeplabv3_resnet101_coco-586e9e4e",
            233.217,
            67.4,
            "deeplabv3",
            "encoder=resnet101",
        ),
        _model(
            "deeplabv3_mobilenetv3_coco",
            "DeepLab v3 MobileNetV3-Large",
            "deeplabv3_mobilenet_v3_large-fc3c493d",
            42.301,
            60.3,
            "deeplabv3",
            "encoder=mobilenet_v3_large output_stride=16",
        ),
        _model(
            "lraspp_mobilenetv3_coco",
            "LR-ASPP MobileNetV3-Large",
            "lraspp_mobilenet_v3_large-d234d4ea",
            12.49,
            57.9,
            "lraspp_mobilenetv3",
        ),
    )
}


def find_weights(name: str) -> Weights:
    """Return a catalogue entry.

    Raises:
        UserError: no entry has that name.
    """
    if name not in CATALOGUE:
        raise UserError(f"The catalogue has no weights '{name}'. It has {', '.join(sorted(CATALOGUE))}.")
    return CATALOGUE[name]


def fetch_directory(home: Home) -> Path:
    """Return the folder that `weights fetch` fills."""
    return home.models / "weights"


def weights_directories(home: Home) -> tuple[Path, ...]:
    """Return the folders that are searched: the workbench's own, then torch's (`TORCH_HOME/hub/checkpoints`)."""
    import torch.hub

    return fetch_directory(home), Path(torch.hub.get_dir()) / "checkpoints"


def locate(weights: Weights, home: Home) -> Path | None:
    """Return where the weights lie on disk, None where nowhere. Reads no more than folder entries."""
    candidates = (folder / weights.file_name for folder in weights_directories(home))
    return next((path for path in candidates if path.is_file()), None)


def check(weights: Weights, path: Path) -> str:
    """Return the SHA-256 (hex) of `path` after comparing it with the publisher's digits.

    Raises:
        UserError: it is another file, or a damaged one.
    """
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    if not sha256.startswith(weights.sha256_prefix):
        raise UserError(
            f"{path} should have a SHA-256 that begins with {weights.sha256_prefix}, as its publisher says; found "
            f"{sha256[:16]}. It is damaged or another file: delete it and run `workbench weights fetch {weights.name}`."
        )
    return sha256


def fetch(weights: Weights, directory: Path, progress: Progress = silent) -> Path:
    """Download weights into `directory`, unless they are there, and return the file's path.

    The only function of the workbench that opens a connection to the outside. A file whose checksum differs from the
    publisher's is not kept, nor is half a file.

    Args:
        weights: what to fetch; `find_weights` gives it.
        directory: made where missing; `fetch_directory` names the workbench's own.
        progress: told bytes.

    Raises:
        UserError: no connection, a wrong checksum, more data than announced, or a folder that cannot be written.
    """
    target = directory / weights.file_name
    if target.is_file():
        check(weights, target)
        return target
    # Plain http only from this machine itself, as from a tunnel to a mirror.
    if not weights.url.startswith(("https://", "http://127.0.0.1:")):
        raise UserError(f"{weights.name}: weights are fetched over https only, found {weights.url}.")
    with explain_os_errors(directory):
        directory.mkdir(parents=True, exist_ok=True)
        with scratch_file(directory) as file:
            _download(weights, file, progress)
            file.flush()
            _refuse_wrong(weights, Path(file.name))
            settle(file, target)
    return target


def _download(weights: Weights, file: BinaryIO, progress: Progress) -> None:
    # Sizes in the catalogue are rounded; a tenth more is no longer the file.
    limit = weights.size + weights.size // 10 + _CHUNK
    done = 0
    try:
        with urllib.request.urlopen(weights.url, timeout=_TIMEOUT_SECONDS) as reply:
            while chunk := reply.read(_CHUNK):
                done += len(chunk)
                if done > limit:
                    raise UserError(
                        f"{weights.url} sends more than the {weights.size} bytes expected. Nothing is kept."
                    )
                file.write(chunk)
                progress(done, weights.size, "bytes")
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
        reason = getattr(error, "reason", error)
        raise UserError(
            f"{weights.url} could not be downloaded: {reason}. Try again, or copy {weights.file_name} from a machine "
            "that has it and give its path as --init."
        ) from error


def _refuse_wrong(weights: Weights, path: Path) -> None:
    try:
        check(weights, path)
    except UserError:
        raise UserError(
            f"What {weights.url} sent does not have the SHA-256 its publisher states (it should begin with "
            f"{weights.sha256_prefix}). Nothing is kept. A proxy may have answered instead: try again elsewhere."
        ) from None
