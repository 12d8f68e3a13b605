"""Label Studio's JSON export: regions of every kind, which annotation counts, where photos are, what is refused."""

import base64
import contextlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.errors import UserError
from labeling.annotation import Annotation, Label, Shape
from labeling.formats.base import BadItemError, Listing, ReadRequest, Record
from labeling.formats.labelstudio import codec as labelstudio
from labeling.formats.labelstudio.shapes import ShapeReader
from labeling.importing.recognise import recognise
from labeling.photos import PhotoHeader
from labeling.raster import render
from tests.support.brush_streams import encode_mask
from tests.support.codec_sources import write
from tests.support.photo_files import encode, scene

WIDTH, HEIGHT = 40, 20
PHOTO = encode(scene(HEIGHT, WIDTH), "JPEG")
NO_LAYERS: dict[str, np.ndarray] = {}
MASK = np.zeros((HEIGHT, WIDTH), np.bool_)
MASK[3:9, 5:17] = True
TRIANGLE = [[10, 10], [50, 10], [50, 60]]


def region(kind: str, value: dict[str, Any], label: str | None = "Car", **more: Any) -> dict[str, Any]:
    """A result as https://labelstud.io/guide/task_format shows it."""
    labels = {} if label is None else {kind: [label]}
    return {
        "id": "Dx_aB91ISN",
        "type": kind,
        "value": {**value, **labels},
        "origin": "manual",
        "to_name": "image",
        "from_name": "label",
        "image_rotation": 0,
        "original_width": WIDTH,
        "original_height": HEIGHT,
        **more,
    }


def polygon(points: Any = TRIANGLE, **more: Any) -> dict[str, Any]:
    return {**region("polygonlabels", {"points": points, "closed": True}), **more}


def brush(rle: Any = None, **more: Any) -> dict[str, Any]:
    return region("brushlabels", {"format": "rle", "rle": encode_mask(MASK) if rle is None else rle}, **more)


def box(**value: Any) -> dict[str, Any]:
    return region("rectanglelabels", {"x": 25, "y": 20, "width": 50, "height": 30, "rotation": 0} | value)


def ellipse(**value: Any) -> dict[str, Any]:
    return region("ellipselabels", {"x": 50, "y": 50, "radiusX": 25, "radiusY": 20, "rotation": 0} | value)


def bitmask(pixels: np.ndarray, **more: Any) -> dict[str, Any]:
    rgba = np.zeros((*pixels.shape, 4), np.uint8)  # black on a transparent ground, as the editor's canvas writes it
    rgba[..., 3] = np.where(pixels, 255, 0)
    url = "data:image/png;base64," + base64.b64encode(encode(rgba)).decode()
    return region("bitmasklabels", {"imageDataURL": url}, **more)


def annotation(
    *results: Any, id: int = 22, created: Any = "2024-01-30T02:40:43.893565Z", **more: Any
) -> dict[str, Any]:
    return {
        "id": 22,
        "completed_by": 1,
        "result": list(results),
        "was_cancelled": False,
        "ground_truth": False,
        "created_at": created,
        "updated_at": created,
        "lead_time": 8.65,
        "prediction": {},
        "parent_annotation": None,
        **more,
    }


def task(*annotations: Any, id: int = 87, image: Any = "/data/upload/29/a.jpg", **more: Any) -> dict[str, Any]:
    return {
        "id": id,
        "annotations": list(annotations),
        "drafts": [],
        "predictions": [],
        "data": {"image": image},
        "meta": {},
        "created_at": "2024-01-30T02:40:33.867975Z",
        "inner_id": 1,
        "total_annotations": 1,
        "project": 29,
        **more,
    }


def build(folder: Path, *tasks: Any, photos: Any = ("a.jpg",)) -> Path:
    for photo in photos:
        write(folder / photo, PHOTO)
    write(folder / "project-29.json", json.dumps(list(tasks)))
    return folder


def read(source: Path, **request: Any) -> tuple[Listing, list[Record]]:
    asked = ReadRequest(source, **request)
    listing = labelstudio.list_source(asked)
    return listing, [labelstudio.read(item, asked) for item in listing.items]


def read_one(folder: Path, *results: Any, **more: Any) -> Record:
    _, (record,) = read(build(folder, task(annotation(*results, **more))))
    return record


def draw(*shapes: Shape) -> np.ndarray:
    index: dict[Label, int] = {str(shape.label): number for number, shape in enumerate(shapes, start=1)}
    annotation = Annotation(WIDTH, HEIGHT, shapes)
    return render(annotation, NO_LAYERS.__getitem__, index, rule="center", unlabelled=0)


# --- regions


def test_percents_become_pixels(tmp_path):
    record = read_one(tmp_path, polygon(), box(), region("keypointlabels", {"x": 5, "y": 50, "width": 0.7}))
    triangle, rectangle, point = record.shapes
    assert (triangle.kind, triangle.label, triangle.points) == ("polygon", "Car", ((4, 2), (20, 2), (20, 12)))
    assert (rectangle.kind, rectangle.points) == ("rectangle", ((10, 4), (30, 10)))
    assert (point.kind, point.points) == ("point", ((2, 10),))
    assert record.repairs == ()


def test_brush_and_bit_masks_are_cut_to_what_they_cover(tmp_path):
    for shape in read_one(tmp_path, brush(), bitmask(MASK)).shapes:
        assert shape.kind == "mask"
        assert shape.patch is not None
        assert (shape.patch.x, shape.patch.y, shape.patch.pixels.shape) == (5, 3, (6, 12))
        np.testing.assert_array_equal(draw(shape), MASK)


def test_a_box_is_turned_about_its_top_left_corner(tmp_path):
    """A quarter turn clockwise: what went right goes down, what went down goes left. Pixels turn, not percents."""
    (shape,) = read_one(tmp_path, box(rotation=90)).shapes
    assert shape.kind == "polygon"
    np.testing.assert_allclose(shape.points, [(10, 4), (10, 24), (4, 24), (4, 4)], atol=1e-9)


def test_a_turned_box_of_an_issue(tmp_path):
    """https://github.com/HumanSignal/label-studio/issues/2293: x=300, y=100, 300 x 100, turned by 90 degrees, is the
    upright box at x=200, y=100 of 100 x 300, in a picture of 1000 x 500."""
    write(tmp_path / "a.jpg", encode(scene(500, 1000), "JPEG"))
    value = {"x": 30, "y": 20, "width": 30, "height": 20, "rotation": 90, "rectanglelabels": ["EVS"]}
    result = {"id": "a", "type": "rectanglelabels", "value": value, "original_width": 1000, "original_height": 500}
    write(tmp_path / "tasks.json", json.dumps([task(annotation(result))]))
    _, (record,) = read(tmp_path)
    np.testing.assert_allclose(record.shapes[0].points, [(300, 100), (300, 400), (200, 400), (200, 100)], atol=1e-9)


@pytest.mark.parametrize("degrees", [0, 30, 90])
def test_an_ellipse_lies_about_its_centre(tmp_path, degrees):
    (shape,) = read_one(tmp_path, ellipse(rotation=degrees)).shapes
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    angle = np.radians(degrees)
    along = (x - 20) * np.cos(angle) + (y - 10) * np.sin(angle)
    across = (y - 10) * np.cos(angle) - (x - 20) * np.sin(angle)
    inside = (along / 10) ** 2 + (across / 4) ** 2
    drawn = draw(shape) == 1
    clear = abs(inside - 1) > 0.03
    np.testing.assert_array_equal(drawn[clear], inside[clear] < 1)


def test_an_ellipse_as_high_as_wide_is_a_circle(tmp_path):
    (shape,) = read_one(tmp_path, ellipse(radiusY=50)).shapes
    assert (shape.kind, shape.points) == ("circle", ((20, 10), (30, 10)))


def test_a_region_and_its_label_from_two_tags_are_one_shape(tmp_path):
    """`<Brush>` with `<Labels>`: the outline comes twice under one id, once with the label."""
    value = {"format": "rle", "rle": encode_mask(MASK)}
    bare = region("brush", value, label=None, id="x1")
    named = region("labels", value, label="Road", id="x1")
    record = read_one(tmp_path, bare, named)
    assert [(shape.kind, shape.label) for shape in record.shapes] == [("mask", "Road")]
    assert record.repairs == ()


def test_choices_texts_and_relations_outline_nothing_and_are_kept(tmp_path):
    choice = region("choices", {**box()["value"], "choices": ["wet"]}, label=None, id="x1")
    relation = {"type": "relation", "from_id": "x1", "to_id": "x2", "direction": "right"}
    record = read_one(tmp_path, polygon(id="x1"), choice, relation)
    assert len(record.shapes) == 1
    assert [entry["type"] for entry in record.extra["result"]] == ["choices", "relation"]
    assert record.extra["result"][0]["value"] == {"rectanglelabels": ["Car"], "choices": ["wet"]}
    assert record.repairs == ()


def test_what_the_file_says_besides_is_kept(tmp_path):
    record = read_one(tmp_path, polygon(meta={"text": ["wet"]}, score=0.5, future=[1]), ellipse(), ground_truth=True)
    extra = record.shapes[0].extra
    assert extra["meta"] == {"text": ["wet"]}
    assert (extra["id"], extra["score"], extra["future"], extra["value"]) == ("Dx_aB91ISN", 0.5, [1], {"closed": True})
    assert record.shapes[1].extra["value"] == {"x": 50, "y": 50, "radiusX": 25, "radiusY": 20, "rotation": 0}
    assert record.extra["id"] == 87
    assert record.extra["data"] == {"image": "/data/upload/29/a.jpg"}
    assert record.extra["annotation"]["ground_truth"] is True
    assert record.extra["annotation"]["completed_by"] == 1


def test_later_regions_lie_over_earlier_ones(tmp_path):
    first, second = read_one(tmp_path, box(), brush(label="Road")).shapes
    assert (first.label, second.label) == ("Car", "Road")
    assert draw(first, second)[5, 12] == 2


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (7, "no JSON object"),
        (polygon(type=None), "no type"),
        (polygon(value=None), "no value"),
        (region("polygonlabels", {"points": TRIANGLE}, label=None), "no label"),
        (polygon(value={"points": TRIANGLE, "polygonlabels": []}), "no label"),
        (polygon(value={"points": TRIANGLE, "polygonlabels": [7]}), "no label"),
        (polygon([[1, 2], [3, 4]]), "three different"),
        (polygon([[1, 2], [3, 4], [1, 2]]), "three different"),
        (polygon([1, 2, 3, 4, 5, 6]), "list of pairs"),
        (polygon("1,2 3,4"), "list of pairs"),
        (polygon([["1", 2], [3, 4], [5, 6]]), "number of percents"),
        (polygon([[True, 2], [3, 4], [5, 6]]), "number of percents"),
        (polygon([[10**15, 2], [3, 4], [5, 6]]), "number of percents"),
        (polygon(original_width="40"), "two whole numbers"),
        (polygon(original_height=None), "two whole numbers"),
        (region("polygon", {"points": TRIANGLE}, label=None, id="alone"), "no label"),
        (region("vectorlabels", {"vertices": []}), "no outline that is read"),
        (box(width=0), "no area"),
        (box(height=-3), "no area"),
        (box(x=None), "number of percents"),
        (box(rotation="90"), "number of percents"),
        (ellipse(radiusX=0), "no area"),
        (ellipse(radiusY="5"), "number of percents"),
        (region("keypointlabels", {"x": 5}), "number of percents"),
        (brush("abc"), "list of bytes"),
        (brush([1, 300]), "list of bytes"),
        (brush([1.5]), "list of bytes"),
        (brush({"base64": 7}), "no picture"),
        (brush({"0": 1}), "list of bytes"),
        (brush([]), "cut short"),
        (brush(encode_mask(MASK)[:30]), "cut short"),
        (brush(encode_mask(MASK[1:])), "expected 40 x 20 x 4"),
        (brush(encode_mask(MASK & False)), "holds no pixel"),
        (bitmask(MASK[1:]), "40 x 19 pixels"),
        (region("bitmasklabels", {"imageDataURL": "http://a/b.png"}), "data URL"),
        (region("bitmasklabels", {"imageDataURL": "data:image/png;base64,?"}), "not base64"),
        (region("bitmasklabels", {"imageDataURL": "data:image/png;base64,AAAA"}), "not a readable PNG"),
        (bitmask(np.ones((900, 900), np.bool_)), "far more than the photo"),
    ],
)
def test_a_bad_region_is_left_out_and_said_and_the_good_ones_kept(tmp_path, bad, reason):
    record = read_one(tmp_path, polygon(id="good"), bad)
    assert len(record.shapes) == 1
    (said,) = record.repairs
    assert said.startswith("result[1] left out: ")
    assert reason in said


def test_what_is_put_right_is_said(tmp_path):
    two = polygon(value={"points": TRIANGLE, "polygonlabels": ["Car", "Red"]})
    open_ = polygon(value={"points": TRIANGLE, "closed": False, "polygonlabels": [" Car "]})
    record = read_one(tmp_path, two, open_)
    assert [shape.label for shape in record.shapes] == ["Car", "Car"]
    assert "several labels" in record.repairs[0]
    assert "not closed" in record.repairs[1]
    assert record.shapes[0].extra["value"]["polygonlabels"] == ["Car", "Red"]


def test_an_annotation_that_loses_every_region_does_not_become_background(tmp_path):
    with pytest.raises(BadItemError, match="None of its regions"):
        read_one(tmp_path / "a", polygon([]))
    empty = read_one(tmp_path / "b")
    assert (empty.labelled, empty.shapes) == (True, ())
    choices = read_one(tmp_path / "c", region("choices", {"choices": ["sunny"]}, label=None))
    assert not choices.labelled
    assert "only choices" in choices.repairs[0]


def test_regions_on_the_unrotated_photo_are_turned_with_it(tmp_path):
    """Browsers show photos upright; where the size is that of the unrotated photo, they did not yet."""
    source = build(tmp_path, task(annotation(polygon(), brush())))
    write(tmp_path / "a.jpg", encode(scene(HEIGHT, WIDTH), "JPEG", orientation=6))
    _, (record,) = read(source)
    assert (record.width, record.height) == (HEIGHT, WIDTH)
    triangle, mask = record.shapes
    assert list(triangle.points) == [(18, 4), (18, 20), (8, 20)]
    assert mask.patch is not None
    assert (mask.patch.x, mask.patch.y, mask.patch.pixels.shape) == (11, 5, (12, 6))


def test_a_photo_of_another_size_is_refused(tmp_path):
    with pytest.raises(BadItemError, match="annotated at 400 x 200"):
        read_one(tmp_path, polygon(original_width=400, original_height=200))


KEYS = [
    "type",
    "value",
    "points",
    "rle",
    "base64",
    "x",
    "y",
    "width",
    "height",
    "radiusX",
    "radiusY",
    "rotation",
    "imageDataURL",
    "polygonlabels",
    "labels",
    "id",
    "original_width",
    "original_height",
]
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(KEYS),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(st.lists(values, max_size=4))
def test_any_results_give_shapes_that_can_be_drawn_or_are_said(results):
    reader = ShapeReader(PhotoHeader(WIDTH, HEIGHT, WIDTH, HEIGHT, 1, "JPEG"))
    shapes: tuple[Shape, ...] = ()
    with contextlib.suppress(BadItemError):  # another size than the photo's
        shapes = reader.read(results)
        assert shapes or reader.rest or not results or reader.repairs()
    json.dumps([Annotation(WIDTH, HEIGHT, shapes).to_json(), reader.rest], allow_nan=False)
    every: dict[Label, int] = {shape.label: 1 for shape in shapes}
    render(Annotation(WIDTH, HEIGHT, shapes), NO_LAYERS.__getitem__, every, unlabelled=0)


# --- annotations


def test_the_newest_annotation_that_is_not_cancelled_counts_and_it_is_said(tmp_path):
    old = annotation(polygon(value={"points": TRIANGLE, "polygonlabels": ["Old"]}), created="2024-01-30T02:40:43Z")
    new = annotation(polygon(), created="2024-01-31T02:40:43Z")
    cancelled = annotation(box(), created="2024-02-01T02:40:43Z", was_cancelled=True)
    listing, (record,) = read(build(tmp_path, task(new, old, cancelled)))
    assert [shape.label for shape in record.shapes] == ["Car"]
    assert any("several annotations" in note and "87" in note for note in listing.notes)


def test_tasks_that_nobody_annotated_are_unlabelled_and_predictions_are_not_read(tmp_path):
    tasks = [
        task(id=1, image="a.jpg", predictions=[{"id": 3, "result": [polygon()]}]),
        task(annotation(polygon(), was_cancelled=True), id=2, image="b.jpg"),
    ]
    listing, records = read(build(tmp_path, *tasks, photos=("a.jpg", "b.jpg")))
    assert [(record.labelled, record.shapes) for record in records] == [(False, ())] * 2
    assert any("predictions" in note for note in listing.notes)
    assert any("cancelled annotations only" in note for note in listing.notes)


def test_completions_of_old_exports_and_a_file_a_task(tmp_path):
    """Before version 1.0; dates were numbers, https://labelstud.io/guide/export of that time."""
    old = {"id": 5, "data": {"image": "a.jpg"}, "completions": [annotation(polygon(), created=1600000000)]}
    write(tmp_path / "a.jpg", PHOTO)
    write(tmp_path / "completions" / "5.json", json.dumps(old))
    write(tmp_path / "completions" / "6.json", json.dumps(old | {"id": 6, "data": {"image": "gone.jpg"}}))
    listing, (record,) = read(tmp_path)
    assert len(record.shapes) == 1
    assert listing.skipped[0].file == "completions/6.json: task 6"


# --- photos


@pytest.mark.parametrize(
    ("image", "photo"),
    [
        ("/data/upload/29/a.jpg", "upload/29/a.jpg"),
        ("/data/upload/29/0a1b2c3d-a.jpg", "0a1b2c3d-a.jpg"),
        ("/data/upload/29/0a1b2c3d-a.jpg", "photos/a.jpg"),
        ("/data/local-files/?d=day/one/a%20b.jpg", "day/one/a b.jpg"),
        ("/data/local-files/?d=day%5Ca.jpg", "day/a.jpg"),
        ("/data/local-files?d=/srv/photos/day/a.jpg", "day/a.jpg"),
        ("/storage-data/uploaded/?filepath=upload/29/0a1b2c3d-a.jpg", "upload/29/0a1b2c3d-a.jpg"),
        ("s3://bucket/day/a.jpg", "day/a.jpg"),
        ("https://example.com/day/a.jpg?X-Amz-Signature=1", "deep/down/a.jpg"),
        ("C:\\photos\\day\\a.jpg", "day/a.jpg"),
        ("a.jpg", "a.jpg"),
    ],
)
def test_photos_are_found_by_the_end_of_their_path_then_by_their_name(tmp_path, image, photo):
    listing, (record,) = read(build(tmp_path, task(annotation(polygon()), image=image), photos=(photo,)))
    assert [item.path for item in listing.items] == [photo]
    assert record.photo == tmp_path / photo


def test_the_file_that_was_uploaded_names_the_photo_where_the_data_does_not(tmp_path):
    """As in HumanSignal/label-studio-converter, tests/data/test_converter_data/data_polygon.json."""
    odd = task(annotation(polygon()), image="/image2", file_upload="e97d4735-a.jpg")
    listing, _ = read(build(tmp_path, odd))
    assert [item.path for item in listing.items] == ["a.jpg"]


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (task(image="/data/local-files/?d=../../etc/a.jpg"), r"leads out"),
        (task(image="/data/local-files/?d=%2e%2e/a.jpg"), r"leads out"),
        (task(image="https://[broken/a.jpg"), "names no photo"),
        (task(image=7), "names no photo"),
        (task(image="some text"), "names no photo"),
        (task(data={"images": ["a.jpg", "b.jpg"]}), "several photos"),
        (task(image="gone.jpg"), "is not in"),
        (task(image="twice.jpg"), "may be"),
        ({"id": 3}, "no task"),
        ([1, 2], "no task"),
        (task(image="first.jpg", id=9), "as project-29.json: task 1 is"),
    ],
)
def test_a_task_without_a_photo_of_its_own_costs_only_itself(tmp_path, entry, reason):
    good = task(annotation(polygon()), id=1, image="first.jpg")
    photos = ("first.jpg", "a.jpg", "x/twice.jpg", "y/twice.jpg")
    listing, _ = read(build(tmp_path, good, entry, photos=photos))
    assert [item.path for item in listing.items] == ["first.jpg"]
    (problem,) = listing.skipped
    assert reason in problem.reason
    assert any("photos are in no task: left out" in note for note in listing.notes)


def test_photos_in_a_folder_that_was_named_and_beside_a_file_that_was(tmp_path):
    source = build(tmp_path / "export", task(annotation(polygon())), photos=()) / "project-29.json"
    with pytest.raises(UserError, match="Give --images DIR"):
        read(source)
    write(tmp_path / "photos" / "deep" / "a.jpg", PHOTO)
    listing, _ = read(source, images=tmp_path / "photos")
    assert [item.path for item in listing.items] == ["deep/a.jpg"]
    write(tmp_path / "export" / "a.jpg", PHOTO)
    listing, _ = read(source)
    assert [item.path for item in listing.items] == ["a.jpg"]


# --- files


@pytest.mark.parametrize("text", ["", "[{", '[{"id": NaN}]', "nonsense", "[" * 100_000])
def test_a_file_that_is_no_json_is_the_users_to_put_right(tmp_path, text):
    write(tmp_path / "tasks.json", text)
    with pytest.raises(UserError, match=r"tasks\.json"):
        read(tmp_path / "tasks.json")


def test_a_broken_file_beside_good_ones_costs_only_itself(tmp_path):
    build(tmp_path, task(annotation(polygon())))
    text = json.dumps([task(id=2, image="b.jpg")])
    write(tmp_path / "second.json", text[:-1] + ', {"id": 3, "data":')
    listing, _ = read(tmp_path)
    assert [item.path for item in listing.items] == ["a.jpg"]
    assert "second.json" in {problem.file for problem in listing.skipped}


def test_a_byte_order_mark_is_nothing(tmp_path):
    source = build(tmp_path, task(annotation(polygon()))) / "project-29.json"
    source.write_bytes(b"\xef\xbb\xbf" + source.read_bytes())
    _, (record,) = read(source)
    assert len(record.shapes) == 1


JSON_MIN = [  # as convert_to_json_min of label-studio-sdk, src/label_studio_sdk/converter/converter.py, writes it
    {
        "image": "/data/upload/29/a.jpg",
        "id": 87,
        "label": [{"points": TRIANGLE, "polygonlabels": ["Car"], "original_width": 40, "original_height": 20}],
        "annotator": 1,
        "annotation_id": 22,
        "created_at": "2024-01-30T02:40:43.893565Z",
        "updated_at": "2024-01-30T02:40:43.893578Z",
        "lead_time": 8.65,
    }
]


def test_its_other_exports_are_known_and_refused_with_what_to_do(tmp_path):
    write(tmp_path / "min" / "project.json", json.dumps(JSON_MIN))
    with pytest.raises(UserError, match=r"JSON-MIN.*Export the project again in the format JSON"):
        read(tmp_path / "min")
    mask = "task-1-annotation-2-by-a@b.c-tag-Car-0.png"
    write(tmp_path / "masks" / mask, encode(MASK))
    with pytest.raises(UserError, match=r"brush export.*Export the project again in the format JSON"):
        read(tmp_path / "masks")
    for folder, sign in (("min", "JSON-MIN"), ("masks", "do not name their photos")):
        guess = next(guess for guess in recognise(tmp_path / folder).guesses if guess.format == "labelstudio")
        assert sign in guess.problems[0]


def test_it_is_recognised_with_its_classes(tmp_path):
    tasks = [
        task(annotation(polygon(), brush(label="Road"), polygon(), 7), id=1, image="a.jpg"),
        task(id=2, image="b.jpg"),
        task(annotation(None, result=7), id=3),
    ]
    (guess,) = recognise(build(tmp_path, *tasks, photos=("a.jpg", "b.jpg"))).guesses
    assert (guess.format, guess.images, guess.labels) == ("labelstudio", 3, 2)
    assert guess.classes == {"Car": 2, "Road": 1}


def test_large_exports_are_listed_a_task_at_a_time(tmp_path):
    """What a listing holds of a task is its photo; its annotation waits in a file until a worker takes it."""
    many = [task(annotation(brush()), id=number, image=f"{number}.jpg") for number in range(50)]
    build(tmp_path, *many, photos=tuple(f"{number}.jpg" for number in range(50)))
    items = labelstudio.list_source(ReadRequest(tmp_path)).items
    assert len(items) == 50
    assert [item.payload.body[:9] for item in items[3:5]] == [b'{"result"'] * 2
    assert items[7].path == "15.jpg"
