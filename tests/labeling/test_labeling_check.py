"""The check of a project: each kind of fault in a small home, and nothing where nothing is wrong."""

import io

import numpy as np
import pytest
from PIL import Image as Picture
from sqlalchemy import update

from db.schema import Image, MapCount
from labeling.care.check import check_project
from labeling.care.class_check import check_classes, check_names
from labeling.care.color_check import check_colors, speckle
from labeling.care.findings import CheckedImage
from labeling.care.image_check import check_images
from labeling.care.leaks import find_groups
from labeling.care.role_check import check_roles
from labeling.classes import add_class, merge_class
from labeling.roles import set_roles
from tests.support.labelled_home import make_place
from tests.support.labelme_folder import rectangle, write_labels, write_photo

SIZE = (128, 96)
PIXELS = SIZE[0] * SIZE[1]


@pytest.fixture
def place(tmp_path):
    """Six photos with roles that show road and sky; nothing is wrong with them."""
    place = make_place(tmp_path / "home")
    for number in range(6):
        photo = tmp_path / "day" / f"{number}.png"
        write_photo(photo, number, SIZE)
        write_labels(photo, [rectangle("road", 0, 50, 128, 96), rectangle("sky", 0, 0, 128, 40)], SIZE)
    place.run_import(tmp_path / "day", project="campus", dataset="day")
    set_roles(place.database, "campus", "day", [f"{number}.png" for number in range(4)], "train")
    set_roles(place.database, "campus", "day", ["4.png", "5.png"], "val")
    return place


def kinds(place, **options):
    return {finding.kind: finding for finding in check_project(place.home, place.database, **options).findings}


def relabelled(place, tmp_path, number, shapes, size=SIZE):
    write_labels(tmp_path / "day" / f"{number}.png", shapes, size)
    place.run_import(tmp_path / "day", project="campus", dataset="day")


def image(path="a.png", *, role="train", counts=((0, PIXELS),), size=SIZE, labelled=True, **more):
    return CheckedImage("day", path, size[0], size[1], role, labelled, counts=counts, **more)


def test_nothing_is_found_where_nothing_is_wrong(place):
    found = check_project(place.home, place.database)
    assert (found.findings, found.images, found.labelled, found.searched) == ((), 6, 6, False)


def test_what_was_counted_is_not_counted_again(place):
    told = []
    check_project(place.home, place.database, progress=lambda done, total, what: told.append((done, what)))
    assert (6, "class maps") in told
    told.clear()
    check_project(place.home, place.database, progress=lambda done, total, what: told.append((done, what)))
    assert told == []


def test_spellings_of_one_name_are_told_with_the_merge_that_mends_them(place, tmp_path):
    relabelled(place, tmp_path, 0, [rectangle("Road", 0, 50, 128, 96), rectangle("sky", 0, 0, 128, 40)])
    finding = kinds(place)["case-variants"]
    assert finding.command == ("classes", "merge", "--", "Road", "road")
    assert "'Road' (1 image) and 'road' (5 images)" in finding.text
    merge_class(place.database, "campus", "Road", "road")
    assert "case-variants" not in kinds(place)


def test_names_that_only_look_related_are_left_alone():
    assert check_names({"car": 3, "cars": 1, "bus": 2, "--": 1, "__": 1}) == []
    found = check_names({"traffic light": 3, "Traffic_Light": 4, "ﬁre": 1, "fire": 1})
    assert [finding.classes for finding in found] == [("traffic light", "Traffic_Light"), ("fire", "ﬁre")]


def test_images_without_a_single_class_are_told(place, tmp_path):
    relabelled(place, tmp_path, 1, [rectangle("ignore", -1, -1, 140, 140)])
    finding = kinds(place)["all-ignored"]
    assert (finding.dataset, finding.files) == ("day", ("1.png",))
    assert finding.command == ("set-role", "none", "--dataset=day", "--", "1.png")


def test_labels_of_another_size_than_the_photo_are_an_error(place):
    with place.database.write() as session:
        session.execute(update(Image).where(Image.path == "2.png").values(width=96, height=128))
    finding = kinds(place)["other-size"]
    assert (finding.severity, finding.files) == ("error", ("2.png",))


def test_a_value_without_a_class_is_an_error(place):
    check_project(place.home, place.database)
    with place.database.write() as session:
        session.execute(update(MapCount).values(counts=[[0, PIXELS - 5], [77, 5]]))
    assert kinds(place)["out-of-range"].severity == "error"


def test_a_class_that_nothing_shows_can_be_deleted(place):
    add_class(place.database, "campus", "-bus")
    finding = kinds(place)["unused"]
    assert finding.command == ("classes", "delete", "--", "-bus")
    assert finding.classes == ("-bus",)  # `background`, which pixels without a label become, is no fault


def test_classes_of_one_role_alone_are_told(place, tmp_path):
    relabelled(place, tmp_path, 4, [rectangle("bus", 0, 50, 128, 96), rectangle("sky", 0, 0, 128, 40)])
    relabelled(place, tmp_path, 5, [rectangle("bus", 0, 50, 128, 96), rectangle("sky", 0, 0, 128, 40)])
    found = kinds(place)
    assert found["not-in-train"].classes == ("bus",)
    assert found["not-in-train"].severity == "warning"
    assert found["not-in-val"].classes == ("road",)


def test_classes_that_are_all_but_absent_are_told():
    images = [image(counts=((0, 9000), (1, 1000), (2, 1))) for _ in range(9)] + [image(counts=((3, 500), (0, 500)))]
    (finding,) = check_classes(images, ["a", "b", "c", "d"])
    assert (finding.kind, finding.classes) == ("rare", ("c", "d"))


def test_roles_that_keep_images_out_are_told(place, tmp_path):
    set_roles(place.database, "campus", "day", ["0.png"], None)
    assert kinds(place)["no-role"].files == ("0.png",)
    set_roles(place.database, "campus", "day", [f"{number}.png" for number in range(6)], None)
    assert kinds(place)["no-roles"].command == ("roles", "--dataset=day")
    assert {each.kind for each in check_roles([image(), image(role="val", labelled=False)])} == {"unlabelled-role"}
    assert {each.kind for each in check_roles([image()])} == {"no-validation"}
    assert check_roles([image(role=None, labelled=False)]) == []


def test_tiny_images_are_told_a_dataset_at_a_time():
    found = check_images([image("a.png", size=(500, 63), counts=None), image("b.png", size=(64, 64), counts=None)], 1)
    assert [(finding.kind, finding.files) for finding in found] == [("tiny", ("a.png",))]


def areas():
    """A class map of flat areas, as one draws them."""
    coarse = np.random.default_rng(0).integers(0, 16, (6, 8)).astype(np.uint8)
    return np.kron(coarse, np.ones((13, 13), np.uint8))  # across the blocks of a JPEG


def as_jpeg(pixels):
    buffer = io.BytesIO()
    Picture.fromarray(pixels * 15).save(buffer, "JPEG", quality=90)
    return np.asarray(Picture.open(buffer))


def counted(pixels):
    return tuple((int(value), int(count)) for value, count in zip(*np.unique(pixels, return_counts=True), strict=True))


def test_masks_that_came_through_jpeg_are_told_and_drawn_ones_are_not():
    maps = {"drawn": areas(), "smeared": as_jpeg(areas())}
    assert speckle(maps["drawn"]) == 0
    names = [f"name {index}" for index in range(254)]
    images = [image(f"{name}.png", counts=counted(pixels), map_sha256=name) for name, pixels in maps.items()]
    (finding,) = check_colors(images, names, maps.__getitem__)
    assert (finding.kind, finding.files) == ("smeared", ("smeared.png",))


def test_greys_of_colours_are_told_by_the_gaps_between_them():
    def found(*values):
        names = [f"class_{value}" for value in values]
        images = [image(counts=tuple((index, 9) for index in range(len(values))), map_sha256="0")]
        return [finding.kind for finding in check_colors(images, names, lambda sha: np.zeros((4, 4), np.uint8))]

    assert found(0, 29, 76, 150, 226) == ["grey-colours"]
    assert found(*range(21)) == []
    assert found(0, 1) == []


def test_leaks_are_told_once_they_were_looked_for(place, tmp_path):
    for number in (0, 4):
        write_photo(tmp_path / "day" / f"{number}.png", 0, SIZE)
    place.run_import(tmp_path / "day", project="campus", dataset="day", on_conflict="theirs")
    assert "leaks" not in kinds(place)
    find_groups(place.home, place.database)
    assert kinds(place)["leaks"].text.startswith("1 group of images")


def test_only_the_datasets_asked_for_are_looked_at(place, tmp_path):
    write_photo(tmp_path / "dusk" / "a.png", 7, (20, 20))
    place.run_import(tmp_path / "dusk", project="campus", dataset="dusk")
    assert set(kinds(place)) == {"tiny"}
    assert kinds(place, datasets=["day"]) == {}
