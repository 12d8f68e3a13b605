"""Public splits told by names and lists, and the warnings they lead to."""

from __future__ import annotations

import pytest

from db.errors import UserError
from labeling.manifest import ManifestImage
from training.evaluation.leaks import _of_public_splits
from training.evaluation.public_data import PUBLIC, PublicTraining, read_trained_on

VOC = PUBLIC["voc2012"]


def photo(path: str, *lists: str) -> ManifestImage:
    return ManifestImage(dataset="d", path=path, image_sha256=path, map_sha256="m", role=None, subsets=lists)


def check(trained_on: str, *images: ManifestImage) -> tuple[int, list[str], list[str]]:
    unknown: list[str] = []
    found, warnings = _of_public_splits([read_trained_on(trained_on, "told")], images, unknown)
    return len(found), warnings, unknown


@pytest.mark.parametrize(
    ("path", "lists", "expected"),
    [
        ("2007_000033.jpg", ("val", "mine"), {"val"}),
        ("JPEGImages/2011_003256.jpg", ("trainval", "train"), {"train", "trainval"}),
        ("2012_004331.jpg", (), set()),
        ("2013_004331.jpg", ("val",), None),
        ("street.jpg", ("val",), None),
    ],
)
def test_a_voc_photo_is_known_by_its_name_and_its_split_by_its_lists(path, lists, expected):
    assert VOC.splits_of(path, lists) == expected


@pytest.mark.parametrize(
    ("dataset", "path", "expected"),
    [
        ("ade20k", "images/validation/ADE_val_00000001.jpg", {"val"}),
        ("ade20k", "ADE_train_00000001.jpg", {"train"}),
        ("coco2017", "val2017/000000000139.jpg", {"val2017"}),
        ("cityscapes", "leftImg8bit/val/x/frankfurt_000000_000294_leftImg8bit.png", {"val"}),
        ("camvid", "0016E5_07959.png", set()),
    ],
)
def test_folders_and_names_tell_the_split_of_others(dataset, path, expected):
    assert PUBLIC[dataset].splits_of(path, ()) == expected


def test_a_model_of_trainval_is_warned_about_on_val():
    count, warnings, unknown = check("voc2012:trainval", photo("2007_000033.jpg", "val"), photo("street.jpg", "val"))
    assert (count, unknown) == (1, [])
    assert "1 of the images are of Pascal VOC 2012 trainval, which the model was trained on (told)." in warnings[0]
    assert "near 90 mIoU on val" in warnings[0]
    assert "76.7" in warnings[0]


def test_the_honest_model_of_train_aug_is_not():
    assert check("voc2012:train_aug", photo("2007_000033.jpg", "val")) == (0, [], [])
    assert check("voc2012:train_aug", photo("2007_000032.jpg", "train"))[0] == 1


def test_what_no_list_tells_is_said_to_be_unknown():
    count, warnings, unknown = check("voc2012:train_aug", photo("2007_000033.jpg"))
    assert (count, warnings) == (0, [])
    assert "1 of the images have names as Pascal VOC 2012 gives them" in unknown[0]


def test_training_on_what_nobody_knows_is_taken_down_and_said():
    assert (
        "trained on mapillary train, whose photos are not recognised" in check("mapillary:train", photo("a.jpg"))[2][0]
    )
    assert read_trained_on("voc2012:trainaug", "told") == PublicTraining(
        dataset="voc2012", split="train_aug", source="told"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("voc2012", "is written DATASET:SPLIT, found 'voc2012'"),
        ("voc2012:vall", "has no split 'vall'; it has train, val"),
    ],
)
def test_a_split_that_is_none_is_answered_with_those_there_are(text, expected):
    with pytest.raises(UserError) as error:
        read_trained_on(text, "told")
    assert expected in str(error.value)
