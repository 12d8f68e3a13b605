"""COCO-Stuff: ids in PNGs and in MATLAB files, its own table of classes, and files as they are found broken."""

import json
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.io import savemat

from db.errors import UserError
from labeling.annotation import IGNORE
from labeling.formats.base import BadItemError, Listing, ReadRequest, Record
from labeling.formats.coco import codec as coco
from labeling.formats.cocostuff import codec as cocostuff
from labeling.formats.cocostuff import mat
from labeling.formats.cocostuff.mat import read_mat
from labeling.formats.cocostuff.names import NAMES, USED
from labeling.importing.recognise import recognise
from tests.support.codec_sources import write, write_mask
from tests.support.photo_files import encode, scene

WIDTH, HEIGHT = 12, 8
PHOTO = encode(scene(HEIGHT, WIDTH), "JPEG")
GRASS, PERSON, STREET_SIGN, WOOD = 124, 1, 12, 182


def ids(*columns: int) -> np.ndarray:
    """A map of columns of ids, as wide as the photo."""
    return np.tile(np.array([columns[x % len(columns)] for x in range(WIDTH)], np.uint8), (HEIGHT, 1))


def save(path: Path, **variables: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    savemat(path, variables, do_compression=True)
    return path


def read(source: Path, **request: Any) -> tuple[Listing, list[Record]]:
    asked = ReadRequest(source, **request)
    listing = cocostuff.list_source(asked)
    return listing, [cocostuff.read(item, asked) for item in listing.items]


def row(record: Record) -> list[str]:
    """The first row of an image, a name a pixel, `-` for ignored ones."""
    assert record.base is not None
    return ["-" if value == IGNORE else str(record.base.legend[value]) for value in record.base.pixels[0].tolist()]


def test_the_table_is_that_of_its_authors():
    assert len(NAMES) == 182
    assert len(USED) == 171
    assert (NAMES[1], NAMES[12], NAMES[91], NAMES[92], NAMES[124], NAMES[182]) == (
        "person",
        "street sign",
        "hair brush",
        "banner",
        "grass",
        "wood",
    )
    assert sum(id <= 91 for id in USED) == 80
    assert len(set(NAMES.values())) == 182


def test_pngs_of_the_164k_with_their_splits(tmp_path):
    """As the README unpacks them, and with the photos of the zip files beside stuffthingmaps/."""
    for photos, maps in (("images/train2017", "annotations/train2017"), ("val2017", "stuffthingmaps/val2017")):
        source = tmp_path / photos.partition("/")[0]
        write(source / photos / "000000000009.jpg", PHOTO)
        write_mask(source / maps / "000000000009.png", ids(GRASS, PERSON, 0, WOOD) - np.uint8(1))
        listing, (record,) = read(source)
        split = photos.rpartition("/")[2]
        assert [(item.path, item.role, item.subsets) for item in listing.items] == [
            (f"{split}/000000000009.jpg", split.removesuffix("2017"), (split,))
        ]
        assert listing.classes == tuple(USED.values())
        assert listing.background is None
        assert row(record)[:4] == ["grass", "person", "-", "wood"]
        assert record.repairs == ()


def test_mat_files_of_the_10k_with_their_lists(tmp_path):
    for name in ("COCO_train2014_000000000077", "COCO_train2014_000000000110"):
        write(tmp_path / "images" / f"{name}.jpg", PHOTO)
        save(
            tmp_path / "annotations" / f"{name}.mat",
            S=ids(GRASS, 0, WOOD),
            names=np.array(list(NAMES.values()), object),
            captions=np.array(["a photo"], object),
            regionMapStuff=np.ones((HEIGHT, WIDTH), np.uint16),
        )
    write(tmp_path / "imageLists" / "test.txt", "COCO_train2014_000000000077\n")
    write(tmp_path / "imageLists" / "train.txt", "COCO_train2014_000000000110\n")
    listing, records = read(tmp_path)
    assert [(item.role, item.subsets) for item in listing.items] == [("test", ("test",)), ("train", ("train",))]
    assert [row(record)[:3] for record in records] == [["grass", "-", "wood"]] * 2


def test_a_flat_folder_of_photos_is_found_below_the_maps_names(tmp_path):
    write(tmp_path / "images" / "9.jpg", PHOTO)
    write_mask(tmp_path / "annotations" / "val2017" / "9.png", ids(WOOD) - np.uint8(1))
    listing, (record,) = read(tmp_path)
    assert [(item.path, item.role) for item in listing.items] == [("9.jpg", "val")]
    assert record.labelled


def test_an_id_that_is_never_used_costs_its_image(tmp_path):
    write(tmp_path / "images" / "9.jpg", PHOTO)
    for maps in ("annotations/9.png", "annotations/9.mat"):
        path = tmp_path / maps
        if path.suffix == ".png":
            write_mask(path, ids(STREET_SIGN - 1, PERSON - 1))
        else:
            save(path, S=ids(STREET_SIGN, PERSON))
        with pytest.raises(BadItemError, match=rf"without a class: {STREET_SIGN - (path.suffix == '.png')} .*never"):
            read(tmp_path)
        path.unlink()


def test_another_programs_numbers_are_left_out_not_taken_for_ids(tmp_path):
    write(tmp_path / "images" / "train2017" / "9.jpg", PHOTO)
    write_mask(tmp_path / "annotations" / "train2017" / "9_labelTrainIds.png", ids(3))
    with pytest.raises(UserError, match="labelTrainIds"):
        read(tmp_path)
    write_mask(tmp_path / "annotations" / "train2017" / "9.png", ids(WOOD) - np.uint8(1))
    listing, (record,) = read(tmp_path)
    assert row(record)[0] == "wood"
    assert any("labelTrainIds" in note for note in listing.notes)


def test_tables_of_the_user_and_missing_folders_are_refused(tmp_path):
    labels = write(tmp_path / "labels.txt", "a\nb")
    with pytest.raises(UserError, match="take no file"):
        read(tmp_path, classes_file=labels)
    with pytest.raises(UserError, match="stuffthingmaps"):
        read(tmp_path)
    write_mask(tmp_path / "stuffthingmaps" / "9.png", ids(0))
    with pytest.raises(UserError, match="--images"):
        read(tmp_path)


def test_stuff_and_things_are_recognised(tmp_path):
    write(tmp_path / "images" / "9.jpg", PHOTO)
    save(tmp_path / "annotations" / "9.mat", S=ids(GRASS, PERSON))
    (guess, *_) = recognise(tmp_path).guesses
    assert (guess.format, guess.images, guess.labels, set(guess.classes)) == ("cocostuff", 1, 1, {"grass", "person"})


def test_the_json_of_stuff_leaves_unlabelled_pixels_ignored(tmp_path):
    write(tmp_path / "val2017" / "9.jpg", PHOTO)
    stuff = [{"id": id, "name": NAMES[id]} for id in range(92, 183)] + [{"id": 183, "name": "other"}]
    document = {
        "images": [{"id": 9, "file_name": "9.jpg", "width": WIDTH, "height": HEIGHT}],
        "annotations": [
            {"id": 1, "image_id": 9, "category_id": 124, "iscrowd": 0, "segmentation": [[0, 0, 5, 0, 5, 5]]},
            {"id": 2, "image_id": 9, "category_id": 183, "iscrowd": 0, "segmentation": [[5, 0, 9, 0, 9, 5]]},
        ],
        "categories": stuff,
    }
    path = write(tmp_path / "annotations" / "stuff_val2017.json", json.dumps(document))
    listing = coco.list_source(ReadRequest(path))
    assert listing.background is None
    assert [(item.path, item.role) for item in listing.items] == [("9.jpg", "val")]
    shapes = coco.read(listing.items[0], ReadRequest(path)).shapes
    assert [shape.label for shape in shapes] == ["grass", "other"]
    path.write_text(json.dumps(document | {"categories": [*stuff, {"id": 1, "name": "person"}]}))
    assert coco.list_source(ReadRequest(path)).background == "background"


# --- MATLAB files


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.float64])
@pytest.mark.parametrize("packed", [True, False])
def test_maps_of_any_number_type_that_scipy_writes(tmp_path, dtype, packed):
    path = tmp_path / "a.mat"
    savemat(path, {"x": np.zeros(9), "S": ids(GRASS, 0).astype(dtype), "y": "text"}, do_compression=packed)
    values = read_mat(path).values
    assert values is not None
    assert values.dtype == np.uint16
    np.testing.assert_array_equal(values, ids(GRASS, 0))


@pytest.mark.parametrize(
    ("variables", "match"),
    [
        ({"T": ids(1)}, "found T"),
        ({"S": "text"}, "char"),
        ({"S": np.zeros((2, 2, 2))}, "double"),
        ({"S": {"a": 1}}, "struct"),
        ({"S": np.array([[1, "a"]], object)}, "cell"),
        ({"S": np.array([[0.5]])}, "no class ids"),
        ({"S": np.array([[-1, 70_000]], np.int32)}, "no class ids"),
        ({"S": np.array([[np.nan]])}, "no class ids"),
        ({"S": np.zeros((0, 5))}, r"double \(0, 5\)"),
        ({"S": ids(1), "names": np.array(["x"] * 172, object)}, r"1\.0"),
    ],
)
def test_what_is_no_map(tmp_path, variables, match):
    with pytest.raises(BadItemError, match=match):
        read_mat(save(tmp_path / "a.mat", **variables))


def test_an_element_that_unpacks_to_too_much_is_refused_before_it_is(tmp_path, monkeypatch):
    monkeypatch.setattr(mat, "_MAX_BYTES", 1 << 16)
    whole = save(tmp_path / "a.mat", S=ids(1)).read_bytes()
    bomb = zlib.compress(bytes(1 << 17), 9)
    path = write(tmp_path / "bomb.mat", whole + struct.pack("<II", 15, len(bomb)) + bomb)
    with pytest.raises(BadItemError, match="unpacks to more than"):
        read_mat(path)


@pytest.mark.parametrize("data", [b"", b"x" * 200, b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM" + bytes(600)])
def test_another_file_is_refused(tmp_path, data):
    with pytest.raises(BadItemError, match="version 5"):
        read_mat(write(tmp_path / "a.mat", data))


@given(cut=st.integers(0, 10_000), at=st.integers(128, 10_000), value=st.integers(0, 255))
def test_broken_bytes_give_a_map_or_a_reason(tmp_path_factory, cut, at, value):
    path = save(tmp_path_factory.mktemp("mat") / "a.mat", S=ids(GRASS), names=np.array(["x", "y"], object))
    data = bytearray(path.read_bytes())
    data[at % len(data)] = value
    path.write_bytes(bytes(data[: len(data) - cut % len(data)]))
    try:
        values = read_mat(path).values
    except BadItemError:
        return
    assert values is not None
    assert values.ndim == 2
