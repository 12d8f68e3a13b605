"""YOLO segmentation as Ultralytics, CVAT, Roboflow and Label Studio lay it out, and as people break it."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.errors import UserError
from labeling.formats.base import BadItemError, Listing, ReadRequest, Record
from labeling.formats.yolo import codec as yolo
from labeling.formats.yolo import data_file, shapes
from labeling.formats.yolo.shapes import LineReader
from labeling.importing.recognise import recognise
from tests.support.codec_sources import class_map, write
from tests.support.photo_files import encode, scene

WIDTH, HEIGHT = 40, 20
PHOTO = encode(scene(HEIGHT, WIDTH), "JPEG")
LINE = "1 0.1 0.1 0.5 0.1 0.5 0.6\n"
NAMES = "names: [car, road]\n"


def build(folder: Path, **texts: str | None) -> Path:
    """A dataset: `images__train__a="..."` is a photo with these lines as its label file, None a photo without one."""
    for key, lines in texts.items():
        name = key.replace("__", "/")
        write(folder / f"{name}.jpg", PHOTO)
        if lines is not None:
            write(folder / f"{name.replace('images', 'labels')}.txt", lines)
    return folder


def read(source: Path, **request: Any) -> tuple[Listing, dict[str, Record]]:
    asked = ReadRequest(source, **request)
    listing = yolo.list_source(asked)
    return listing, {item.path: yolo.read(item, asked) for item in listing.items}


def read_lines(folder: Path, lines: str, names: str = NAMES) -> Record:
    write(folder / "data.yaml", names)
    return read(build(folder, images__a=lines))[1]["a.jpg"]


# --- lines


def test_what_ultralytics_documents_is_read(tmp_path):
    """The example of Ultralytics' page on the format: outlines of three and of five points."""
    lines = "0 0.681 0.485 0.670 0.487 0.676 0.487\n1 0.504 0.000 0.501 0.004 0.498 0.004 0.493 0.010 0.492 0.0104\n"
    record = read_lines(tmp_path, lines)
    assert [(shape.kind, shape.label, len(shape.points)) for shape in record.shapes] == [
        ("polygon", "car", 3),
        ("polygon", "road", 5),
    ]
    assert record.shapes[0].points[0] == pytest.approx((0.681 * WIDTH, 0.485 * HEIGHT))
    assert record.repairs == ()


def test_no_label_file_is_not_labelled_and_an_empty_one_is_all_background(tmp_path):
    write(tmp_path / "data.yaml", NAMES)
    listing, records = read(build(tmp_path, images__a=LINE, images__b=None, images__c="", images__d="\n \n"))
    assert {path: (record.labelled, len(record.shapes)) for path, record in records.items()} == {
        "a.jpg": (True, 1),
        "b.jpg": (False, 0),
        "c.jpg": (True, 0),
        "d.jpg": (True, 0),
    }
    assert (listing.background, listing.raster, listing.overlap) == ("background", "center", "area")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("0", "a class alone"),
        ("0 0.5 0.5 0.2 0.2", "a box"),
        ("0 0.5 0.5 0.2 0.2 17", "a box"),
        ("0 0.5", "fewer than three"),
        ("0 0.5 0.5 0.2", "fewer than three"),
        ("0 0.1 0.1 0.5 0.5 0.1 0.1", "fewer than three different"),
        ("7 0.1 0.1 0.5 0.1 0.5 0.6", "no class has the id 7"),
        ("-1 0.1 0.1 0.5 0.1 0.5 0.6", "no class id"),
        ("nan 0.1 0.1 0.5 0.1 0.5 0.6", "no class id"),
        ("1.5 0.1 0.1 0.5 0.1 0.5 0.6", "no class id"),
        ("car 0.1 0.1 0.5 0.1 0.5 0.6", "no class id"),
        ("0 0.1 0.1 nan 0.1 0.5 0.6", "from 0 to 1"),
        ("0 0.1 0.1 inf 0.1 0.5 0.6", "from 0 to 1"),
        ("0 12 14 30 4 20 9", "from 0 to 1"),
        ("0 0.1 0.1 0.5, 0.1 0.5 0.6", "no number"),
        ("0 0.1 0.1 x 0.1 0.5 0.6", "no number"),
        ("0 " + "9" * 5000 + " 0.1 0.5 0.1 0.5 0.6", "from 0 to 1"),
        ("9" * 5000 + " 0.1 0.1 0.5 0.1 0.5 0.6", "no class id"),
    ],
)
def test_a_bad_line_is_left_out_and_said_and_the_good_ones_kept(tmp_path, line, reason):
    record = read_lines(tmp_path, f"{LINE}\n{line}\n")
    assert [shape.label for shape in record.shapes] == ["road"]
    (repair,) = record.repairs
    assert reason in repair
    assert "line 3" in repair


def test_an_image_that_loses_every_line_does_not_become_background(tmp_path):
    with pytest.raises(BadItemError, match=r"None of its 2 lines can be read.*a box is no outline: lines 1, 2"):
        read_lines(tmp_path, "0 0.5 0.5 0.2 0.2\n1 0.5 0.5 0.2 0.2\n")


def test_tracks_and_confidences_after_the_points_are_not_points(tmp_path):
    record = read_lines(tmp_path, f"{LINE.strip()} 12\n{LINE.strip()} 0.87\n0.0{LINE[1:]}")
    assert [len(shape.points) for shape in record.shapes] == [3, 3, 3]
    assert [shape.label for shape in record.shapes] == ["road", "road", "car"]
    assert "lines 1, 2" in record.repairs[0]


def test_an_outline_past_the_edge_is_cut_there_and_said(tmp_path):
    record = read_lines(tmp_path, "0 -0.02 0 0.5 0 0.5 1.001 -0.02 1.001\n")
    assert class_map(record, classes=("bg", "car")).sum() == WIDTH // 2 * HEIGHT
    assert "cut there" in record.repairs[0]


@given(st.lists(st.tuples(st.integers(0, 160), st.integers(0, 80)), min_size=3, max_size=8, unique=True))
def test_random_outlines_cover_the_centres_that_opencv_finds_inside(corners):
    line = " ".join(["0", *(f"{x / 160:.6f} {y / 80:.6f}" for x, y in corners)])
    found = LineReader(WIDTH, HEIGHT, {0: "car"}).read([line])
    covered = class_map(Record(b"", WIDTH, HEIGHT, found), classes=("bg", "car"))
    outline = np.array(corners, np.float32) / 160 * WIDTH
    for row, column in np.ndindex(HEIGHT, WIDTH):
        distance = cv2.pointPolygonTest(outline, (column + 0.5, row + 0.5), measureDist=True)
        assert abs(distance) < 0.001 or covered[row, column] == (distance > 0)


@given(st.text(max_size=200))
def test_any_text_is_read_or_left_out(text):
    reader = LineReader(WIDTH, HEIGHT, {0: "car"})
    found = reader.read(text.splitlines())
    assert len(found) + reader.lost == sum(bool(line.split()) for line in text.splitlines())


def test_label_files_beyond_a_bound_or_of_other_bytes_cost_only_their_image(tmp_path, monkeypatch):
    monkeypatch.setattr(shapes, "MAX_BYTES", 500)
    monkeypatch.setattr(shapes, "MAX_LINES", 10)
    write(tmp_path / "data.yaml", NAMES)
    build(tmp_path, images__a="0 " * 500, images__b="\n" * 20, images__c="", images__d="\ufeff" + LINE)
    write(tmp_path / "labels" / "c.txt", b"\xff\xfe\x00\xd8")
    listing = yolo.list_source(ReadRequest(tmp_path))
    for item, match in zip(listing.items, ("larger than", "more than 10 lines", "no text"), strict=False):
        with pytest.raises(BadItemError, match=match):
            yolo.read(item, ReadRequest(tmp_path))
    assert len(yolo.read(listing.items[3], ReadRequest(tmp_path)).shapes) == 1


# --- layouts and roles


def splits(listing: Listing) -> dict[str, tuple[tuple[str, ...], str | None]]:
    return {item.path: (item.subsets, item.role) for item in listing.items}


def test_ultralytics_layout_with_data_yaml(tmp_path):
    build(tmp_path, images__train__a=LINE, images__val__a=LINE, images__extra__b=LINE)
    write(tmp_path / "data.yaml", f"path: ../datasets/mine\ntrain: images/train\nval: images/val\ntest:\n{NAMES}")
    listing, records = read(tmp_path)
    assert splits(listing) == {
        "extra/b.jpg": ((), None),
        "train/a.jpg": (("train",), "train"),
        "val/a.jpg": (("val",), "val"),
    }
    assert all(len(record.shapes) == 1 for record in records.values())
    assert listing.classes == ("car", "road")
    assert read(tmp_path / "data.yaml")[0] == listing


def test_roboflows_layout(tmp_path):
    build(tmp_path, train__images__a=LINE, valid__images__b=LINE, test__images__c=None)
    write(tmp_path / "data.yaml", f"train: ../train/images\nval: ../valid/images\ntest: ../test/images\nnc: 2\n{NAMES}")
    write(tmp_path / "README.roboflow.txt", "exported")
    listing, records = read(tmp_path)
    assert splits(listing) == {
        "test/images/c.jpg": (("test",), "test"),
        "train/images/a.jpg": (("train",), "train"),
        "valid/images/b.jpg": (("val",), "val"),
    }
    assert [record.labelled for record in records.values()] == [False, True, True]
    assert listing.skipped == ()


def test_cvats_layout_names_the_photos_in_lists(tmp_path):
    build(tmp_path, images__one__a=LINE, images__one__b=LINE, images__two__c=LINE)
    write(tmp_path / "data.yaml", "path: ./\ntrain: train.txt\nval: [val.txt, nowhere]\nnames:\n  0: car\n  1: road\n")
    write(tmp_path / "train.txt", "images/one/a.jpg\ndata/images/two/c.jpg\nimages/one/gone.jpg\n")
    write(tmp_path / "val.txt", "D:\\data\\images\\one\\b.jpg\r\n")
    assert {path: role for path, (_, role) in splits(read(tmp_path)[0]).items()} == {
        "one/a.jpg": "train",
        "one/b.jpg": "val",
        "two/c.jpg": "train",
    }


def test_photos_named_for_training_and_validation_are_for_training_and_that_is_said(tmp_path):
    """As in Ultralytics' coco128.yaml."""
    build(tmp_path, images__train2017__a=LINE)
    write(
        tmp_path / "data.yaml",
        f"train: images/train2017\nval: images/train2017\ntest: [images/gone, {'x' * 5000}.txt]\n{NAMES}",
    )
    listing, _ = read(tmp_path)
    assert splits(listing) == {"train2017/a.jpg": (("train",), "train")}
    assert any("1 images for val" in note for note in listing.notes)
    assert any("images/gone, xxx" in note and "(test) names no photo" in note for note in listing.notes)


def test_label_files_beside_the_photos_and_photos_elsewhere(tmp_path):
    beside = tmp_path / "beside"
    write(beside / "day" / "a.jpg", PHOTO)
    write(beside / "day" / "a.txt", LINE)
    write(beside / "classes.txt", "car\nroad\n")
    listing, records = read(beside)
    assert (listing.classes, [shape.label for shape in records["day/a.jpg"].shapes]) == (("car", "road"), ["road"])
    apart = tmp_path / "apart"
    write(apart / "labels" / "day" / "a.txt", LINE)
    write(apart / "labels" / "classes.txt", "car\nroad\n")
    assert len(read(apart, images=beside)[1]["day/a.jpg"].shapes) == 1
    assert len(read(apart / "labels", images=beside)[1]["day/a.jpg"].shapes) == 1


def test_label_files_without_a_photo_and_shared_ones_are_said(tmp_path):
    write(tmp_path / "data.yaml", NAMES)
    build(tmp_path, images__a=LINE, images__b=LINE, images__c=LINE)
    write(tmp_path / "images" / "b.png", encode(scene(HEIGHT, WIDTH)))
    (tmp_path / "images" / "c.jpg").unlink()
    write(tmp_path / "result.jpg", PHOTO)
    listing, records = read(tmp_path)
    assert list(records) == ["a.jpg"]
    assert {problem.file for problem in listing.skipped} == {"images/b.jpg", "images/b.png", "labels/c.txt"}
    assert "1 image files lie in no folder called images: left out." in listing.notes


# --- names


@pytest.mark.parametrize(
    ("text", "classes"),
    [
        ("names: [no, 010, 1e3, ~]\n", ("no", "010", "1e3", "~")),
        ("names:\n  5: car\n  2: 'räum <b>'\n", ("räum <b>", "car")),
        ("names: {0: background, 1: car}\n", ("background", "car")),
        ("\ufeffnames:\n- car\n- car\n", ("car",)),
    ],
)
def test_names_are_the_text_they_are(tmp_path, text, classes):
    write(tmp_path / "data.yaml", text)
    listing, _ = read(build(tmp_path, images__a=""))
    assert listing.classes == classes


def test_without_names_the_numbers_are_the_names(tmp_path):
    build(tmp_path, images__a=f"{LINE}300{LINE[1:]}")
    listing, records = read(tmp_path)
    assert [shape.label for shape in records["a.jpg"].shapes] == ["class_1"]
    assert "above 253" in records["a.jpg"].repairs[0]
    assert "named after their numbers" in listing.notes[0]
    order = write(tmp_path / "order.txt", "car\nroad")
    assert read(tmp_path, classes_file=order)[1]["a.jpg"].shapes[0].label == "road"
    named = write(tmp_path / "elsewhere" / "my.yaml", NAMES)
    assert read(tmp_path, classes_file=named)[1]["a.jpg"].shapes[0].label == "road"


LAUGHS = "a: &a [x, x]\n" + "".join(f"{b}: &{b} [*{a}, *{a}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True))


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("names: [", "expected YAML"),
        ("names: car\n", "as a list"),
        ("names: []\n", "as a list"),
        ("names:\n  a: car\n", "as a list"),
        ("names: [[car], road]\n", "as a list"),
        ("names: ['']\n", "as a list"),
        ("- car\n", "names"),
        ("nc: 2\n", "names"),
        ("", "names"),
        (f"{NAMES}kpt_shape: [17, 3]\n", "key points"),
        (f"{LAUGHS}names: *i\n", "as a list"),
        ("names: " + "[" * 100_000, "nested too deeply"),
        (b"names: [\xff]", "UTF-8"),
        ("names: [a]\n" + "#" * 2**20, "larger than"),
        ("\0", "expected YAML"),
    ],
)
def test_a_data_yaml_that_is_none_or_means_harm(tmp_path, text, match):
    write(tmp_path / "data.yaml", text)
    with pytest.raises(UserError, match=match):
        read(build(tmp_path, images__a=LINE))


def test_a_data_yaml_builds_nothing_but_text(tmp_path, monkeypatch):
    monkeypatch.setattr("os.system", lambda _: pytest.fail("a data.yaml ran a command"))
    write(tmp_path / "data.yaml", "names: !!python/object/apply:os.system ['true']\n")
    assert read(build(tmp_path, images__a=""))[0].classes == ("true",)


def test_another_programs_yaml_is_passed_over(tmp_path):
    build(tmp_path, images__a=LINE)
    write(tmp_path / "aaa.yaml", "version: 2\n")
    write(tmp_path / "birds.yml", NAMES)
    assert data_file.find_data_file(tmp_path).path.name == "birds.yml"  # type: ignore[union-attr]
    assert read(tmp_path)[0].classes == ("car", "road")


def test_photos_without_any_label_file_are_no_dataset_of_yolos(tmp_path):
    with pytest.raises(UserError, match="no label file"):
        read(build(tmp_path, images__a=None))


def test_nothing_outside_is_read(tmp_path):
    write(tmp_path / "secret.txt", LINE)
    source = build(tmp_path / "source", images__a=LINE, images__b=LINE)
    write(source / "data.yaml", f"train: ../../secret.txt\nval: /etc/passwd\n{NAMES}")
    (source / "labels" / "a.txt").unlink()
    (source / "labels" / "a.txt").symlink_to(tmp_path / "secret.txt")
    listing = yolo.list_source(ReadRequest(source))
    first, second = listing.items
    with pytest.raises(BadItemError, match="leads out"):
        yolo.read(first, ReadRequest(source))
    assert yolo.read(second, ReadRequest(source)).shapes
    (source / "train.txt").symlink_to(tmp_path / "secret.txt")
    write(source / "data.yaml", f"train: train.txt\n{NAMES}")
    with pytest.raises(UserError, match="leads out"):
        yolo.list_source(ReadRequest(source))


# --- recognised


def test_it_is_recognised_by_its_lines_and_not_by_other_text(tmp_path):
    write(tmp_path / "data.yaml", NAMES)
    found = recognise(build(tmp_path, images__a=LINE, images__b=None, images__c=f"{LINE}0 0.5 0.5 0.1 0.1\n"))
    guess = found.guesses[0]
    assert (guess.format, guess.images, guess.labels, guess.classes) == ("yolo", 3, 2, {"road": 2})
    assert any("a box is no outline" in problem for problem in guess.problems)
    assert recognise(tmp_path / "data.yaml").guesses[0].images == 3
    prose = tmp_path / "prose"
    build(prose, images__a="Car 0 1 2 3 4 5 6 7\n")
    assert not [guess for guess in recognise(prose).guesses if guess.format == "yolo"]
