"""Public datasets that public models were trained on, recognised by the names their publishers gave the photos.

What a name tells is that a photo looks like one of a dataset; of which split it is, only a list of its publisher or a
folder of its own tells. Renamed photos are not recognised.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from pydantic import BaseModel, ConfigDict

from db.errors import UserError


class PublicTraining(BaseModel):
    """A training on public data that shaped a model's weights.

    Attributes:
        dataset: a key of `PUBLIC`, or another name.
        split: of it.
        source: who says so: the catalogue, or whoever imported the model.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: str
    split: str
    source: str = ""

    def __str__(self) -> str:
        known = PUBLIC.get(self.dataset)
        return f"{known.title if known else self.dataset} {self.split}"


@dataclass(frozen=True)
class PublicDataset:
    """A dataset as its publisher gives it away.

    Attributes:
        title: for people.
        holds: of each split that models are trained on, the splits that lie wholly within it.
        apart: of each such split, those that share no photo with it.
        stem: what the names of its photos, without suffix, look like; None where nothing is recognised. A group
            `split` in it names the split.
        aliases: what lists and folders call the splits, beside their names.
        warning: what is known to go wrong with its public models, a sentence.
    """

    title: str
    holds: Mapping[str, frozenset[str]]
    apart: Mapping[str, frozenset[str]] = field(default_factory=dict)
    stem: re.Pattern[str] | None = None
    aliases: Mapping[str, str] = field(default_factory=dict)
    warning: str = ""

    def splits_of(self, path: str, lists: Iterable[str]) -> frozenset[str] | None:
        """Return the splits that a photo's lists, folders and name tell; None where it is none of this dataset."""
        place = PurePosixPath(path)
        match = self.stem.fullmatch(place.stem) if self.stem else None
        if match is None:
            return None
        told = {*lists, *place.parent.parts, match.groupdict().get("split", "")}
        named = {self.aliases.get(name.lower(), name.lower()) for name in told}
        return frozenset(named & set().union(*self.holds.values(), *self.apart.values()))


def _plain(*splits: str) -> dict[str, frozenset[str]]:
    return {split: frozenset({split}) for split in splits}


def _disjoint(*splits: str) -> dict[str, frozenset[str]]:
    return {split: frozenset(splits) - {split} for split in splits}


PUBLIC: Mapping[str, PublicDataset] = {
    "voc2012": PublicDataset(
        title="Pascal VOC 2012",
        holds=_plain("train", "val", "test")
        | {"trainval": frozenset({"train", "val", "trainval"}), "train_aug": frozenset({"train", "train_aug"})},
        apart={
            "train": frozenset({"val", "test"}),
            "val": frozenset({"train", "train_aug", "test"}),
            "trainval": frozenset({"test"}),
            "train_aug": frozenset({"val", "test"}),
            "test": frozenset({"train", "val", "trainval", "train_aug"}),
        },
        stem=re.compile(r"20(0[7-9]|1[0-2])_\d{6}"),
        aliases={"trainaug": "train_aug", "segmentationclassaug": "train_aug"},
        warning=(
            "A well-known public DeepLab v2 checkpoint of VOC that was trained on train and val together scores near "
            "90 mIoU on val; its twin that never saw val scores 76.7."
        ),
    ),
    "coco2017": PublicDataset(
        title="COCO 2017",
        holds=_plain("train2017", "val2017"),
        apart=_disjoint("train2017", "val2017"),
        stem=re.compile(r"\d{12}"),
        aliases={
            "train": "train2017",
            "val": "val2017",
            "instances_train2017": "train2017",
            "instances_val2017": "val2017",
        },
    ),
    "cocostuff10k": PublicDataset(
        title="COCO-Stuff 10k",
        holds=_plain("train", "test"),
        apart=_disjoint("train", "test"),
        stem=re.compile(r"COCO_train2014_\d{12}"),
    ),
    "ade20k": PublicDataset(
        title="ADE20K",
        holds=_plain("train", "val"),
        apart=_disjoint("train", "val"),
        stem=re.compile(r"ADE_(?P<split>train|val)_\d{8}"),
        aliases={"training": "train", "validation": "val"},
    ),
    "cityscapes": PublicDataset(
        title="Cityscapes",
        holds=_plain("train", "val", "test"),
        apart=_disjoint("train", "val", "test"),
        stem=re.compile(r"[a-z-]+_\d{6}_\d{6}_leftImg8bit"),
    ),
    "camvid": PublicDataset(
        title="CamVid",
        holds=_plain("train", "val", "test") | {"trainval": frozenset({"train", "val", "trainval"})},
        apart=_disjoint("train", "val", "test") | {"trainval": frozenset({"test"})},
        stem=re.compile(r"(0001TP|0006R0|0016E5|Seq05VD)_f?\d+"),
    ),
    # Single photos with one label each; no segmentation is tested on them.
    "imagenet1k": PublicDataset(title="ImageNet-1k", holds=_plain("train", "val")),
    "imagenet12k": PublicDataset(title="ImageNet-12k", holds=_plain("train")),
    "imagenet21k": PublicDataset(title="ImageNet-21k", holds=_plain("train")),
}


def read_trained_on(text: str, source: str) -> PublicTraining:
    """Read `DATASET:SPLIT`. A dataset that is not known is taken down, but no photo of it can be recognised.

    Raises:
        UserError: not written so, or a known dataset has no such split.
    """
    dataset, _, split = (part.strip() for part in text.partition(":"))
    if not dataset or not split:
        known = ", ".join(f"{name}:{'|'.join(each.holds)}" for name, each in PUBLIC.items())
        raise UserError(f"What a model was trained on is written DATASET:SPLIT, found {text!r}. Known are {known}.")
    public = PUBLIC.get(dataset)
    split = public.aliases.get(split, split) if public else split
    if public and split not in public.holds:
        raise UserError(f"{public.title} has no split {split!r}; it has {', '.join(public.holds)}.")
    return PublicTraining(dataset=dataset, split=split, source=source)
