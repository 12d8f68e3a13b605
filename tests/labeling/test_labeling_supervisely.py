"""Supervisely's projects: bitmaps, holes, what files say besides, and objects as they are found broken."""

import base64
import contextlib
import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image, ImageDraw

from db.errors import UserError
from labeling.annotation import Annotation, Label, Shape
from labeling.formats import patches
from labeling.formats.base import BadItemError, Listing, ReadRequest, Record
from labeling.formats.patches import MaskBudget
from labeling.formats.supervisely import codec as supervisely
from labeling.formats.supervisely.bitmap import decode_bitmap
from labeling.formats.supervisely.shapes import ShapeReader
from labeling.importing.recognise import recognise
from labeling.raster import render
from tests.support.codec_sources import supervisely_data, write
from tests.support.photo_files import encode, scene

WIDTH, HEIGHT = 40, 30
PHOTO = encode(scene(HEIGHT, WIDTH), "JPEG")
META = {
    "classes": [
        {"title": "road", "shape": "polygon", "color": "#00FF12", "geometry_config": {}, "id": 1, "hotkey": ""},
        {"title": "person", "shape": "bitmap", "color": "#BE55CE", "geometry_config": {}, "id": 2, "hotkey": ""},
        {"title": "thing", "shape": "any", "color": "#F6FF00", "id": 3},
    ],
    "tags": [],
    "projectType": "images",
}
NO_LAYERS: dict[str, np.ndarray] = {}
SQUARE = [[2, 3], [30, 3], [30, 20], [2, 20]]
HOLE = [[5, 6], [10, 6], [10, 12], [5, 12]]

# The two encoded masks that the format's own pages print, beside what they say is in them:
# https://developer.supervisely.com/getting-started/supervisely-annotation-format/objects
DOCUMENTED = (
    "eJzrDPBz5+WS4mJgYOD19HAJAtLMIMwIInOeqf8BUmwBPiGuQPr///9Lb86/C2QxlgT5BTM4PLuRBuTwebo4hlTMSa44cOHAB6DqY0yORgq8YkAZ"
    "Bk9XP5d1TglNANAFGzA="
)
# supervisely/geometry/bitmap.py, docstring of `base64_2_data`, https://github.com/supervisely/supervisely
DOCUMENTED_RING = (
    "eJzrDPBz5+WS4mJgYOD19HAJAtLMIMwIInOeqf8BUmwBPiGuQPr///9Lb86/C2QxlgT5BTM4PLuRBuTwebo4hlTMSa44sKHhISMDuxpTYrr03F6g"
    "DIOnq5/LOqeEJgDM5ht6"
)


def polygon(exterior: Any = SQUARE, interior: Any = (), **more: Any) -> dict[str, Any]:
    points = {"exterior": exterior, "interior": list(interior) if isinstance(interior, tuple) else interior}
    return {"classTitle": "road", "geometryType": "polygon", "tags": [], "points": points, **more}


def bitmap(data: Any, origin: Any = (4, 5), **more: Any) -> dict[str, Any]:
    where = {"data": data, "origin": list(origin) if isinstance(origin, tuple) else origin}
    return {"classTitle": "person", "geometryType": "bitmap", "tags": [], "bitmap": where, **more}


def build(folder: Path, *objects: Any, meta: Any = META, size: Any = None, **more: Any) -> Path:
    """A project with one dataset of one photo."""
    write(folder / "day" / "img" / "a.jpg", PHOTO)
    size = {"width": WIDTH, "height": HEIGHT} if size is None else size
    annotation = {"description": "", "tags": [], "size": size, "objects": list(objects), **more}
    write(folder / "day" / "ann" / "a.jpg.json", json.dumps(annotation))
    if meta is not None:
        write(folder / "meta.json", json.dumps(meta))
    return folder


def read(source: Path, **request: Any) -> tuple[Listing, list[Record]]:
    asked = ReadRequest(source, **request)
    listing = supervisely.list_source(asked)
    return listing, [supervisely.read(item, asked) for item in listing.items]


def read_shapes(folder: Path, *objects: Any) -> tuple[Shape, ...]:
    _, (record,) = read(build(folder, *objects))
    assert record.repairs == ()
    return record.shapes


def draw(shapes: tuple[Shape, ...]) -> np.ndarray:
    index: dict[Label, int] = {"road": 1, "person": 2}
    annotation = Annotation(WIDTH, HEIGHT, shapes)
    return render(annotation, NO_LAYERS.__getitem__, index, rule="labelme", unlabelled=0)


# --- bitmaps


@pytest.mark.parametrize(
    ("data", "rows"), [(DOCUMENTED, ["###", "#..", "###"]), (DOCUMENTED_RING, ["###", "#.#", "###"])]
)
def test_the_masks_that_the_documentation_prints(tmp_path, data, rows):
    (shape,) = read_shapes(tmp_path, bitmap(data))
    assert shape.patch is not None
    assert (shape.patch.x, shape.patch.y) == (4, 5)
    assert ["".join(".#"[int(pixel)] for pixel in row) for row in shape.patch.pixels] == rows


@given(arrays.arrays(np.bool_, st.tuples(st.integers(1, 20), st.integers(1, 20))))
def test_a_mask_is_read_back_from_every_way_it_is_written(pixels):
    """The documentation's palette PNG, a browser's RGBA, OpenCV's grey; packed by zlib or not."""
    rgba = np.zeros((*pixels.shape, 4), np.uint8)
    rgba[pixels] = 255
    pictures = [encode(rgba), encode(pixels.astype(np.uint8)), encode(pixels)]
    texts = [base64.b64encode(form(png)).decode() for png in pictures for form in (bytes, zlib.compress)]
    for text in (supervisely_data(pixels), *texts):
        np.testing.assert_array_equal(decode_bitmap(text, MaskBudget(WIDTH, HEIGHT)), pixels)


def test_a_bitmap_is_cut_to_what_it_covers_and_may_reach_over_the_edge(tmp_path):
    pixels = np.zeros((6, 7), np.bool_)
    pixels[2:4, 3:6] = True
    (shape,) = read_shapes(tmp_path, bitmap(supervisely_data(pixels), (-2, 28)))
    assert shape.patch is not None
    assert (shape.patch.x, shape.patch.y, shape.patch.pixels.shape) == (1, 30, (2, 3))


def bomb(megabytes: int) -> str:
    return base64.b64encode(zlib.compress(b"\0" * (megabytes * 2**20), 9)).decode()


def test_a_zlib_bomb_is_refused_before_it_is_unpacked(tmp_path):
    _, (record,) = read(build(tmp_path, polygon(), bitmap(bomb(200))))
    assert [shape.kind for shape in record.shapes] == ["polygon"]
    assert "far more than the photo" in record.repairs[0]


def test_a_picture_bomb_is_refused_by_its_header(tmp_path):
    huge = base64.b64encode(encode(np.zeros((3000, 3000), np.bool_))).decode()
    _, (record,) = read(build(tmp_path, polygon(), bitmap(huge)))
    assert "3000 x 3000" in record.repairs[0]


def test_masks_that_are_too_large_together_refuse_the_image(tmp_path, monkeypatch):
    monkeypatch.setattr(patches, "MASK_BUDGET", 1000)
    source = build(tmp_path, *[bitmap(supervisely_data(np.ones((30, 40), np.bool_)))] * 9)
    with pytest.raises(BadItemError, match="9,600 pixels together"):  # eight times the photo
        read(source)
    monkeypatch.setattr(patches, "DECODED_BUDGET", 9000)
    with pytest.raises(BadItemError, match="9,000 pixels together"):
        read(source)


@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_give_a_mask_or_a_value_error(data, packed):
    text = base64.b64encode(zlib.compress(b"\x89PNG\r\n\x1a\n" + data) if packed else data).decode()
    with contextlib.suppress(ValueError):
        decode_bitmap(text, MaskBudget(8, 8))


@given(st.integers(0, 10_000), st.integers(1, 255), st.integers(0, 10_000))
def test_a_damaged_picture_gives_a_mask_or_a_value_error(at, flip, end):
    png = bytearray(zlib.decompress(base64.b64decode(supervisely_data(np.eye(9, dtype=bool)))))
    png[at % len(png)] ^= flip
    data = bytes(png[: end % len(png) + 1])
    with contextlib.suppress(ValueError):
        decode_bitmap(base64.b64encode(data).decode(), MaskBudget(40, 40))


# --- vectors


def test_every_geometry_with_an_area_is_read_as_what_it_is(tmp_path):
    objects = [
        polygon(),
        polygon([[1, 1], [9, 8]], geometryType="rectangle"),
        polygon([[1, 1], [9, 8]], geometryType="line"),
        polygon([[1, 1], [9, 8], [3, 20.5]], geometryType="line"),
        polygon([[7, 8]], geometryType="point"),
    ]
    shapes = read_shapes(tmp_path, *objects)
    assert [shape.kind for shape in shapes] == ["polygon", "rectangle", "line", "linestrip", "point"]
    assert shapes[3].points == ((1, 1), (9, 8), (3, 20.5))


def test_holes_are_holes_and_their_border_is_theirs(tmp_path):
    """As its SDK draws: the exterior filled with its border, then the interior taken out with its own."""
    (shape,) = read_shapes(tmp_path, polygon(SQUARE, [HOLE]))
    picture = Image.new("L", (WIDTH, HEIGHT))
    pen = ImageDraw.Draw(picture)
    pen.polygon([tuple(point) for point in SQUARE], fill=1, outline=1)
    pen.polygon([tuple(point) for point in HOLE], fill=0, outline=0)
    np.testing.assert_array_equal(draw((shape,)), np.asarray(picture))
    assert draw((shape,))[6, 5] == 0
    assert draw((shape,))[20, 30] == 1


def test_parts_of_a_multipolygon_are_one_object(tmp_path):
    parts = [{"exterior": SQUARE, "interior": [HOLE]}, {"exterior": [[32, 1], [38, 1], [38, 9]], "interior": []}]
    entry = {"classTitle": "road", "geometryType": "multipolygon", "tags": [], "parts": parts}
    first, second, other = read_shapes(tmp_path, entry, polygon())
    assert first.group == second.group is not None
    assert other.group is None
    assert len(first.holes) == 1


def test_later_objects_lie_over_earlier_ones(tmp_path):
    data = supervisely_data(np.ones((4, 4), np.bool_))
    assert draw(read_shapes(tmp_path / "a", polygon(), bitmap(data)))[6, 6] == 2
    assert draw(read_shapes(tmp_path / "b", bitmap(data), polygon()))[6, 6] == 1


def test_old_files_say_by_their_class_what_they_are(tmp_path):
    """Before `geometryType`, every object had both `points` and `bitmap`, the unused one empty."""
    old = polygon(bitmap=None)
    del old["geometryType"]
    masked = bitmap(DOCUMENTED, classTitle="thing", points={"exterior": [], "interior": []})
    del masked["geometryType"]
    assert [shape.kind for shape in read_shapes(tmp_path, old, masked)] == ["polygon", "mask"]


def test_what_the_file_says_besides_is_kept(tmp_path):
    tag = {"name": "state", "value": "wet", "labelerLogin": "alexxx"}
    more = {"id": 503004154, "classId": 1, "labelerLogin": "alexxx", "future": {"a": [1, None]}}
    source = build(tmp_path, {**polygon(), "tags": [tag], **more}, description="rain", name="a.jpg", tags=[tag])
    _, (record,) = read(source)
    assert record.shapes[0].extra == {"geometryType": "polygon", "tags": [tag], **more}
    assert record.extra == {"description": "rain", "name": "a.jpg", "tags": [tag]}


NAN = json.loads('{"a": NaN}')["a"]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("a", "no JSON object"),
        (polygon(classTitle=" "), "no classTitle"),
        (polygon(classTitle=7), "no classTitle"),
        (polygon(points=None), "no points"),
        (polygon([[1, 2], [3, 4]]), "3 different points"),
        (polygon([[1, 2], [3, 4], [1, 2]]), "3 different points"),
        (polygon([[1, 2], [3, 4], ["5", "6"]]), "not a number"),
        (polygon([[1, 2], [3, 4], [True, 6]]), "not a number"),
        (polygon([[1, 2], [3, 4], [NAN, 6]]), "not a number"),
        (polygon([[1, 2], [3, 4], [10**400, 6]]), "not a number"),
        (polygon([[1, 2], [3, 4], [5]]), "not a pair"),
        (polygon([1, 2, 3, 4, 5, 6]), "not a pair"),
        (polygon(SQUARE, "holes"), "holes of a polygon are no list"),
        (polygon(SQUARE, [7]), "no list of points"),
        (polygon([[1, 1]], geometryType="rectangle"), "needs 2 points"),
        (polygon(SQUARE, geometryType="rectangle"), "2 points, found 4"),
        (polygon([], geometryType="point"), "needs 1 points"),
        (polygon(geometryType="graph"), "key points, which is not read"),
        (polygon(geometryType="cuboid"), "cuboid"),
        (polygon(geometryType=[]) | {"classTitle": "thing"}, "neither it nor its class"),
        ({"classTitle": "road", "geometryType": "multipolygon", "parts": []}, "no parts"),
        (bitmap(None), "no picture"),
        (bitmap("é!"), "not base64"),
        (bitmap(base64.b64encode(b"hello").decode()), "neither a PNG nor compressed"),
        (bitmap(base64.b64encode(zlib.compress(b"hello")).decode()), "not a readable PNG"),
        (bitmap(base64.b64encode(base64.b64decode(DOCUMENTED)[:40]).decode()), "cut short"),
        (bitmap(base64.b64encode(encode(np.ones((3, 3, 3), np.uint8))).decode()), "mode RGB"),
        (bitmap(supervisely_data(np.zeros((3, 3), np.bool_))), "holds no pixel"),
        (bitmap(DOCUMENTED, "0,0"), "no origin"),
        (bitmap(DOCUMENTED, (1.5, 2)), "no pixel"),
        (bitmap(DOCUMENTED, ("1", 2)), "not a number"),
        (bitmap(DOCUMENTED) | {"bitmap": "data"}, "no data"),
    ],
)
def test_a_bad_object_is_left_out_and_said_and_the_good_ones_kept(tmp_path, bad, reason):
    _, (record,) = read(build(tmp_path, polygon(), bad))
    assert len(record.shapes) == 1
    (said,) = record.repairs
    assert said.startswith("objects[1] left out: ")
    assert reason in said


def test_a_hole_that_covers_nothing_is_left_out_and_said(tmp_path):
    _, (record,) = read(build(tmp_path, polygon(SQUARE, [HOLE, [[1, 1], [2, 2]]])))
    assert len(record.shapes[0].holes) == 1
    assert "hole of fewer than three" in record.repairs[0]


def test_numbers_that_no_database_holds_are_dropped_and_said(tmp_path):
    _, (record,) = read(build(tmp_path, polygon(score=NAN), confidence=NAN))
    assert "score" not in record.shapes[0].extra
    assert record.extra == {"description": "", "tags": []}
    assert ["'confidence'" in record.repairs[0], "'score'" in record.repairs[1]] == [True, True]


def test_an_image_that_loses_every_object_does_not_become_background(tmp_path):
    source = build(tmp_path, polygon([]), bitmap("?"))
    with pytest.raises(BadItemError, match="None of its 2 objects"):
        read(source)
    _, (empty,) = read(build(tmp_path / "empty"))
    assert empty.labelled
    assert empty.shapes == ()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from([DOCUMENTED]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["classTitle", "points", "exterior", "interior", "bitmap", "data", "origin", "geometryType", "parts"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(st.lists(json_values, max_size=4))
def test_any_objects_give_shapes_that_can_be_drawn_or_are_said(objects):
    reader = ShapeReader({"road": "polygon"}, WIDTH, HEIGHT)
    shapes = reader.read(objects)
    assert shapes or not objects or reader.repairs()
    json.dumps(Annotation(WIDTH, HEIGHT, shapes).to_json(), allow_nan=False)
    every: dict[Label, int] = {shape.label: 1 for shape in shapes}
    render(Annotation(WIDTH, HEIGHT, shapes), NO_LAYERS.__getitem__, every, unlabelled=0)


# --- photos, datasets, classes


def test_objects_on_the_unrotated_photo_are_turned_with_it(tmp_path):
    source = build(tmp_path, polygon([[0, 0], [3, 0], [3, 2], [0, 2]]), bitmap(supervisely_data(np.ones((2, 5), bool))))
    write(source / "day" / "img" / "a.jpg", encode(scene(HEIGHT, WIDTH), "JPEG", orientation=6))
    _, (record,) = read(source)
    assert (record.width, record.height) == (HEIGHT, WIDTH)
    square, mask = record.shapes
    assert set(square.points) == {(29, 0), (29, 3), (27, 0), (27, 3)}  # the first pixel is now the last of the row
    assert mask.patch is not None
    assert (mask.patch.x, mask.patch.y, mask.patch.pixels.shape) == (23, 4, (5, 2))
    assert "unrotated" in record.repairs[0]


def test_a_photo_of_another_size_is_refused_and_a_size_that_is_none_said(tmp_path):
    with pytest.raises(BadItemError, match="annotated at 10 x 20"):
        read(build(tmp_path, polygon(), size={"width": 10, "height": 20}))
    for size in ({"width": "40", "height": 30}, "40x30", {"width": True, "height": 1.5}):
        _, (record,) = read(build(tmp_path, polygon(), size=size))
        assert "photo's own was taken" in record.repairs[0]


def test_datasets_are_lists_and_those_named_after_a_split_give_roles(tmp_path):
    for dataset in ("train", "val", "more/deep"):
        write(tmp_path / dataset / "img" / "a.jpg", PHOTO)
        write(tmp_path / dataset / "ann" / "a.jpg.json", json.dumps({"objects": [polygon()]}))
    write(tmp_path / "meta.json", json.dumps(META))
    listing, _ = read(tmp_path)
    roles = {item.path: (item.subsets, item.role) for item in listing.items}
    assert roles == {
        "more/deep/a.jpg": (("more-deep",), None),
        "train/a.jpg": (("train",), "train"),
        "val/a.jpg": (("val",), "val"),
    }
    assert listing.classes == ("road", "person", "thing")
    assert listing.colors["road"] == (0, 255, 18)
    (single,) = supervisely.list_source(ReadRequest(tmp_path / "train")).items
    assert single.path == "a.jpg"


def test_photos_that_were_exported_apart_are_found_in_the_folder_named(tmp_path):
    build(tmp_path / "project", polygon())
    photos = tmp_path / "photos"
    (tmp_path / "project" / "day" / "img").rename(photos)
    with pytest.raises(UserError, match="Give --images"):
        read(tmp_path / "project")
    write(photos / "other.jpg", PHOTO)
    listing, records = read(tmp_path / "project", images=photos)
    assert [item.path for item in listing.items] == ["day/a.jpg", "day/other.jpg"]
    assert [record.labelled for record in records] == [True, False]


def test_a_folder_of_photos_that_datasets_share_gives_each_its_own(tmp_path):
    for dataset, photo in (("one", "a.jpg"), ("two", "b.jpg")):
        write(tmp_path / "p" / dataset / "ann" / f"{photo}.json", json.dumps({"objects": [polygon()]}))
    for photo in ("a.jpg", "b.jpg", "c.jpg"):
        write(tmp_path / "photos" / photo, PHOTO)
    listing, _ = read(tmp_path / "p", images=tmp_path / "photos")
    assert [item.path for item in listing.items] == ["one/a.jpg", "two/b.jpg"]
    assert any("1 photos without a label file" in note for note in listing.notes)


def test_label_files_named_after_the_stem_and_those_without_a_photo(tmp_path):
    source = build(tmp_path, polygon())
    labels = source / "day" / "ann"
    (labels / "a.jpg.json").rename(labels / "a.json")
    write(labels / "lost.jpg.json", json.dumps({"objects": []}))
    listing, (record,) = read(source)
    assert record.labelled
    assert [(problem.file, problem.reason) for problem in listing.skipped] == [
        ("day/ann/lost.jpg.json", "A label file without a photo of its name.")
    ]


@pytest.mark.parametrize(
    ("meta", "reason"),
    [
        ("[]", "list `classes`"),
        ("{", "not JSON"),
        ('{"classes": {}}', "list `classes`"),
        ('{"classes": [{"title": ""}]}', "with a title"),
        ('{"classes": [{"title": "a"}, {"title": " a"}]}', "twice"),
        ('{"classes": [], "projectType": "videos"}', "project of images"),
        ("[" * 100_000, "nested too deeply"),
        (json.dumps({"classes": [{"title": str(i)} for i in range(300)]}), "300 classes"),
    ],
)
def test_a_meta_file_that_is_none_is_the_users_to_put_right(tmp_path, meta, reason):
    source = build(tmp_path, polygon())
    (source / "meta.json").write_text(meta)
    with pytest.raises(UserError, match=reason):
        read(source)


def test_a_project_without_meta_file_or_with_an_odd_colour_is_read_and_it_is_said(tmp_path):
    listing, (record,) = read(build(tmp_path / "a", polygon(), meta=None))
    assert "no meta.json" in listing.notes[0]
    assert record.shapes[0].label == "road"
    odd = {"classes": [{"title": "road", "shape": "polygon", "color": "red"}, {"title": "sky", "color": 7}]}
    listing, _ = read(build(tmp_path / "b", polygon(), meta=odd))
    assert listing.classes == ("road", "sky")
    assert len(listing.notes) == 2


@pytest.mark.parametrize("text", ["", "{", "[]", '{"objects": {}}', "\xff", "[" * 100_000])
def test_a_label_file_that_is_none_costs_only_its_image(tmp_path, text):
    source = build(tmp_path, polygon())
    (source / "day" / "ann" / "a.jpg.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(BadItemError, match=r"a\.jpg\.json"):
        read(source)


def test_it_is_recognised_with_its_classes(tmp_path):
    source = build(tmp_path, polygon(), polygon(), bitmap(DOCUMENTED), "odd")
    (guess,) = recognise(source).guesses
    assert (guess.format, guess.images, guess.labels) == ("supervisely", 1, 1)
    assert guess.classes == {"road": 2, "person": 1, "(no label)": 1}
    assert guess.evidence[0].startswith("1 label files with objects")
