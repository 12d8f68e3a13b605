"""COCO instances: both run-length encodings, where photos are looked for, and annotations as they are found broken."""

import contextlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from pycocotools import mask as coco_mask

from db.errors import UserError
from labeling.annotation import Shape, Special
from labeling.formats.base import BadItemError, Listing, ReadRequest, Record
from labeling.formats.coco import codec as coco
from labeling.formats.coco.index import CocoIndex
from labeling.formats.coco.kinds import INSTANCES
from labeling.formats.rle import decode_rle
from labeling.importing.recognise import recognise
from labeling.options import DatasetOptions
from tests.support.codec_sources import write
from tests.support.photo_files import encode, scene

WIDTH, HEIGHT = 12, 8
PHOTO = encode(scene(HEIGHT, WIDTH), "JPEG")
TRIANGLE = [1, 1, 6, 1, 6, 5]
CATEGORIES = [{"id": 90, "name": "car"}, {"id": 3, "name": "road"}]


def annotation(segmentation: Any, **more: Any) -> dict[str, Any]:
    return {"id": 1, "image_id": 1, "category_id": 90, "iscrowd": 0, "segmentation": segmentation, **more}


def image(id: Any = 1, file_name: Any = "a.jpg", **more: Any) -> dict[str, Any]:
    return {"id": id, "file_name": file_name, "width": WIDTH, "height": HEIGHT, **more}


def build(folder: Path, *annotations: dict, images: Any = None, photos: Any = ("images/a.jpg",), **more: Any) -> Path:
    """A COCO file named labels.json with photos below its folder."""
    for photo in photos:
        write(folder / photo, PHOTO)
    images = [image()] if images is None else images
    document = {"images": images, "annotations": list(annotations), "categories": CATEGORIES, **more}
    return write(folder / "labels.json", json.dumps(document, ensure_ascii=False))


def read(source: Path, **request: Any) -> tuple[Listing, list[Record]]:
    asked = ReadRequest(source, **request)
    listing = coco.list_source(asked)
    return listing, [coco.read(item, asked) for item in listing.items]


def read_shapes(folder: Path, *annotations: dict, **request: Any) -> tuple[Shape, ...]:
    _, (record,) = read(build(folder, *annotations), **request)
    return record.shapes


# --- segmentations


def test_polygons_and_the_parts_of_one_object_share_a_group(tmp_path):
    parts = [TRIANGLE, [7, 1, 11, 1, 11, 6.5, 7, 6]]
    shapes = read_shapes(tmp_path, annotation([TRIANGLE]), annotation(parts, id=2, category_id=3))
    assert [(shape.kind, shape.label) for shape in shapes] == [("polygon", label) for label in ("car", "road", "road")]
    assert list(shapes[0].points) == [(1, 1), (6, 1), (6, 5)]
    alone, first, second = (shape.group for shape in shapes)
    assert alone is None
    assert first is not None
    assert first == second


def test_what_an_annotation_says_besides_is_kept_with_each_of_its_parts(tmp_path):
    parts = [TRIANGLE, [7, 1, 11, 1, 11, 6.5, 7, 6]]
    more = {"score": 0.25, "attributes": {"occluded": True, "name": "<b>"}, "track_id": 3}
    shapes = read_shapes(tmp_path, annotation(parts, id=41, area=12.5, bbox=[1, 1, 10, 5.5], **more))
    assert [dict(shape.extra) for shape in shapes] == [{"id": 41, **more}] * 2
    (crowd,) = read_shapes(tmp_path, annotation([TRIANGLE], id="a7", iscrowd=1))
    assert (crowd.label, crowd.extra) == (Special.IGNORE, {"id": "a7", "iscrowd": 1, "category_id": 90})


def test_what_a_file_says_of_an_image_besides_is_kept(tmp_path):
    entry = image(7, license=3, coco_url="http://host/a.jpg", date_captured="2013-11-14 11:18:45")
    _, (record,) = read(build(tmp_path, annotation([TRIANGLE], image_id=7), images=[entry]))
    assert record.extra == {key: entry[key] for key in ("id", "license", "coco_url", "date_captured")}


def test_what_is_nested_too_deeply_to_be_stored_is_not_kept(tmp_path):
    deep: Any = 1
    for _ in range(60):
        deep = [deep]
    (shape,) = read_shapes(tmp_path, annotation([TRIANGLE], attributes=deep, score=1))
    assert shape.extra == {"id": 1, "score": 1}
    good = json.dumps(annotation([TRIANGLE]))
    start = json.dumps({"images": [image()], "categories": CATEGORIES})[:-1]
    source = tmp_path / "labels.json"
    for depth in (100, 5000):
        bottomless = f'{{"id": 2, "image_id": 1, "category_id": 3, "segmentation": {"[" * depth}{"]" * depth}}}'
        source.write_text(f'{start}, "annotations": [{bottomless}, {good}]}}')
        if depth == 5000:  # every level costs as much as all those above it
            with pytest.raises(UserError, match="200 levels deep"):
                read(source)
        else:
            _, (record,) = read(source)
            assert len(record.shapes) == 1
            assert "no list of numbers" in record.repairs[0]


def test_a_category_of_id_0_is_a_class_like_any_other(tmp_path):
    categories = [{"id": 0, "name": "_background_"}, {"id": 1, "name": "car"}]
    source = build(tmp_path, annotation([TRIANGLE], category_id=0, id=0), categories=categories)
    listing, (record,) = read(source)
    assert listing.classes == ("_background_", "car")
    assert listing.background == "_background_"
    assert [(shape.label, shape.extra) for shape in record.shapes] == [("_background_", {"id": 0})]


@pytest.mark.parametrize("crowd", [0, 1])
@pytest.mark.parametrize("packed", [True, False])
def test_both_run_lengths_with_iscrowd_0_or_1(tmp_path, packed, crowd):
    pixels = np.zeros((HEIGHT, WIDTH), np.uint8)
    pixels[2:5, 3:9] = 1
    counts: Any = coco_mask.encode(np.asfortranarray(pixels))["counts"].decode()
    if not packed:
        column_major = np.flatnonzero(np.diff(np.concatenate(([0], pixels.T.ravel(), [2])))) - 0
        counts = np.diff(np.concatenate(([0], column_major))).tolist()
    found = annotation({"size": [HEIGHT, WIDTH], "counts": counts}, iscrowd=crowd)
    (shape,) = read_shapes(tmp_path, found)
    assert shape.patch is not None
    assert (shape.patch.x, shape.patch.y, shape.patch.pixels.shape) == (3, 2, (3, 6))
    assert shape.patch.pixels.all()
    assert shape.label == (Special.IGNORE if crowd else "car")
    (kept,) = read_shapes(tmp_path, found, options=DatasetOptions(crowd="class"))
    assert kept.label == "car"


@given(arrays.arrays(np.bool_, st.tuples(st.integers(1, 30), st.integers(1, 30))))
def test_packed_run_lengths_of_pycocotools_are_read_back(pixels):
    packed = coco_mask.encode(np.asfortranarray(pixels.astype(np.uint8)))["counts"].decode()
    np.testing.assert_array_equal(decode_rle(packed, pixels.shape[1], pixels.shape[0]), pixels)


@given(st.one_of(st.text(), st.text(alphabet=[chr(c) for c in range(48, 112)]), st.lists(st.integers()), st.none()))
def test_any_counts_give_a_mask_or_a_value_error(counts):
    with contextlib.suppress(ValueError):
        assert decode_rle(counts, 4, 3).shape == (3, 4)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (annotation(None), "no segmentation"),
        (annotation([]), "no segmentation"),
        (annotation([[]]), "fewer than three"),
        (annotation([[1, 2, 3, 4]]), "fewer than three"),
        (annotation([[1, 2, 3, 4, 5, 6, 7]]), "odd count"),
        (annotation([[[1, 2], [3, 4], [5, 6]]]), "no list of numbers"),
        (annotation([[1, 1, 10**10, 1, 5, 5]]), "thousand million pixels"),
        (annotation([[1, 1, True, 1, 5, 5]]), "no list of numbers"),
        (annotation([[1, 1, "5", 1, 5, 5]]), "no list of numbers"),
        (annotation([]), "only a box"),
        (annotation([None]), "no list of numbers"),
        (annotation("mask.png"), "neither polygons nor run lengths"),
        (annotation(0), "neither polygons nor run lengths"),
        (annotation([TRIANGLE], category_id=None), "category_id None"),
        (annotation([TRIANGLE], category_id=7), "category_id 7"),
        (annotation({"size": [WIDTH, HEIGHT], "counts": [0, 96]}), "size of a mask"),
        (annotation({"size": [HEIGHT, WIDTH], "counts": [1, 2]}), "do not add up"),
        (annotation({"size": [HEIGHT, WIDTH], "counts": [97, -1]}), "do not add up"),
        (annotation({"size": [HEIGHT, WIDTH], "counts": "oooo"}), "no packed run lengths"),
        (annotation({"size": [HEIGHT, WIDTH], "counts": [96]}), "no pixel"),
        (annotation({"size": [HEIGHT, WIDTH]}), "neither whole numbers"),
    ],
)
def test_a_bad_annotation_is_left_out_and_said_and_the_good_ones_kept(tmp_path, bad, reason):
    source = build(tmp_path, annotation([TRIANGLE], bbox=[-3, -3, 0, 0]), {**bad, "id": 17})
    _, (record,) = read(source)
    assert len(record.shapes) == 1
    assert len(record.repairs) == 1
    assert reason in record.repairs[0]
    assert "17" in record.repairs[0]


def test_a_bad_part_costs_only_itself(tmp_path):
    _, (record,) = read(build(tmp_path, annotation([TRIANGLE, [1, 2]])))
    assert len(record.shapes) == 1
    assert "Parts" in record.repairs[0]


def test_an_image_that_loses_every_annotation_does_not_become_background(tmp_path):
    source = build(tmp_path, annotation([[1, 2]]), annotation([TRIANGLE], id=2, category_id=5))
    with pytest.raises(BadItemError, match="None of its 2 annotations"):
        read(source)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(-1e300, 1e300) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.sampled_from(["size", "counts", "x"]), inner),
    max_leaves=12,
)


@settings(max_examples=50)
@given(st.lists(JSON, max_size=3), JSON, JSON)
@example([{"size": [HEIGHT, WIDTH], "counts": [0, 1, 2**62, -(2**62), 95]}], 1, 0)
def test_whatever_an_annotation_holds_costs_only_itself(tmp_path_factory, segmentations, id, crowd):
    more = {"category_id": id, "iscrowd": crowd, "area": id, "attributes": segmentations}
    bad = [{**annotation(segmentation, id=id), **more} for segmentation in segmentations]
    source = build(tmp_path_factory.mktemp("coco"), annotation([TRIANGLE]), *bad, {"image_id": 1}, {})
    _, (record,) = read(source)
    assert list(record.shapes[0].points) == [(1, 1), (6, 1), (6, 5)]
    assert json.loads(json.dumps([dict(shape.extra) for shape in record.shapes]))


# --- the file


def test_classes_are_names_in_id_order_and_the_defaults_are_cocos(tmp_path):
    listing, _ = read(build(tmp_path, annotation([TRIANGLE])))
    assert listing.classes == ("road", "car")
    assert (listing.background, listing.raster, listing.overlap) == ("background", "center", "area")
    labels = write(tmp_path / "order.txt", "car\nsky")
    listing, _ = read(tmp_path / "labels.json", classes_file=labels)
    assert listing.classes == ("car", "sky", "road")


def test_one_name_for_two_ids_is_said_and_two_names_for_one_id_refused(tmp_path):
    same = [*CATEGORIES, {"id": 4, "name": "car"}]
    listing, (record,) = read(build(tmp_path, annotation([TRIANGLE], category_id=4), categories=same))
    assert record.shapes[0].label == "car"
    assert any("'car'" in note for note in listing.notes)
    with pytest.raises(UserError, match="category id 3"):
        read(build(tmp_path, categories=[*CATEGORIES, {"id": 3, "name": "sky"}]))


def test_ids_that_are_unknown_or_used_twice(tmp_path):
    images = [image(1), image(2, "b.jpg"), image(2, "c.jpg"), image(3, "d.jpg"), image(4, "a.jpg"), image(1)]
    source = build(
        tmp_path,
        annotation([TRIANGLE]),
        annotation([TRIANGLE], image_id="1"),
        annotation([TRIANGLE], image_id=77, id=5),
        images=images,
        photos=[f"images/{name}.jpg" for name in "abcd"],
    )
    listing, records = read(source)
    assert [item.path for item in listing.items] == ["a.jpg", "d.jpg"]
    assert [len(record.shapes) for record in records] == [2, 0]
    reasons = {problem.file: problem.reason for problem in listing.skipped}
    assert "b.jpg and c.jpg" in reasons["b.jpg"]
    assert "b.jpg and c.jpg" in reasons["c.jpg"]
    assert "already" in reasons["a.jpg"]
    assert "1 annotations" in reasons["labels.json"]
    assert "77" in reasons["labels.json"]
    assert any("1 annotation ids occur more than once" in note for note in listing.notes)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "expected COCO's JSON"),
        ("{'images': []}", "expected COCO's JSON"),
        ('{"images": [{"id": NaN}], "categories": [{"id": 1, "name": "a"}]}', "expected COCO's JSON"),
        ("[1, 2]", "no categories"),
        ('{"categories": [{"id": 1, "name": "a"}]}', "no images"),
        ('{"categories": [{"id": 1}]}', "id and a name"),
        (
            json.dumps({"images": [image()], "annotations": [annotation(None)], "categories": CATEGORIES}),
            "segmentation",
        ),
        (json.dumps({"images": [image()], "categories": CATEGORIES}), "--images"),
    ],
)
def test_a_file_that_is_no_coco_instances_file(tmp_path, text, match):
    with pytest.raises(UserError, match=match):
        read(write(tmp_path / "labels.json", text))


@pytest.mark.parametrize("id", ["\ud800", "\0", 10**18, 1.5, True, "", [1], {}])
def test_ids_of_any_kind_cost_only_their_own_image(tmp_path, id):
    source = build(tmp_path, photos=("a.jpg", "b.jpg"))
    entries = [annotation([TRIANGLE]), annotation([TRIANGLE], image_id=id, id=id, category_id=id)]
    document = {"images": [image(), image(id, "b.jpg")], "annotations": entries, "categories": CATEGORIES}
    source.write_text(json.dumps(document))
    listing = coco.list_source(ReadRequest(source))
    assert listing.items[0].path == "a.jpg"
    assert len(coco.read(listing.items[0], ReadRequest(source)).shapes) == 1


def test_a_byte_order_mark_is_no_harm(tmp_path):
    source = build(tmp_path, annotation([TRIANGLE]))
    source.write_bytes(b"\xef\xbb\xbf" + source.read_bytes())
    assert len(read(source)[1]) == 1


def test_the_listing_holds_no_annotations_in_memory_but_items_carry_theirs(tmp_path):
    source = build(tmp_path, annotation([TRIANGLE]), images=[image(), image(2, "b.jpg")], photos=("a.jpg", "b.jpg"))
    items = coco.list_source(ReadRequest(source)).items
    assert [json.loads(item.payload.annotations) == [] for item in items] == [False, True]
    assert [item.path for item in items[1:]] == ["b.jpg"]


def test_a_temporary_folder_that_is_full_is_said(tmp_path):
    index = CocoIndex()
    index._database.execute("PRAGMA max_page_count = 8")
    source = build(tmp_path, *[annotation([TRIANGLE * 100], id=k) for k in range(100)])
    with pytest.raises(UserError, match="SQLITE_TMPDIR"):
        index.add(source, 0, INSTANCES, {})


# --- photos


@pytest.mark.parametrize(
    ("file_name", "photo"),
    [
        ("a.jpg", "a.jpg"),
        ("a.jpg", "images/a.jpg"),
        ("day 1/ü.jpg", "images/day 1/ü.jpg"),
        ("day\\a.jpg", "images/day/a.jpg"),
        ("D:\\shots\\day\\a.jpg", "images/day/a.jpg"),
        ("/home/x/day/a.jpg", "images/a.jpg"),
        ("http://host/train2017/a%20b.jpg?size=1", "images/a b.jpg"),
        ("u\u0308.jpg", "images/\u00fc.jpg"),
    ],
)
def test_where_a_file_name_is_found(tmp_path, file_name, photo):
    listing, _ = read(build(tmp_path, images=[image(file_name=file_name)], photos=[photo]))
    assert [item.path for item in listing.items] == [photo.removeprefix("images/")]


@pytest.mark.parametrize("file_name", ["../a.jpg", "x/../../a.jpg", "..\\a.jpg", "", None, 7, "a\0.jpg", "x" * 5000])
def test_file_names_that_are_refused(tmp_path, file_name):
    photos = ["images/ok.jpg", "a.jpg"]
    listing, _ = read(build(tmp_path, images=[image(1, "ok.jpg"), image(2, file_name)], photos=photos))
    assert [item.path for item in listing.items] == ["ok.jpg"]
    assert len(listing.skipped) == 1


def test_splits_by_file_name_give_subsets_and_roles(tmp_path):
    for split, names in (("train2017", "ab"), ("val2017", "c")):
        source = build(
            tmp_path / "annotations",
            annotation([TRIANGLE]),
            images=[image(k, f"{name}.jpg") for k, name in enumerate(names, start=1)],
            photos=[f"../{split}/{name}.jpg" for name in names],
        )
        source.rename(source.with_name(f"instances_{split}.json"))
    write(tmp_path / "annotations" / "captions_val2017.json", "{}")
    listing, _ = read(tmp_path)
    assert [(item.path, item.subsets, item.role) for item in listing.items] == [
        ("train2017/a.jpg", ("train2017",), "train"),
        ("train2017/b.jpg", ("train2017",), "train"),
        ("val2017/c.jpg", ("val2017",), "val"),
    ]


def test_an_image_in_two_splits_is_named_with_both_files(tmp_path):
    source = build(tmp_path, annotation([TRIANGLE]))
    write(tmp_path / "train.json", source.read_bytes())
    source.rename(tmp_path / "valid.json")
    with pytest.raises(UserError, match=r"a\.jpg .*train\.json.*valid\.json"):
        read(tmp_path)


# --- sizes


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_annotations_of_the_unrotated_photo_are_turned_with_it(tmp_path, orientation):
    source = build(
        tmp_path,
        annotation([[0, 0, 4, 0, 4, 2, 0, 2]]),
        annotation({"size": [HEIGHT, WIDTH], "counts": [0, 2, 6, 2, 6, 2, 6, 2, 70]}, id=2),
    )
    write(tmp_path / "images" / "a.jpg", encode(scene(HEIGHT, WIDTH), "JPEG", orientation=orientation))
    _, (record,) = read(source)
    assert (record.width, record.height) == (HEIGHT, WIDTH)
    polygon, patch = record.shapes
    assert patch.patch is not None
    assert patch.patch.pixels.shape == (4, 2)
    left, top = np.min(polygon.points, axis=0)
    assert (patch.patch.x, patch.patch.y) == (left, top)
    assert np.ptp(polygon.points, axis=0).tolist() == [2, 4]
    assert "EXIF" in record.repairs[0]


def test_a_photo_of_another_size_is_refused_with_both(tmp_path):
    with pytest.raises(BadItemError, match="13 x 8 pixels, the photo has 12 x 8"):
        read(build(tmp_path, annotation([TRIANGLE]), images=[image(width=13)]))


@pytest.mark.parametrize("width", [None, "12", 0, -1, True, 12.5])
def test_a_size_that_says_nothing_is_the_photos(tmp_path, width):
    _, (record,) = read(build(tmp_path, annotation([TRIANGLE]), images=[image(width=width)]))
    assert (record.width, record.height) == (WIDTH, HEIGHT)


# --- recognition


@pytest.mark.parametrize("last", [True, False])
def test_of_a_large_file_the_beginning_is_read_and_the_categories_wherever_they_stand(tmp_path, monkeypatch, last):
    monkeypatch.setattr("labeling.importing.recognition.coco.MAX_SAMPLED_BYTES", 20_000)
    monkeypatch.setattr("labeling.importing.recognition.coco._END_BYTES", 500)
    write(tmp_path / "train2017" / "a.jpg", PHOTO)
    parts = {
        "images": [image()],
        "annotations": [annotation([TRIANGLE], id=k, category_id=3) for k in range(1000)],
        "categories": CATEGORIES,
    }
    document = parts if last else {"categories": CATEGORIES, **parts}
    write(tmp_path / "annotations" / "instances_train2017.json", json.dumps(document))
    (guess, *_) = recognise(tmp_path).guesses
    assert (guess.format, guess.images, guess.labels, set(guess.classes)) == ("coco", 1, 1, {"road"})
    assert 20 < guess.classes["road"] < 1000
    assert any("the first" in problem for problem in guess.problems)
    _, (record,) = read(tmp_path)
    assert len(record.shapes) == 1000
