"""CVAT's "Segmentation mask 1.1": a VOC folder of colour masks whose colours labelmap.txt names."""

from pathlib import Path

import numpy as np
import pytest

from db.errors import UserError
from labeling.formats.base import ReadRequest
from labeling.formats.voc import codec as voc
from labeling.importing.recognise import recognise
from tests.support.codec_sources import write, write_mask
from tests.support.photo_files import encode, scene

LABEL_MAP = (
    "# label:color_rgb:parts:actions\nCat:250,50,83::\nbackground:0,0,0::\ntraffic:light:61,61,245:body,head:look\n"
)
COLORS = np.array([(0, 0, 0), (250, 50, 83), (61, 61, 245)], np.uint8)


def build(folder: Path, *, photos: bool = True) -> Path:
    """A task as CVAT exports it, with its images or without."""
    rows = np.arange(6)[:, None] // 2 * np.ones(8, int)
    for name in ("frame_000000", "day 1/frame_000001"):
        write_mask(folder / "SegmentationClass" / f"{name}.png", COLORS[rows])
        write_mask(folder / "SegmentationObject" / f"{name}.png", COLORS[rows])
        if photos:
            write(folder / "JPEGImages" / f"{name}.jpg", encode(scene(6, 8), "JPEG"))
    write(folder / "labelmap.txt", LABEL_MAP)
    write(folder / "ImageSets" / "Segmentation" / "default.txt", "frame_000000\nday 1/frame_000001\n")
    return folder


def test_colours_say_the_class_wherever_the_background_stands(tmp_path):
    request = ReadRequest(build(tmp_path))
    listing = voc.list_source(request)
    assert listing.classes == ("Cat", "background", "traffic:light")
    assert listing.colors["traffic:light"] == (61, 61, 245)
    assert listing.background is None
    assert [item.path for item in listing.items] == ["day 1/frame_000001.jpg", "frame_000000.jpg"]
    assert all(item.subsets == ("default",) for item in listing.items)
    for item in listing.items:
        base = voc.read(item, request).base
        assert base is not None
        assert [base.legend[value] for value in base.pixels[::2, 0]] == ["background", "Cat", "traffic:light"]


def test_an_export_without_images_is_recognised_and_asks_for_them(tmp_path):
    source = build(tmp_path / "masks", photos=False)
    build(tmp_path / "task")
    (guess,) = recognise(source).guesses
    assert (guess.format, guess.labels) == ("voc", 2)
    assert "name the folder" in guess.problems[0]
    with pytest.raises(UserError, match="--images"):
        voc.list_source(ReadRequest(source))
    assert len(voc.list_source(ReadRequest(source, images=tmp_path / "task" / "JPEGImages")).items) == 2


def test_two_labels_of_one_colour_are_refused_with_both(tmp_path):
    source = build(tmp_path)
    write(source / "labelmap.txt", LABEL_MAP + "Dog:250,50,83::\n")
    with pytest.raises(UserError, match=r"line 5: 'Dog' and 'Cat' share"):
        voc.list_source(ReadRequest(source))
