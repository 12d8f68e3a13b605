"""Importing a labelme folder for the first time: report, options, classes, lists, roles, links, bad files."""

import json
import os

import pytest
from sqlalchemy import func, select

from db.errors import UserError
from db.schema import AnnotationVersion, Project
from labeling.annotation import Special
from labeling.classes import list_classes
from labeling.datasets import list_datasets
from labeling.importing.run import ImportRequest, import_dataset
from labeling.linked import photo_path
from labeling.projects import use_project
from labeling.revisions import freeze, load_manifest
from tests.support.labelled_home import make_place
from tests.support.labelme_folder import make_folder, rectangle, write_labels, write_photo

KEYS = {
    "project", "dataset", "imported", "updated", "unchanged", "conflicts", "repaired", "skipped", "files", "classes",
    "subsets", "notes", "labelled", "unlabelled",
}  # fmt: skip


@pytest.fixture
def place(tmp_path):
    return make_place(tmp_path / "home")


@pytest.fixture
def folder(tmp_path):
    return make_folder(tmp_path / "campus", ["day/a", "day/b", "c"])


def test_first_import_makes_project_and_dataset_named_after_the_folder(place, folder):
    report = place.run_import(folder)
    assert (report.project, report.dataset, report.imported, report.files) == ("campus", "campus", 3, ())
    assert report.classes == ("background", "road", "car")
    assert set(report.to_json()) == KEYS
    json.dumps(report.to_json())
    [dataset] = list_datasets(place.database)
    assert (dataset.images, dataset.labelled, dataset.source) == (3, 3, str(folder))
    stored = place.image("day/a.png")
    assert place.store.read(stored.sha256) == (folder / "day/a.png").read_bytes()
    assert (stored.width, stored.height, len(stored.perceptual_hash)) == (40, 30, 16)


def test_later_imports_go_to_the_current_project(place, folder, tmp_path):
    place.run_import(folder)
    report = place.run_import(make_folder(tmp_path / "dusk", ["x"]))
    assert (report.project, report.dataset) == ("campus", "dusk")
    named = place.run_import(folder, project="other")
    assert named.project == "other"
    with place.database.write() as session:
        use_project(session, "other")
    assert place.run_import(make_folder(tmp_path / "rain", ["y"])).project == "other"


def test_one_bad_file_never_stops_a_folder(place, folder):
    (folder / "broken.json").write_text("{not json")
    (folder / "empty.png").write_bytes(b"")
    write_labels(folder / "empty.png", [rectangle("road", 0, 0, 5, 5)])
    write_photo(folder / "long.png", seed=9)
    write_labels(folder / "long.png", [rectangle("x" * 1001, 0, 0, 5, 5)])
    report = place.run_import(folder)
    assert report.imported == 3
    assert {(file.file, file.action) for file in report.files} == {
        ("broken.json", "skipped"),
        ("empty.json", "skipped"),
        ("long.json", "skipped"),
    }
    assert all(file.reason for file in report.files)
    assert report.skipped == 3


def test_a_name_that_is_no_text_is_skipped_with_a_reason(place, folder):
    (folder / "c.png").rename(os.fsdecode(bytes(folder) + b"/caf\xe9.png"))  # as old systems write umlauts
    (folder / "c.json").unlink()
    report = place.run_import(folder)
    assert (report.imported, report.skipped) == (2, 1)
    assert [(file.action, "UTF-8" in file.reason) for file in report.files] == [("skipped", True)]


def test_repairs_are_reported_and_the_image_is_imported(place, folder):
    two_points = {"label": "road", "shape_type": "polygon", "points": [[1, 1], [2, 2]]}
    write_labels(folder / "c.png", [rectangle("road", 0, 0, 5, 5), two_points])
    report = place.run_import(folder)
    assert (report.imported, report.repaired) == (3, 1)
    assert [(file.file, file.action) for file in report.files] == [("c.json", "repaired")]


def test_class_order_does_not_depend_on_workers_and_starts_with_the_background(place, tmp_path):
    folder = make_folder(tmp_path / "many", [f"{number:03}" for number in range(60)])
    for number, label in ((50, "zebra"), (10, "tree"), (59, "ant")):
        write_labels(folder / f"{number:03}.png", [rectangle(label, 0, 0, 9, 9)])
    assert place.run_import(folder).classes == ("background", "road", "car", "tree", "zebra", "ant")


def test_classes_file_gives_the_order(place, folder, tmp_path):
    labels = tmp_path / "labels.txt"
    labels.write_text("__ignore__\n_background_\ncar\nroad\n")
    report = place.run_import(folder, classes_file=labels)
    assert report.classes == ("_background_", "car", "road")
    assert list_classes(place.database)[0].color == "#000000"


def test_mapping_merges_drops_and_ignores(place, folder):
    report = place.run_import(folder, mapping={"car": None, "road": "surface"})
    assert report.classes == ("background", "surface")
    surface = list_classes(place.database)[1].id
    assert [shape.label for shape in place.annotation("day/b.png").shapes] == [surface]
    again = place.run_import(folder, mapping={"car": "ignore"})
    assert (again.updated, again.unchanged) == (1, 2)  # only day/b shows a car
    assert place.annotation("day/b.png").shapes[-1].label == Special.IGNORE


def test_unlabelled_may_become_any_class(place, folder):
    report = place.run_import(folder, unlabelled="grass")
    assert report.classes[0] == "grass"
    assert place.run_import(folder).dataset == "campus"
    assert list_datasets(place.database)[0].options.unlabelled == "grass"


def test_case_variants_are_noted_and_not_merged(place, folder):
    write_labels(folder / "c.png", [rectangle("Road", 0, 0, 5, 5)])
    report = place.run_import(folder)
    assert {"road", "Road"} <= set(report.classes)
    assert any("'Road' and 'road'" in note for note in report.notes)


def test_lists_and_role_given_by_hand(place, folder, tmp_path):
    report = place.run_import(folder, lists=("day", "first"), role="train")
    assert report.subsets == {"day": 3, "first": 3}
    other = make_folder(tmp_path / "more", ["d"])
    report = place.run_import(other, dataset="campus", lists=("dusk",), role="val")
    assert report.subsets == {"day": 3, "dusk": 1, "first": 3}
    assert list_datasets(place.database)[0].roles == {"train": 3, "val": 1}
    kept = place.run_import(other, dataset="campus", role="test")
    assert [(file.action, "val" in file.reason) for file in kept.files if file.action == "role kept"] == [
        ("role kept", True)
    ]
    assert list_datasets(place.database)[0].roles == {"train": 3, "val": 1}


def test_an_unlabelled_photo_is_an_image_without_annotation(place, folder):
    write_photo(folder / "new.png", seed=77)
    report = place.run_import(folder)
    assert (report.imported, report.labelled, report.unlabelled) == (4, 3, 1)
    assert place.image("new.png").head_id is None
    assert list_datasets(place.database)[0].labelled == 3


def test_linked_photos_stay_where_they_are_and_a_change_is_an_error_naming_the_file(place, folder):
    place.run_import(folder, link=True)
    image = place.image("c.png")
    assert not place.store.has(image.sha256)
    revision = freeze(place.home, place.database)
    [entry] = [found for found in load_manifest(place.store, revision.digest).images if found.path == "c.png"]
    assert photo_path(place.database, place.store, entry) == folder / "c.png"
    os.utime(folder / "c.png", ns=(1, 1))  # touched, not changed
    assert photo_path(place.database, place.store, entry) == folder / "c.png"
    write_photo(folder / "c.png", seed=1234)
    with pytest.raises(UserError, match=r"c\.png changed"):
        photo_path(place.database, place.store, entry)
    with pytest.raises(UserError, match=r"c\.png changed"):
        freeze(place.home, place.database)
    assert place.run_import(folder).updated == 1
    assert freeze(place.home, place.database).digest != revision.digest


@pytest.mark.parametrize(
    ("request_for", "message"),
    [
        (lambda folder: ImportRequest("labelme", folder / "nowhere"), "no such file"),
        (lambda folder: ImportRequest("tea", folder), "Formats: "),
        (lambda folder: ImportRequest("labelme", folder, dataset="a/b"), "without slashes"),
        (lambda folder: ImportRequest("labelme", folder, line_width=0), "line_width"),
        (lambda folder: ImportRequest("labelme", folder, lists=("",)), "list is named"),
    ],
)
def test_a_request_that_cannot_be_leaves_nothing_behind(place, folder, request_for, message):
    with pytest.raises(UserError, match=message):
        import_dataset(place.home, place.database, request_for(folder))
    with place.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Project)) == 0


def test_more_than_254_classes_are_refused(place, folder, tmp_path):
    labels = tmp_path / "labels.txt"
    labels.write_text("\n".join(["_background_", *(f"class {number}" for number in range(253))]))
    with pytest.raises(UserError, match="254"):
        place.run_import(folder, classes_file=labels)
    with place.database.read() as session:
        assert session.scalar(select(func.count()).select_from(AnnotationVersion)) == 0


def test_a_dataset_keeps_its_format(place, folder):
    place.run_import(folder)
    with pytest.raises(UserError, match="imported as labelme"):
        place.run_import(folder, format="masks")


def test_an_empty_folder_is_refused(place, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="empty"):
        place.run_import(tmp_path / "empty")


def test_without_a_current_project_one_is_made_after_the_folder(place, folder):
    with place.database.write() as session:
        session.add(Project(name="demo"))
    assert place.run_import(folder).project == "campus"
    assert place.run_import(folder).unchanged == 3


def test_a_project_named_like_the_folder_is_not_taken_unasked(place, folder):
    with place.database.write() as session:
        session.add(Project(name="campus"))
    with pytest.raises(UserError, match="workbench use campus"):
        place.run_import(folder)
    assert place.run_import(folder, project="campus").imported == 3


def test_what_killed_writers_left_is_swept_at_import_and_freeze(place, folder):
    left = place.home.store / "incoming" / ".left.tmp"
    for work in (lambda: place.run_import(folder), lambda: freeze(place.home, place.database)):
        left.parent.mkdir(parents=True, exist_ok=True)
        left.write_bytes(b"half")
        os.utime(left, (0, 0))
        work()
        assert not left.exists()


def test_what_nobody_labelled_becomes_the_background_that_the_project_has(place, tmp_path):
    first = make_folder(tmp_path / "first", ["a"])
    labels = tmp_path / "labels.txt"
    labels.write_text("__ignore__\n_background_\ncar\n")
    place.run_import(first, classes_file=labels)
    classes = [info.name for info in list_classes(place.database)]
    (tmp_path / "bare").mkdir()
    write_photo(tmp_path / "bare" / "b.png", seed=1)
    place.run_import(tmp_path / "bare")
    assert [info.name for info in list_classes(place.database)] == classes


def test_shapes_that_label_nothing_are_said(place, folder):
    off, shares = rectangle("car", 100, 100, 120, 110), rectangle("road", 0.1, 0.5, 0.9, 0.9)
    write_labels(folder / "c.png", [off, shares, rectangle("road", -5, 20, 60, 29)])
    [told] = [file for file in place.run_import(folder).files if file.file == "c.json"]
    assert told.action == "repaired"
    assert "1 shape ('car') lies off the photo of 40 x 30 pixels" in told.reason
    assert "1 shape ('road') lies in the first pixel" in told.reason


def test_photos_of_other_kinds_and_archives_inside_are_said(place, folder):
    for name in ("b.HEIC", "raw/c.nef", "more.zip", "notes.docx", ".hidden.heic"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"...")
    notes = place.run_import(folder).notes
    assert any("2 photos of a kind that is not read: left out (.heic: 1, .nef: 1; b.HEIC)" in note for note in notes)
    assert any("1 archive inside, which an import does not open (more.zip)" in note for note in notes)
