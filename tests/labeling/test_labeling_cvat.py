"""CVAT for images 1.1 as CVAT writes it, as people break it, and as somebody would who means harm."""

import math
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from pycocotools import mask as coco_mask

from db.errors import UserError
from labeling.annotation import Shape, Special
from labeling.formats.base import BadItemError, Listing, ReadRequest, Record
from labeling.formats.cvat import codec as cvat
from labeling.formats.cvat import stream
from labeling.formats.cvat.runs import decode_runs, encode_runs
from tests.support.codec_sources import class_map, write
from tests.support.photo_files import encode, scene

WIDTH, HEIGHT = 40, 30
PHOTO = encode(scene(HEIGHT, WIDTH), "JPEG")
HEAD = '<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n  <version>1.1</version>\n'
META = """<meta><project><id>7</id><labels>
  <label><name>road</name><color>#0a0bFF</color><type>any</type><attributes>
    <attribute><name>wet</name><mutable>False</mutable><values>yes</values></attribute></attributes></label>
  <label><name>car &amp; van</name><color>#ff0000</color><type>polygon</type><attributes></attributes></label>
  <label><name>body</name><color>#000000</color><type>skeleton</type><svg>&lt;line&gt;</svg></label>
  <label><name>1</name><type>points</type><parent>body</parent></label>
  <label><name>blurred</name><type>tag</type></label>
</labels></project></meta>
"""
POLYGON = '<polygon label="road" source="manual" occluded="0" points="2.00,2.00;12.00,2.00;12.00,9.00" z_order="0"/>'


def image(*shapes: str, name: str = "a.jpg", id: int = 0, **more: Any) -> str:
    given = "".join(f' {key}="{value}"' for key, value in {"width": WIDTH, "height": HEIGHT, **more}.items())
    return (
        f'  <image id="{id}" name="{name}"{given}>\n' + "".join(f"    {shape}\n" for shape in shapes) + "  </image>\n"
    )


def build(folder: Path, *images: str, meta: str = META, photos: tuple[str, ...] = ("images/a.jpg",)) -> Path:
    for photo in photos:
        write(folder / photo, PHOTO)
    return write(folder / "annotations.xml", f"{HEAD}{meta}{''.join(images)}</annotations>\n")


def read(source: Path, **request: Any) -> tuple[Listing, list[Record]]:
    asked = ReadRequest(source, **request)
    listing = cvat.list_source(asked)
    return listing, [cvat.read(item, asked) for item in listing.items]


def read_record(folder: Path, *shapes: str) -> Record:
    _, (record,) = read(build(folder, image(*shapes)).parent)
    return record


def read_shapes(folder: Path, *shapes: str) -> tuple[Shape, ...]:
    return read_record(folder, *shapes).shapes


# --- shapes


def test_what_cvat_documents_is_read(tmp_path):
    """The example of CVAT's documentation of the format, its photo made smaller; the runs are its very own."""
    runs = "3, 5, 7, 7, 5, 9, 3, 11, 2, 11, 2, 12, 1, 12, 1, 26, 1, 12, 1, 12, 2, 11, 3, 9, 5, 7, 7, 5, 3"
    shapes = (
        '<box label="plate" xtl="7.33" ytl="8.92" xbr="9.52" ybr="12.94" occluded="0" z_order="4">\n    </box>',
        '<polygon label="car" points="5.30,9.23;5.61,4.77;13.52,6.71" occluded="0" z_order="1">\n    </polygon>',
        '<polyline label="line" points="4.10,0.00;12.80,30.00" occluded="0" z_order="3">\n    </polyline>',
        '<points label="wheel" points="5.90,9.48;11.16,9.90" occluded="0" z_order="5">\n    </points>',
        '<tag label="good_frame" source="manual">\n    </tag>',
        '<skeleton label="s1" source="manual" z_order="0">\n<points label="1" outside="0" points="5.47,9.81">\n'
        "    </points>\n</skeleton>",
        f'<mask label="car" source="manual" occluded="0" rle="{runs}" left="20" top="10" width="13" height="15" '
        'z_order="0">\n    </mask>',
    )
    record = read_record(tmp_path, *shapes)
    assert [(shape.kind, shape.label) for shape in record.shapes] == [
        ("mask", "car"),
        ("polygon", "car"),
        ("line", "line"),
        ("rectangle", "plate"),
        ("point", "wheel"),
        ("point", "wheel"),
    ]
    assert record.extra == {"tags": [{"label": "good_frame", "source": "manual"}]}
    assert len(record.repairs) == 1
    assert "skeleton 5" in record.repairs[0]
    mask, _, _, box, first, second = record.shapes
    assert box.points == ((7.33, 8.92), (9.52, 12.94))
    assert first.group == second.group is not None
    assert mask.patch is not None
    assert (mask.patch.x, mask.patch.y, mask.patch.pixels.shape) == (20, 10, (15, 13))
    padded = np.pad(mask.patch.pixels, 1).astype(int)  # a brush's round stroke: one run a row and one a column
    for axis in (0, 1):
        assert np.abs(np.diff(padded, axis=axis)).sum(axis=axis).max() == 2


def test_the_higher_z_order_covers_the_lower_and_equal_ones_stay_in_order(tmp_path):
    box = '<box label="{0}" xtl="0" ytl="0" xbr="{1}" ybr="30" z_order="{2}"/>'
    shapes = (box.format("top", 8, 2), box.format("bottom", 40, -1), box.format("first", 16, 0))
    record = read_record(tmp_path, *shapes, box.format("second", 12, 0))
    names = ("bg", "top", "bottom", "first", "second")
    row = class_map(record, classes=names)[0]
    assert [names[value] for value in row[[0, 10, 14, 20]]] == ["top", "second", "first", "bottom"]


def test_what_draws_nothing_is_kept_under_cvats_names(tmp_path):
    shape = (
        '<polygon label=" road " source="semi-auto" occluded="1" points="2,2;12,2;12,9" z_order="3" group_id="4" '
        'xml:lang="de">'
        '<attribute name="wet">yes &amp; no</attribute><attribute name="lanes">2</attribute></polygon>'
    )
    (found,) = read_shapes(tmp_path, shape)
    assert (found.label, found.group) == ("road", 4)
    kept = {"source": "semi-auto", "occluded": "1", "z_order": "3"}
    assert found.extra == {**kept, "attributes": {"wet": "yes & no", "lanes": "2"}}


@pytest.mark.parametrize("degrees", [30, 90, 315, 405])
def test_a_turned_box_covers_what_opencv_says_it_covers(tmp_path, degrees):
    shape = f'<box label="road" xtl="10" ytl="8" xbr="30" ybr="18" rotation="{degrees}.00"/>'
    (found,) = read_shapes(tmp_path, shape)
    expected = cv2.boxPoints(((20, 13), (20, 10), degrees))
    np.testing.assert_allclose(sorted(found.points), sorted(expected.astype(float).tolist()), atol=0.002)
    assert found.kind == "polygon"


@pytest.mark.parametrize("degrees", [0, 40])
def test_an_ellipse_covers_the_pixels_whose_centre_lies_in_it(tmp_path, degrees):
    shape = f'<ellipse label="road" cx="20.30" cy="14.60" rx="13.00" ry="6.00" rotation="{degrees}"/>'
    record = read_record(tmp_path, shape)
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    along, across = cosine * (x - 20.3) + sine * (y - 14.6), cosine * (y - 14.6) - sine * (x - 20.3)
    inside = (along / 13) ** 2 + (across / 6) ** 2 <= 1
    drawn = class_map(record, classes=("bg", "road")) == 1
    assert np.count_nonzero(drawn != inside) <= 2
    assert np.count_nonzero(drawn & ~inside) == 0


def test_a_round_ellipse_is_a_circle(tmp_path):
    (found,) = read_shapes(tmp_path, '<ellipse label="road" cx="20" cy="14" rx="5.5" ry="5.5"/>')
    assert (found.kind, found.points) == ("circle", ((20, 14), (25.5, 14)))


def test_labelmes_ignore_is_ignore_and_points_of_one_element_are_one_object(tmp_path):
    shapes = read_shapes(
        tmp_path,
        POLYGON.replace("road", "__ignore__"),
        '<points label="road" points="1,1;2,2" group_id="0"/>',
        '<points label="road" points="3,3" group_id="9"/>',
        '<points label="road" points="4,4;5,5"/>',
    )
    assert shapes[0].label is Special.IGNORE
    groups = [shape.group for shape in shapes[1:]]
    assert groups[0] == groups[1] != groups[3] == groups[4]
    assert groups[2] == 9
    assert len(set(groups)) == 3


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ('<polygon label="road" points="1,1;5,5"/>', "fewer than three"),
        ('<polygon label="road" points="1,1;5,5;1,1;5,5"/>', "fewer than three"),
        ('<polygon label="road" points=""/>', "not written x,y"),
        ('<polygon label="road" points="1,1;2;3,3"/>', "not written x,y"),
        ('<polygon label="road" points="1,1;nan,5;3,3"/>', "no number"),
        ('<polygon label="road" points="1,1;1e300,5;3,3"/>', "far off"),
        ('<polygon label="road" points="1,1;-inf,5;3,3"/>', "no number"),
        ('<polygon label="road"/>', "not written x,y"),
        ('<polygon points="1,1;5,5;1,5"/>', "no label"),
        ('<polygon label="  " points="1,1;5,5;1,5"/>', "no label"),
        ('<polygon label="road" outside="1" points="1,1;5,5;1,5"/>', "outside"),
        ('<polyline label="road" points="1,1"/>', "fewer than two"),
        ('<box label="road" xtl="1" ytl="1" xbr="1" ybr="9"/>', "no area"),
        ('<box label="road" xtl="1" ytl="1" xbr="9"/>', "no number"),
        ('<box label="road" xtl="1" ytl="1" xbr="9" ybr="9" rotation="NaN"/>', "no number"),
        ('<ellipse label="road" cx="5" cy="5" rx="0" ry="3"/>', "no area"),
        ('<cuboid label="road" xtl1="1"/>', "cuboid"),
        ('<splat label="road"/>', "splat"),
        ('<mask label="road" rle="0, 4" left="1" top="1" width="2" height="3"/>', "do not add up"),
        ('<mask label="road" rle="" left="1" top="1" width="2" height="2"/>', "no list of run lengths"),
        ('<mask label="road" rle="0, -4, 8" left="1" top="1" width="2" height="2"/>', "no list of run lengths"),
        ('<mask label="road" rle="PPYo0" left="1" top="1" width="2" height="2"/>', "no list of run lengths"),
        ('<mask label="road" rle="4" left="1" top="1" width="2" height="2"/>', "no pixel"),
        ('<mask label="road" rle="4" left="1" top="1" width="0" height="2"/>', "no size"),
        ('<mask label="road" rle="0,9999999999" left="0" top="0" width="99999" height="99999"/>', "than the photo"),
        ('<mask label="road" rle="0, 4" left="1e99" top="1" width="2" height="2"/>', "far off"),
    ],
)
def test_a_bad_shape_is_left_out_and_said_and_the_good_ones_kept(tmp_path, bad, reason):
    record = read_record(tmp_path, POLYGON, bad)
    assert len(record.shapes) == 1
    (repair,) = record.repairs
    assert reason in repair
    assert " 2." in repair


def test_an_image_that_loses_every_shape_does_not_become_background(tmp_path):
    with pytest.raises(BadItemError, match="None of its 1 shapes"):
        read_record(tmp_path, '<polygon label="road" points="1,1;5,5"/>')


@given(arrays.arrays(np.bool_, st.tuples(st.integers(1, 30), st.integers(1, 30))))
def test_runs_are_read_back_and_are_cocos_of_the_transposed_mask(pixels):
    height, width = pixels.shape
    runs = encode_runs(pixels)
    np.testing.assert_array_equal(decode_runs(runs, width, height), pixels)
    counts = {"counts": [int(run) for run in runs.split(",")], "size": [width, height]}
    decoded = coco_mask.decode(coco_mask.frPyObjects([counts], width, height)[0])
    np.testing.assert_array_equal(decoded.T.astype(bool), pixels)


# --- the file


def test_labels_come_from_meta_with_their_colours_and_those_without_pixels_do_not(tmp_path):
    source = build(tmp_path, image(POLYGON, POLYGON.replace("road", "tree")))
    listing, _ = read(source)
    assert listing.classes == ("road", "car & van", "tree")
    assert listing.colors == {"road": (10, 11, 255), "car & van": (255, 0, 0)}
    assert (listing.background, listing.raster, listing.overlap) == ("background", "center", "order")
    order = write(tmp_path / "order.txt", "tree\nsky")
    assert read(source, classes_file=order)[0].classes == ("tree", "sky", "road", "car & van")


def test_an_image_without_shapes_is_not_labelled_yet(tmp_path):
    photos = ("images/a.jpg", "images/b.jpg", "images/c.jpg")
    images = (image(POLYGON), '  <image id="1" name="b.jpg" width="40" height="30"/>\n')
    listing, records = read(build(tmp_path, *images, photos=photos).parent)
    assert [record.labelled for record in records] == [True, False]
    assert any("1 images have no shape" in note for note in listing.notes)
    assert "1 photos are in no CVAT file: left out." in listing.notes


def test_subsets_of_a_project_are_folders_lists_and_roles(tmp_path):
    photos = ("images/Train/a.jpg", "images/val/a.jpg", "images/default/b.jpg")
    images = (
        image(POLYGON, name="a.jpg", subset="Train", task_id=1),
        image(POLYGON, name="a.jpg", subset="val", task_id=2),
        image(POLYGON, name="b.jpg", subset="default", task_id=3),
    )
    listing, _ = read(build(tmp_path, *images, photos=photos).parent)
    assert [(item.path, item.subsets, item.role) for item in listing.items] == [
        ("Train/a.jpg", ("Train",), "train"),
        ("val/a.jpg", ("val",), "val"),
        ("default/b.jpg", ("default",), None),
    ]


def test_files_of_several_tasks_and_an_image_that_two_of_them_have(tmp_path):
    for task in ("train", "val"):
        build(tmp_path / task, image(POLYGON))
    listing, records = read(tmp_path)
    assert [(item.path, item.role) for item in listing.items] == [
        ("train/images/a.jpg", "train"),
        ("val/images/a.jpg", "val"),
    ]
    assert len(records) == 2
    both = tmp_path / "both"
    build(both, image(POLYGON), image(POLYGON))
    listing, records = read(both)
    assert len(records) == 1
    assert "already" in listing.skipped[0].reason
    (both / "annotations.xml").rename(both / "train.xml")
    write(both / "val.xml", (both / "train.xml").read_bytes())
    with pytest.raises(UserError, match=r"train\.xml.*val\.xml"):
        read(both)


@pytest.mark.parametrize(
    ("name", "photo"),
    [
        ("a.jpg", "a.jpg"),
        ("day 1/ü &amp; x.jpg", "images/day 1/ü & x.jpg"),
        ("day\\a.jpg", "images/day/a.jpg"),
        ("/mnt/share/day/a.jpg", "images/a.jpg"),
    ],
)
def test_where_a_photo_is_found(tmp_path, name, photo):
    listing, records = read(build(tmp_path, image(POLYGON, name=name), photos=(photo,)).parent)
    assert [item.path for item in listing.items] == [photo.removeprefix("images/")]
    assert len(records) == 1


def test_names_that_lead_out_of_the_photos_are_refused(tmp_path):
    write(tmp_path / "secret.jpg", PHOTO)
    images = (image(POLYGON, name=name) for name in ("../../secret.jpg", "", "x" * 100_000, "a.jpg"))
    listing, _ = read(build(tmp_path / "source", *images).parent)
    assert [item.path for item in listing.items] == ["a.jpg"]
    assert len(listing.skipped) == 3
    assert all(len(problem.reason) < 5000 for problem in listing.skipped)


@pytest.mark.parametrize("orientation", [1, 6, 8])
def test_shapes_on_the_unrotated_photo_are_turned_with_it(tmp_path, orientation):
    source = build(tmp_path, image('<box label="road" xtl="0" ytl="0" xbr="10" ybr="4"/>'))
    write(tmp_path / "images" / "a.jpg", encode(scene(HEIGHT, WIDTH), "JPEG", orientation=orientation))
    _, (record,) = read(source)
    covered = class_map(record, classes=("bg", "road"))
    assert covered.sum() == 40
    expected = {1: covered[:4, :10], 6: covered[:10, -4:], 8: covered[-10:, :4]}[orientation]
    assert expected.all()


def test_a_photo_of_another_size_is_refused_with_both_and_one_that_says_none_is_taken(tmp_path):
    with pytest.raises(BadItemError, match="41 x 30 pixels, the photo has 40 x 30"):
        read(build(tmp_path, image(POLYGON, width=41)))
    for width in ("", "wide", "-4", "0", "9" * 5000):
        _, (record,) = read(build(tmp_path, image(POLYGON, width=width)))
        assert (record.width, record.height) == (WIDTH, HEIGHT)


def test_tracks_of_a_video_are_refused_with_the_way_out_or_left_out_and_said(tmp_path):
    track = '<track id="0" label="car"><polygon frame="0" points="1,1;5,1;5,5" outside="0" keyframe="1"/></track>'
    with pytest.raises(UserError, match=r"video.*CVAT for images 1\.1"):
        read(build(tmp_path, track))
    listing, _ = read(build(tmp_path, image(POLYGON), track))
    assert any("1 tracks" in note for note in listing.notes)


def test_photos_that_were_not_exported_are_asked_for(tmp_path):
    source = build(tmp_path / "labels", image(POLYGON), photos=("../photos/a.jpg",))
    with pytest.raises(UserError, match="--images"):
        read(source)
    assert len(read(source, images=tmp_path / "photos")[1]) == 1


def test_a_file_that_changes_between_listing_and_reading_costs_its_images_only(tmp_path):
    source = build(tmp_path, image(POLYGON), image(POLYGON, name="b.jpg"), photos=("images/a.jpg", "images/b.jpg"))
    listing = cvat.list_source(ReadRequest(source))
    source.write_text(source.read_text().replace("1.1", "1.1, of another export"))
    for item in listing.items:
        with pytest.raises(BadItemError, match=r"annotations\.xml|changed"):
            cvat.read(item, ReadRequest(source))


# --- what is no file of CVAT's, and what means harm

BOMB = (
    '<?xml version="1.0"?><!DOCTYPE annotations [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True))
    + "]><annotations><image name='&i;'/></annotations>"
)
STRANGER = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><annotations>&x;</annotations>'


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "no whole XML"),
        ("{}", "no whole XML"),
        ("<annotation><folder>VOC</folder></annotation>", "its root is <annotation>"),
        (HEAD, "no whole XML"),
        (HEAD + image(POLYGON), "no whole XML"),
        (HEAD + "</annotations>", "no images"),
        (HEAD + "<image name='a.jpg' name='b.jpg'/></annotations>", "no whole XML"),
        (BOMB, "document type"),
        (STRANGER, "document type"),
        (HEAD + "<a>" * 40, "nested"),
        (HEAD + "<a>" * 1_000_000, "nested"),
        (HEAD.replace("utf-8", "utf-16"), "utf-16"),
        (HEAD.replace("utf-8", "latin-1"), "latin-1"),
    ],
)
def test_a_file_that_is_not_cvats_or_that_means_harm(tmp_path, text, match):
    with pytest.raises(UserError, match=match):
        read(write(tmp_path / "labels.xml", text))


def test_a_folder_with_vocs_xml_only_is_not_cvats(tmp_path):
    write(tmp_path / "Annotations" / "a.xml", "<annotation></annotation>")
    with pytest.raises(UserError, match="found none"):
        read(tmp_path)


def test_one_file_of_several_that_is_broken_costs_only_itself(tmp_path):
    build(tmp_path / "one", image(POLYGON))
    write(tmp_path / "two" / "annotations.xml", HEAD)
    listing, records = read(tmp_path)
    assert len(records) == 1
    assert [problem.file for problem in listing.skipped] == ["two/annotations.xml"]


def test_more_than_one_image_may_hold_costs_that_image_only(tmp_path):
    many = image("<box/>" * 300_000, name="b.jpg")
    source = build(tmp_path, image(POLYGON), many, photos=("images/a.jpg", "images/b.jpg"))
    good, bad = cvat.list_source(ReadRequest(source)).items
    with pytest.raises(BadItemError, match="100,000 shapes"):
        cvat.read(bad, ReadRequest(source))
    assert len(cvat.read(good, ReadRequest(source)).shapes) == 1


def test_a_tag_or_text_without_end_is_refused_before_it_fills_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(stream, "MAX_TAG_BYTES", 2**20)
    endless = {
        "a tag of more than": f'<image name="{"x" * 2**22}"/>',
        "a text of more than": f"<meta>{'x' * 2**22}</meta>",
    }
    for match, text in endless.items():
        with pytest.raises(UserError, match=match):
            read(write(tmp_path / "labels.xml", HEAD + text))


@given(st.binary(max_size=300), st.integers(0, 600))
def test_any_bytes_anywhere_are_read_or_refused_with_a_reason(tmp_path_factory, junk, place):
    folder = tmp_path_factory.mktemp("fuzz")
    source = build(folder, image(POLYGON))
    data = source.read_bytes()
    source.write_bytes(data[:place] + junk + data[place + len(junk) // 2 :])
    try:
        listing = cvat.list_source(ReadRequest(source))
    except UserError:
        return
    for item in listing.items:
        try:
            cvat.read(item, ReadRequest(source))
        except BadItemError:
            continue
