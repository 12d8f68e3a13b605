"""The gallery: which images fit which filter, in which order, and which classes they show."""

import sqlite3
import subprocess
import sys
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from db.errors import NotFoundError, UserError
from db.until_written import UntilWritten
from labeling import gallery
from labeling.annotation import Annotation, Layer, Shape, Special
from labeling.annotations import save_version
from labeling.classes import find_class, merge_class, rename_class, unmerge_class
from labeling.datasets import trash_dataset
from labeling.gallery import gallery_page
from labeling.gallery_filter import GalleryFilter
from labeling.projects import find_project, trash_project
from labeling.roles import set_roles
from tests.support.labelled_home import make_place
from tests.support.labelme_folder import HEIGHT, WIDTH, make_folder, write_photo

PROJECT = 1


@pytest.fixture
def place(tmp_path):
    """Six images: day/a..d (b and d show a car too), day/new without labels, dusk/x that shows a road."""
    place = make_place(tmp_path / "home")
    day = make_folder(tmp_path / "day", ["a", "b", "c", "d_100%"])
    write_photo(day / "new.png", seed=9)
    place.run_import(day, project="campus")
    place.run_import(make_folder(tmp_path / "dusk", ["x"]), lists=("late",), role="test")
    set_roles(place.database, None, "day", ["a.png", "b.png"], "train")
    return place


def paths(place, order="path", **wanted):
    return [image.path for image in gallery_page(place.database, PROJECT, GalleryFilter(**wanted), order=order).images]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, ["a.png", "b.png", "c.png", "d_100%.png", "new.png", "x.png"]),
        ({"dataset": "dusk"}, ["x.png"]),
        ({"subset": "late"}, ["x.png"]),
        ({"role": "train"}, ["a.png", "b.png"]),
        ({"role": "none"}, ["c.png", "d_100%.png", "new.png"]),
        ({"class_": "car"}, ["b.png", "d_100%.png"]),
        ({"class_": "road", "dataset": "day", "role": "none"}, ["c.png", "d_100%.png"]),
        ({"labelled": False}, ["new.png"]),
        ({"labelled": True, "role": "none"}, ["c.png", "d_100%.png"]),
        ({"text": "_100%"}, ["d_100%.png"]),
        ({"text": "_"}, ["d_100%.png"]),  # of LIKE's wildcards
        ({"text": "NEW"}, ["new.png"]),
        ({"class_": "background"}, []),  # nobody drew it
    ],
)
def test_a_filter_chooses(place, wanted, expected):
    page = gallery_page(place.database, PROJECT, GalleryFilter(**wanted))
    assert [image.path for image in page.images] == expected
    assert page.total == len(expected)


FILTERS: list[dict[str, Any]] = [
    {},
    {"dataset": "day"},
    {"role": "none"},
    {"role": "train"},
    {"labelled": False},
    {"text": "a"},
    {"subset": "late", "role": "none"},
    {"subset": "late", "class_": "road", "dataset": "dusk"},
    {"class_": "road", "role": "train"},
    {"class_": "car", "text": "100%", "labelled": True},
    {"subset": "late", "class_": "road", "role": "test", "text": "x"},
]


@pytest.fixture
def many(monkeypatch):
    """However few they are, images are counted and walked in order as many are."""
    monkeypatch.setattr(gallery, "FEW", -1)


@pytest.mark.parametrize("order", ["path", "newest"])
def test_pages_of_many_are_those_of_few(place, monkeypatch, order):
    """The first page of few, of many, and the next, for which all are found, ask in three ways."""
    images = gallery_page(place.database, PROJECT, order=order).images
    for wanted in FILTERS:
        expected = [
            image
            for image in images
            if wanted.get("dataset", image.dataset) == image.dataset
            and wanted.get("role", image.role or "none") == (image.role or "none")
            and wanted.get("labelled", image.labelled) == image.labelled
            and ("subset" not in wanted or wanted["subset"] in image.subsets)
            and ("class_" not in wanted or wanted["class_"] in image.classes)
            and wanted.get("text", "") in image.path
        ]
        for few in (len(images), -1):
            monkeypatch.setattr(gallery, "FEW", few)
            place.database.kept = UntilWritten(place.database.stamp)  # nobody asked before
            pages = [gallery_page(place.database, PROJECT, GalleryFilter(**wanted), order=order) for _ in range(2)]
            assert [(list(page.images), page.total) for page in pages] == [(expected, len(expected))] * 2, wanted


@pytest.mark.parametrize("order", ["path", "-path", "newest"])
def test_a_page_of_many_is_read_from_an_index_that_has_its_order(place, many, order):
    """Of a hundred thousand, sorting would take longer than all the rest, and so would two lists in one another."""
    plans: list[list[str]] = []

    def explain(connection, cursor, statement, parameters, context, executes_many):
        if "LIMIT" in statement or "count(" in statement:
            rows = cursor.connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            plans.append([row[3] for row in rows])

    event.listen(Engine, "before_cursor_execute", explain)
    try:
        for wanted in FILTERS:
            gallery_page(place.database, PROJECT, GalleryFilter(**wanted), order=order)
    finally:
        event.remove(Engine, "before_cursor_execute", explain)
    index = "ix_image_newest" if order == "newest" else "ix_image_live"
    for wanted, counted, walked in zip(FILTERS, plans[1::3], plans[2::3], strict=True):
        assert not [step for step in counted + walked if "TEMP B-TREE" in step], wanted
        ways = [step for step in walked if " image USING " in step]
        assert [index in way for way in ways] == [True], wanted
        first = next((name for name in ("subset", "class_", "role") if wanted.get(name, "none") != "none"), "dataset")
        way = {"dataset": "(dataset_id=?", "class_": "(head_id=?)"}.get(first, "(rowid=?)")
        assert [way in step for step in counted if " image USING " in step] == [True], wanted


def test_an_image_says_what_is_known_of_it(place):
    b = gallery_page(place.database, PROJECT).images[1]
    assert (b.dataset, b.width, b.height, b.role, b.subsets) == ("day", WIDTH, HEIGHT, "train", ())
    assert (b.classes, b.labelled, b.id) == (("road", "car"), True, place.image("b.png").id)
    assert b.photo_version == place.image("b.png").sha256[:8]
    new, x = gallery_page(place.database, PROJECT).images[-2:]
    assert (new.classes, new.labelled, new.map_version) == ((), False, None)
    assert (x.role, x.subsets) == ("test", ("late",))


def test_pages_are_parts_of_one_order(place):
    whole = paths(place)
    parts = [gallery_page(place.database, PROJECT, offset=start, limit=4) for start in (0, 4, 8)]
    assert [image.path for part in parts for image in part.images] == whole
    assert {part.total for part in parts} == {6}
    assert paths(place, order="-path") == whole[::-1]


def test_the_newest_are_those_labelled_last(place):
    image = place.image("a.png")
    save_version(
        place.database, image_id=image.id, parent_id=image.head_id, annotation=Annotation(WIDTH, HEIGHT), author="me"
    )
    assert paths(place, order="newest")[0] == "a.png"
    assert paths(place, order="newest")[-1] == "new.png"


def test_merged_classes_count_for_their_target_until_unmerged(place):
    merge_class(place.database, None, "car", "road")
    assert len(paths(place, class_="road")) == 5
    assert paths(place, class_="car") == ["b.png", "d_100%.png"]
    assert gallery_page(place.database, PROJECT).images[1].classes == ("road",)
    unmerge_class(place.database, None, "car")
    assert gallery_page(place.database, PROJECT).images[1].classes == ("road", "car")


def test_only_the_newest_version_counts_and_its_paint_too(place):
    with place.database.read() as session:
        car = find_class(session, find_project(session, None), "car").id
    image = place.image("a.png")
    painted = Annotation(
        WIDTH,
        HEIGHT,
        shapes=(Shape("point", Special.IGNORE, ((1, 1),)),),
        paint=Layer("0" * 64, (Special.UNLABELLED, car)),
    )
    save_version(place.database, image_id=image.id, parent_id=image.head_id, annotation=painted, author="me")
    assert "a.png" in paths(place, class_="car")
    assert "a.png" not in paths(place, class_="road")


def test_map_versions_change_with_what_decides_the_map_and_with_nothing_else(place):
    def versions():
        return {image.path: image.map_version for image in gallery_page(place.database, PROJECT).images}

    before = versions()
    rename_class(place.database, None, "car", "vehicle")
    assert versions() == before
    merge_class(place.database, None, "vehicle", "road")
    assert all(versions()[path] != version for path, version in before.items() if version)


@pytest.mark.parametrize("wanted", [{"dataset": "no"}, {"subset": "no"}, {"class_": "no"}])
def test_names_that_are_none_are_not_found(place, wanted):
    with pytest.raises(NotFoundError, match="no"):
        gallery_page(place.database, PROJECT, GalleryFilter(**wanted))


@pytest.mark.parametrize(("offset", "limit"), [(-1, 10), (0, 0), (0, 501)])
def test_impossible_pages_are_refused(place, offset, limit):
    with pytest.raises(UserError, match="A page has"):
        gallery_page(place.database, PROJECT, offset=offset, limit=limit)


def test_what_is_in_the_trash_is_not_shown(place):
    trash_dataset(place.database, None, "dusk")
    assert "x.png" not in paths(place)
    trash_project(place.database, "campus")
    with pytest.raises(NotFoundError):
        gallery_page(place.database, PROJECT)


def test_pages_after_the_first_are_of_the_list_as_it_is_now(place):
    held = sqlite3.connect(place.home.database)  # another program keeps the log open, and reads
    held.execute("SELECT count(*) FROM image").fetchall()
    pages = [gallery_page(place.database, PROJECT, offset=offset, limit=2) for offset in (0, 2, 4, 0, 1)]
    shown = [[image.path for image in page.images] for page in pages]
    assert [page.total for page in pages] == [6] * 5
    assert shown[0] + shown[1] + shown[2] == paths(place)
    assert (shown[3], shown[4]) == (shown[0], paths(place)[1:3])
    train = GalleryFilter(role="train")
    assert [gallery_page(place.database, PROJECT, train).total for _ in range(3)] == [2] * 3
    writer = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute(sys.argv[2]); c.commit()"
    change = "UPDATE role SET role = 'val' WHERE image_id = (SELECT min(image_id) FROM role)"
    subprocess.run([sys.executable, "-c", writer, str(place.home.database), change], check=True)
    assert [gallery_page(place.database, PROJECT, train).total for _ in range(3)] == [1] * 3
    held.close()
    set_roles(place.database, None, "day", ["c.png"], "train")
    assert [gallery_page(place.database, PROJECT, train).total for _ in range(3)] == [2] * 3
