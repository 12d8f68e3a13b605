"""Writes the table in architectures.md from the code: `python docs/architectures.py`. A test compares the two."""

from __future__ import annotations

from pathlib import Path

from training.architecture_cards import ArchitectureCard, architecture_cards

PAGE = Path(__file__).with_suffix(".md")
BEGIN, END = "<!-- made by docs/architectures.py -->", "<!-- end -->"

_PUBLISHED, _VGG, _PYRAMIDS = (f"test_training_architectures_{name}.py" for name in ("published", "vgg", "pyramids"))
_TORCHVISION = ("outputs of torchvision's network, weights copied over", f"{_PUBLISHED}::test_outputs_are_torchvisions")
_FCN = ("parameters and strides of the paper", f"{_VGG}::test_fcn_has_the_papers_parameters_and_strides")
PROOFS = {
    "deeplabv1": (
        "parameters and stride of the paper",
        f"{_VGG}::test_deeplab_v1_has_the_papers_parameters_and_stride",
    ),
    "deeplabv2": (
        "logits of the public PyTorch port",
        "test_training_deeplabv2_reference.py::test_logits_are_those_of_the_public_port",
    ),
    "deeplabv3": ("outputs of torchvision's network", f"{_PYRAMIDS}::test_deeplabv3_computes_what_torchvisions_does"),
    "deeplabv3plus": (
        "outputs of segmentation_models_pytorch's parts",
        f"{_PYRAMIDS}::test_deeplabv3plus_is_built_of_smps_parts",
    ),
    "efficientfcn": (
        "decoder of the authors' implementation, and its equations",
        "test_training_architectures_efficientfcn.py::test_the_decoder_is_that_of_the_public_implementation",
    ),
    "encnet": (
        "encoding layer of the authors' implementation, and its equations",
        "test_training_architectures_encnet.py::test_the_encoding_layer_is_that_of_the_public_implementation",
    ),
    "fcn16s": _FCN,
    "fcn32s": _FCN,
    "fcn8s": _FCN,
    "fcn_resnet101": (
        "keys and parameters of torchvision's checkpoint",
        f"{_PUBLISHED}::test_parameters_and_keys_are_those_of_the_official_checkpoint",
    ),
    "fcn_resnet50": _TORCHVISION,
    "fpn": ("outputs of torchvision's pyramid", f"{_PYRAMIDS}::test_fpn_is_torchvisions_pyramid"),
    "hrnet": ("branches of timm's network", "test_training_architectures_hrnet.py::test_the_branches_are_timms"),
    "lraspp_mobilenetv3": _TORCHVISION,
    "plainconv": ("how far a pixel sees", f"{_VGG}::test_plainconv_sees_as_far_as_it_says"),
    "pspnet": (
        "pyramid of transformers' UPerNet",
        f"{_PYRAMIDS}::test_pspnets_pyramid_is_that_of_upernet",
    ),
    "resunet": ("the table of its description", f"{_VGG}::test_resunet_has_the_reports_table"),
    "segformer": (
        "outputs of transformers' network",
        "test_training_architectures_segformer.py::test_it_computes_what_transformers_does_from_the_file_that_writes",
    ),
    "segnet": ("places of the maxima, and VGG16 mirrored", f"{_VGG}::test_segnet_puts_every_maximum_back_where_it_was"),
    "segnet_bilinear": ("VGG16 mirrored", f"{_VGG}::test_segnet_mirrors_vgg16"),
    "sspfpn": ("the table of its description", f"{_VGG}::test_sspfpn_has_the_reports_table"),
    "unet": (
        "parameters of the paper; decoder of segmentation_models_pytorch on encoders",
        f"{_PUBLISHED}::test_unet_of_2015_has_the_parameters_its_description_gives",
    ),
}
"""Of every architecture: what it is compared with, and by which test."""


def table() -> str:
    """Return the table, in Markdown."""
    heads = [
        "name",
        "what it is",
        "year",
        "paper",
        "parameters",
        "GFLOPs",
        "memory",
        "stride",
        "exports",
        "compared with",
    ]
    lines = [heads, ["---"] * len(heads), *map(_row, architecture_cards())]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def page(text: str) -> str:
    """Return a page with its table replaced by that of the code."""
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{rest.partition(END)[2]}"


def _row(card: ArchitectureCard) -> list[str]:
    proof, test = PROOFS[card.name]
    return [
        f"`{card.name}`",
        f"**{card.title}**: {card.what_it_is}",
        str(card.year),
        card.paper,
        f"{card.parameters / 1e6:.1f} M",
        f"{card.gflops:.0f}",
        f"{card.kept_bytes / 2**20:,.0f} MiB",
        str(card.output_stride),
        ", ".join(card.exports) + (f". {card.exports_note}" if card.exports_note else ""),
        f"{proof} (`{test}`)",
    ]


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
