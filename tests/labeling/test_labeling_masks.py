"""Trees of images and masks, in the layouts and with the values that are found in the wild."""

from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from db.errors import UserError
from labeling.formats.base import BadItemError, Listing, ReadRequest, Record
from labeling.formats.masks import codec as masks
from labeling.formats.masks.files import MaskFile
from labeling.formats.masks.legend import Legend, name_values, number_values, to_base_map
from labeling.maps import voc_colormap
from labeling.options import DatasetOptions
from tests.support.codec_sources import write
from tests.support.photo_files import encode, scene

PHOTO = encode(scene(6, 8), "JPEG")


def mask(*values: int, dtype: type = np.uint8) -> np.ndarray:
    return np.resize(np.array(values, dtype), (6, 8))


def build(folder: Path, files: Mapping[str, np.ndarray | bytes | str | None], **request) -> ReadRequest:
    """Files by path: None a photo, an array a mask written by OpenCV (BGR), text or bytes as they are."""
    for name, content in files.items():
        if isinstance(content, np.ndarray):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            assert cv2.imwrite(str(folder / name), content)
        else:
            write(folder / name, PHOTO if content is None else content)
    return ReadRequest(folder, **{key: folder / value for key, value in request.items()})


def read(request: ReadRequest) -> tuple[Listing, dict[str, Record]]:
    listing = masks.list_source(request)
    return listing, {item.path: masks.read(item, request) for item in listing.items}


def names_in(record: Record) -> set[object]:
    assert record.base is not None
    values = np.unique(record.base.pixels).tolist()
    return {"ignore" if value == 255 else record.base.legend[value] for value in values}


# --- layouts


@pytest.mark.parametrize(
    ("photo", "label", "path", "role"),
    [
        ("images/a.jpg", "masks/a.png", "a.jpg", None),
        ("Images/s/a.jpg", "Annotations/s/a.png", "s/a.jpg", None),
        ("images/training/a.jpg", "annotations/training/a.png", "training/a.jpg", "train"),
        ("val/images/a.jpg", "val/labels/a_mask.png", "val/images/a.jpg", "val"),
        ("images/a.jpg", "image_labels/a.png", "a.jpg", None),
        ("train_images/a.jpg", "train_masks/a.png", "train_images/a.jpg", "train"),
        ("test/a.png", "testannot/a.png", "test/a.png", "test"),
        ("val/0016E5_1.png", "val_labels/0016E5_1_L.png", "val/0016E5_1.png", "val"),
        ("a.jpg", "a_mask.png", "a.jpg", None),
        ("b/a_img.jpg", "b/a_gt.png", "b/a_img.jpg", None),
        ("images/a_label.jpg", "labels/a_label.png", "a_label.jpg", None),
        (
            "leftImg8bit/train/ulm/ulm_0_leftImg8bit.png",
            "gtFine/train/ulm/ulm_0_gtFine_labelIds.png",
            "train/ulm/ulm_0_leftImg8bit.png",
            "train",
        ),
    ],
)
def test_usual_layouts(tmp_path, photo, label, path, role):
    listing, records = read(build(tmp_path, {photo: None, label: mask(0, 1)}))
    assert list(records) == [path]
    assert records[path].base is not None
    assert listing.items[0].role == role
    assert len(listing.items[0].subsets) == (role is not None)
    assert listing.skipped == ()


def test_a_pair_of_folders_and_photos_without_masks(tmp_path):
    files = {"in/x 1.jpg": None, "in/ü.jpg": None, "out/x 1.png": mask(0, 1), "out/stray.png": mask(0)}
    listing, records = read(build(tmp_path, files, images="in", masks="out"))
    assert {path: record.labelled for path, record in records.items()} == {"x 1.jpg": True, "ü.jpg": False}
    assert [problem.file for problem in listing.skipped] == ["out/stray.png"]


def test_greyscale_photos_are_photos(tmp_path):
    _, records = read(build(tmp_path, {"images/a.png": mask(3, 77), "masks/a.png": mask(0, 1)}))
    assert records["a.png"].photo == tmp_path / "images" / "a.png"


def test_photos_of_one_stem_need_masks_named_after_the_whole_file(tmp_path):
    photos = {"images/a.jpg": None, "images/a.png": encode(scene(6, 8))}
    listing = masks.list_source(build(tmp_path / "one", {**photos, "masks/a.png": mask(0, 1)}))
    assert [problem.file for problem in listing.skipped] == ["images/a.jpg", "images/a.png"]
    both = {**photos, "masks/a.jpg.png": mask(0, 1), "masks/a.png.png": mask(0, 2)}
    _, records = read(build(tmp_path / "two", both))
    assert {path: names_in(record) for path, record in records.items()} == {
        "a.jpg": {"class_0", "class_1"},
        "a.png": {"class_0", "class_2"},
    }


def test_cityscapes_masks_are_chosen_and_said(tmp_path):
    stem = "gtFine/val/ulm/ulm_0_gtFine"
    files = {f"{stem}_{kind}.png": mask(0, 255) for kind in ("labelIds", "labelTrainIds", "color", "instanceIds")}
    listing = masks.list_source(build(tmp_path, {"leftImg8bit/val/ulm/ulm_0_leftImg8bit.png": None, **files}))
    assert [item.file for item in listing.items] == [f"{stem}_labelTrainIds.png"]
    assert "labelTrainIds" in listing.notes[0]


@pytest.mark.parametrize("files", [{"a.jpg": None}, {"masks/a.png": mask(0)}])
def test_without_masks_or_photos_the_layouts_are_explained(tmp_path, files):
    with pytest.raises(UserError, match="images/ beside masks/"):
        masks.list_source(build(tmp_path, files))


# --- values


def test_0_and_255_alone_are_background_and_foreground(tmp_path):
    files = {
        "images/a.jpg": None,
        "masks/a.png": mask(0, 255),
        "images/b.jpg": None,
        "masks/b.png": np.repeat(mask(0, 255)[..., None], 3, axis=2),
        "images/c.jpg": None,
        "masks/c.png": mask(0),
    }
    request = build(tmp_path, files)
    Image.fromarray(mask(0, 1).astype(bool)).save(tmp_path / "masks" / "c.png")
    listing, records = read(request)
    assert listing.classes == ("background", "foreground")
    assert "only 0 and 255" in listing.notes[0]
    assert sorted(records) == ["a.jpg", "b.jpg", "c.jpg"]
    assert all(names_in(record) == {"background", "foreground"} for record in records.values())


def test_one_other_value_anywhere_makes_255_ignore(tmp_path):
    files = {"images/a.jpg": None, "masks/a.png": mask(0, 255), "images/b.jpg": None, "masks/b.png": mask(0, 1)}
    listing, records = read(build(tmp_path, files))
    assert listing.classes == ("class_0", "class_1")
    assert names_in(records["a.jpg"]) == {"class_0", "ignore"}


@pytest.mark.parametrize(("ignored", "expected"), [(255, {"class_0", "ignore"}), (0, {"foreground", "ignore"})])
def test_ignore_index_is_obeyed_in_binary_masks(tmp_path, ignored, expected):
    request = build(tmp_path, {"images/a.jpg": None, "masks/a.png": mask(0, 255)})
    request = ReadRequest(tmp_path, options=DatasetOptions(ignore_index=ignored))
    assert names_in(read(request)[1]["a.jpg"]) == expected


def test_two_named_classes_take_0_and_255_and_one_is_refused(tmp_path):
    files = {"images/a.jpg": None, "masks/a.png": mask(0, 255), "two.txt": "sound\ncrack", "one.txt": "crack"}
    _, records = read(build(tmp_path, files, classes_file="two.txt"))
    assert names_in(records["a.jpg"]) == {"sound", "crack"}
    with pytest.raises(UserError, match="Name both"):
        masks.list_source(ReadRequest(tmp_path, classes_file=tmp_path / "one.txt"))


def test_sixteen_bit_numbers_become_dense_classes(tmp_path):
    listing, records = read(
        build(tmp_path, {"images/a.jpg": None, "masks/a.png": mask(0, 255, 4500, 65535, dtype=np.uint16)})
    )
    assert listing.classes == ("class_0", "class_255", "class_4500", "class_65535")
    assert names_in(records["a.jpg"]) == set(listing.classes)


def test_more_values_than_classes_can_be(tmp_path):
    many = np.arange(48 * 6, dtype=np.uint16).reshape(18, 16)
    with pytest.raises(UserError, match="288 classes"):
        masks.list_source(build(tmp_path, {"images/a.jpg": None, "masks/a.png": many}))


def test_named_values_and_one_without_a_name(tmp_path):
    files = {
        "images/a.jpg": None,
        "masks/a.png": mask(0, 1, 2),
        "images/b.jpg": None,
        "masks/b.png": mask(0, 5),
        "labels.txt": "sky\nroad\ncar",
    }
    request = build(tmp_path, files)
    good, bad = masks.list_source(request).items
    assert names_in(masks.read(good, request)) == {"sky", "road", "car"}
    with pytest.raises(BadItemError, match=r"5 \(24 pixels\)"):
        masks.read(bad, request)


# --- colours


def test_colors_need_a_table(tmp_path):
    colors = np.zeros((6, 8, 3), np.uint8)
    colors[:3] = (3, 2, 1)  # OpenCV writes BGR
    files = {"images/a.jpg": None, "masks/a.png": colors}
    with pytest.raises(UserError, match="--colors"):
        masks.list_source(build(tmp_path, files))
    for text in ("road 1 2 3\nignore 0 0 0", "road:1,2,3::\nignore:0,0,0::", "name,r,g,b\nroad,1,2,3\nignore,0,0,0"):
        listing, records = read(build(tmp_path, {**files, "table.txt": text}, colors_file="table.txt"))
        assert listing.classes == ("road",)
        assert names_in(records["a.jpg"]) == {"road", "ignore"}
    request = build(tmp_path, {"table.txt": "road 1 2 3"}, colors_file="table.txt")
    with pytest.raises(BadItemError, match=r"0,0,0 \(24 pixels\)"):
        read(request)


def test_a_table_of_greys_names_the_grey_levels(tmp_path):
    files = {"images/a.jpg": None, "masks/a.png": mask(0, 200), "t.txt": "bg 0 0 0\nfg 200 200 200"}
    assert names_in(read(build(tmp_path, files, colors_file="t.txt"))[1]["a.jpg"]) == {"bg", "fg"}


# --- files


def test_jpeg_masks_are_refused_unless_flat(tmp_path):
    rng = np.random.default_rng(0)
    smeared = rng.choice(np.array([0, 255], np.uint8), (6, 8))
    files = {"images/a.jpg": None, "masks/a.png": mask(0, 255), "images/b.jpg": None, "masks/b.jpg": smeared}
    request = build(tmp_path, {**files, "images/c.jpg": None, "masks/c.jpg": mask(255)})
    listing = masks.list_source(request)
    assert listing.classes == ("background", "foreground")
    flat, bad = listing.items[2], listing.items[1]
    with pytest.raises(BadItemError, match="JPEG"):
        masks.read(bad, request)
    assert names_in(masks.read(flat, request)) == {"foreground"}


def test_a_mask_of_another_size_is_refused_with_both_sizes(tmp_path):
    request = build(tmp_path, {"images/a.jpg": None, "masks/a.png": mask(0, 1)[:4]})
    with pytest.raises(BadItemError, match="8 x 4 pixels, the photo 8 x 6"):
        read(request)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_mask_in_the_unrotated_frame_is_turned(tmp_path, orientation):
    stored = np.zeros((6, 8), np.uint8)
    stored[0, :3] = 1
    photo = encode(np.repeat(stored[..., None] * 255, 3, axis=2), "PNG", orientation=orientation)
    _, records = read(build(tmp_path, {"images/a.png": photo, "masks/a.png": stored}))
    record = records["a.png"]
    assert record.base is not None
    if orientation < 5:  # the sizes agree, so the mask is taken as it is
        np.testing.assert_array_equal(record.base.pixels, stored)
        return
    with Image.open(tmp_path / "images" / "a.png") as image:
        turned = np.asarray(image.transpose(_TURNS[orientation]))[..., 0] // 255
    np.testing.assert_array_equal(record.base.pixels, turned)
    assert "EXIF" in record.repairs[0]


_TURNS = {
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", "decoded"),
        (b"<html>404</html>", "decoded"),
        (encode(scene(6, 8))[:60], "decoded"),
        (encode(np.dstack([scene(6, 8), mask(0, 255)])), "transparent"),
        (encode(scene(6, 8).astype(np.uint8)[..., :1].repeat(4, axis=2), "TIFF"), "transparent"),
    ],
)
def test_a_bad_mask_costs_only_itself(tmp_path, content, match):
    files = {"images/a.jpg": None, "masks/a.png": mask(0, 1), "images/b.jpg": None, "masks/b.png": content}
    request = build(tmp_path, files)
    good, bad = masks.list_source(request).items
    assert names_in(masks.read(good, request)) == {"class_0", "class_1"}
    with pytest.raises(BadItemError, match=match):
        masks.read(bad, request)


# --- legends


@given(arrays.arrays(np.uint16, (5, 7), elements=st.integers(0, 65535)))
def test_numbered_values_can_be_told_back(values):
    names, table = number_values(np.unique(values).tolist())
    base, _ = to_base_map(MaskFile(values), Legend(names, table))
    told = [[255 if index == 255 else int(names[index].removeprefix("class_")) for index in row] for row in base.pixels]
    assert told == values.tolist()


@given(
    st.lists(st.text(min_size=1), min_size=1, max_size=60, unique=True),
    arrays.arrays(np.uint8, (5, 7), elements=st.integers(0, 80)),
    st.integers(0, 300),
)
def test_named_values_keep_their_names_or_the_mask_is_refused(names, values, ignored):
    legend = Legend(*name_values(names)).without(ignored)
    known = values < len(names)
    if not (known | (values == ignored)).all():
        with pytest.raises(BadItemError, match="without a class"):
            to_base_map(MaskFile(values), legend)
        return
    base, _ = to_base_map(MaskFile(values), legend)
    for value, index in zip(values.ravel().tolist(), base.pixels.ravel().tolist(), strict=True):
        expected_ignore = value == ignored or names[value] in ("ignore", "unlabelled", "__ignore__")
        assert (index == 255) == expected_ignore
        assert expected_ignore or base.legend[index] == names[value]


# --- values that were colours


@pytest.mark.parametrize("convert", [lambda image: image.convert("L"), None])
def test_colours_that_were_turned_into_grey_are_called_out(tmp_path, convert):
    """By Pillow, and by OpenCV's reading in grey, as training scripts do it."""
    colors = voc_colormap()[mask(0, 1, 2, 15)]
    write(tmp_path / "images" / "a.jpg", PHOTO)
    (tmp_path / "masks").mkdir()
    if convert:
        convert(Image.fromarray(colors)).save(tmp_path / "masks" / "a.png")
    else:
        cv2.imwrite(str(tmp_path / "masks" / "a.png"), cv2.cvtColor(colors, cv2.COLOR_RGB2GRAY))
    notes = masks.list_source(ReadRequest(tmp_path)).notes
    assert "a.png holds 0, 38, 75, 147: the greys of VOC's colours." in notes[1]
    assert "--colors FILE" in notes[1]


@pytest.mark.parametrize(
    ("values", "suspected"),
    [
        ((0, 1, 2, 255), False),
        ((0, 255), False),
        ((0, 200), False),
        (tuple(range(34)), False),
        (tuple(range(0, 180)), False),
        ((0, 85, 170), True),
        ((0, 29, 76, 150, 255), True),
    ],
)
def test_only_values_with_wide_gaps_are_suspected(tmp_path, values, suspected):
    pixels = np.resize(np.array(values, np.uint8), (16, 16))
    photo = encode(scene(16, 16), "PNG")
    request = build(tmp_path, {"images/a.png": photo, "masks/a.png": pixels})
    assert any("such gaps" in note for note in masks.list_source(request).notes) is suspected


def test_of_the_masks_one_with_the_gaps_is_named(tmp_path):
    photos = {f"images/{name}.jpg": None for name in "ab"}
    request = build(tmp_path, {**photos, "masks/a.png": mask(0, 1, 2, 3, 4), "masks/b.png": mask(0, 100, 200)})
    assert any(note.startswith("b.png holds 0, 100, 200") for note in masks.list_source(request).notes)


# --- masks that disagree with one another


def palette_png(path: Path, pixels: np.ndarray, *colors: tuple[int, int, int]) -> None:
    image = Image.fromarray(pixels, "P")
    image.putpalette([channel for color in colors for channel in color])
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)


@pytest.mark.parametrize("names", [None, "sky\nroad\ncar\n"])
def test_palettes_that_number_one_colour_differently_are_called_out(tmp_path, names):
    """As programs leave them that number the colours of each mask by themselves."""
    black, red, blue = (0, 0, 0), (255, 0, 0), (0, 0, 255)
    request = build(tmp_path, {"images/a.jpg": None, "images/b.jpg": None} | ({"labels.txt": names} if names else {}))
    palette_png(tmp_path / "masks/a.png", mask(0, 1, 2), black, red, blue)
    palette_png(tmp_path / "masks/b.png", mask(2, 1, 0), blue, red, black)
    notes = masks.list_source(request).notes
    assert any("the colour 0,0,255 is 2 in a.png and 0 in b.png" in note and "--colors" in note for note in notes)


def test_palettes_may_differ_in_what_no_mask_uses(tmp_path):
    request = build(tmp_path, {"images/a.jpg": None, "images/b.jpg": None})
    palette_png(tmp_path / "masks/a.png", mask(0, 1), (0, 0, 0), (255, 0, 0), (9, 9, 9))
    palette_png(tmp_path / "masks/b.png", mask(0, 1), (0, 0, 0), (255, 0, 0), (255, 0, 0))
    assert not any("palettes" in note for note in masks.list_source(request).notes)


def test_black_and_white_masks_among_others_are_called_out(tmp_path):
    photos = {f"images/{name}.jpg": None for name in "ab"}
    request = build(tmp_path, {**photos, "masks/a.png": mask(0, 1, 2), "masks/b.png": mask(0, 255)})
    assert any("1 mask holds only 0 and 255 (b.png)" in note for note in masks.list_source(request).notes)
    (tmp_path / "masks/a.png").unlink()
    assert not any("others hold" in note for note in masks.list_source(request).notes)


def test_what_a_mask_that_is_none_holds_is_said_without_its_path(tmp_path):
    files = {"images/a.jpg": None, "images/b.jpg": None, "masks/a.png": b"", "masks/b.png": mask(0, 1)}
    request = build(tmp_path, files)
    listing = masks.list_source(request)
    with pytest.raises(BadItemError, match=r"cannot be decoded: the file is empty \(0 bytes\)\.") as caught:
        masks.read(listing.items[0], request)
    assert str(tmp_path) not in str(caught.value)


def test_numbers_in_three_equal_channels_are_told_from_colours(tmp_path):
    files = {"images/a.jpg": None, "images/b.jpg": None, "masks/a.png": np.dstack([mask(0, 1, 2)] * 3)}
    request = build(tmp_path, files | {"masks/b.png": mask(0, 1)})
    with pytest.raises(BadItemError, match="grey in three channels"):
        masks.read(masks.list_source(request).items[0], request)


@pytest.mark.parametrize(("orientation", "told"), [(1, False), (3, True), (6, False)])
def test_where_sizes_cannot_tell_how_a_mask_lies_it_is_said(tmp_path, orientation, told):
    photo = encode(scene(6, 8), "JPEG", orientation=orientation)
    request = build(tmp_path, {"images/a.jpg": photo, "masks/a.png": mask(0, 1)})
    record = masks.read(masks.list_source(request).items[0], request)
    assert any("both ways round" in repair for repair in record.repairs) is told
