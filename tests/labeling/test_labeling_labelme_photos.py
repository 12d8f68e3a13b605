"""Which photo a labelme file is about, in which frame its points were drawn, what a folder of them holds."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from db.errors import UserError
from labeling.annotation import Annotation, Patch, Shape, Special
from labeling.formats.base import BadItemError, ReadRequest, Record
from labeling.formats.labelme import codec as labelme
from labeling.photos import read_photo, transpose_pixels, transpose_points
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
    write,
)
from tests.support.labelme_files import PHOTO_HEIGHT as HEIGHT
from tests.support.labelme_files import PHOTO_WIDTH as WIDTH
from tests.support.photo_files import encode, scene


def read_shapes(folder: Path, *shapes: Any, **more: Any) -> Record:
    return read_one(folder, document(*shapes, **more))


# --- which photo, and in which frame


def oriented(orientation: int, image_format: str = "JPEG") -> bytes:
    return encode(scene(HEIGHT, WIDTH), image_format, orientation=orientation)


def turned_square(orientation: int) -> set[tuple[float, float]]:
    return set(transpose_points([(x, y) for x, y in SQUARE], orientation, WIDTH, HEIGHT))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("frame", ["upright", "raw"])
def test_points_in_either_frame_of_a_jpeg(tmp_path, orientation, frame):
    """labelme 3.7 and later draw upright. Sizes that fit the stored frame alone tell that points lie in it."""
    upright = (HEIGHT, WIDTH) if orientation >= 5 else (WIDTH, HEIGHT)
    size = upright if frame == "upright" else (WIDTH, HEIGHT)
    record = read_one(tmp_path, document(shape(), size=size), oriented(orientation))
    assert (record.width, record.height) == upright
    in_raw_frame = frame == "raw" and orientation >= 5
    expected = turned_square(orientation) if in_raw_frame else {(float(x), float(y)) for x, y in SQUARE}
    assert set(record.shapes[0].points) == expected
    assert bool(record.repairs) == in_raw_frame


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("case", ["tiff", "before 3.6.12", "embedded as stored"])
def test_points_that_labelme_drew_on_the_stored_pixels(tmp_path, orientation, case):
    data = oriented(orientation, "TIFF" if case == "tiff" else "JPEG")
    name = "a.tif" if case == "tiff" else "a.jpg"
    (tmp_path / name).write_bytes(data)
    mask = shape("sky", [[60, 2], [63, 3]], "mask", mask=base64_mask(np.eye(2, 4) > 0))
    fields = document(shape(), mask, image=name, size=None if case == "before 3.6.12" else (WIDTH, HEIGHT))
    if case == "before 3.6.12":
        del fields["version"]
    if case == "embedded as stored":
        fields["imageData"] = base64_of(data)
    write(tmp_path / "a.json", fields)
    _, (record,) = read_folder(tmp_path)
    assert set(record.shapes[0].points) == turned_square(orientation)
    assert bool(record.repairs) == (orientation != 1)

    # What was drawn turns with the photo, pixel by pixel.
    stored = Annotation(WIDTH, HEIGHT, (Shape("mask", "sky", patch=_patch_at(60, 2)),))
    turned = Annotation(record.width, record.height, record.shapes[1:])
    no_layers: dict[str, Any] = {}
    expected = transpose_pixels(render(stored, no_layers.__getitem__, {"sky": 1}, unlabelled=0), orientation)
    np.testing.assert_array_equal(render(turned, no_layers.__getitem__, {"sky": 1}, unlabelled=0), expected)


def _patch_at(x: int, y: int) -> Patch:
    return Patch(x, y, np.eye(2, 4) > 0)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_embedded_upright_copy_is_the_photo_on_disk(tmp_path, orientation):
    """labelme 3.7 to 5 embed a re-encoded upright copy without EXIF; the better photo on disk is kept."""
    data = oriented(orientation)
    copy = encode(read_photo(data), "JPEG", quality=60)
    upright = (HEIGHT, WIDTH) if orientation >= 5 else (WIDTH, HEIGHT)
    record = read_one(tmp_path, document(shape(), size=upright, imageData=base64_of(copy)), data)
    assert record.photo == tmp_path / "a.jpg"
    assert [list(point) for point in record.shapes[0].points] == SQUARE
    assert record.repairs == ()


@pytest.mark.parametrize("orientation", range(2, 9))
def test_an_embedded_copy_of_the_stored_pixels_turns_the_points(tmp_path, orientation):
    copy = encode(scene(HEIGHT, WIDTH), "PNG")
    record = read_one(tmp_path, document(shape(), imageData=base64_of(copy)), oriented(orientation))
    assert record.photo == tmp_path / "a.jpg"
    assert set(record.shapes[0].points) == turned_square(orientation)
    assert f"orientation {orientation}" in record.repairs[0]


@pytest.mark.parametrize("other", [scene(HEIGHT, WIDTH, seed=9), scene(100, 80)])
def test_another_embedded_picture_wins(tmp_path, other):
    embedded = encode(other)
    size = other.shape[1], other.shape[0]
    record = read_one(tmp_path, document(shape(), size=size, imageData=base64_of(embedded)))
    assert record.photo == embedded
    assert (record.width, record.height) == size
    assert "different pictures" in record.repairs[0]


def test_only_an_embedded_photo(tmp_path):
    fields = document(shape(), image="C:\\gone\\a.JPG", size=(1, 1), imageData=base64_of(PHOTO))
    write(tmp_path / "sub" / "b.json", fields)
    listing, (record,) = read_folder(tmp_path)
    assert [(item.path, item.file) for item in listing.items] == [("sub/a.JPG", "sub/b.json")]
    assert (record.photo, record.width, record.height) == (PHOTO, WIDTH, HEIGHT)
    assert "not found" in record.repairs[0]
    assert "imageWidth" in record.repairs[1]


@pytest.mark.parametrize("embedded", ["%%%", base64_of(b"no photo"), 5, ["x"]])
def test_a_broken_embedded_photo_is_ignored_where_the_file_is_there(tmp_path, embedded):
    record = read_shapes(tmp_path, shape(), imageData=embedded)
    assert record.photo == tmp_path / "a.jpg"
    assert any("imageData" in repair or "embedded photo is not usable" in repair for repair in record.repairs)
    (tmp_path / "a.jpg").unlink()
    with pytest.raises(BadItemError, match=r"not found|cannot be used"):
        read_one(tmp_path, document(shape(), imageData=embedded), photo=None)


def test_a_broken_file_gives_way_to_the_embedded_photo(tmp_path):
    record = read_one(tmp_path, document(shape(), imageData=base64_of(PHOTO)), photo=PHOTO[:500])
    assert record.photo == PHOTO
    assert "a.jpg is not usable" in record.repairs[0]
    with pytest.raises(BadItemError, match=r"a\.jpg cannot be used: the image is broken"):
        read_one(tmp_path, document(shape()), photo=PHOTO[:500])


# --- folders


def put(folder: Path, name: str, photo: bytes = PHOTO) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(photo)


@pytest.mark.parametrize(
    ("label_file", "image_path", "photo", "moved"),
    [
        ("a.json", "a.jpg", "a.jpg", False),
        ("sub/a.json", "a.jpg", "sub/a.jpg", False),
        ("labels/a.json", "../photos/a.jpg", "photos/a.jpg", False),
        ("labels/a.json", "..\\photos\\a.jpg", "photos/a.jpg", False),
        ("a.json", "C:\\Users\\me\\pics\\a.jpg", "a.jpg", True),
        ("a.json", "/home/me/pics/a.jpg", "a.jpg", True),
        ("a.json", "\\\\server\\share\\a.jpg", "a.jpg", True),
        ("a.json", "A.JPG", "a.jpg", True),
        ("a.json", "before.jpg", "a.png", True),
        ("a.json", "../../a.jpg", "a.jpg", True),
        ("a.json", None, "a.jpg", True),
        ("Straße.json", "u\u0308.jpg", "\u00fc.jpg", True),
    ],
)
def test_the_photo_is_found(tmp_path, label_file, image_path, photo, moved):
    root = tmp_path / "import"
    put(tmp_path, "a.jpg", encode(scene(9, 9), "JPEG"))  # outside, never to be read
    put(root, photo)
    write(root / label_file, document(shape(), image=image_path))
    listing, (record,) = read_folder(root)
    assert [item.path for item in listing.items] == [photo]
    assert record.photo == root / photo
    assert bool(record.repairs) == moved
    assert listing.skipped == ()


@pytest.mark.parametrize("image_path", ["../a.jpg", "/etc/passwd", "../../../../etc/passwd", "x\0.jpg", "", ".", "//"])
def test_no_image_path_leads_out_of_the_folder(tmp_path, image_path):
    root = tmp_path / "import"
    put(tmp_path, "a.jpg")
    write(root / "b.json", document(shape(), image=image_path))
    listing = labelme.list_source(ReadRequest(root))
    (item,) = listing.items
    assert ".." not in item.path
    assert not item.path.startswith("/")
    with pytest.raises(BadItemError, match=r"not found"):
        labelme.read(item, ReadRequest(root))


def test_photos_kept_apart(tmp_path):
    put(tmp_path, "photos/deep/a.jpg")
    write(tmp_path / "labels" / "a.json", document(shape()))
    _, (record,) = read_folder(tmp_path / "labels", images=tmp_path / "photos")
    assert record.photo == tmp_path / "photos/deep/a.jpg"
    with pytest.raises(UserError, match="folder of the photos"):
        read_folder(tmp_path / "labels", images=tmp_path / "nowhere")


def test_two_photos_of_one_stem(tmp_path):
    put(tmp_path, "a.jpg")
    put(tmp_path, "a.png", encode(scene(HEIGHT, WIDTH)))
    write(tmp_path / "a.json", document(shape()))
    listing, records = read_folder(tmp_path)
    assert [(item.path, record.labelled) for item, record in zip(listing.items, records, strict=True)] == [
        ("a.jpg", True),
        ("a.png", False),
    ]
    assert "a.png and a.jpg share the name" in listing.notes[0]

    write(tmp_path / "a.json", document(shape(), image=None))
    listing = labelme.list_source(ReadRequest(tmp_path))
    broken = next(item for item in listing.items if item.file == "a.json")
    with pytest.raises(BadItemError, match="both have its name"):
        labelme.read(broken, ReadRequest(tmp_path))


def test_two_label_files_of_one_photo(tmp_path):
    put(tmp_path, "b.jpg")
    write(tmp_path / "a.json", document(shape(), image="b.jpg"))
    write(tmp_path / "b.json", document(shape(), image="b.jpg"))
    listing, _ = read_folder(tmp_path)
    assert [(item.path, item.file) for item in listing.items] == [("b.jpg", "b.json")]
    assert [problem.file for problem in listing.skipped] == ["a.json"]
    assert "which b.json labels too" in listing.skipped[0].reason


def test_photos_without_label_files_are_unlabelled_and_masks_are_no_photos(tmp_path):
    put(tmp_path, "a.jpg")
    put(tmp_path, "later/c.jpg")
    put(tmp_path, "masks/a.png", encode(np.zeros((HEIGHT, WIDTH), np.uint8)))
    put(tmp_path, ".hidden/d.jpg")
    write(tmp_path / "a.json", document(shape()))
    listing, records = read_folder(tmp_path)
    assert [item.path for item in listing.items] == ["a.jpg", "later/c.jpg"]
    assert [record.labelled for record in records] == [True, False]
    assert "masks/a.png" in listing.notes[0]


def test_one_label_file_as_the_source(tmp_path):
    put(tmp_path, "a.jpg")
    put(tmp_path, "b.jpg")
    write(tmp_path / "a.json", document(shape()))
    write(tmp_path / "b.json", document(shape()))
    listing, (record,) = read_folder(tmp_path / "a.json")
    assert [(item.path, item.file) for item in listing.items] == [("a.jpg", "a.json")]
    assert len(record.shapes) == 1


@pytest.mark.parametrize("make", [lambda p: None, lambda p: p.mkdir(), lambda p: p.write_text("x")])
def test_a_source_with_nothing_in_it_is_the_users_mistake(tmp_path, make):
    make(tmp_path / "source")
    with pytest.raises(UserError, match="expected"):
        labelme.list_source(ReadRequest(tmp_path / "source"))


# --- classes


@pytest.mark.parametrize(
    ("lines", "classes", "background"),
    [
        ("__ignore__\n_background_\nroad\nsky\n\n", ("_background_", "road", "sky"), "_background_"),
        ("\ufeffroad\r\nsky", ("road", "sky"), "background"),
    ],
)
def test_labels_txt_gives_the_class_order(tmp_path, lines, classes, background):
    put(tmp_path, "a.jpg")
    write(tmp_path / "a.json", document(shape("__ignore__"), shape("_background_"), shape("unheard of")))
    (tmp_path / "labels.txt").write_text(lines, encoding="utf-8")
    for request in ({}, {"classes_file": tmp_path / "labels.txt"}):
        listing, (record,) = read_folder(tmp_path, **request)
        assert (listing.classes, listing.background, listing.raster) == (classes, background, "labelme")
        assert [drawn.label for drawn in record.shapes] == [Special.IGNORE, background, "unheard of"]
        assert isinstance(record.shapes[0].label, Special)


def test_labelmes_own_sample_reads_without_a_repair(test_data):
    listing, records = read_folder(test_data / "labelme_voc")
    assert listing.classes[:2] == ("_background_", "aeroplane")
    assert [item.path for item in listing.items] == [f"2011_0000{n}.jpg" for n in ("03", "06", "25")]
    index: dict[Any, int] = {name: value for value, name in enumerate(listing.classes)}
    differing = []
    for item, record in zip(listing.items, records, strict=True):
        assert record.repairs == ()
        annotation = Annotation(record.width, record.height, record.shapes)
        no_layers: dict[str, Any] = {}
        drawn = render(annotation, no_layers.__getitem__, index, unlabelled=0)
        expected = test_data / "labelme_voc" / "expected" / item.path.replace(".jpg", ".png")
        differing.append(int(np.count_nonzero(drawn != np.asarray(Image.open(expected)))))
    assert differing[0] == differing[2] == 0
    assert differing[1] <= 1


def test_a_photo_that_was_named_in_spite_of_a_namesake_is_said(tmp_path):
    """As after renaming or copying photos together with their label files."""
    put(tmp_path, "a.jpg")
    put(tmp_path, "b.jpg")
    write(tmp_path / "b.json", document(shape(), image="a.jpg"))
    listing, records = read_folder(tmp_path)
    assert [(item.path, record.labelled) for item, record in zip(listing.items, records, strict=True)] == [
        ("a.jpg", True),
        ("b.jpg", False),
    ]
    [told] = records[0].repairs
    assert "though b.jpg has its name" in told


def test_a_photo_of_a_kind_that_is_not_read_is_not_called_missing(tmp_path):
    (tmp_path / "a.heic").write_bytes(b"....ftypheic")
    with pytest.raises(BadItemError, match=r"'a\.heic' is a kind of file that is not read \(save it as JPEG"):
        read_one(tmp_path, document(shape(), image="a.heic"), None)
