"""Importing again after editing: unchanged, updated, conflict, gone; options, lists and classes meanwhile."""

from dataclasses import replace

import pytest
from sqlalchemy import select, update

from db.errors import UserError
from db.schema import AnnotationVersion
from labeling.annotation import Shape
from labeling.annotations import HeadMovedError, save_version
from labeling.classes import list_classes, merge_class, rename_class
from labeling.datasets import list_datasets, restore_dataset, trash_dataset
from labeling.importing.decision import BESIDES, Stored, decide
from tests.support.labelled_home import make_place
from tests.support.labelme_folder import make_folder, rectangle, write_labels, write_photo


@pytest.fixture
def place(tmp_path):
    return make_place(tmp_path / "home")


@pytest.fixture
def folder(tmp_path):
    return make_folder(tmp_path / "campus", ["a", "b", "c"])


def counts(report):
    return report.imported, report.updated, report.unchanged, report.conflicts


def actions(report):
    return {file.file: file.action for file in report.files}


def draw_here(place, path):
    image = place.image(path)
    annotation = place.annotation(path)
    shape = Shape("rectangle", list_classes(place.database)[0].id, ((0.0, 0.0), (3.0, 3.0)))
    drawn = replace(annotation, shapes=(*annotation.shapes, shape))
    save_version(place.database, image_id=image.id, parent_id=image.head_id, annotation=drawn, author="me")
    return drawn


def test_nothing_changed(place, folder):
    place.run_import(folder)
    before = place.everything()
    report = place.run_import(folder)
    assert counts(report) == (0, 0, 3, 0)
    assert actions(report) == {"a.json": "unchanged", "b.json": "unchanged", "c.json": "unchanged"}
    assert place.everything() == before


def test_changed_at_the_source_becomes_a_new_version(place, folder):
    place.run_import(folder)
    write_labels(folder / "b.png", [rectangle("tree", 1, 1, 9, 9)])
    report = place.run_import(folder)
    assert counts(report) == (0, 1, 2, 0)
    assert report.classes[-1] == "tree"
    first, second = place.versions("b.png")
    assert (second.parent_id, place.image("b.png").head_id) == (first.id, second.id)


def test_what_an_earlier_workbench_did_not_keep_is_told_apart_from_a_change(place, folder):
    place.run_import(folder)
    edited = draw_here(place, "c.png")
    with place.database.write() as session:  # as one wrote them that kept neither flags nor groups
        for version in session.scalars(select(AnnotationVersion).where(AnnotationVersion.origin == "import:labelme")):
            shapes = [
                {key: shape[key] for key in shape if key not in ("extra", "group")}
                for shape in version.content["shapes"]
            ]
            content = {key: value for key, value in version.content.items() if key != "extra"} | {"shapes": shapes}
            values = {"content": content, "source_digest": "0" * 64}
            session.execute(update(AnnotationVersion).where(AnnotationVersion.id == version.id).values(values))
    write_labels(folder / "b.png", [rectangle("tree", 1, 1, 9, 9)])
    report = place.run_import(folder)
    assert counts(report) == (0, 2, 0, 1)
    reasons = {file.file: file.reason for file in report.files}
    assert reasons["a.json"] == BESIDES
    assert reasons["b.json"] == "its labels changed at the source"
    assert reasons["c.json"].startswith("changed here; there, its shapes are the same")
    assert place.annotation("c.png") == edited
    assert any(note.startswith("Images that look as they did at their last import: 2.") for note in report.notes)
    again = place.run_import(folder)
    assert counts(again) == (0, 0, 2, 1)
    assert any("last import: 1." in note for note in again.notes)


def test_a_changed_photo_is_an_update_too(place, folder):
    place.run_import(folder)
    before = place.image("b.png")
    write_photo(folder / "b.png", seed=99)
    assert counts(place.run_import(folder)) == (0, 1, 2, 0)
    after = place.image("b.png")
    assert after.sha256 != before.sha256
    assert after.perceptual_hash != before.perceptual_hash


def test_back_to_an_older_state_is_an_update(place, folder):
    place.run_import(folder)
    original = (folder / "b.json").read_text()
    write_labels(folder / "b.png", [])
    place.run_import(folder)
    (folder / "b.json").write_text(original)
    assert counts(place.run_import(folder)) == (0, 1, 2, 0)
    first, _, third = place.versions("b.png")
    assert first.content == third.content


def test_changed_here_only_is_kept(place, folder):
    place.run_import(folder)
    drawn = draw_here(place, "a.png")
    assert counts(place.run_import(folder)) == (0, 0, 3, 0)
    assert place.annotation("a.png") == drawn


def test_changed_on_both_sides_is_a_conflict_and_ours_is_kept(place, folder):
    place.run_import(folder)
    drawn = draw_here(place, "a.png")
    write_labels(folder / "a.png", [])
    for _ in range(2):
        report = place.run_import(folder)
        assert counts(report) == (0, 0, 2, 1)
        assert actions(report)["a.json"] == "conflict"
        assert place.annotation("a.png") == drawn


def test_theirs_wins_where_asked_and_ours_remains_an_older_version(place, folder):
    place.run_import(folder)
    drawn = draw_here(place, "a.png")
    write_labels(folder / "a.png", [])
    report = place.run_import(folder, on_conflict="theirs")
    assert counts(report) == (0, 1, 2, 1)
    assert place.annotation("a.png").shapes == ()
    assert place.versions("a.png")[1].content == drawn.to_json()
    assert counts(place.run_import(folder)) == (0, 0, 3, 0)


def test_gone_is_reported_and_kept(place, folder):
    place.run_import(folder)
    before = place.annotation("a.png"), place.annotation("b.png")
    (folder / "a.json").unlink()
    (folder / "a.png").unlink()
    (folder / "b.json").unlink()
    report = place.run_import(folder)
    assert {file.file for file in report.files if file.action == "gone"} == {"a.png", "b.png"}
    assert (place.annotation("a.png"), place.annotation("b.png")) == before


def test_writers_compare_and_swap(place, folder):
    place.run_import(folder)
    image, annotation = place.image("a.png"), place.annotation("a.png")
    draw_here(place, "a.png")
    with pytest.raises(HeadMovedError, match="somebody else"):
        save_version(place.database, image_id=image.id, parent_id=image.head_id, annotation=annotation, author="you")
    assert len(place.versions("a.png")) == 2


def test_options_are_kept_and_changes_recorded(place, folder):
    place.run_import(folder, line_width=3, unlabelled="ignore")
    quiet = place.run_import(folder)
    assert not [note for note in quiet.notes if note.startswith("Option")]
    changed = place.run_import(folder, line_width=7)
    assert "Option line_width changed from 3 to 7." in changed.notes
    assert counts(changed) == (0, 0, 3, 0)


def test_files_named_beside_the_source_are_remembered(place, folder, tmp_path):
    labels = tmp_path / "labels.txt"
    labels.write_text("__ignore__\n_background_\nroad\ncar\n")
    place.run_import(folder, classes_file=labels)
    assert counts(place.run_import(folder)) == (0, 0, 3, 0)
    labels.unlink()
    with pytest.raises(UserError, match=r"labels\.txt"):
        place.run_import(folder)


def test_a_renamed_class_is_found_under_its_old_name(place, folder):
    place.run_import(folder)
    rename_class(place.database, None, "car", "vehicle")
    report = place.run_import(folder)
    assert counts(report) == (0, 0, 3, 0)
    assert report.classes == ("background", "road", "vehicle")
    write_labels(folder / "a.png", [rectangle("car", 1, 1, 9, 9)])
    assert place.run_import(folder).classes == ("background", "road", "vehicle")


def test_merging_classes_changes_no_annotation(place, folder):
    place.run_import(folder)
    merge_class(place.database, None, "car", "road")
    report = place.run_import(folder)
    assert counts(report) == (0, 0, 3, 0)
    assert report.classes == ("background", "road")


def test_another_photo_of_the_same_name_from_elsewhere_is_a_conflict(place, folder, tmp_path):
    place.run_import(folder)
    elsewhere = tmp_path / "second_day"
    write_photo(elsewhere / "a.png", seed=500)
    write_labels(elsewhere / "a.png", [])
    before = place.image("a.png").sha256
    for _ in range(2):  # the dataset's last source is another one then, the image's is not
        report = place.run_import(elsewhere, dataset="campus", lists=("second",), role="val")
        assert counts(report) == (0, 0, 0, 1)
        assert report.subsets == {"second": 0}
        assert place.everything()["roles"] == []
        assert place.image("a.png").sha256 == before
        assert "gone" not in actions(report).values()
    assert counts(place.run_import(elsewhere, dataset="campus", on_conflict="theirs")) == (0, 1, 0, 1)
    assert counts(place.run_import(elsewhere, dataset="campus")) == (0, 0, 1, 0)
    assert counts(place.run_import(folder, dataset="campus")) == (0, 0, 2, 1)


def test_an_import_killed_before_its_first_image_does_not_claim_the_images(place, folder, tmp_path, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    place.run_import(folder)
    before = place.image("a.png").sha256
    write_photo(tmp_path / "second_day" / "a.png", seed=500)
    write_labels(tmp_path / "second_day" / "a.png", [])
    with monkeypatch.context() as patch:
        patch.setattr("labeling.importing.run._import_items", stop)
        with pytest.raises(KeyboardInterrupt):
            place.run_import(tmp_path / "second_day", dataset="campus")
    assert counts(place.run_import(tmp_path / "second_day", dataset="campus")) == (0, 0, 0, 1)
    assert place.image("a.png").sha256 == before


def test_a_moved_folder_goes_on_as_before(place, folder, tmp_path):
    place.run_import(folder)
    folder.rename(tmp_path / "elsewhere")
    write_labels(tmp_path / "elsewhere" / "a.png", [])
    assert counts(place.run_import(tmp_path / "elsewhere", dataset="campus")) == (0, 1, 2, 0)


def test_a_dataset_in_the_trash_is_not_imported_into(place, folder):
    place.run_import(folder)
    trash_dataset(place.database, None, "campus")
    with pytest.raises(UserError, match="trash"):
        place.run_import(folder)
    restore_dataset(place.database, None, "campus")
    assert counts(place.run_import(folder)) == (0, 0, 3, 0)


ASK = {"photo_sha256": "p", "digest": "new", "theirs": False, "elsewhere": False}


@pytest.mark.parametrize(
    ("stored", "change", "action", "takes_labels"),
    [
        (None, {}, "imported", True),
        (None, {"digest": None}, "imported", True),
        (Stored("p", "new", "imported"), {}, "unchanged", False),
        (Stored("p", "new", "ours"), {}, "unchanged", False),
        (Stored("p", "old", "imported"), {}, "updated", True),
        (Stored("p", "old", "ours"), {}, "conflict", False),
        (Stored("p", "old", "ours"), {"theirs": True}, "conflict", True),
        (Stored("p", None, "none"), {}, "updated", True),
        (Stored("p", None, "ours"), {}, "conflict", False),
        (Stored("p", None, "none"), {"digest": None}, "unchanged", False),
        (Stored("q", None, "none"), {"digest": None}, "updated", True),
        (Stored("q", None, "ours"), {"digest": None}, "conflict", False),
        (Stored("p", "old", "imported"), {"digest": None}, "gone", False),
        (Stored("q", "old", "imported"), {"elsewhere": True}, "conflict", False),
        (Stored("p", "old", "imported"), {"elsewhere": True}, "updated", True),
        (Stored("p", "old", "imported"), {"same_drawing": True}, "updated", True),
        (Stored("p", "old", "ours"), {"same_drawing": True}, "conflict", False),
    ],
)
def test_rules(stored, change, action, takes_labels):
    decision = decide(stored, **{**ASK, **change})
    assert (decision.action, decision.takes_labels) == (action, takes_labels)


def test_a_source_known_by_a_name_is_the_same_wherever_it_lies(place, folder, tmp_path):
    (folder / "names.txt").write_text("car\nroad\n")
    first = place.run_import(folder, dataset="d", known_as="upload:campus", classes_file=folder / "names.txt")
    assert first.classes[:3] == ("background", "car", "road")
    moved = folder.rename(tmp_path / "elsewhere")
    write_labels(moved / "b.png", [rectangle("tree", 1, 1, 9, 9)])
    write_photo(moved / "c.png", seed=77)
    (moved / "a.png").unlink()
    (moved / "a.json").unlink()
    again = place.run_import(moved, dataset="d", known_as="upload:campus")
    assert counts(again) == (0, 2, 0, 0)
    assert {file.file: file.reason for file in again.files if file.action == "gone"} == {
        "a.png": "it is no longer in upload:campus; the image and its labels are kept here"
    }
    assert not any("last imported from" in note for note in again.notes)
    (moved / "names.txt").unlink()
    with pytest.raises(UserError, match=r"names\.txt"):
        place.run_import(moved, dataset="d", known_as="upload:campus")
    assert str(tmp_path) not in list_datasets(place.database, None)[0].options.model_dump_json()


def test_another_source_by_name_is_not_trusted_with_photos(place, folder):
    place.run_import(folder, dataset="d", known_as="upload:campus")
    write_photo(folder / "c.png", seed=77)
    report = place.run_import(folder, dataset="d", known_as="upload:dusk")
    assert counts(report) == (0, 0, 2, 1)
    assert any("last imported from upload:campus" in note for note in report.notes)
