"""labelme files written: what any version stored comes back as it was, and the next import sees no change."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeling.annotation import Annotation, Label, Layer, Patch, Shape, Special
from labeling.formats.base import BadItemError, ReadRequest, Record
from labeling.formats.labelme import codec as labelme
from labeling.formats.labelme.document import parse_document
from labeling.formats.labelme.shapes import ShapeReader
from labeling.formats.labelme.write import base_masks, labelme_document
from labeling.formats.labels import BACKGROUND_NAME, IGNORE_NAME, PLAIN_BACKGROUND
from labeling.raster import render
from tests.support.labelme_files import PHOTO, SQUARE, base64_mask, document, read_one, shape, write
from tests.support.labelme_files import PHOTO_HEIGHT as HEIGHT
from tests.support.labelme_files import PHOTO_WIDTH as WIDTH
from tests.support.photo_files import encode, scene


def stored(record: Record) -> tuple[Annotation, dict[int, str]]:
    """What an import stores of a record: names become class ids, and `ignore` and `unlabelled` specials."""
    ids: dict[str, int] = {}

    def label(found: Label) -> Label:
        if isinstance(found, Special) or found in list(Special):
            return Special(found)
        return ids.setdefault(str(found), 11 + len(ids))

    shapes = tuple(replace(each, label=label(each.label)) for each in record.shapes)
    annotation = Annotation(record.width, record.height, shapes, extra=record.extra)
    # By way of the database: what is not JSON would not come back.
    annotation = Annotation.from_json(json.loads(json.dumps(annotation.to_json(), allow_nan=False)))
    return annotation, {number: name for name, number in ids.items()}


def written(annotation: Annotation, names: Mapping[int, str], **maps: Any) -> dict[str, Any]:
    maps = {"base": None, "paint": None} | maps
    return json.loads(labelme_document(annotation, names, image_path="a.jpg", **maps))


def same(folder: Path, fields: Any) -> dict[str, Any]:
    """Read a file, write it, read that, and check that both readings are one. Returns what was written."""
    (folder / "before").mkdir()
    (folder / "after").mkdir()
    before = read_one(folder / "before", fields)
    again = written(*stored(before))
    after = read_one(folder / "after", again)
    assert content(after) == content(before)
    return again


def content(record: Record) -> dict[str, Any]:
    """What an import compares with what it stored before."""
    return Annotation(record.width, record.height, record.shapes, extra=record.extra).to_json()


ENTRIES = [
    shape(),
    shape(points=[[0.1 + 0.2, 1e-300], [63.99999999999999, 3], [2, 70.123456789012345]]),
    shape(label="  räum <b>  "),
    shape(label=7),
    shape(label="__ignore__"),
    shape(label="_background_"),
    shape(label="ignore"),
    shape(label="unlabelled"),
    shape(group_id=0),
    shape(group_id=True),
    shape(group_id="7"),
    shape(flags={"occluded": True, "crowd": False}, description="half <b> hidden\n"),
    shape(points=[[30, 25], [10, 10]], shape_type="rectangle"),
    shape(points=[[10, 25], [30, 25], [30, 10], [10, 10]], shape_type="rectangle"),
    shape(points=[[10, 12], [30, 10], [32, 25], [12, 27]], shape_type="rectangle"),
    shape(shape_type="oriented_rectangle"),
    shape(shape_type="rotation", direction=1.57),
    shape(shape_type="quadrilateral"),
    shape(points=[[9, 9], [9, 14]], shape_type="circle"),
    shape(points=[[9, 9], [9, 14]], shape_type="line"),
    shape(points=[[9, 9], [9, 14], [20, 20]], shape_type="line"),
    shape(shape_type="linestrip"),
    shape(points=[[9, 9]], shape_type="point"),
    shape(score=0.5, difficult=True, attributes={"a": [1, None, {"b": "c"}]}, kie_linking=[]),
    shape(line_color=None, fill_color=[1, 2, 3, 255]),
    shape(points=[[5, 6], [10, 9]], shape_type="mask", mask=base64_mask(np.eye(4, 6, dtype=bool))),
    shape(points=[[5.4, 6.6], [10.1, 10.2]], shape_type="mask", mask=base64_mask(np.eye(4, 6, dtype=bool))),
    shape(points=[[60, -2], [65, 1]], shape_type="mask", mask=base64_mask(np.eye(4, 6, dtype=bool))),
    # What cannot be drawn.
    shape(points=SQUARE[:2]),
    shape(points=[[1, 2], [3, 4]], shape_type="points"),
    shape(shape_type="cuboid", depth=3),
    shape(label=""),
    "no shape at all",
    None,
]  # fmt: skip


@pytest.mark.parametrize("entry", ENTRIES, ids=str)
def test_a_shape_comes_back_as_it_was(tmp_path, entry):
    again = same(tmp_path, document(shape("sky"), entry, shape("tree")))
    (found,) = again["shapes"][1:-1]
    if not isinstance(entry, dict) or "description" not in found:
        assert found == entry  # it could not be drawn
        return
    # What labelme writes where nothing is said, and the encoding of a mask's picture, may differ.
    assert {"mask": None, "description": ""} | entry | {"mask": found.get("mask")} == {"mask": None} | found


def test_all_of_them_together_stay_in_their_places(tmp_path):
    again = same(
        tmp_path, document(*ENTRIES, flags={"night": True, "checked": False}, checked=True, lineColor=[0, 255])
    )
    assert [each and each["label"] for each in again["shapes"] if isinstance(each, dict)] == [
        each["label"] for each in ENTRIES if isinstance(each, dict)
    ]
    assert [again["shapes"].index(each) for each in ENTRIES[-6:]] == list(range(len(ENTRIES) - 6, len(ENTRIES)))
    assert (again["flags"], again["checked"], again["lineColor"]) == ({"night": True, "checked": False}, True, [0, 255])


@pytest.mark.parametrize(
    "change",
    [
        {"version": "3.0", "flags": [], "lineColor": [0, 255, 0, 128], "fillColor": [255, 0, 0, 128]},
        {"version": None, "imageWidth": None, "imageHeight": None},
        {"version": "6.3.1", "flags": {}, "otherData": {"deep": [[1]]}},
        {"version": "7.1.0", "annotator": "räum", "nested": {"x": None}},
        {"version": "4.0.0-beta.5", "checked": True, "description": "of the whole photo"},
    ],
)
def test_documents_of_every_version(tmp_path, change):
    again = same(tmp_path, document(shape()) | change)
    own = {"version", "flags", "imageWidth", "imageHeight"}
    assert {key: again[key] for key in change if key not in own} == {k: v for k, v in change.items() if k not in own}
    assert list(again)[:7] == ["version", "flags", "shapes", "imagePath", "imageData", "imageHeight", "imageWidth"]


def test_what_the_person_changed_here_is_not_overruled_by_how_it_came(tmp_path):
    record = read_one(tmp_path, document(*ENTRIES[:27]))
    annotation, names = stored(record)
    far = ((1.0, 2.0), (3.0, 4.0))
    renamed = {number: f"{name} 2" for number, name in names.items()}
    moved = replace(
        annotation,
        shapes=tuple(replace(s, points=far) if s.kind == "rectangle" else s for s in annotation.shapes),
    )
    again = written(moved, renamed)["shapes"]
    assert {each["label"] for each in again} <= {*renamed.values(), IGNORE_NAME, "ignore", "unlabelled"}
    assert [each["points"] for each in again if each["shape_type"] == "rectangle"][:2] == [[[1, 2], [3, 4]]] * 2


def test_background_is_written_as_it_came_while_the_class_has_that_name(tmp_path):
    annotation, names = stored(read_one(tmp_path, document(shape("_background_"), shape("background"))))
    assert list(names.values()) == [PLAIN_BACKGROUND]
    assert [each["label"] for each in written(annotation, names)["shapes"]] == [BACKGROUND_NAME, PLAIN_BACKGROUND]
    assert {each["label"] for each in written(annotation, dict.fromkeys(names, "void"))["shapes"]} == {"void"}


def test_numbers_that_are_no_json_are_dropped_and_said(tmp_path):
    fields = document(shape(score=float("nan"), kept=1), weight=float("inf"))
    record = read_one(tmp_path, fields)
    assert [each.extra for each in record.shapes] == [{"kept": 1}]
    assert record.extra == {}
    assert [part for part in record.repairs if "not finite" in part and ("'score'" in part or "'weight'" in part)]
    assert len(record.repairs) == 2


@pytest.mark.parametrize("where", ["document", "shape", "left out"])
def test_nesting_that_the_database_would_choke_on_is_refused(tmp_path, where):
    deep: Any = []
    for _ in range(200):
        deep = [deep]
    fields = {
        "document": document(shape(), more=deep),
        "shape": document(shape(more=deep)),
        "left out": document(shape(points=[], more=deep)),
    }
    with pytest.raises(BadItemError, match="nested too deeply"):
        read_one(tmp_path, fields[where])


def test_more_than_a_database_should_hold_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("labeling.formats.extra.MAX_KEPT", 1000)
    with pytest.raises(BadItemError, match="take out what is not"):
        read_one(tmp_path, document(shape(note="x" * 1000)))


@pytest.mark.parametrize("orientation", range(2, 9))
def test_shapes_of_a_turned_photo_are_turned_once(tmp_path, orientation):
    """Written in the upright frame, whatever the file they came from was drawn in: bare numbers and odd ones too."""
    photo = encode(scene(HEIGHT, WIDTH), "JPEG", orientation=orientation)
    fields = document(
        shape(points=[[10, 25], [30, 25], [30, 10], [10, 10]], shape_type="rectangle"),
        shape(points=[[1, 2], [3, 4]], shape_type="points"),
        shape(points=[[5.4, 6.6], [10.1, 10.2]], shape_type="mask", mask=base64_mask(np.eye(4, 6, dtype=bool))),
        size=None,
    )
    del fields["version"]  # of the time when photos were shown as they are stored
    record = read_one(tmp_path, fields, photo)
    again = written(*stored(record))
    assert (again["imageWidth"], again["imageHeight"]) == (record.width, record.height)
    after = read_one(tmp_path, again, photo)
    assert [each.points for each in after.shapes] == [each.points for each in record.shapes]
    assert content(after)["shapes"] == content(record)["shapes"]
    assert after.extra == record.extra != {}
    assert after.repairs[0].startswith("shapes[1] left out")


# --- maps


def test_maps_become_masks_below_and_above(tmp_path):
    base, paint = np.full((HEIGHT, WIDTH), 254, np.uint8), np.full((HEIGHT, WIDTH), 254, np.uint8)
    base[:10], base[10:20, 5:30], base[20:22], base[40:] = 0, 1, 2, 255
    paint[5:12, 20:25], paint[30, 30], paint[8, 0] = 0, 1, 255
    annotation = Annotation(
        WIDTH,
        HEIGHT,
        (Shape("polygon", 3, ((1.0, 1.0), (20.0, 1.0), (20.0, 15.0))),),
        base=Layer("base", (1, 2, Special.UNLABELLED)),
        paint=Layer("paint", (2, Special.UNLABELLED)),
        extra={"shapes": [[0, shape(points=[])]]},
    )
    names = {1: "road", 2: "sky", 3: "car"}
    fields = written(annotation, names, base=base, paint=paint)
    labels = [each["label"] for each in fields["shapes"]]
    assert labels == ["road", "sky", IGNORE_NAME, "road", "car", "sky", "unlabelled", IGNORE_NAME]
    assert base_masks(annotation, base) == 3
    assert fields["shapes"][1]["points"] == [[5, 10], [29, 19]]
    assert fields["shapes"][6]["points"] == [[30, 30], [30, 30]]
    record = read_one(tmp_path, fields)
    maps = {"base": base, "paint": paint}
    index: dict[Label, int] = {"road": 1, "sky": 2, "car": 3, "unlabelled": 0}
    expected = render(annotation, maps.__getitem__, {1: 1, 2: 2, 3: 3}, unlabelled=0)
    drawn = render(Annotation(WIDTH, HEIGHT, record.shapes), maps.__getitem__, index, unlabelled=0)
    np.testing.assert_array_equal(drawn, expected)


def test_a_polygon_with_holes_becomes_a_mask_of_the_same_pixels(tmp_path):
    ring = Shape(
        "polygon",
        1,
        ((2.0, 2.0), (40.0, 2.0), (40.0, 40.0), (2.0, 40.0)),
        holes=(((10.0, 10.0), (30.0, 10.0), (20.0, 30.0)),),
        group=4,
    )
    annotation = Annotation(WIDTH, HEIGHT, (ring,))
    record = read_one(tmp_path, written(annotation, {1: "road"}))
    (drawn,) = record.shapes
    assert (drawn.kind, drawn.label, drawn.group) == ("mask", "road", 4)
    nothing = dict[str, Any]().__getitem__
    expected = render(annotation, nothing, {1: 1}, rule="center", unlabelled=0)
    found = render(Annotation(WIDTH, HEIGHT, record.shapes), nothing, {"road": 1}, unlabelled=0)
    np.testing.assert_array_equal(found, expected)


def test_half_a_character_is_written_as_json_can(tmp_path):
    data = labelme_document(
        Annotation(WIDTH, HEIGHT, extra={"note": "\ud800"}), {}, image_path="a.jpg", base=None, paint=None
    )
    assert json.loads(data)["note"] == "\ud800"


# --- any annotation

numbers = st.floats(-1e6, 1e6) | st.integers(-1000, 1000).map(float)
points = st.tuples(numbers, numbers)
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
extras = st.dictionaries(st.text(min_size=1, max_size=8).filter(lambda key: key not in {"flags"}), plain, max_size=3)
kinds = {"polygon": (3, 6), "rectangle": (2, 2), "circle": (2, 2), "line": (2, 2), "linestrip": (2, 5), "point": (1, 1)}


@st.composite
def shapes(draw: st.DrawFn) -> Shape:
    label: Any = draw(st.sampled_from([1, 2, Special.IGNORE, Special.UNLABELLED]))
    group, extra = draw(st.none() | st.integers(-(2**63) + 1, 2**63 - 1)), draw(extras)
    kind: Any = draw(st.sampled_from([*kinds, "mask"]))
    if kind == "mask":
        rows, columns = draw(st.integers(1, 5)), draw(st.integers(1, 5))
        bits = draw(st.lists(st.booleans(), min_size=rows * columns, max_size=rows * columns))
        x, y = draw(st.integers(-5, WIDTH)), draw(st.integers(-5, HEIGHT))
        return Shape("mask", label, patch=Patch(x, y, np.array(bits).reshape(rows, columns)), group=group, extra=extra)
    least, most = kinds[kind]
    drawn = draw(st.lists(points, min_size=least, max_size=most, unique=kind == "polygon"))
    return Shape(kind, label, tuple(drawn), group=group, extra=extra)


@given(st.lists(shapes(), max_size=4), extras)
def test_whatever_is_stored_is_drawn_the_same_after_the_way_out_and_in(drawn, extra):
    annotation = Annotation(WIDTH, HEIGHT, tuple(drawn), extra=extra)
    data = labelme_document(annotation, {1: "road", 2: "räum"}, image_path="a.jpg", base=None, paint=None)
    reader = ShapeReader({IGNORE_NAME: Special.IGNORE}, WIDTH * HEIGHT)
    found = reader.read(parse_document(data).shapes)
    names: dict[Label, str] = {1: "road", 2: "räum", Special.IGNORE: Special.IGNORE, Special.UNLABELLED: "unlabelled"}
    for before, after in zip(drawn, found, strict=True):
        assert (after.kind, after.label, after.points, after.group) == (
            before.kind,
            names[before.label],
            before.points,
            before.group,
        )
        if before.patch is not None:
            assert after.patch is not None
            assert (after.patch.x, after.patch.y) == (before.patch.x, before.patch.y)
            np.testing.assert_array_equal(after.patch.pixels, before.patch.pixels)


def test_a_folder_of_ours_is_a_source_like_any_other(tmp_path):
    (tmp_path / "a.jpg").write_bytes(PHOTO)
    annotation = Annotation(WIDTH, HEIGHT, (Shape("polygon", 1, tuple((float(x), float(y)) for x, y in SQUARE)),))
    write(tmp_path / "a.json", written(annotation, {1: "road"}))
    (item,) = labelme.list_source(ReadRequest(tmp_path)).items
    record = labelme.read(item, ReadRequest(tmp_path))
    assert (record.repairs, [each.label for each in record.shapes]) == ((), ["road"])
