"""labelme files as they are found: every version's shapes and fields, every way to be broken."""

import json
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from labeling.annotation import Annotation, Shape, Special
from labeling.formats.base import BadItemError, ReadRequest, Record
from labeling.formats.labelme import codec as labelme
from labeling.raster import render
from tests.support.labelme_files import (
    PHOTO,
    SQUARE,
    base64_mask,
    base64_of,
    document,
    read_folder,
    read_one,
    shape,
)
from tests.support.labelme_files import PHOTO_HEIGHT as HEIGHT
from tests.support.labelme_files import PHOTO_WIDTH as WIDTH
from tests.support.photo_files import scene


def read_shapes(folder: Path, *shapes: Any, **more: Any) -> Record:
    return read_one(folder, document(*shapes, **more))


# --- shapes


@pytest.mark.parametrize(
    ("entry", "kind", "points"),
    [
        (shape(), "polygon", SQUARE),
        (shape(shape_type=None), "polygon", SQUARE),
        ({"label": "road", "points": SQUARE}, "polygon", SQUARE),
        ({"label": "road", "points": SQUARE, "line_color": None, "fill_color": [1, 2, 3]}, "polygon", SQUARE),
        (shape(points=[[-5, 3.25], [1000, 3], [2, 70]]), "polygon", [[-5, 3.25], [1000, 3], [2, 70]]),
        (shape(shape_type="oriented_rectangle"), "polygon", SQUARE),
        (shape(shape_type="rotation", direction=1.57), "polygon", SQUARE),
        (shape(shape_type="quadrilateral"), "polygon", SQUARE),
        (shape(points=[[30, 25], [10, 10]], shape_type="rectangle"), "rectangle", [[30, 25], [10, 10]]),
        (shape(points=[[10, 25], [30, 10]], shape_type="rectangle"), "rectangle", [[10, 25], [30, 10]]),
        (shape(shape_type="rectangle"), "rectangle", [[10, 10], [30, 25]]),
        (shape(points=[[9, 9], [9, 14]], shape_type="circle"), "circle", [[9, 9], [9, 14]]),
        (shape(points=[[9, 9], [9, 14]], shape_type="line"), "line", [[9, 9], [9, 14]]),
        (shape(shape_type="linestrip"), "linestrip", SQUARE),
        (shape(points=[[9, 9]], shape_type="point"), "point", [[9, 9]]),
        (shape(mask="iVBORw0KGgo", score=0.5, difficult=True, attributes={}, kie_linking=[]), "polygon", SQUARE),
    ],
)
def test_every_kind_of_shape_is_read(tmp_path, entry, kind, points):
    record = read_shapes(tmp_path, entry)
    (drawn,) = record.shapes
    assert replace(drawn, extra={}) == Shape(kind, "road", tuple(map(tuple, points)))
    assert record.repairs == ()


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (shape(points=SQUARE[:2]), "3 different points, found 2"),
        (shape(points=[SQUARE[0], SQUARE[0], SQUARE[1]]), "3 different points, found 2"),
        (shape(points=SQUARE[:3], shape_type="rectangle"), "2 or 4 points, found 3"),
        (shape(points=SQUARE[:1], shape_type="circle"), "2 points, found 1"),
        (shape(points=SQUARE[:1], shape_type="linestrip"), "2 or more points, found 1"),
        (shape(shape_type="point"), "1 points, found 4"),
        (shape(shape_type="points"), "prompts for an AI model"),
        (shape(shape_type="cuboid"), "'cuboid' is not one of labelme's"),
        (shape(shape_type=7), "7 is not one of labelme's"),
        (shape(shape_type=["polygon"]), "is not one of labelme's"),
        (shape(label=""), "label is empty"),
        (shape(label="  "), "label is empty"),
        (shape(label=None), "not text"),
        (shape(label=["road"]), "not text"),
        (shape(points=None) | {"points": None}, "no list of points"),
        (shape(points=[[1, 2], [3], [4, 5]]), "not a pair of numbers"),
        (shape(points=[[1, 2], [3, "4"], [4, 5]]), "not a pair of numbers"),
        (shape(points=[[1, 2], [3, True], [4, 5]]), "not a pair of numbers"),
        (shape(points=[[1, 2], [3, float("nan")], [4, 5]]), "not a finite number"),
        (shape(points=[[1, 2], [3, float("-inf")], [4, 5]]), "not a finite number"),
        (shape(points=[[1, 2], [3, 10**400], [4, 5]]), "not a finite number"),
        (shape(points=[[0, 0], [3, 3]], shape_type="mask"), "without its picture"),
        (shape(points=[[0, 0], [3, 3]], shape_type="mask", mask="!"), "not base64|not a readable PNG"),
        (shape(points=[[0, 0], [3, 3]], shape_type="mask", mask=base64_of(PHOTO)), "not a readable PNG"),
        (shape(points=[[0, 0], [3, 3]], shape_type="mask", mask=base64_mask(scene(4, 4))), "coloured"),
        (shape(points=[[0, 0]], shape_type="mask", mask=base64_mask(np.ones((4, 4), bool))), "first and last pixel"),
        (
            shape(points=[[0, 0], [999, 999]], shape_type="mask", mask=base64_mask(np.ones((1000, 1000), bool))),
            "far larger than the photo",
        ),
        ("a string", "expected an object, found str"),
        (None, "expected an object"),
    ],
)
def test_what_cannot_be_drawn_is_left_out_and_said(tmp_path, entry, reason):
    record = read_shapes(tmp_path, shape("sky"), entry, shape("tree"))
    assert [drawn.label for drawn in record.shapes] == ["sky", "tree"]
    (sentence,) = record.repairs
    assert sentence.startswith("shapes[1] left out: ")
    assert re.search(reason, sentence)


def test_the_same_trouble_a_thousand_times_is_one_sentence(tmp_path):
    record = read_shapes(tmp_path, *[shape(points=[])] * 1000, shape())
    assert record.repairs == (
        "shapes[0], shapes[1], shapes[2] and 997 more: left out: a polygon needs 3 different points, found 0",
    )


@pytest.mark.parametrize(
    ("change", "label", "group", "repair"),
    [
        ({"label": "  road "}, "road", None, "blanks"),
        ({"label": "Straße <b> 路"}, "Straße <b> 路", None, None),
        ({"label": "Road"}, "Road", None, None),
        ({"label": 7}, "7", None, "number 7"),
        ({"label": "person-1"}, "person-1", None, None),
        ({"label": "__ignore__"}, Special.IGNORE, None, None),
        ({"label": "_background_"}, "background", None, None),
        ({"group_id": 0}, "road", 0, None),
        ({"group_id": 12}, "road", 12, None),
        ({"group_id": 3.0}, "road", 3, None),
        ({"group_id": True}, "road", None, "group_id"),
        ({"group_id": "a"}, "road", None, "group_id"),
        ({"group_id": 10**30}, "road", None, "group_id"),
        ({"flags": []}, "road", None, None),
        ({"flags": None, "description": None}, "road", None, None),
    ],
)
def test_labels_and_groups(tmp_path, change, label, group, repair):
    record = read_shapes(tmp_path, shape() | change)
    (drawn,) = record.shapes
    assert (drawn.label, type(drawn.label), drawn.group) == (label, type(label), group)
    assert (repair is None and record.repairs == ()) or repair in record.repairs[0]


def test_an_old_instance_name_is_kept_and_noted(tmp_path):
    record = read_shapes(tmp_path, {"label": "person-1", "points": SQUARE})
    assert record.shapes[0].label == "person-1"
    assert "before labelme 4" in record.repairs[0]


def test_a_leaning_rectangle_is_a_polygon(tmp_path):
    points = [[10, 12], [30, 10], [32, 25], [12, 27]]
    record = read_shapes(tmp_path, shape(points=points, shape_type="rectangle"))
    assert record.shapes[0].kind == "polygon"
    assert "not upright" in record.repairs[0]


@pytest.mark.parametrize("stored", ["bool", "ones", "255", "uint16"])
def test_masks_of_every_kind_of_value(tmp_path, stored):
    pixels = np.random.default_rng(1).random((4, 6)) > 0.5
    encoded: dict[str, np.ndarray] = {
        "bool": pixels,
        "ones": pixels.astype(np.uint8),
        "255": pixels.astype(np.uint8) * 255,
        "uint16": pixels.astype(np.uint16),
    }
    entry = shape(points=[[60, -2], [65, 1]], shape_type="mask", mask=base64_mask(encoded[stored]))
    record = read_shapes(tmp_path, entry)
    (patch,) = (drawn.patch for drawn in record.shapes)
    assert patch is not None
    assert (patch.x, patch.y) == (60, -2)
    np.testing.assert_array_equal(patch.pixels, pixels)
    drawn = render(Annotation(WIDTH, HEIGHT, record.shapes), dict[str, Any]().__getitem__, {"road": 5}, unlabelled=0)
    np.testing.assert_array_equal(drawn[:2, 60:] == 5, pixels[2:, :4])
    assert not drawn[:, :60].any()  # nothing wraps to the other side


@pytest.mark.parametrize(
    ("corners", "top_left", "extent", "repaired"),
    [
        ([[5, 6], [10, 9]], (5, 6), (4, 6), False),
        ([[5.4, 6.6], [10.1, 10.2]], (5, 7), (4, 6), False),
        ([[5, 6], [8, 7]], (5, 6), (2, 4), True),
        ([[5, 6], [20, 20]], (5, 6), (4, 6), True),
        ([[10, 9], [5, 6]], (5, 6), (4, 6), False),
    ],
)
def test_mask_corners_give_place_and_extent(tmp_path, corners, top_left, extent, repaired):
    entry = shape(points=corners, shape_type="mask", mask=base64_mask(np.ones((4, 6), bool)))
    record = read_shapes(tmp_path, entry)
    patch = record.shapes[0].patch
    assert patch is not None
    assert ((patch.x, patch.y), patch.pixels.shape) == (top_left, extent)
    assert bool(record.repairs) == repaired


def test_masks_together_have_a_budget(tmp_path, monkeypatch):
    monkeypatch.setattr("labeling.formats.labelme.shapes.MASK_BUDGET", 1000)
    entry = shape(points=[[0, 0], [19, 19]], shape_type="mask", mask=base64_mask(np.ones((20, 20), bool)))
    assert len(read_shapes(tmp_path, entry, entry).shapes) == 2
    with pytest.raises(BadItemError, match="1,000 pixels together"):
        read_shapes(tmp_path, entry, entry, entry)


def test_no_shapes_is_a_labelled_photo_of_background(tmp_path):
    record = read_shapes(tmp_path)
    assert (record.labelled, record.shapes, record.repairs) == (True, (), ())


# --- text


@pytest.mark.parametrize(
    ("encoding", "repaired"), [("utf-8", False), ("utf-8-sig", False), ("utf-16", True), ("utf-16-le", None)]
)
def test_encodings(tmp_path, encoding, repaired):
    fields = document(shape("Straße"))
    if repaired is None:
        with pytest.raises(BadItemError, match=r"not valid JSON|UTF-8"):
            read_one(tmp_path, fields, encoding=encoding)
        return
    record = read_one(tmp_path, fields, encoding=encoding)
    assert record.shapes[0].label == "Straße"
    assert bool(record.repairs) == repaired


def test_the_encoding_of_an_old_windows_computer(tmp_path, monkeypatch):
    with pytest.raises(BadItemError, match="UTF-8"):
        read_one(tmp_path, document(shape("Straße")), encoding="cp1252")
    monkeypatch.setattr("locale.getencoding", lambda: "cp1252")
    record = read_one(tmp_path, document(shape("Straße")), encoding="cp1252")
    assert record.shapes[0].label == "Straße"
    assert "read as cp1252" in record.repairs[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty"),
        ("  \n", "empty"),
        ("{", "not valid JSON"),
        ("[]", "found a JSON list"),
        ("null", "found a JSON NoneType"),
        ('{"images": [], "annotations": []}', "images, annotations"),
        ('{"shapes": null}', "list `shapes`"),
        ("[" * 100_000, "nested too deeply"),
        ('{"shapes": [], "x": ' + "[" * 100_000 + "}", "nested too deeply"),
        ('{"shapes": [], "imageWidth": ' + "9" * 5000 + "}", "thousands of digits"),
    ],
)
def test_what_is_no_label_file_is_refused(tmp_path, text, message):
    (tmp_path / "a.jpg").write_bytes(PHOTO)
    (tmp_path / "a.json").write_text(text)
    listing = labelme.list_source(ReadRequest(tmp_path))
    (item,) = listing.items
    assert (item.path, item.file) == ("a.jpg", "a.json")
    with pytest.raises(BadItemError, match=message):
        labelme.read(item, ReadRequest(tmp_path))


def test_a_repeated_key_is_said(tmp_path):
    text = json.dumps(document(shape("road")))
    (tmp_path / "a.jpg").write_bytes(PHOTO)
    (tmp_path / "a.json").write_text(text.replace('"label": "road"', '"label": "sky", "label": "road"'))
    _, (record,) = read_folder(tmp_path)
    assert record.shapes[0].label == "road"
    assert "(label)" in record.repairs[0]


def test_a_label_file_of_unreasonable_size_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("labeling.formats.labelme.document.MAX_BYTES", 100)
    with pytest.raises(BadItemError, match="larger than"):
        read_shapes(tmp_path, shape())


def test_an_image_path_that_is_given_twice_is_refused(tmp_path):
    (tmp_path / "a.jpg").write_bytes(PHOTO)
    (tmp_path / "a.json").write_text('{"shapes": [], "imagePath": "a.jpg", "imagePath": "b.jpg"}')
    with pytest.raises(BadItemError, match="given twice"):
        read_folder(tmp_path)


def test_a_hundred_thousand_shapes_are_read(tmp_path):
    assert len(read_shapes(tmp_path, *[shape(points=SQUARE[:3])] * 100_000).shapes) == 100_000


def test_the_recursion_limit_is_left_alone(tmp_path):
    before = sys.getrecursionlimit()
    test_what_is_no_label_file_is_refused(tmp_path, "[" * 100_000, "nested too deeply")
    assert sys.getrecursionlimit() == before


# --- versions


@pytest.mark.parametrize(
    "change",
    [
        {"version": None, "imageWidth": None, "imageHeight": None},
        {"version": "3.0", "flags": [], "lineColor": [0, 255, 0, 128], "fillColor": [255, 0, 0, 128]},
        {"version": "99.0", "flags": None, "checked": True, "description": "x"},
        {"version": 5, "imageWidth": 64.0},
    ],
)
def test_fields_of_every_version(tmp_path, change):
    record = read_one(tmp_path, document(shape()) | change)
    assert (record.width, record.height, len(record.shapes), record.repairs) == (WIDTH, HEIGHT, 1, ())


@pytest.mark.parametrize("size", [(True, 48), ("64", 48), (64.5, 48), (-64, 48), (float("nan"), 48), (64, None)])
def test_a_size_that_is_none_is_ignored_and_said(tmp_path, size):
    record = read_one(tmp_path, document(shape()) | {"imageWidth": size[0], "imageHeight": size[1]})
    assert (record.width, record.height) == (WIDTH, HEIGHT)
    assert "imageWidth" in record.repairs[0]


def test_another_size_is_another_photo(tmp_path):
    with pytest.raises(BadItemError, match=r"640 x 480 pixels, but a\.jpg has 64 x 48"):
        read_shapes(tmp_path, shape(), size=(640, 480))
