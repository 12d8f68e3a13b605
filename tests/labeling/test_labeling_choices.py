"""What a person decides about images and classes by hand: roles, lists, keys, merges, projects in the trash."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from db.errors import NotFoundError, UserError
from db.locks import hold
from db.schema import AnnotationVersion, Image, Project, Run, VersionClass, utc_now
from db.store import Store
from labeling.classes import list_classes, merge_class, set_hotkey
from labeling.manifest import load_manifest
from labeling.merge_preview import merge_preview
from labeling.project_cards import project_cards
from labeling.project_trash import sweep_trash
from labeling.projects import create_project, list_projects, trash_project
from labeling.revision_difference import revision_difference
from labeling.revisions import freeze
from labeling.roles import set_roles
from labeling.statistics import class_statistics
from labeling.subsets import (
    add_to_subset,
    delete_subset,
    list_subsets,
    remove_from_subset,
    rename_subset,
    subset_paths,
)
from tests.support.labelled_home import make_place
from tests.support.labelme_folder import HEIGHT, WIDTH, make_folder, rectangle, write_labels, write_photo


@pytest.fixture
def folder(tmp_path):
    return make_folder(tmp_path / "day", ["a", "b", "c", "d"])


@pytest.fixture
def place(tmp_path, folder):
    """Four images; b and d show a car."""
    place = make_place(tmp_path / "home")
    place.run_import(folder, project="campus")
    return place


def test_a_role_is_set_moved_and_taken_away(place):
    def given(paths, role):
        return set_roles(place.database, None, "day", paths, role)

    assert given(["a.png", "b.png", "a.png"], "train") == {"none": 2, "train": 2}
    assert given(["b.png"], "test") == {"none": 2, "test": 1, "train": 1}
    assert given(["a.png", "c.png"], None) == {"none": 3, "test": 1}


@pytest.mark.parametrize("change", [set_roles, add_to_subset, remove_from_subset])
def test_a_path_that_is_none_changes_nothing(place, change):
    add_to_subset(place.database, None, "day", "hard", ["b.png"])
    arguments = (["b.png", "x.png", "y.png"], "val") if change is set_roles else ("hard", ["b.png", "x.png", "y.png"])
    with pytest.raises(NotFoundError, match=r"no image 'x\.png' and 1 more"):
        change(place.database, None, "day", *arguments)
    assert class_statistics(place.home, place.database).images == 4
    assert list_subsets(place.database, None, "day") == {"hard": 1}
    assert place.everything()["roles"] == []


def test_a_list_grows_shrinks_and_goes(place):
    assert add_to_subset(place.database, None, "day", " hard ") == {"hard": 0}
    assert add_to_subset(place.database, None, "day", "hard", ["b.png", "a.png", "b.png"]) == {"hard": 2}
    assert add_to_subset(place.database, None, "day", "hard", ["b.png", "c.png"]) == {"hard": 3}
    assert remove_from_subset(place.database, None, "day", "hard", ["a.png", "d.png"]) == {"hard": 2}
    assert subset_paths(place.database, None, "day", "hard") == ["b.png", "c.png"]
    assert delete_subset(place.database, None, "day", "hard") == {}
    assert len(place.everything()["images"]) == 4
    with pytest.raises(NotFoundError, match="no list 'hard'"):
        remove_from_subset(place.database, None, "day", "hard", ["a.png"])
    with pytest.raises(UserError, match="without slashes"):
        add_to_subset(place.database, None, "day", "a/b")


def test_a_renamed_list_keeps_its_old_name_in_what_is_frozen(place):
    add_to_subset(place.database, None, "day", "hard", ["b.png"])
    add_to_subset(place.database, None, "day", "dusk")
    before = freeze(place.home, place.database).digest
    assert rename_subset(place.database, None, "day", "hard", " night ") == {"dusk": 0, "night": 1}
    assert rename_subset(place.database, None, "day", "night", "night") == {"dusk": 0, "night": 1}
    assert subset_paths(place.database, None, "day", "night") == ["b.png"]
    with pytest.raises(UserError, match="a list 'dusk' already"):
        rename_subset(place.database, None, "day", "night", "dusk")
    with pytest.raises(NotFoundError, match="no list 'hard'"):
        rename_subset(place.database, None, "day", "hard", "other")
    with pytest.raises(UserError, match="without slashes"):
        rename_subset(place.database, None, "day", "night", "a/b")

    after = freeze(place.home, place.database).digest
    store = Store(place.home.store)
    for digest, name in ((before, "hard"), (after, "night")):
        found = {image.path: image.subsets for image in load_manifest(store, digest).images}
        assert found == {"a.png": (), "b.png": (name,), "c.png": (), "d.png": ()}


def test_thirty_thousand_images_can_be_chosen_at_once(place):
    with place.database.write() as session:
        dataset_id = place.image("a.png").dataset_id
        session.add_all(
            Image(dataset_id=dataset_id, path=f"more/{n}", sha256=f"{n:064x}", width=1, height=1, byte_size=1)
            for n in range(33_000)
        )
    paths = [f"more/{number}" for number in range(33_000)]
    assert set_roles(place.database, None, "day", paths, "val")["val"] == 33_000
    assert add_to_subset(place.database, None, "day", "more", paths) == {"more": 33_000}
    assert remove_from_subset(place.database, None, "day", "more", paths) == {"more": 0}


def test_a_key_belongs_to_one_class(place):
    def keys():
        return {each.name: each.hotkey for each in list_classes(place.database) if each.hotkey}

    set_hotkey(place.database, None, "road", "1")
    set_hotkey(place.database, None, "road", "1")
    with pytest.raises(UserError, match="1 is 'road' already"):
        set_hotkey(place.database, None, "car", "1")
    set_hotkey(place.database, None, "car", "2")
    assert keys() == {"road": "1", "car": "2"}
    set_hotkey(place.database, None, "road", None)
    set_hotkey(place.database, None, "car", "1")
    assert keys() == {"car": "1"}
    for key in ("0", "q", "12", ""):
        with pytest.raises(UserError, match="one of 1 to 9"):
            set_hotkey(place.database, None, "road", key)


def test_a_merge_is_seen_before_it_is_done(place, tmp_path):
    place.run_import(make_folder(tmp_path / "dusk", ["x", "y", "z"]))
    before = place.everything()
    found = merge_preview(place.database, None, "car", "road")
    assert (found.images, found.datasets, found.pixels) == (3, {"day": 2, "dusk": 1}, None)
    cars = {each.name: each.pixels for each in class_statistics(place.home, place.database).classes}["car"]
    assert merge_preview(place.database, None, "car", "road").pixels == cars > 0
    assert place.everything() == before
    merge_class(place.database, None, "car", "road")
    with pytest.raises(UserError, match="itself, or merged into it"):
        merge_preview(place.database, None, "road", "car")
    assert merge_preview(place.database, None, "road", "background").images == 7


def test_merging_what_unlabelled_pixels_become_touches_every_labelled_image(place, folder):
    write_photo(folder / "new.png", 7)
    place.run_import(folder)
    assert merge_preview(place.database, None, "background", "road").datasets == {"day": 4}


def test_statistics_tell_the_datasets_apart_and_count_a_map_once(place, tmp_path, monkeypatch):
    place.run_import(make_folder(tmp_path / "dusk", ["x"]))
    first = class_statistics(place.home, place.database)
    monkeypatch.setattr("labeling.map_counts._count", lambda task: pytest.fail("counted again"))
    assert class_statistics(place.home, place.database) == first
    images = {name: {each.name: each.images for each in per_class} for name, per_class in first.datasets.items()}
    assert images == {
        "day": {"background": 4, "road": 4, "car": 2},
        "dusk": {"background": 1, "road": 1, "car": 0},
    }
    assert first.pixels == 5 * WIDTH * HEIGHT == sum(each.pixels for each in first.classes)
    assert [each.images for each in first.classes] == [5, 5, 2]


def test_revisions_differ_by_what_was_done(place, folder):
    first = freeze(place.home, place.database).digest
    write_labels(folder / "a.png", [rectangle("tree", 0, 0, 9, 9)])
    make_folder(folder, ["e"])
    place.run_import(folder)
    set_roles(place.database, None, "day", ["a.png", "b.png"], "val")
    add_to_subset(place.database, None, "day", "hard", ["c.png"])
    second = freeze(place.home, place.database).digest
    found = revision_difference(place.home, place.database, None, first[:10], second[:10])
    assert found.counts == {"added": 1, "removed": 0, "photo": 0, "labels": 1, "role": 2, "subsets": 1}
    assert (found.images_a, found.images_b, found.unchanged, found.total) == (4, 5, 1, 4)
    assert (found.classes_added, found.classes_removed, found.classes_moved) == (("tree",), (), ())
    assert [(e.path, e.changes) for e in found.entries] == [
        ("a.png", ("labels", "role")),
        ("b.png", ("role",)),
        ("c.png", ("subsets",)),
        ("e.png", ("added",)),
    ]
    c = found.entries[2]
    assert (c.image, c.subsets_before, c.subsets_after) == (place.image("c.png").id, (), ("hard",))
    page = revision_difference(place.home, place.database, None, first, second, only="role", offset=1, limit=5)
    assert (page.total, [e.path for e in page.entries], page.entries[0].role_after) == (2, ["b.png"], "val")
    back = revision_difference(place.home, place.database, None, second, first)
    assert (back.counts["removed"], back.counts["added"], back.unchanged) == (1, 0, 1)


def test_a_card_shows_the_image_labelled_last_and_the_best_run(place, folder):
    with place.database.write() as session:
        create_project(session, "empty")
        for name, summary, deleted in (
            ("one", {"best_miou": 0.5}, None),
            ("two", {"best_miou": 0.75}, None),
            ("three", {"best_miou": 0.99}, utc_now()),
            ("four", {}, None),
        ):
            session.add(make_run(1, name, summary=summary, deleted_at=deleted))
    write_labels(folder / "b.png", [])
    write_photo(folder / "new.png", 8)
    place.run_import(folder)
    campus, empty = project_cards(place.database)
    assert (campus.name, campus.current, campus.datasets, campus.images, campus.labelled) == ("campus", True, 1, 5, 4)
    assert campus.cover is not None
    assert campus.best is not None
    assert (campus.cover.image, campus.runs) == (place.image("b.png").id, 3)
    assert (campus.best.run, campus.best.miou) == (2, 0.75)
    assert (empty.cover, empty.best, empty.images, empty.runs) == (None, None, 0, 0)


def test_the_trash_is_emptied_after_thirty_days_with_all_that_is_the_projects(place):
    merge_class(place.database, None, "car", "road")
    directory, exported = place.home.runs / "1", place.home.exports / "1" / "one.onnx"
    directory.mkdir()
    exported.parent.mkdir(parents=True)
    exported.write_bytes(b"weights")
    with place.database.write() as session:
        session.add(make_run(1, "one", directory="runs/1"))
        session.add(make_run(1, "elsewhere", directory="../.."))
        create_project(session, "other")
    trash_project(place.database, "campus")
    assert sweep_trash(place.database) == []
    later = utc_now() + timedelta(days=31)
    with hold(directory / "lock", wait=False):
        assert sweep_trash(place.database, later) == []
    assert sweep_trash(place.database, later) == ["campus"]
    assert not directory.exists()
    assert not exported.exists()  # the next project may get the number
    assert place.home.database.exists()
    assert [each.name for each in list_projects(place.database)] == ["other"]
    assert list_projects(place.database, trashed=True) == []
    with place.database.read() as session:
        assert [session.scalars(select(table)).all() for table in (Image, AnnotationVersion, VersionClass, Run)] == [
            []
        ] * 4
        assert session.scalar(select(Project.name)) == "other"


def make_run(project_id, name, *, directory="runs/none", summary=None, deleted_at=None):
    return Run(
        project_id=project_id,
        name=name,
        architecture="unet",
        revision_digest="0" * 64,
        directory=directory,
        state="finished",
        summary=summary or {},
        deleted_at=deleted_at,
    )
