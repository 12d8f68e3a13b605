"""Pascal VOC folders as VOC, CVAT and labelme write them, and as people break them."""

from collections.abc import Mapping
from pathlib import Path

import imgviz
import numpy as np
import pytest
from PIL import Image

from db.errors import UserError
from labeling.formats.base import BadItemError, Item, Listing, ReadRequest
from labeling.formats.voc import codec as voc
from labeling.maps import voc_colormap
from tests.support.codec_sources import write, write_mask
from tests.support.photo_files import encode, scene

PHOTO = encode(scene(6, 8), "JPEG")


def build(folder: Path, masks: Mapping[str, np.ndarray | None], **texts: str) -> ReadRequest:
    """Photos with masks (None: without); `texts` are files of the folder, `train="a\\n"` a list."""
    for stem, mask in masks.items():
        write(folder / "JPEGImages" / f"{stem}.jpg", PHOTO)
        if mask is not None:
            colors = [tuple(color) for color in voc_colormap().tolist()] if mask.ndim == 2 else ()
            write_mask(folder / "SegmentationClass" / f"{stem}.png", mask, colors)
    for name, text in texts.items():
        files = {"labels": "labels.txt", "labelmap": "labelmap.txt"}
        write(folder / files.get(name, f"ImageSets/Segmentation/{name}.txt"), text)
    (folder / "SegmentationClass").mkdir(exist_ok=True)
    return ReadRequest(folder)


def index_mask(*values: int) -> np.ndarray:
    return np.resize(np.array(values, np.uint8), (6, 8))


def color_mask(*colors: tuple[int, int, int]) -> np.ndarray:
    return np.resize(np.array(colors, np.uint8), (6, 8, 3))


def read_values(request: ReadRequest, item: Item) -> list[int]:
    base = voc.read(item, request).base
    assert base is not None
    return np.unique(base.pixels).tolist()


def items_by_stem(listing: Listing) -> dict[str, Item]:
    return {Path(item.path).stem: item for item in listing.items}


# --- lists


def test_every_list_is_a_subset_and_train_val_test_give_roles(tmp_path):
    mask = index_mask(0, 1)
    request = build(
        tmp_path,
        {"a": mask, "b": mask, "c d": mask, "e": None, "f": None},
        labels="bg\nfg",
        train="a\r\n\r\n",
        val="b  1\r\nc d\r\n",
        test="e\n",
        dusk="a -1\nb\nJPEGImages/c d.jpg SegmentationClass/c d.png\n",
        empty="",
    )
    listing = voc.list_source(request)
    items = items_by_stem(listing)
    assert listing.subsets == ("dusk", "empty", "test", "train", "val")
    assert {stem: item.role for stem, item in items.items()} == {"a": "train", "b": "val", "c d": "val", "e": "test"}
    assert {stem: item.subsets for stem, item in items.items()} == {
        "a": ("train",),
        "b": ("dusk", "val"),
        "c d": ("dusk", "val"),
        "e": ("test",),
    }
    assert not voc.read(items["e"], request).labelled
    assert listing.notes == ("1 photos have no mask and are in no list: left out.",)


def test_an_image_of_two_roles_is_named_with_both_lists(tmp_path):
    mask = index_mask(0)
    request = build(tmp_path, {"a": mask, "b7": mask}, labels="bg", train="a\nb7", val="b7", trainval="a\nb7")
    with pytest.raises(UserError, match=r"b7 .*train\.txt.*val\.txt:"):
        voc.list_source(request)
    write(tmp_path / "ImageSets" / "Segmentation" / "val.txt", "b7\na")
    with pytest.raises(UserError, match=r"val\.txt, and so is 1 other:"):
        voc.list_source(request)


def test_unknown_stems_masks_without_photos_and_shared_stems_are_reported(tmp_path):
    request = build(tmp_path, {"a": index_mask(0), "b": index_mask(0)}, labels="bg", train="a\nnobody\n")
    write(tmp_path / "JPEGImages" / "b.png", encode(scene(6, 8)))
    write_mask(tmp_path / "SegmentationClass" / "lonely.png", index_mask(0))
    listing = voc.list_source(request)
    assert [item.path for item in listing.items] == ["a.jpg"]
    reasons = {problem.file: problem.reason for problem in listing.skipped}
    assert set(reasons) == {
        "ImageSets/Segmentation/train.txt",
        "SegmentationClass/lonely.png",
        "JPEGImages/b.jpg",
        "JPEGImages/b.png",
    }
    assert "Line 2" in reasons["ImageSets/Segmentation/train.txt"]
    assert "nobody" in reasons["ImageSets/Segmentation/train.txt"]


def test_a_folder_above_or_another_folder_of_photos(tmp_path):
    build(tmp_path / "VOCdevkit" / "VOC2012", {"2007_000032": index_mask(0, 20, 255)})
    listing = voc.list_source(ReadRequest(tmp_path))
    assert [item.file for item in listing.items] == ["VOCdevkit/VOC2012/SegmentationClass/2007_000032.png"]
    (tmp_path / "VOCdevkit" / "VOC2012" / "JPEGImages").rename(tmp_path / "photos")
    with pytest.raises(UserError, match="--images"):
        voc.list_source(ReadRequest(tmp_path))
    assert len(voc.list_source(ReadRequest(tmp_path, images=tmp_path / "photos")).items) == 1


# --- what values mean


def test_labels_give_the_order_and_255_is_ignore(tmp_path):
    request = build(tmp_path, {"a": index_mask(0, 2, 255)}, labels="__ignore__\n_background_\ncar\nroad\n\n")
    listing = voc.list_source(request)
    assert listing.classes == ("_background_", "car", "road")
    assert listing.background is None
    assert listing.colors == {"_background_": (0, 0, 0), "car": (128, 0, 0), "road": (0, 128, 0)}
    assert read_values(request, listing.items[0]) == [0, 2, 255]


def test_a_value_without_a_class_skips_the_image_with_values_and_counts(tmp_path):
    request = build(tmp_path, {"a": index_mask(0, 1, 7, 9), "b": index_mask(0, 1)}, labels="bg\nfg")
    items = items_by_stem(voc.list_source(request))
    with pytest.raises(BadItemError, match=r"7 \(12 pixels\), 9 \(12 pixels\).*0-1, 255"):
        voc.read(items["a"], request)
    assert read_values(request, items["b"]) == [0, 1]


def test_voc_2012_is_recognised_by_names_and_values_together(tmp_path):
    listing = voc.list_source(build(tmp_path / "yes", {"2007_000032": index_mask(0, 15, 255)}))
    assert (len(listing.classes), listing.classes[15]) == (21, "person")
    assert "VOC 2012" in listing.notes[0]
    for folder, stem, value in (("stem", "photo", 15), ("value", "2007_000032", 40)):
        listing = voc.list_source(build(tmp_path / folder, {stem: index_mask(0, value, 255)}))
        assert listing.classes == ("class_0", f"class_{value}")


CVAT_MAP = "# label:color_rgb:parts:actions\nCat:128,0,0::\nbackground:0,0,0::\nDog:0,128,0:paw,tail:run"


def test_cvat_colors_are_read_by_color_not_by_order(tmp_path):
    masks = {"rgb": color_mask((0, 0, 0), (128, 0, 0), (0, 128, 0)), "odd": color_mask((0, 0, 0), (1, 2, 3))}
    request = build(tmp_path, masks, labelmap=CVAT_MAP)
    listing = voc.list_source(request)
    items = items_by_stem(listing)
    assert listing.classes == ("Cat", "background", "Dog")
    assert listing.colors["Dog"] == (0, 128, 0)
    base = voc.read(items["rgb"], request).base
    assert base is not None
    assert base.pixels[0, :3].tolist() == [1, 0, 2]
    record = voc.read(items["odd"], request)
    assert record.base is not None
    assert np.unique(record.base.pixels).tolist() == [1, 255]
    assert "1,2,3 (24 pixels)" in record.repairs[0]


def test_a_palette_that_holds_the_tables_colours_is_read_by_them(tmp_path):
    request = build(tmp_path, {"a": index_mask(0, 1)}, labelmap=CVAT_MAP)  # VOC palette: 0 is black, 1 is 128,0,0
    base = voc.read(voc.list_source(request).items[0], request).base
    assert base is not None
    assert [base.legend[value] for value in base.pixels[0, :2]] == ["background", "Cat"]


def test_color_masks_without_a_table_must_be_vocs_colors_exactly(tmp_path):
    masks = {"voc": color_mask((0, 0, 0), (0, 128, 0), (224, 224, 192)), "other": color_mask((0, 0, 0), (0, 127, 0))}
    request = build(tmp_path, masks, labels="bg\ncar\nroad")
    items = items_by_stem(voc.list_source(request))
    assert read_values(request, items["voc"]) == [0, 2, 255]
    with pytest.raises(BadItemError, match="0,127,0"):
        voc.read(items["other"], request)


@pytest.mark.parametrize(
    ("name", "text", "match"),
    [
        ("labels", "a\n\nb", "line 2 is empty"),
        ("labels", "a\nb\na", "lines 1 and 3"),
        ("labels", "\n".join(f"class {i}" for i in range(300)), "300 classes"),
        ("labelmap", "a:1,2,3::\nb:1,2,3::", "share the colour"),
        ("labelmap", "a:1,2,3::\na:4,5,6::", "second time"),
        ("labelmap", "a:1,2,300::", "0 to 255"),
        ("labelmap", "nonsense", "line 1"),
    ],
)
def test_a_wrong_class_file_is_named_with_its_line(tmp_path, name, text, match):
    with pytest.raises(UserError, match=match):
        voc.list_source(build(tmp_path, {"a": index_mask(0)}, **{name: text}))


# --- files of other programs


def test_camvid(test_data):
    request = ReadRequest(test_data / "camvid")
    listing = voc.list_source(request)
    lists = {name: sum(name in item.subsets for item in listing.items) for name in listing.subsets}
    assert lists == {"train": 367, "val": 101, "train_day": 305, "dusk": 62}
    assert [sum(item.role == role for item in listing.items) for role in ("train", "val", "test")] == [367, 101, 0]
    assert list(listing.classes) == (test_data / "camvid" / "labels.txt").read_text().split()
    assert listing.colors["bicyclist"] == (0, 128, 192)
    item = listing.items[0]
    base = voc.read(item, request).base
    assert base is not None
    np.testing.assert_array_equal(base.pixels, np.asarray(Image.open(test_data / "camvid" / item.file)))


def test_masks_of_labelmes_converter(tmp_path, test_data):
    """labelme2voc's output: PNGs written by labelme through imgviz, names in class_names.txt, no lists."""
    source = test_data / "labelme_voc"
    for photo in source.glob("*.jpg"):
        write(tmp_path / "JPEGImages" / photo.name, photo.read_bytes())
        mask = source / "expected" / f"{photo.stem}.png"
        write(tmp_path / "SegmentationClassPNG" / mask.name, mask.read_bytes())
    (tmp_path / "SegmentationClass").mkdir()
    names = (source / "labels.txt").read_text().splitlines()[1:]
    write(tmp_path / "class_names.txt", "\n".join(names))
    request = ReadRequest(tmp_path)
    listing = voc.list_source(request)
    assert listing.classes == tuple(names)
    for item in listing.items:
        base = voc.read(item, request).base
        assert base is not None
        np.testing.assert_array_equal(base.pixels, np.asarray(Image.open(tmp_path / item.file)))


def test_a_palette_png_of_imgviz(tmp_path):
    request = build(tmp_path, {"a": None}, labels="bg\ncar\nroad")
    imgviz.io.lblsave(str(tmp_path / "SegmentationClass" / "a.png"), index_mask(0, 2))
    assert read_values(request, voc.list_source(request).items[0]) == [0, 2]


# --- objects


def test_the_objects_of_segmentation_object_are_kept(tmp_path):
    classes, objects = index_mask(0, 1, 1, 255), index_mask(0, 1, 2, 255)
    request = build(tmp_path, {"a": classes, "b": classes}, labels="bg\ncar")
    colors = [tuple(color) for color in voc_colormap().tolist()]
    write_mask(tmp_path / "SegmentationObject" / "a.png", objects, colors)
    a, b = (voc.read(item, request).base for item in voc.list_source(request).items)
    assert a is not None
    assert b is not None
    assert a.instances is not None
    np.testing.assert_array_equal(a.instances, np.where(objects == 255, 0, objects))
    assert b.instances is None


def test_objects_in_colours_are_numbered_by_colour(tmp_path):
    """CVAT's export: a colour an object, no palette."""
    request = build(tmp_path, {"a": index_mask(0, 1, 1)}, labels="bg\ncar")
    write_mask(tmp_path / "SegmentationObject" / "a.png", color_mask((0, 0, 0), (0, 128, 0), (0, 64, 0)))
    base = voc.read(voc.list_source(request).items[0], request).base
    assert base is not None
    np.testing.assert_array_equal(base.instances, index_mask(0, 2, 1))


@pytest.mark.parametrize("broken", [b"no image", encode(index_mask(1)[:4])])
def test_objects_that_cannot_be_used_cost_only_themselves(tmp_path, broken):
    request = build(tmp_path, {"a": index_mask(0, 1)}, labels="bg\ncar")
    write(tmp_path / "SegmentationObject" / "a.png", broken)
    record = voc.read(voc.list_source(request).items[0], request)
    assert record.base is not None
    assert record.base.instances is None
    assert "objects were left out, a.png" in record.repairs[0]


def test_objects_turn_with_the_mask(tmp_path):
    stored = np.arange(48, dtype=np.uint8).reshape(6, 8) % 2
    photo = encode(np.repeat(stored[..., None] * 255, 3, axis=2), "JPEG", orientation=6)
    request = build(tmp_path, {"a": stored}, labels="bg\ncar")
    write(tmp_path / "JPEGImages" / "a.jpg", photo)
    write_mask(tmp_path / "SegmentationObject" / "a.png", stored * 7)
    base = voc.read(voc.list_source(request).items[0], request).base
    assert base is not None
    assert base.instances is not None
    np.testing.assert_array_equal(base.instances, base.pixels * 7)
    assert base.pixels.shape == (8, 6)
