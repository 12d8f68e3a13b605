"""What people bring that is broken, odd or hostile: one folder of each kind, and what the import says of every file.

Nothing here may stop the others: each folder holds a good photo besides, which comes in.
"""

import io
import json
import struct
import zlib
from dataclasses import dataclass

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin

from labeling.importing.report import FileReport
from labeling.revisions import freeze
from labeling.roles import set_roles
from tests.support.labelled_home import Place, make_place
from tests.support.photo_files import encode, scene

TAKEN = None


class Repaired(str):
    """It comes in, and this was repaired."""


def jpeg(**options):
    return encode(scene(), "JPEG", **options)


def pillow(mode, image_format, **options):
    buffer = io.BytesIO()
    Image.fromarray(scene()).convert(mode).save(buffer, image_format, **options)
    return buffer.getvalue()


def sixteen_bits():
    buffer = io.BytesIO()
    Image.fromarray(np.arange(48 * 64, dtype=np.uint16).reshape(48, 64) * 20).save(buffer, "PNG")
    return buffer.getvalue()


def transparent_palette():
    buffer = io.BytesIO()
    Image.fromarray(scene()).quantize(8).save(buffer, "PNG", transparency=3)
    return buffer.getvalue()


def pillow_palette(pixels):
    image = Image.fromarray(pixels, "P")
    image.putpalette(bytes(range(256)) * 3)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def many(image_format):
    frames = [Image.fromarray(scene(seed=seed)) for seed in (1, 2, 3)]
    buffer = io.BytesIO()
    frames[0].save(buffer, image_format, save_all=True, append_images=frames[1:])
    return buffer.getvalue()


def one_bit_bomb(side=60_000):
    """A PNG of a few hundred kilobytes that says it has 3,600 million pixels."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    packer = zlib.compressobj(9)
    rows = packer.compress(bytes(side * (side // 8 + 1) // 1000)) + packer.flush()  # it is refused by its head
    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def with_profile():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return jpeg(icc_profile=profile)


def with_long_text():
    info = PngImagePlugin.PngInfo()
    info.add_text("comment", "x" * 2**20, zip=True)
    return encode(scene(), "PNG", pnginfo=info)


PHOTOS = {
    "empty.jpg": (b"", "the file is empty (0 bytes)"),
    "cut.jpg": (jpeg()[:700], "the image is broken or cut off"),
    "cut.png": (encode(scene())[:900], "the image is broken or cut off"),
    "page.jpg": (b"<!doctype html><html><body>404</body></html>", "the file holds HTML or XML text"),
    "drawing.png": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "the file holds HTML or XML text"),
    "heic.jpg": (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + bytes(200), "HEIC or AVIF"),
    "bomb.png": (one_bit_bomb(), "more than 89,478,485 pixels"),
    "png_named.jpg": (encode(scene()), TAKEN),
    "jpeg_named.png": (jpeg(), TAKEN),
    "cmyk.jpg": (pillow("CMYK", "JPEG"), TAKEN),
    "grey.jpg": (pillow("L", "JPEG"), TAKEN),
    "sixteen.png": (sixteen_bits(), TAKEN),
    "palette.png": (transparent_palette(), TAKEN),
    "la.png": (pillow("LA", "PNG"), TAKEN),
    "rgba.png": (pillow("RGBA", "PNG"), TAKEN),
    "one_bit.png": (pillow("1", "PNG"), TAKEN),
    "animated.webp": (many("WEBP"), TAKEN),
    "animated.png": (many("PNG"), TAKEN),
    "stereo.jpg": (many("MPO"), TAKEN),
    "progressive.jpg": (jpeg(progressive=True), TAKEN),
    "icc.jpg": (with_profile(), TAKEN),
    "long_text.png": (with_long_text(), TAKEN),
    "one_pixel.png": (encode(scene(1, 1)), TAKEN),
    "tall.png": (encode(scene(30_000, 1)), TAKEN),
    **{
        f"turned_{orientation}.{suffix}": (encode(scene(), image_format, orientation=orientation), TAKEN)
        for orientation in range(1, 9)
        for suffix, image_format in (("jpg", "JPEG"), ("png", "PNG"), ("webp", "WEBP"), ("tif", "TIFF"))
    },
    "name with blanks ü 测试 🚲.jpg": (jpeg(), TAKEN),
    "=cmd().jpg": (jpeg(), TAKEN),
    "CON.jpg": (jpeg(), TAKEN),
}


def label_file(**fields):
    usual: dict[str, object] = {"version": "5.5.0", "flags": {}, "imagePath": "a.jpg", "imageData": None}
    polygon = {"label": "road", "points": [[1, 1], [40, 1], [40, 30]], "shape_type": "polygon", "group_id": None}
    return json.dumps(usual | {"shapes": [polygon], "imageHeight": 48, "imageWidth": 64} | fields)


def labelled(*shapes, **fields):
    return label_file(shapes=list(shapes), **fields)


def polygon(label="road", points=((1, 1), (40, 1), (40, 30)), **more):
    return {"label": label, "points": [list(point) for point in points], "shape_type": "polygon", **more}


LABELS = {
    "no_shapes": (labelled(), TAKEN),
    "deep": ('{"shapes": ' + "[" * 100_000 + "]" * 100_000 + "}", "nested too deeply"),
    "long_number": (labelled(polygon(), x=0).replace('"x": 0', f'"x": {"9" * 5000}'), "thousands of digits"),
    "nan": (label_file().replace("[40, 30]", "[NaN, 30]"), "none of its 1 shapes can be read: shapes[0] left out"),
    "list": ("[1, 2, 3]", "found a JSON list"),
    "cut": (label_file()[:100], "not valid JSON: Unterminated string"),
    "empty": ("", "the label file is empty"),
    "long_label": (labelled(polygon("x" * 10_000_000)), "10000000 characters, at most 1000 are allowed"),
    "another_size": (label_file(imageHeight=10, imageWidth=10), "labelled on a photo of 10 x 10 pixels"),
    "leads_out": (label_file(imagePath="../../../etc/passwd"), "leads out of the import folder"),
    "no_photo": (label_file(imagePath="never_there.jpg"), "no photo beside it has its name"),
    "utf16": (label_file().encode("utf-16"), Repaired("the label file is UTF-16")),
    "twice": (label_file().replace('"flags"', '"version": "6.0.0", "flags"'), Repaired("version")),
    "two_points": (labelled(polygon(), polygon(points=((1, 1), (2, 2)))), Repaired("shapes[1] left out")),
    "unknown_kind": (labelled(polygon() | {"shape_type": "spline"}, polygon()), Repaired("its type 'spline'")),
    "bom": (label_file().encode("utf-8-sig"), TAKEN),
    "hostile_label": (labelled(polygon("<script>alert(1)</script> ${7*7} ../../x =cmd()")), TAKEN),
    "right_to_left": (labelled(polygon("\u202eطريق 🚲")), TAKEN),
    "many_shapes": (labelled(*[polygon()] * 20_000), TAKEN),
    "outside": (labelled(polygon(points=((-50, -50), (500, -50), (500, 500)))), TAKEN),
    "huge_numbers": (labelled(polygon(points=((1e300, 1), (2, 2e300), (3, 3)))), TAKEN),
}
ALONE = {"leads_out", "no_photo"}


def mask(values):
    return encode(np.asarray(values, np.uint8))


BOXES = np.repeat(np.repeat(np.array([[0, 1, 2, 1], [1, 2, 0, 255]], np.uint8), 24, axis=0), 16, axis=1)
MASKS = {
    "empty": (b"", "cannot be decoded"),
    "page": (b"<html>404</html>", "cannot be decoded"),
    "cut": (mask(BOXES)[:70], "cannot be decoded"),
    "another_size": (mask(BOXES[:20]), "the photo 64 x 48"),
    "colours": (encode(scene()), "colour"),
    "beyond": (mask(BOXES + 3), "value"),
    "transparent": (encode(np.dstack([scene(), BOXES])), "transparent"),
    "bomb": (one_bit_bomb(), "more than 89,478,485 pixels"),
    "whole": (mask(BOXES), TAKEN),
    "all_ignored": (mask(np.full((48, 64), 255)), TAKEN),
    "all_background": (mask(np.zeros((48, 64))), TAKEN),
    "sixteen": (encode(BOXES.astype(np.uint16)), TAKEN),
    "palette": (pillow_palette(BOXES), TAKEN),
    "opaque": (
        encode(np.dstack([BOXES] * 3 + [np.full_like(BOXES, 255)])),
        "colours that the colour table does not name: 1,1,1",
    ),
}
LISTS = {
    "crlf": ("whole\r\nsixteen\r\n\r\n", ["sixteen.jpg", "whole.jpg"]),
    "blank": ("\n\nwhole\n   \n", ["whole.jpg"]),
    "unknown": ("whole\nnever_there\n", ["whole.jpg"]),
    "twice": ("whole\nwhole\n", ["whole.jpg"]),
    "two_columns": ("whole  1\n", ["whole.jpg"]),
    "marked": ("\ufeffwhole\n", ["whole.jpg"]),
    "nothing": ("", []),
}


@dataclass(frozen=True)
class Outcome:
    """What an import said of files, and the home it filled."""

    said: dict[str, FileReport]
    place: Place

    @property
    def images(self) -> set[str]:
        return {row[0] for row in self.place.everything()["images"]}

    def expect(self, wanted, file, image):
        assert (image in self.images) == (wanted is TAKEN or isinstance(wanted, Repaired))
        said = self.said.get(file)
        if wanted is TAKEN:
            assert said is None or said.action in ("imported", "repaired")
        else:
            assert said is not None
            assert said.action == ("repaired" if isinstance(wanted, Repaired) else "skipped")
            assert wanted in said.reason


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """The report on a folder of all photos, by file, and the paths of what came in."""
    folder = tmp_path_factory.mktemp("photos")
    for name, (data, _) in PHOTOS.items():
        (folder / "in" / name).parent.mkdir(exist_ok=True)
        (folder / "in" / name).write_bytes(data)
    return _imported(folder)


@pytest.fixture(scope="module")
def labels(tmp_path_factory):
    """Likewise on a folder of photos with those label files."""
    folder = tmp_path_factory.mktemp("labels")
    (folder / "in").mkdir()
    for name, (text, _) in LABELS.items():
        if name not in ALONE:
            (folder / "in" / f"{name}.jpg").write_bytes(encode(scene(seed=len(name)), "JPEG"))
        data = text if isinstance(text, bytes) else text.encode()
        data = data.replace(b"a.jpg", f"{name}.jpg".encode())
        (folder / "in" / f"{name}.json").write_bytes(data)
    return _imported(folder)


@pytest.fixture(scope="module")
def voc(tmp_path_factory):
    """Likewise on a VOC folder with those masks and lists."""
    folder = tmp_path_factory.mktemp("voc")
    for name in ("JPEGImages", "SegmentationClass", "ImageSets/Segmentation"):
        (folder / "in" / name).mkdir(parents=True)
    for name, (data, _) in MASKS.items():
        (folder / "in/JPEGImages" / f"{name}.jpg").write_bytes(encode(scene(seed=len(name)), "JPEG"))
        (folder / "in/SegmentationClass" / f"{name}.png").write_bytes(data)
    for name, (text, _) in LISTS.items():
        (folder / "in/ImageSets/Segmentation" / f"{name}.txt").write_bytes(text.encode())
    every = "".join(f"{name}\n" for name in MASKS)
    (folder / "in/ImageSets/Segmentation/every.txt").write_text(every)
    (folder / "in/labels.txt").write_text("sky\nroad\ncar\n")
    return _imported(folder, "voc")


def _imported(folder, format="labelme"):
    if format == "labelme":
        (folder / "in" / "good.jpg").write_bytes(encode(scene(seed=7), "JPEG"))
    place = make_place(folder / "home")
    report = place.run_import(folder / "in", format)
    return Outcome({file.file: file for file in report.files}, place)


@pytest.mark.parametrize("name", PHOTOS)
def test_a_photo_comes_in_or_is_refused_in_a_sentence(photos, name):
    assert "good.jpg" in photos.images
    photos.expect(PHOTOS[name][1], name, name)


@pytest.mark.parametrize("name", LABELS)
def test_a_label_file_is_read_repaired_or_refused_in_a_sentence(labels, name):
    labels.expect(LABELS[name][1], f"{name}.json", f"{name}.jpg")


@pytest.mark.parametrize("name", MASKS)
def test_a_mask_is_read_or_refused_in_a_sentence(voc, name):
    voc.expect(MASKS[name][1], f"SegmentationClass/{name}.png", f"{name}.jpg")


@pytest.mark.parametrize("name", LISTS)
def test_a_list_has_whom_it_names(voc, name):
    assert [path for subset, path in voc.place.everything()["members"] if subset == name] == LISTS[name][1]


@pytest.mark.parametrize("kind", ["labels", "voc"])
def test_all_that_came_in_with_labels_can_be_frozen(request, kind):
    outcome = request.getfixturevalue(kind)
    labelled = sorted(outcome.images - {"good.jpg"})
    set_roles(outcome.place.database, None, "in", labelled, "train")
    assert freeze(outcome.place.home, outcome.place.database).images == {"in": {"train": len(labelled)}}
