"""Published weights for which nobody states a checksum: a person downloads them and gives the file.

What is said of them comes from their publishers' pages as named, timm's and transformers' own packages, and the papers.
"""

from __future__ import annotations

from labeling.formats.voc.legend import VOC_2012
from training.evaluation.public_data import PublicTraining
from training.weights.entry import Weights

_NVIDIA = "NVIDIA Source Code License for SegFormer, github.com/NVlabs/SegFormer"
_DEEPLAB = "github.com/kazuto1011/deeplab-pytorch"
_INIT = "started from a DeepLab v1 trained on COCO"


def _on(dataset: str, split: str, source: str) -> PublicTraining:
    return PublicTraining(dataset=dataset, split=split, source=source)


def _hrnet(size: str) -> Weights:
    name = "hrnet_w18_small_v2" if size == "w18_small" else f"hrnet_{size}"
    return Weights(
        name=name,
        kind="backbone",
        about=f"HRNet-{size.replace('_', ' ').capitalize()} of its authors as timm keeps it, {name}.ms_in1k",
        licence="MIT, as timm states",
        architecture="hrnet" if size == "w18_small" else "fpn",
        options={"size": size} if size == "w18_small" else {"encoder": name},
        trained_on=(_on("imagenet1k", "train", "timm: the tag in1k"),),
        page=f"https://huggingface.co/timm/{name}.ms_in1k (model.safetensors)",
    )


def _mit(size: str) -> Weights:
    return Weights(
        name=f"mit_{size}",
        kind="backbone",
        about=f"MiT-{size.upper()}, the encoder of SegFormer-{size.upper()}, as transformers keeps it",
        licence=_NVIDIA,
        architecture="fpn",
        options={"encoder": f"mit_{size}"},
        trained_on=(_on("imagenet1k", "train", "arXiv 2105.15203, section 4.1"),),
        page=f"https://huggingface.co/nvidia/mit-{size} (model.safetensors or pytorch_model.bin)",
    )


def _deeplabv2(name: str, about: str, *trained_on: PublicTraining, classes: tuple[str, ...] = ()) -> Weights:
    return Weights(
        name=name,
        kind="model",
        about=f"DeepLab v2 ResNet-101, {about}",
        licence=f"not stated for the weights; the code's is at {_DEEPLAB}",
        architecture="deeplabv2",
        trained_on=trained_on,
        page=f"https://{_DEEPLAB}",
        classes=classes,
    )


PUBLISHED: tuple[Weights, ...] = (
    *(_hrnet(size) for size in ("w18_small", "w18", "w32", "w48")),
    *(_mit(f"b{number}") for number in range(6)),
    Weights(
        name="segformer_b0_ade20k",
        kind="model",
        about="SegFormer-B0, ADE20K's 150 classes, which the config.json beside it names",
        licence=_NVIDIA,
        architecture="segformer",
        trained_on=(
            _on("imagenet1k", "train", "arXiv 2105.15203, section 4.1"),
            _on("ade20k", "train", "arXiv 2105.15203, section 4.1"),
        ),
        page="https://huggingface.co/nvidia/segformer-b0-finetuned-ade-512-512 (model.safetensors and config.json)",
    ),
    _deeplabv2(
        "deeplabv2_voc2012",
        f"VOC's 21 classes, {_INIT}, 76.65 mIoU on VOC val as its README states",
        _on("voc2012", "train_aug", f"{_DEEPLAB}: trainaug, 10,582 photos"),
        classes=VOC_2012,
    ),
    _deeplabv2(
        "deeplabv2_voc2012_trainval",
        f"VOC's 21 classes, {_INIT}: the Caffe authors' train2_iter_20000, which the port's convert.py takes for "
        "voc12; for pictures, not for figures on val",
        _on("voc2012", "trainval", f"{_DEEPLAB}, issues 63 and 90"),
        classes=VOC_2012,
    ),
    _deeplabv2(
        "deeplabv2_cocostuff10k",
        f"COCO-Stuff 10k, {_INIT}, 34.8 mIoU on its test as its README states",
        _on("cocostuff10k", "train", _DEEPLAB),
    ),
    _deeplabv2(
        "deeplabv2_cocostuff164k",
        f"COCO-Stuff 164k, {_INIT}, 39.1 mIoU on COCO val2017 as its README states",
        _on("coco2017", "train2017", f"{_DEEPLAB}: COCO-Stuff 164k train"),
    ),
)
