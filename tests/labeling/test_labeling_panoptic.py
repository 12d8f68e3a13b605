"""COCO panoptic: ids in the colours of a PNG, what segments_info says of them, and files as they are found broken."""

import contextlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from db.errors import UserError
from labeling.annotation import IGNORE
from labeling.formats.base import BadItemError, Listing, ReadRequest, Record
from labeling.formats.coco import codec as coco
from labeling.formats.masks.files import MaskFile
from labeling.formats.panoptic import codec as panoptic
from labeling.formats.panoptic.segments import SegmentReader, segment_ids
from labeling.importing.recognise import recognise
from labeling.map_store import load_instances
from labeling.options import DatasetOptions
from tests.support.codec_sources import write
from tests.support.labelled_home import make_place
from tests.support.photo_files import encode, scene

WIDTH, HEIGHT = 12, 8
PHOTO = encode(scene(HEIGHT, WIDTH), "JPEG")
CATEGORIES = [
    {"id": 1, "name": "person", "isthing": 1, "color": [220, 20, 60], "supercategory": "person"},
    {"id": 200, "name": "sky", "isthing": 0, "color": [70, 130, 180], "supercategory": "sky"},
]
SKY, ANN, BOB = 3_000_000, 5, 1256


def ids() -> np.ndarray:
    """A map of sky, two persons and two void columns."""
    found = np.full((HEIGHT, WIDTH), SKY, np.uint32)
    found[4:, :4], found[4:, 6:10], found[:, 10:] = ANN, BOB, 0
    return found


def colors(found: np.ndarray) -> np.ndarray:
    return np.dstack([found & 255, found >> 8 & 255, found >> 16]).astype(np.uint8)


def segment(id: Any, category_id: Any, **more: Any) -> dict[str, Any]:
    return {"id": id, "category_id": category_id, "iscrowd": 0, "bbox": [0, 0, 1, 1], "area": 1, **more}


SEGMENTS = [segment(SKY, 200), segment(BOB, 1), segment(ANN, 1)]


def build(folder: Path, segments: Any = SEGMENTS, png: Any = None, **more: Any) -> Path:
    """The layout of COCO itself: annotations/panoptic_val2017.json, its folder of PNGs, val2017/."""
    write(folder / "val2017" / "a.jpg", PHOTO)
    maps = folder / "annotations" / "panoptic_val2017"
    maps.mkdir(parents=True, exist_ok=True)
    (Image.fromarray(colors(ids())) if png is None else png).save(maps / "a.png")
    document = {
        "images": [{"id": 9, "file_name": "a.jpg", "width": WIDTH, "height": HEIGHT}],
        "annotations": [{"image_id": 9, "file_name": "a.png", "segments_info": segments}],
        "categories": CATEGORIES,
    }
    write(folder / "annotations" / "panoptic_val2017.json", json.dumps(document | more))
    return folder


def read(source: Path, **request: Any) -> tuple[Listing, list[Record]]:
    asked = ReadRequest(source, **request)
    listing = panoptic.list_source(asked)
    return listing, [panoptic.read(item, asked) for item in listing.items]


def labels(record: Record) -> list[list[str]]:
    assert record.base is not None
    names = np.array([*map(str, record.base.legend), *["?"] * (256 - len(record.base.legend))], object)
    names[IGNORE] = "-"
    return names[record.base.pixels].tolist()


def test_classes_void_and_objects_of_a_png(tmp_path):
    listing, (record,) = read(build(tmp_path))
    assert listing.classes == ("person", "sky")
    assert listing.colors == {"person": (220, 20, 60), "sky": (70, 130, 180)}
    assert listing.background is None
    assert [(item.path, item.role, item.subsets) for item in listing.items] == [("a.jpg", "val", ("val2017",))]
    expected = np.where(ids() == SKY, "sky", "person").astype(object)
    expected[:, 10:] = "-"
    assert labels(record) == expected.tolist()
    assert record.base is not None
    assert record.base.instances is not None
    numbers = np.zeros((HEIGHT, WIDTH), np.uint16)
    numbers[4:, 6:10], numbers[4:, :4] = 1, 2  # in the order of segments_info; sky is no object
    np.testing.assert_array_equal(record.base.instances, numbers)
    assert record.repairs == ()


def test_segments_that_one_side_lacks_are_ignored_and_said(tmp_path):
    _, (record,) = read(build(tmp_path, [SEGMENTS[0], SEGMENTS[2], segment(77, 1)]))
    assert {label for row in labels(record) for label in row[6:10]} == {"sky", "-"}
    assert [sentence for sentence in record.repairs if "1256 (16 pixels)" in sentence and "ignore" in sentence]
    assert [sentence for sentence in record.repairs if "without a pixel" in sentence and "77" in sentence]


@pytest.mark.parametrize(("crowd", "label", "objects"), [("ignore", "-", 1), ("class", "person", 1)])
def test_a_crowd_is_ignored_or_its_class_and_never_an_object(tmp_path, crowd, label, objects):
    source = build(tmp_path, [SEGMENTS[0], segment(BOB, 1, iscrowd=1), SEGMENTS[2]])
    _, (record,) = read(source, options=DatasetOptions(crowd=crowd))
    assert labels(record)[5][7] == label
    assert record.base is not None
    assert record.base.instances is not None
    assert record.base.instances.max() == objects


@pytest.mark.parametrize(
    ("segments", "said"),
    [
        ([*SEGMENTS[:2], segment(ANN, 999)], "category_id 999: 5"),
        ([*SEGMENTS, segment(0, 1)], "no colour is their id: 0"),
        ([*SEGMENTS, segment(1 << 24, 1), segment("5", 1), segment(None, 1)], "no colour is their id: 16777216, 5"),
        ([*SEGMENTS, None, 3], "no colour is their id: None, None"),
        ([*SEGMENTS, SEGMENTS[0]], ""),
    ],
)
def test_segments_that_cannot_be_used(tmp_path, segments, said):
    _, (record,) = read(build(tmp_path, segments))
    assert said in " ".join(record.repairs)
    assert len(record.repairs) == (said != "")
    assert labels(record)[0][0] == "sky"


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"segments": [segment(1, 1)]}, "None of the PNG's segments"),
        ({"segments": [*SEGMENTS, segment(ANN, 200)]}, "listed twice"),
        ({"segments": []}, "None of the PNG's segments"),
        ({"png": Image.fromarray(colors(ids())[:, :11])}, "11 x 8 pixels, the photo has 12 x 8"),
        ({"png": Image.new("RGBA", (WIDTH, HEIGHT))}, "transparent"),
    ],
)
def test_an_image_that_cannot_be_read(tmp_path, change, match):
    with pytest.raises(BadItemError, match=match):
        read(build(tmp_path, **change))


def test_a_png_that_is_not_there_costs_its_image(tmp_path):
    write(tmp_path / "val2017" / "b.jpg", PHOTO)
    images = [{"id": 9, "file_name": "a.jpg"}, {"id": 10, "file_name": "b.jpg"}]
    there = {"image_id": 9, "file_name": "a.png", "segments_info": SEGMENTS}
    for name, match in (("b.png", "'b.png' is not in"), ("../a.png", "leads out"), (None, "Expected a file_name")):
        source = build(tmp_path, images=images, annotations=[there, there | {"image_id": 10, "file_name": name}])
        first, second = panoptic.list_source(ReadRequest(source)).items
        assert panoptic.read(first, ReadRequest(source)).base is not None
        with pytest.raises(BadItemError, match=match):
            panoptic.read(second, ReadRequest(source))
    with pytest.raises(UserError, match="--masks"):
        read(build(tmp_path, annotations=[there | {"file_name": "c.png"}]))
    _, (record,) = read(build(tmp_path, annotations=[]))
    assert not record.labelled


def test_two_annotations_of_an_image_and_none(tmp_path):
    one = {"image_id": 9, "file_name": "a.png", "segments_info": SEGMENTS}
    with pytest.raises(BadItemError, match=r"found 2: a\.png and b\.png"):
        read(build(tmp_path, annotations=[one, one | {"file_name": "b.png"}]))
    write(tmp_path / "val2017" / "b.jpg", PHOTO)
    images = [{"id": 9, "file_name": "a.jpg"}, {"id": 10, "file_name": "b.jpg"}]
    listing, records = read(build(tmp_path, images=images))
    assert [record.labelled for record in records] == [True, False]
    assert any("1 images have no annotation: images without labels" in note for note in listing.notes)


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_a_png_of_the_unrotated_photo_is_turned_with_it(tmp_path, orientation):
    source = build(tmp_path)
    write(source / "val2017" / "a.jpg", encode(scene(HEIGHT, WIDTH), "JPEG", orientation=orientation))
    _, (record,) = read(source)
    assert record.base is not None
    assert record.base.instances is not None
    assert record.base.pixels.shape == record.base.instances.shape == (record.height, record.width)
    if orientation != 3:  # a turn by half keeps the size, so nothing tells that it was meant
        assert (record.base.pixels == IGNORE).all(axis=1).sum() == 2  # the void columns are rows now
        assert "EXIF" in record.repairs[0]


def test_the_kinds_are_told_apart(tmp_path):
    source = build(tmp_path)
    assert [(guess.format, guess.images, guess.classes) for guess in recognise(source).guesses] == [
        ("panoptic", 1, {"person": 2, "sky": 1})
    ]
    with pytest.raises(UserError, match="imported as `panoptic`"):
        coco.list_source(ReadRequest(source / "annotations" / "panoptic_val2017.json"))
    other = {"image_id": 9, "id": 1, "category_id": 1, "segmentation": [[0, 0, 4, 0, 4, 4]]}
    with pytest.raises(UserError, match="imported as `coco`"):
        read(build(tmp_path, annotations=[other]))
    assert [guess.format for guess in recognise(source).guesses] == ["coco"]


def test_an_import_stores_the_objects_and_what_is_said_of_the_image(tmp_path):
    place = make_place(tmp_path / "home")
    report = place.run_import(build(tmp_path / "coco"), format="panoptic")
    assert (report.imported, report.classes, report.files) == (1, ("person", "sky"), ())
    stored = place.annotation("a.jpg")
    assert stored.instances is not None
    expected = np.select([ids() == BOB, ids() == ANN], [1, 2])
    np.testing.assert_array_equal(load_instances(place.store, stored.instances), expected)
    assert stored.extra == {"id": 9}


def test_a_palette_and_a_grey_png_hold_ids_too():
    values = np.array([[0, 1], [2, 2]], np.uint8)
    palette = MaskFile(values, palette=((0, 0, 0), (5, 0, 0), (1, 2, 3)))
    assert segment_ids(palette).tolist() == [[0, 5], [197121, 197121]]
    assert segment_ids(MaskFile(values)).tolist() == values.tolist()
    with pytest.raises(BadItemError, match="JPEG"):
        segment_ids(MaskFile(values, lossy=True))


ANYTHING = st.none() | st.booleans() | st.integers(-5, 1 << 25) | st.floats(-9, 9) | st.text(max_size=3)
SEGMENT = st.dictionaries(st.sampled_from(["id", "category_id", "iscrowd"]), ANYTHING)


@settings(max_examples=40)
@given(st.lists(SEGMENT | ANYTHING, max_size=4))
def test_whatever_segments_info_holds_gives_a_record_or_a_reason(tmp_path_factory, segments):
    source = build(tmp_path_factory.mktemp("panoptic"), [SEGMENTS[0], *segments])
    with contextlib.suppress(BadItemError):  # an id listed twice
        _, (record,) = read(source)
        assert labels(record)[0][0] == "sky"


@settings(max_examples=40)
@given(st.lists(st.integers(1, (1 << 24) - 1), min_size=1, max_size=300, unique=True), st.integers(0, 2**32 - 1))
def test_any_ids_come_back_as_their_classes_and_objects(numbers, seed):
    """Against the plain way: a mask a segment."""
    rng = np.random.default_rng(seed)
    pixels = rng.choice([0, *numbers], (20, 30)).astype(np.uint32)
    entries = [
        {"id": id, "label": f"c{id % 7}", "category_id": 1, "is_thing": id % 2 == 1, "iscrowd": False} for id in numbers
    ]
    found = SegmentReader(entries, crowd_is_ignore=True).read(segment_ids(MaskFile(None, colors(pixels))))
    assert found.instances is not None
    count = 0
    for entry in entries:
        here = pixels == entry["id"]
        assert {found.legend[value] for value in np.unique(found.pixels[here])} <= {entry["label"]}
        count += entry["is_thing"]
        assert set(found.instances[here].tolist()) <= {count if entry["is_thing"] else 0}
    assert (found.pixels[pixels == 0] == IGNORE).all()
