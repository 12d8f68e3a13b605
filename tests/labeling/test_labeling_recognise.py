"""Recognising a source, and seeing what an import would make of it, without writing anything."""

import base64
import io
import json

import numpy as np
import pytest
from PIL import Image

from db.errors import NotFoundError, UserError
from labeling.importing.preview import preview_import
from labeling.importing.recognise import recognise
from labeling.importing.recognition.labelme import SAMPLED_DOCUMENTS
from labeling.importing.run import ImportRequest
from labeling.importing.source_files import look_through
from labeling.map_store import pixels_sha256
from labeling.maps import read_map_png, write_map_png
from labeling.revisions import current_manifest
from tests.support.labelled_home import make_place
from tests.support.labelme_folder import HEIGHT, WIDTH, make_folder, rectangle, write_labels, write_photo


def make_pairs(root, photos, masks, names, values=(0, 1, 2)):
    """Write photos and masks of one name in two folders."""
    for seed, name in enumerate(names):
        write_photo(root / photos / f"{name}.png", seed)
        (root / masks).mkdir(parents=True, exist_ok=True)
        pixels = np.resize(np.array(values, np.uint8), (HEIGHT, WIDTH))
        (root / masks / f"{name}.png").write_bytes(write_map_png(pixels))
    return root


def make_coco(root, name="annotations.json", photos="images"):
    """Write two photos, one with two cars."""
    for seed in (1, 2):
        write_photo(root / photos / f"{seed}.png", seed)
    car = {"image_id": 1, "category_id": 7, "iscrowd": 0}
    cars = [{**car, "id": n, "segmentation": [[n, 0, 20, 0, 20, 20]]} for n in (1, 2)]
    document = {
        "images": [{"id": n, "file_name": f"{n}.png", "width": WIDTH, "height": HEIGHT} for n in (1, 2)],
        "categories": [{"id": 7, "name": "car"}, {"id": 9, "name": "tree"}],
        "annotations": cars,
    }
    (root / name).write_text(json.dumps(document))
    return root


def test_labelme_is_known_by_its_shapes(tmp_path):
    folder = make_folder(tmp_path / "day", ["a", "b", "deep/c"])
    write_photo(folder / "bare.png", 9)
    (folder / "labels.txt").write_text("_background_\ncar\nroad\n")
    (folder / "broken.json").write_text("{")
    (guess,) = recognise(folder).guesses
    assert (guess.format, guess.images, guess.classes) == ("labelme", 4, {"road": 3, "car": 1})
    assert guess.options == {"unlabelled": "background", "classes_file": str(folder / "labels.txt")}
    assert guess.evidence[:2] == ("3 labelme JSON files", "3 JSON files lie beside a photo of their name")
    assert "broken.json" in guess.problems[0]


def test_a_blank_label_is_no_class_and_a_list_of_classes_that_cannot_be_read_is_said(tmp_path):
    folder = make_folder(tmp_path / "day", ["a"], shapes=[rectangle(" ", 0, 0, 5, 5), rectangle("road", 0, 0, 5, 5)])
    (folder / "labels.txt").write_text("_background_\n\nroad\n")
    (guess,) = recognise(folder).guesses
    assert guess.classes == {"(no label)": 1, "road": 1}
    assert any("line 2 is empty" in problem for problem in guess.problems)


def test_annotations_of_images_that_coco_does_not_list_are_no_labelled_images(tmp_path):
    folder = make_coco(tmp_path)
    document = json.loads((folder / "annotations.json").read_text())
    document["annotations"].append(document["annotations"][0] | {"id": 99, "image_id": 77})
    (folder / "annotations.json").write_text(json.dumps(document))
    (guess,) = recognise(folder).guesses
    assert guess.labels <= guess.images == 2


def test_of_many_label_files_a_spread_sample_is_read(tmp_path, monkeypatch):
    folder = tmp_path / "many"
    folder.mkdir()
    total = SAMPLED_DOCUMENTS * 2
    for number in range(total):
        label = "late" if number >= SAMPLED_DOCUMENTS else "early"
        (folder / f"{number:04}.json").write_text(json.dumps({"shapes": [{"label": label}]}))
    (guess,) = recognise(folder).guesses
    assert guess.classes == {"early": SAMPLED_DOCUMENTS // 2, "late": SAMPLED_DOCUMENTS // 2}
    assert guess.labels == total
    assert guess.classes_from == f"shapes in {SAMPLED_DOCUMENTS} of {total} label files"
    monkeypatch.setattr("labeling.importing.source_files.MAX_FILES", 10)
    monkeypatch.setattr("labeling.importing.recognise.MAX_FILES", 10)
    assert len(look_through(folder).documents) == 10
    assert any("more than 10 files" in note for note in recognise(folder).notes)


@pytest.mark.parametrize("as_file", [False, True])
def test_coco_is_known_by_its_categories(tmp_path, as_file):
    source = make_coco(tmp_path)
    found = recognise(source / "annotations.json" if as_file else source)
    (guess,) = found.guesses
    assert (guess.format, guess.images, guess.labels, guess.classes) == ("coco", 2, 1, {"car": 2})
    assert guess.evidence == ("annotations.json is COCO with 2 categories",)
    assert guess.problems == ()


def test_voc_is_known_by_its_folders_before_masks_are(tmp_path):
    root = make_pairs(tmp_path / "VOCdevkit" / "VOC2012", "JPEGImages", "SegmentationClass", ["a", "b"], (0, 1, 255))
    (root / "ImageSets" / "Segmentation").mkdir(parents=True)
    for name in ("train", "val"):
        (root / "ImageSets" / "Segmentation" / f"{name}.txt").write_text("a\n")
    (root / "labels.txt").write_text("background\ncar\n")
    guess = recognise(tmp_path).guesses[0]
    assert (guess.format, guess.images, guess.labels) == ("voc", 2, 2)
    assert guess.evidence[0] == "JPEGImages with 2 photos beside SegmentationClass with 2 masks"
    assert guess.evidence[1] == "VOC lists: train, val"
    assert guess.classes == {"background": 2, "car": 2, "255": 2}
    assert guess.options["unlabelled"] == "ignore"


def test_masks_are_known_by_folders_of_one_another(tmp_path):
    (guess,) = recognise(make_pairs(tmp_path, "images", "masks", ["a", "b", "c"])).guesses
    assert (guess.format, guess.images, guess.labels) == ("masks", 3, 3)
    assert guess.classes == {"0": 3, "1": 3, "2": 3}
    assert guess.classes_from == "values in 3 of 3 masks"


def test_what_is_nothing_known_says_what_was_expected(tmp_path):
    write_photo(tmp_path / "a.png", 1)
    found = recognise(tmp_path)
    assert (found.guesses, found.photos) == ((), 1)
    assert "Expected: labelme" in found.notes[0]
    assert "The photo can be imported without labels" in found.notes[1]
    with pytest.raises(NotFoundError, match="nothing to import"):
        recognise(tmp_path / "gone")


def drawn(preview):
    return {image.path: read_map_png(image.class_map) for image in preview.images if image.class_map}


def test_a_preview_shows_what_the_import_would_store(tmp_path):
    folder = make_folder(tmp_path / "day", ["a", "b"])
    write_photo(folder / "bare.png", 9)
    preview = preview_import(ImportRequest("labelme", folder))
    assert [each.name for each in preview.classes] == ["background", "road", "car"]
    assert (preview.total, preview.skipped) == (3, 0)
    assert [image.path for image in preview.images] == ["a.png", "b.png", "bare.png"]
    place = make_place(tmp_path / "home")
    place.run_import(folder)
    stored = {image.path: image.map_sha256 for image in current_manifest(place.home, place.database).images}
    assert {path: pixels_sha256(pixels) for path, pixels in drawn(preview).items()} == stored
    assert preview.images[2].class_map == b""
    b = preview.images[1]
    assert sum(b.shares.values()) == pytest.approx(1)
    with Image.open(io.BytesIO(b.photo)) as photo:
        assert (photo.format, photo.size) == ("JPEG", (WIDTH, HEIGHT))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"unlabelled": "ignore"}, {"ignore", "road", "car"}),
        ({"unlabelled": "road"}, {"road", "car"}),
        ({"mapping": {"car": "road"}}, {"background", "road"}),
        ({"mapping": {"car": None}}, {"background", "road"}),
        ({"mapping": {"road": "ignore"}}, {"background", "car", "ignore"}),
    ],
)
def test_a_preview_shows_what_the_options_do(tmp_path, options, expected):
    folder = make_folder(tmp_path / "day", ["a", "b"])
    preview = preview_import(ImportRequest("labelme", folder, **options))
    assert set(preview.images[1].shares) == expected
    names = [each.name for each in preview.classes]
    values = {255 if name == "ignore" else names.index(name) for name in expected}
    assert set(np.unique(drawn(preview)["b.png"]).tolist()) == values


def test_a_preview_of_masks_and_of_a_file_that_cannot_be_read(tmp_path):
    make_pairs(tmp_path, "images", "masks", ["a", "b"])
    (tmp_path / "labels.txt").write_text("sky\nroad\ncar\n")
    (tmp_path / "masks" / "b.png").write_bytes(b"no image")
    preview = preview_import(ImportRequest("masks", tmp_path), count=2)
    a, b = preview.images
    assert [each.name for each in preview.classes] == ["sky", "road", "car"]
    assert np.unique(read_map_png(a.class_map)).tolist() == [0, 1, 2]
    assert (b.photo, b.class_map) == (b"", b"")
    assert "cannot be decoded" in b.problem
    said = a.to_json()
    assert base64.b64decode(said["map"].removeprefix("data:image/png;base64,")) == a.class_map


def test_a_preview_refuses_what_the_import_refuses(tmp_path):
    with pytest.raises(NotFoundError):
        preview_import(ImportRequest("labelme", tmp_path / "gone"))
    with pytest.raises(UserError, match="no format 'xml'"):
        preview_import(ImportRequest("xml", tmp_path))
    write_photo(tmp_path / "a.png", 1)
    write_labels(tmp_path / "a.png", [rectangle("x", 0, 0, 1, 1)])
    with pytest.raises(UserError, match="1 to 24"):
        preview_import(ImportRequest("labelme", tmp_path), count=25)
