"""What every writer keeps: what it wrote is read back the same, by other programs and by our own codec."""

import base64
import io
import json
import math
import tempfile
from contextlib import redirect_stdout
from pathlib import Path
from typing import get_args
from xml.etree import ElementTree

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO

from db.errors import UserError
from labeling.annotation import IGNORE, Annotation, Layer
from labeling.formats.class_names import check_names
from labeling.formats.codecs import CODECS
from labeling.formats.writers import WRITERS
from labeling.formats.writing import Picture, WriteRequest
from labeling.formats.written import EXPORTS, ExportFormat
from tests.support.pictures import COLORS, HEIGHT, WIDTH, make_picture, names_of, pictures, read_back, write_all


def test_every_writer_is_told_of_and_has_a_codec_that_reads_it():
    assert set(WRITERS) == set(EXPORTS) == set(get_args(ExportFormat))
    assert set(WRITERS) <= set(CODECS)


# ---- by other programs: each returns the class map as names


def coco_map(folder: Path, picture: Picture) -> np.ndarray:
    with redirect_stdout(io.StringIO()):
        coco = COCO(str(folder / "annotations" / "instances_default.json"))
    (image,) = coco.loadImgs(coco.getImgIds())
    assert (image["file_name"], image["width"], image["height"]) == ("a.png", picture.width, picture.height)
    found = np.full((picture.height, picture.width), picture.request.classes[0], object)
    for annotation in coco.loadAnns(coco.getAnnIds()):  # in file order: the largest first
        mask = coco.annToMask(annotation)
        name = coco.loadCats(annotation["category_id"])[0]["name"]
        found[mask == 1] = "ignore" if name == "__ignore__" else name
        if isinstance(annotation["segmentation"], dict):
            left, top, width, height = annotation["bbox"]
            rows, columns = np.nonzero(mask)
            assert (columns.min(), rows.min()) == (left, top)
            assert (columns.max() + 1 - left, rows.max() + 1 - top) == (width, height)
            assert annotation["area"] == mask.sum()
    return found


def png_map(mask: Path, folder: Path, picture: Picture) -> np.ndarray:
    classes = (folder / "labels.txt").read_text("utf-8").splitlines()
    image = Image.open(mask)
    if image.mode == "P":
        return names_of(np.asarray(image), classes)
    assert image.mode == "RGB"
    found = np.full((picture.height, picture.width), "?", object)
    lines = (folder / "labelmap.txt").read_text("utf-8").splitlines()
    colors = dict(line.split(":", 1) for line in lines if not line.startswith("#"))
    for name, rest in (colors | {"ignore": "224,224,192::"}).items():
        color = [int(value) for value in rest.split(":")[0].split(",")]
        found[(np.asarray(image) == color).all(axis=2)] = name
    return found


def polygon_mask(points: list[float], picture: Picture) -> np.ndarray:
    """As COCO draws it, which leaves out the right and the lower border."""
    rle = coco_mask.frPyObjects([points], picture.height, picture.width)
    return coco_mask.decode(coco_mask.merge(rle)) == 1


def yolo_map(folder: Path, picture: Picture) -> np.ndarray:
    names = yaml.safe_load((folder / "data.yaml").read_text("utf-8"))["names"]
    found = np.full((picture.height, picture.width), picture.request.classes[0], object)
    for line in (folder / "labels" / "a.txt").read_text().splitlines():
        number, *shares = line.split()
        values = np.array(shares, float)
        assert ((values >= 0) & (values <= 1)).all()  # Ultralytics refuses a file with others
        assert len(values) >= 6
        points = np.round(values.reshape(-1, 2) * (picture.width, picture.height), 5)
        found[polygon_mask(points.ravel().tolist(), picture)] = names[int(number)]
    return found


def cvat_map(folder: Path, picture: Picture) -> np.ndarray:
    root = ElementTree.parse(folder / "annotations.xml").getroot()
    labels = [label.text for label in root.iterfind("meta/task/labels/label/name")]
    (image,) = root.iterfind("image")
    assert image.attrib == {"id": "0", "name": "a.png", "width": str(picture.width), "height": str(picture.height)}
    found = np.full((picture.height, picture.width), picture.request.classes[0], object)
    for shape in sorted(image, key=lambda shape: int(shape.attrib["z_order"])):
        assert shape.attrib["label"] in labels
        box = {key: float(shape.attrib[key]) for key in ("left", "top", "width", "height") if key in shape.attrib}
        match shape.tag:
            case "polygon":
                points = [float(value) for pair in shape.attrib["points"].split(";") for value in pair.split(",")]
            case "box":
                x0, y0, x1, y1 = (float(shape.attrib[key]) for key in ("xtl", "ytl", "xbr", "ybr"))
                points = [x0, y0, x1, y0, x1, y1, x0, y1]
            case "ellipse":
                y, x = np.mgrid[: picture.height, : picture.width] + 0.5
                radius = float(shape.attrib["rx"])
                mask = np.hypot(x - float(shape.attrib["cx"]), y - float(shape.attrib["cy"])) <= radius
            case "mask":
                bits = [place % 2 for place, run in enumerate(shape.attrib["rle"].split(",")) for _ in range(int(run))]
                inside = np.array(bits, bool).reshape(int(box["height"]), int(box["width"]))
                mask = np.zeros((100, 100), bool)
                mask[int(box["top"]) :, int(box["left"]) :][: inside.shape[0], : inside.shape[1]] = inside
                mask = mask[: picture.height, : picture.width]
        if shape.tag in ("polygon", "box"):
            mask = polygon_mask(points, picture)
        found[mask] = "ignore" if shape.attrib["label"] == "__ignore__" else shape.attrib["label"]
    return found


def labelme_map(folder: Path, picture: Picture) -> np.ndarray:
    """As labelme's converter draws it: by Pillow, one shape over the other, both borders included."""
    document = json.loads((folder / "a.json").read_text("utf-8"))
    assert (document["imagePath"], document["imageWidth"], document["imageHeight"]) == ("a.png", WIDTH, HEIGHT)
    found = np.full((HEIGHT, WIDTH), picture.request.classes[0], object)
    for shape in document["shapes"]:
        image = Image.new("1", (WIDTH, HEIGHT))
        pen, points = ImageDraw.Draw(image), [tuple(point) for point in shape["points"]]
        match shape["shape_type"]:
            case "polygon":
                pen.polygon(points, outline=1, fill=1)
            case "rectangle":
                (x0, x1), (y0, y1) = (sorted(axis) for axis in zip(*points, strict=True))
                pen.rectangle([x0, y0, x1, y1], outline=1, fill=1)
            case "circle":
                (x, y), radius = points[0], math.dist(*points)
                pen.ellipse([x - radius, y - radius, x + radius, y + radius], outline=1, fill=1)
            case "mask":
                mask = Image.open(io.BytesIO(base64.b64decode(shape["mask"])))
                image.paste(Image.fromarray(np.asarray(mask) > 0), (int(points[0][0]), int(points[0][1])))
        name = {"__ignore__": "ignore", "unlabelled": picture.request.classes[0]}.get(shape["label"], shape["label"])
        found[np.asarray(image)] = name
    return found


FOREIGN = {
    "coco": coco_map,
    "voc": lambda folder, picture: png_map(folder / "SegmentationClass" / "a.png", folder, picture),
    "masks": lambda folder, picture: png_map(folder / "masks" / "a.png", folder, picture),
    "yolo": yolo_map,
    "cvat": cvat_map,
}


# ---- the contract


def expected(picture: Picture, format_name: str) -> np.ndarray:
    """What is to be read back: the class map, but for what the format has no word for."""
    found = names_of(picture.class_map, picture.request.classes)
    if format_name == "yolo":
        found[picture.class_map == IGNORE] = "background"
    return found


def said(losses: dict[str, int], start: str) -> int:
    return sum(count for what, count in losses.items() if what.startswith(start))


@pytest.mark.parametrize("format_name", sorted(WRITERS))
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_our_codec_reads_the_same_class_map_but_for_what_is_said(format_name, data):
    rules = ("labelme",) if format_name == "labelme" else ("center", "labelme")
    picture = data.draw(pictures(rules=rules))
    with tempfile.TemporaryDirectory() as folder:
        losses = write_all(WRITERS[format_name], [picture], Path(folder))
        listing, maps = read_back(CODECS[format_name], Path(folder))
    different = maps["a.png"] != expected(picture, format_name)
    if format_name == "labelme":
        elsewhere = picture.request.unlabelled != picture.request.background
        assert (different <= (picture.unlabelled & elsewhere)).all()
        assert said(losses, "Pixels that nobody labelled") == (picture.unlabelled.sum() if elsewhere else 0)
    elif format_name == "yolo":
        assert different[picture.class_map != IGNORE].sum() == said(losses, "Pixels along")
        assert (picture.class_map == IGNORE).sum() == said(losses, "Pixels that are ignored")
    else:
        assert different.sum() == said(losses, "Pixels along")
    if picture.request.background is not None and format_name not in ("coco", "yolo"):
        assert listing.classes == picture.request.classes


@settings(max_examples=12, deadline=None)
@given(pictures(rules=("labelme",)))
def test_a_program_that_draws_as_labelme_does_sees_the_class_map(picture):
    with tempfile.TemporaryDirectory() as folder:
        write_all(WRITERS["labelme"], [picture], Path(folder))
        found = labelme_map(Path(folder), picture)
    elsewhere = picture.unlabelled & (picture.request.unlabelled != 0)
    assert ((found == names_of(picture.class_map, picture.request.classes)) | elsewhere).all()


@pytest.mark.parametrize("format_name", sorted(name for name, each in EXPORTS.items() if each.objects))
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_objects_as_pixels_are_exact_for_other_programs_and_for_us(format_name, data):
    picture = data.draw(pictures(objects="pixels"))
    with tempfile.TemporaryDirectory() as folder:
        losses = write_all(WRITERS[format_name], [picture], Path(folder))
        foreign = FOREIGN[format_name](Path(folder), picture)
        _, maps = read_back(CODECS[format_name], Path(folder))
    truth = expected(picture, format_name)
    assert said(losses, "Pixels along") == 0
    np.testing.assert_array_equal(maps["a.png"], truth)
    if format_name != "yolo" or picture.request.background is not None:
        np.testing.assert_array_equal(foreign, truth)


@pytest.mark.parametrize("kind", ["index", "colors"])
@pytest.mark.parametrize("format_name", sorted(name for name, each in EXPORTS.items() if each.masks))
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_masks_are_exact_for_pillow_and_for_us(format_name, kind, data):
    picture = data.draw(pictures(masks=kind))
    with tempfile.TemporaryDirectory() as folder:
        write_all(WRITERS[format_name], [picture], Path(folder))
        foreign = FOREIGN[format_name](Path(folder), picture)
        _, maps = read_back(CODECS[format_name], Path(folder))
    truth = expected(picture, format_name)
    np.testing.assert_array_equal(foreign, truth)
    np.testing.assert_array_equal(maps["a.png"], truth)


# ---- names

HOSTILE = (
    *("#road", "a:b", "a:1,2,3", "a,b", "1 2 3 4", "  before", "after ", "a\nb", "a\tb", "two  blanks", "a\u00a0b"),
    *(
        "räum 日本 😀",
        "a\u0300",
        "\ufeffcar",
        "\uffff",
        "\u200b",
        "-1",
        "010",
        "no",
        "null",
        "~",
        "{}",
        "[",
        "!x",
        "&x",
    ),
    *("*x", "'", '"', "\\", "%s", "<b>&amp;", "]]>", "=cmd()", "../../x", "__ignore__", "ignore", "unlabelled"),
    *("name r g b", "_background_", "Background", "car-1", "x" * 1000),
)
MASK_KINDS = [(name, kind) for name in sorted(WRITERS) for kind in ("index", "colors")[: 1 + EXPORTS[name].masks]]


@pytest.mark.parametrize(("format_name", "kind"), MASK_KINDS)
def test_a_class_of_any_name_comes_back_or_is_refused_by_its_name(format_name, kind, tmp_path):
    kept: dict[bool, list[str]] = {True: [], False: []}  # by whether a table of colours names them
    refused: dict[str, str] = {}
    for name in HOSTILE:
        try:
            notes = check_names(WriteRequest(("background", name), COLORS[:2], masks=kind), format_name)
        except UserError as error:
            refused[name] = str(error)
        else:
            kept[not notes].append(name)
    assert all(repr(name) in said and "ename" in said for name, said in refused.items())
    assert {"a,b", "räum 日本 😀", "no", "<b>&amp;"} <= set(kept[True])
    for has_table, names in ((has_table, names) for has_table, names in kept.items() if names):
        folder, classes = tmp_path / str(has_table), ("background", *names)
        colors = tuple((place, 9, 2 * place) for place in range(len(classes)))
        check_round_trip(format_name, WriteRequest(classes, colors, masks=kind), folder)
        if EXPORTS[format_name].masks:
            assert list(foreign_table(folder)) == (list(classes) if has_table else [])


def check_round_trip(format_name, request: WriteRequest, folder: Path) -> None:
    pixels = np.arange(len(request.classes), dtype=np.uint8)[None].repeat(4, axis=1).repeat(5, axis=0)
    legend = tuple(range(len(request.classes)))
    annotation = Annotation(pixels.shape[1], pixels.shape[0], base=Layer("base", legend))
    write_all(WRITERS[format_name], [make_picture(annotation, request, base=pixels)], folder)
    listing, maps = read_back(CODECS[format_name], folder)
    np.testing.assert_array_equal(maps["a.png"], names_of(pixels, request.classes))
    assert set(request.classes[1:]) <= set(listing.classes)


def foreign_table(folder: Path) -> dict[str, tuple[int, ...]]:
    """As Datumaro reads a labelmap.txt: `#` begins a comment, `:` ends a name."""
    file = folder / "labelmap.txt"
    lines = [line.strip() for line in (file.read_text("utf-8") if file.exists() else "").split("\n")]
    rows = [line.split(":") for line in lines if line and not line.startswith("#")]
    return {row[0]: tuple(map(int, row[1].split(","))) for row in rows if row[0] != "ignore"}
