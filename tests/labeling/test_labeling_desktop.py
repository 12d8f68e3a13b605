"""Images handed out to labelme and taken back: what is changed there is stored once, and nothing here is lost."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import select

from db.errors import NotFoundError, UserError
from db.schema import Class
from db.schema import Image as ImageRow
from db.staging import Staged, settle_all
from labeling.annotation import Annotation, Layer, Patch, Shape, Special
from labeling.annotations import append_version, save_version
from labeling.classes import merge_class, rename_class
from labeling.desktop.hand_out import Given, LabelRequest, hand_out
from labeling.desktop.program import Labelme, ask_labelme
from labeling.desktop.run import label_on_desktop, take_all_back
from labeling.desktop.sessions import damaged_sessions, find_session, list_sessions
from labeling.desktop.take_back import SessionReport, TakenBack, take_back
from labeling.map_store import stage_map
from labeling.roles import set_roles
from labeling.subsets import add_to_subset
from tests.support.labelled_home import Place, make_place
from tests.support.labelme_files import base64_mask
from tests.support.labelme_folder import HEIGHT, WIDTH, make_folder, rectangle, write_labels, write_photo
from tests.support.photo_files import encode, scene

NAMES = ("day/a", "day/b", "c")
PROGRAM = Labelme("/nowhere/labelme", "6.3.1", frozenset({"--labels", "--flags"}))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three labelled photos and a bare one, imported."""
    folder = tmp_path_factory.mktemp("desktop")
    source = make_folder(folder / "photos", NAMES)
    write_photo(source / "bare.png", seed=9)
    make_place(folder / "home").run_import(source, dataset="d")
    return folder


@pytest.fixture
def place(made: Path, tmp_path: Path) -> Place:
    """A copy of them."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    return make_place(tmp_path / "home")


def give(place: Place, **asked: Any) -> Given:
    program = asked.pop("program", PROGRAM)
    return hand_out(place.home, place.database, LabelRequest(**asked), program)


def back(place: Place, given: Given, **asked: Any) -> SessionReport:
    return take_back(place.home, place.database, given.session.id, **asked)


def label_file(given: Given, path: str) -> Path:
    return (given.session.photos / path).with_suffix(".json")


def document(given: Given, path: str) -> dict[str, Any]:
    return json.loads(label_file(given, path).read_text())


def save(given: Given, path: str, change: Callable[[dict[str, Any]], Any] = lambda fields: None) -> None:
    """Change a file and write it as labelme does: anew, with its version, its order of keys, all flags there are."""
    file = label_file(given, path)
    fields: dict[str, Any] = {"flags": {}, "shapes": [], "imageHeight": HEIGHT, "imageWidth": WIDTH, "imageData": None}
    fields |= json.loads(file.read_text()) if file.exists() else {}
    change(fields)
    fields["version"] = "9.9.9"
    fields["flags"] = {"night": False} | fields["flags"]
    file.write_text(json.dumps(dict(sorted(fields.items())), ensure_ascii=False))


def told(report: SessionReport, path: str) -> TakenBack:
    (found,) = [each for each in report.files if each.path == path]
    return found


def names_of(place: Place) -> dict[int, str]:
    with place.database.read() as session:
        return dict(session.execute(select(Class.id, Class.name)).all())


def shown(place: Place, path: str) -> list[tuple[str, str]]:
    names = names_of(place)
    return [
        (shape.kind, shape.label.value if isinstance(shape.label, Special) else names[int(shape.label)])
        for shape in place.annotation(path).shapes
    ]


# --- handing out


def test_the_folder_holds_photos_labels_and_names(place):
    given = give(place)
    photos = {path: (given.session.photos / path).read_bytes() for path in ("day/a.png", "c.png", "bare.png")}
    assert photos == {path: place.store.read(place.image(path).sha256) for path in photos}
    assert document(given, "day/a.png")["imagePath"] == "a.png"
    assert [each["label"] for each in document(given, "day/b.png")["shapes"]] == ["road", "car"]
    assert not label_file(given, "bare.png").exists()
    assert given.labels.read_text().split() == ["__ignore__", "background", "road", "car"]
    assert given.flags is None
    (info,) = list_sessions(place.home)
    assert (info.images, info.dataset, info.open) == (4, "d", False)


def test_a_photo_that_is_spoilt_in_the_folder_is_whole_in_the_store(place):
    given = give(place)
    with (given.session.photos / "c.png").open("r+b") as file:  # as root, for whom nothing is read-only
        file.write(b"spoilt")
    assert place.store.verify(place.image("c.png").sha256)


@pytest.mark.parametrize(
    ("asked", "paths"),
    [
        ({"on": "some"}, ["day/a.png", "day/b.png"]),
        ({"on": "val"}, ["c.png"]),
        ({"images": ("c.png", "bare.png")}, ["bare.png", "c.png"]),
        ({"on": "some", "images": ("day/a.png",)}, ["day/a.png"]),
    ],
)
def test_a_part_of_a_dataset(place, asked, paths):
    add_to_subset(place.database, None, "d", "some", ["day/a.png", "day/b.png"])
    set_roles(place.database, None, "d", ["c.png"], "val")
    given = give(place, **asked)
    assert [each.path for each in given.manifest.images] == paths
    assert sorted(p.relative_to(given.session.photos).as_posix() for p in given.session.photos.rglob("*.png")) == paths


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"dataset": "nope"}, "no dataset 'nope'"),
        ({"on": "nope"}, "no list 'nope', and it is no role"),
        ({"on": "test"}, "no image to label"),
        ({"images": ("nope.png",)}, "no image 'nope.png'"),
    ],
)
def test_what_is_not_there_is_said_and_leaves_nothing(place, asked, message):
    with pytest.raises(UserError, match=message):
        give(place, **asked)
    assert list_sessions(place.home) == []
    assert list(place.home.desktop.glob("*")) == [] if place.home.desktop.exists() else True


def test_of_several_datasets_one_is_named(place, tmp_path):
    place.run_import(make_folder(tmp_path / "more", ("x",)), dataset="e")
    with pytest.raises(UserError, match=r"Name it with --dataset\. Datasets: d, e"):
        give(place)


def test_images_are_handed_out_once(place):
    first = give(place, images=("c.png",))
    with pytest.raises(UserError, match=r"c\.png of these images are handed out already: session 1.*waits to be taken"):
        give(place)
    second = give(place, images=("day/a.png",))
    assert (first.session.id, second.session.id) == (1, 2)
    back(place, first)
    assert give(place, images=("c.png",)).session.id == 3


def test_photos_that_would_share_a_label_file_are_opened_apart(place, tmp_path):
    (tmp_path / "photos" / "c.jpg").write_bytes(encode(scene(HEIGHT, WIDTH), "JPEG"))
    place.run_import(tmp_path / "photos", dataset="d")
    given = give(place)
    (left,) = given.left_out
    assert (left.path, "c.jpg" in left.reason) == ("c.png", True)
    assert "c.png" not in {each.path for each in given.manifest.images}


def test_masks_wait_for_a_labelme_that_shows_them(place):
    paint(place, "c.png")
    with pytest.raises(UserError, match=r"masks, which labelme shows from 5\.5 on; this is 5\.4\.1"):
        give(place, images=("c.png",), program=Labelme("", "5.4.1", frozenset()))
    for version in ("5.5.0", "6.3.1", "7.1.0", ""):
        back(place, give(place, images=("c.png",), program=Labelme("", version, frozenset())))


def test_a_tiff_is_handed_out_upright(place, tmp_path):
    photo = tmp_path / "photos" / "t.tif"
    photo.write_bytes(encode(scene(HEIGHT, WIDTH), "TIFF", orientation=6))
    place.run_import(tmp_path / "photos", dataset="d")
    given = give(place, images=("t.tif",))
    with Image.open(given.session.photos / "t.tif") as found:
        assert (found.size, found.getexif().get(274, 1)) == ((HEIGHT, WIDTH), 1)


def test_a_linked_photo_that_changed_is_left_out_and_named(place, tmp_path):
    source = make_folder(tmp_path / "linked", ("l", "m"))
    write_photo(source / "l.png", seed=76)  # which the store does not hold
    place.run_import(source, dataset="e", link=True)
    write_photo(source / "l.png", seed=77)
    given = give(place, dataset="e")
    assert [each.path for each in given.manifest.images] == ["m.png"]
    assert "changed since it was imported" in given.left_out[0].reason
    assert not (given.session.photos / "m.png").samefile(source / "m.png")


# --- taking back


def test_what_was_only_saved_again_makes_no_version(place):
    given = give(place)
    for path in ("day/a.png", "day/b.png"):
        save(given, path)
    report = back(place, given)
    assert (report.counts, report.files, report.folder) == ({"unchanged": 4}, (), None)
    assert report.sentence == "Nothing was changed in labelme."
    assert [len(place.versions(f"{name}.png")) for name in NAMES] == [1, 1, 1]
    assert not given.session.path.exists()
    with pytest.raises(NotFoundError, match="no labelme session 1"):
        back(place, given)


def test_changes_become_versions_with_what_changed(place):
    given = give(place)
    before = place.annotation("day/b.png")

    def change(fields: dict[str, Any]) -> None:
        road, car = fields["shapes"]
        road["points"] = [[0, 10], [39, 29]]
        fields["shapes"] = [road, rectangle("räum <b>", 1, 1, 4, 4), rectangle("car", 30, 0, 39, 5)]
        assert car["label"] == "car"

    save(given, "day/b.png", change)
    save(given, "bare.png", lambda fields: fields["shapes"].append(rectangle("__ignore__", 0, 0, 9, 9)))
    save(given, "day/a.png", lambda fields: fields["shapes"].clear())
    report = back(place, given, author="Ann")
    assert report.counts == {"stored": 3, "unchanged": 1}
    assert report.classes == ("räum <b>",)
    assert shown(place, "day/b.png") == [("rectangle", "road"), ("rectangle", "räum <b>"), ("rectangle", "car")]
    found = told(report, "day/b.png")
    assert (found.added, found.removed, found.changed) == (1, 0, 2)
    # Ten rows of road more, of which the car hid some; its old place is background or road, its new one is car.
    assert found.pixels in range(300, 600)
    bare = told(report, "bare.png")
    assert (bare.added, bare.pixels) == (1, 100)
    assert (told(report, "day/a.png").removed, told(report, "day/a.png").pixels) == (1, 400)
    first, second = place.versions("day/b.png")
    assert (second.origin, second.author, second.parent_id) == ("labelme", "Ann", first.id)
    assert Annotation.from_json(first.content) == before
    assert shown(place, "bare.png") == [("rectangle", "ignore")]


def test_an_empty_file_for_a_bare_photo_is_a_label(place):
    given = give(place)
    save(given, "bare.png")
    report = back(place, given)
    assert (report.counts["stored"], told(report, "bare.png").pixels) == (1, 0)
    assert place.annotation("bare.png") == Annotation(WIDTH, HEIGHT)


def test_what_labelme_does_not_know_outlives_it(place, tmp_path):
    photo = tmp_path / "photos" / "x.png"
    write_photo(photo, seed=5)
    odd = {
        **rectangle("car", 0, 0, 9, 9),
        "score": 0.5,
        "flags": {"far": False},
        "points": [[0, 0], [9, 0], [9, 9], [0, 9]],
    }
    leaning = {"label": "car", "shape_type": "rotation", "points": [[3, 3], [9, 5], [7, 9], [2, 8]], "direction": 1.5}
    prompt = {"label": "car", "shape_type": "points", "points": [[1, 1], [2, 2]]}
    write_labels(photo, [odd, prompt, leaning, rectangle("road", 0, 20, 9, 29)])
    place.run_import(tmp_path / "photos", dataset="d")
    before = place.annotation("x.png")
    given = give(place, images=("x.png",))
    assert [each["shape_type"] for each in document(given, "x.png")["shapes"]] == ["rectangle", "polygon", "rectangle"]

    def change(fields: dict[str, Any]) -> None:
        for entry in fields["shapes"]:  # an old version keeps nothing it does not know
            for key in set(entry) - {"label", "points", "group_id", "shape_type", "flags"}:
                del entry[key]
            entry["points"] = [[float(x), float(y)] for x, y in entry["points"]]
        fields["shapes"][2]["label"] = "car"

    save(given, "x.png", change)
    found = told(back(place, given), "x.png")
    assert (found.added, found.removed, found.changed) == (0, 0, 1)
    after = place.annotation("x.png")
    assert after.shapes[:2] == before.shapes[:2]
    assert after.extra == before.extra == {"shapes": [[1, prompt]]}
    assert shown(place, "x.png")[2] == ("rectangle", "car")


@pytest.mark.parametrize(
    ("change", "note"),
    [
        (lambda f: f["shapes"].reverse(), "order of its shapes"),
        (lambda f: f["flags"].update(night=True), "flags of the photo"),
        (lambda f: f["shapes"][0].update(flags={"far": True}), ""),
        (lambda f: f["shapes"][0].update(description="seen from <b>"), ""),
        (lambda f: f["shapes"][0].update(group_id=0), ""),
        (lambda f: f["shapes"].append({"label": "x", "points": [[1, 1]], "shape_type": "points"}), "[2] left out"),
    ],
)  # fmt: skip
def test_changes_that_move_no_pixel_are_changes(place, change, note):
    given = give(place, images=("day/b.png",))
    save(given, "day/b.png", change)
    found = told(back(place, given), "day/b.png")
    assert found.action == "stored"
    assert note in found.reason
    again = give(place, images=("day/b.png",))
    save(again, "day/b.png")
    assert back(place, again).counts == {"unchanged": 1}


def test_what_later_versions_draw_and_leave_out(place):
    """Shapes of 6.2 and 7.1: leaning rectangles, masks between pixels, no keys but those that say something."""

    def change(fields: dict[str, Any]) -> None:
        road = fields["shapes"][0]
        fields["shapes"] = [
            {key: road[key] for key in ("label", "points", "shape_type")},
            {"label": "car", "points": [[2, 2], [9, 4], [8, 9], [1, 7]], "shape_type": "oriented_rectangle"},
            {
                "label": "car",
                "points": [[19.6, 9.7], [25.4, 12.6]],
                "shape_type": "mask",
                "mask": base64_mask(np.ones((4, 6), np.uint8) * 255),
            },
        ]
        for key in ("flags", "imageData"):
            fields[key] = None
        fields["annotator"] = "Ann"

    given = give(place, images=("c.png",))
    label_file(given, "c.png").write_text(json.dumps(changed(document(given, "c.png"), change)), "utf-8-sig")
    found = told(back(place, given), "c.png")
    assert (found.added, found.removed, found.changed, found.reason) == (2, 0, 0, "")
    _, leaning, mask = place.annotation("c.png").shapes
    assert (leaning.kind, leaning.extra) == ("polygon", {"shape_type": "oriented_rectangle"})
    assert mask.patch is not None
    assert (mask.patch.x, mask.patch.y, mask.patch.pixels.sum()) == (20, 10, 24)
    again = give(place, images=("c.png",))
    save(again, "c.png")
    assert back(place, again).counts == {"unchanged": 1}


def changed(fields: dict[str, Any], change: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    change(fields)
    return fields


def test_changed_on_both_sides_is_a_conflict_with_nothing_lost(place):
    given = give(place)
    save(given, "c.png", lambda fields: fields["shapes"].append(rectangle("car", 0, 0, 3, 3)))
    save(given, "day/a.png", lambda fields: fields["shapes"].clear())
    ours = Annotation(WIDTH, HEIGHT)
    head = place.image("c.png").head_id
    save_version(place.database, image_id=place.image("c.png").id, parent_id=head, annotation=ours, author="me")
    report = back(place, given)
    assert (report.counts["conflict"], report.counts["stored"], report.folder) == (1, 1, given.session.photos)
    assert str(label_file(given, "c.png")) in told(report, "c.png").reason
    assert place.annotation("c.png") == ours
    assert [path.name for path in sorted(given.session.photos.rglob("*.*"))] == ["c.json", "c.png"]
    (info,) = list_sessions(place.home)
    assert info.images == 1
    assert back(place, given).counts == {"conflict": 1}
    taken = back(place, given, on_conflict="theirs")
    assert told(taken, "c.png").action == "stored"
    assert "remains as an older one" in told(taken, "c.png").reason
    assert [version.origin for version in place.versions("c.png")] == ["import:labelme", "workbench", "labelme"]
    assert len(shown(place, "c.png")) == 2
    assert not given.session.path.exists()


def test_a_conflict_is_let_go_by_deleting_its_file(place):
    given = give(place, images=("c.png",))
    save(given, "c.png", lambda fields: fields["shapes"].clear())
    save_version(
        place.database,
        image_id=place.image("c.png").id,
        parent_id=place.image("c.png").head_id,
        annotation=Annotation(WIDTH, HEIGHT),
        author="me",
    )
    back(place, given)
    label_file(given, "c.png").unlink()
    report = back(place, given)
    assert (report.counts, report.folder, len(place.versions("c.png"))) == ({"gone": 1}, None, 2)


def test_a_deleted_label_file_deletes_no_labels(place):
    given = give(place)
    label_file(given, "day/a.png").unlink()
    (given.session.photos / "day/b.png").unlink()
    report = back(place, given)
    assert (told(report, "day/a.png").action, report.folder) == ("gone", None)
    assert "its labels are kept" in told(report, "day/a.png").reason
    assert shown(place, "day/a.png") == [("rectangle", "road")]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "not valid JSON"),
        ("", "empty"),
        ("[]", "found a JSON list"),
        ("[" * 100_000, "nested too deeply"),
        ('{"shapes": [], "imageWidth": 7, "imageHeight": 8}', "a photo of 7 x 8 pixels"),
        (json.dumps({"shapes": [rectangle("x" * 2000, 0, 0, 3, 3)]}), "at most 1000"),
        (json.dumps({"shapes": [rectangle("two\nlines", 0, 0, 3, 3)]}), "line break"),
    ],
)
def test_a_broken_file_is_kept_and_named_and_stops_nothing(place, text, why):
    given = give(place)
    label_file(given, "c.png").write_text(text)
    save(given, "day/a.png", lambda fields: fields["shapes"].clear())
    report = back(place, given)
    assert (report.counts["broken"], report.counts["stored"]) == (1, 1)
    found = told(report, "c.png")
    assert why in found.reason
    assert str(label_file(given, "c.png")) in found.reason
    assert label_file(given, "c.png").read_text() == text
    assert len(place.versions("c.png")) == 1
    label_file(given, "c.png").write_text('{"shapes": []}')  # mended by hand
    assert back(place, given).counts == {"stored": 1}


def test_files_that_were_not_handed_out_are_named_and_left_alone(place):
    given = give(place)
    photos = given.session.photos
    shutil.copy(photos / "c.png", photos / "copy of c.png")
    (photos / "day" / "a.json").rename(photos / "day" / "renamed.json")
    report = back(place, given)
    assert [(each.path, each.action) for each in report.files] == [
        ("day/a.png", "gone"),
        ("copy of c.png", "foreign"),
        ("day/renamed.json", "foreign"),
    ]
    assert report.folder == photos
    assert sorted(path.name for path in photos.rglob("*.*")) == ["copy of c.png", "renamed.json"]
    assert list_sessions(place.home)[0].images == 0
    shutil.rmtree(photos)
    photos.mkdir()
    assert (back(place, given).folder, list_sessions(place.home)) == (None, [])


def test_an_image_that_is_gone_from_the_dataset_keeps_its_file(place):
    given = give(place, images=("c.png",))
    save(given, "c.png", lambda fields: fields["shapes"].clear())
    with place.database.write() as session:
        session.delete(session.get_one(ImageRow, place.image("c.png").id))
    report = back(place, given)
    assert "no longer in the dataset" in told(report, "c.png").reason
    assert label_file(given, "c.png").exists()


def test_a_class_that_was_renamed_meanwhile_is_still_meant(place):
    given = give(place)
    rename_class(place.database, None, "car", "vehicle")
    merge_class(place.database, None, "vehicle", "road")
    save(given, "c.png", lambda fields: fields["shapes"].append(rectangle("car", 0, 0, 3, 3)))
    report = back(place, given)
    assert report.classes == ()
    assert shown(place, "c.png")[-1] == ("rectangle", "vehicle")


def test_killed_between_storing_and_clearing_up_it_stores_once(place, monkeypatch):
    given = give(place)
    for path in ("day/a.png", "day/b.png"):
        save(given, path, lambda fields: fields["shapes"].clear())

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("labeling.desktop.take_back._Work.report", killed)
        with pytest.raises(KeyboardInterrupt):
            back(place, given)
    report = back(place, given)
    assert report.counts == {"unchanged": 4}
    assert [len(place.versions(path)) for path in ("day/a.png", "day/b.png")] == [2, 2]
    assert {each.reason for each in report.files} == {"it was stored before"}
    assert not given.session.path.exists()


def test_what_was_killed_before_it_began_is_swept_away(place, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr("labeling.desktop.sessions.shutil.rmtree", lambda *_, **__: None)
        patched.setattr("labeling.desktop.hand_out._write_names", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            give(place)
    assert (place.home.desktop / "1" / "photos" / "c.png").exists()
    assert list_sessions(place.home) == []
    give(place)
    assert [folder.name for folder in place.home.desktop.iterdir()] == ["2"]


def test_a_damaged_session_says_how_its_labels_are_saved(place):
    given = give(place)
    given.session.manifest_file.write_text("{}")
    assert list_sessions(place.home) == []
    (sentence,) = damaged_sessions(place.home)
    assert "session.json is damaged" in sentence
    with pytest.raises(UserError, match=r"workbench import labelme .*photos"):
        find_session(place.home, 1)
    give(place, images=("c.png",))
    assert given.session.photos.exists()


# --- maps


def paint(place: Place, path: str) -> tuple[np.ndarray, np.ndarray]:
    """Give an image a base map, a shape and a paint map, as an import of masks and a brush would."""
    base, brush = np.full((HEIGHT, WIDTH), 254, np.uint8), np.full((HEIGHT, WIDTH), 254, np.uint8)
    base[:10], base[10:20], base[25:] = 0, 1, 255
    brush[5:8, 5:8], brush[15, 15] = 0, 1
    ids = {name: number for number, name in names_of(place).items()}
    staged: list[Staged] = []
    shas = []
    for pixels in (base, brush):
        sha, files = stage_map(place.store, pixels)
        shas.append(sha)
        staged += files
    settle_all(place.store, staged)
    patch = Shape("mask", ids["car"], patch=Patch(30, 20, np.eye(4, dtype=bool)), group=3)
    annotation = Annotation(
        WIDTH,
        HEIGHT,
        (patch,),
        base=Layer(shas[0], (ids["road"], ids["car"])),
        paint=Layer(shas[1], (ids["road"], Special.UNLABELLED)),
        instances="0" * 64,
    )
    with place.database.write() as session:
        image = place.image(path)
        append_version(
            session,
            image_id=image.id,
            parent_id=image.head_id,
            content=annotation.to_json(),
            author="me",
            origin="workbench",
        )
    return base, brush


def test_maps_are_masks_in_labelme_and_stay_maps_here(place):
    paint(place, "c.png")
    before = place.annotation("c.png").to_json()
    given = give(place, images=("c.png",))
    labels = [each["label"] for each in document(given, "c.png")["shapes"]]
    assert labels == ["road", "car", "__ignore__", "car", "road", "unlabelled"]
    save(given, "c.png")
    assert back(place, given).counts == {"unchanged": 1}
    given = give(place, images=("c.png",))
    save(given, "c.png", lambda fields: fields["shapes"].insert(4, rectangle("road", 0, 0, 5, 5)))
    found = told(back(place, given), "c.png")
    assert (found.added, found.removed, found.changed) == (1, 0, 0)
    after = place.annotation("c.png").to_json()
    assert {key: after[key] for key in ("base", "paint", "instances")} == {
        key: before[key] for key in ("base", "paint", "instances")
    }
    assert after["shapes"][0] == before["shapes"][0]
    assert len(after["shapes"]) == 2


@pytest.mark.parametrize(("which", "says"), [(1, "imported map was changed"), (4, "painted was changed")])
def test_a_map_that_is_changed_in_labelme_becomes_masks_of_the_same_pixels(place, which, says):
    paint(place, "c.png")
    given = give(place, images=("c.png",))
    save(given, "c.png", lambda fields: fields["shapes"][which].update(label="background"))
    found = told(back(place, given), "c.png")
    assert says in found.reason
    assert (found.changed, found.pixels) == (1, {1: 400 - 1, 4: 9}[which])
    after = place.annotation("c.png")
    assert (after.base is None, after.paint is None) == (which == 1, which == 4)


# --- the program

PYTHON = sys.executable
FIVE = "--labels --flags --nodata --autosave --output --config --labelflags --validatelabel --keep-prev --epsilon"
SIX = "--labels --flags --with-image-data --no-auto-save --no-sort-labels, --nosortlabels --output"

DRAW = """
file = folder / "c.json"
fields = json.loads(file.read_text())
fields["shapes"].append({"label": "car", "shape_type": "rectangle", "points": [[0, 0], [3, 3]]})
file.write_text(json.dumps(fields))
"""


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Make a labelme that is asked and opened as the real one is, and does something in its folder."""
    monkeypatch.setenv("DISPLAY", ":nowhere")
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    monkeypatch.setattr("labeling.desktop.program.sys.executable", str(tmp_path / "bin" / "python"))

    def make(does: str = "", options: str = SIX, version: str = "Labelme 6.3.1") -> Path:
        program = tmp_path / "bin" / "labelme"
        program.parent.mkdir(exist_ok=True)
        program.write_text(
            f"#!{PYTHON}\n"
            "import json, os, pathlib, sys, time\n"
            f"if '--version' in sys.argv: print({version!r}); sys.exit()\n"
            f"if '--help' in sys.argv: print({options!r}); sys.exit()\n"
            "folder = pathlib.Path(sys.argv[1])\n"
            f"{does}\n"
            f"pathlib.Path({str(tmp_path / 'asked')!r}).write_text(json.dumps([os.getpid(), *sys.argv[1:]]))\n"
            "if 'SLEEPS' in os.environ: time.sleep(120)\n"
        )
        program.chmod(0o755)
        return program

    return make


@pytest.mark.parametrize(
    ("version", "options", "asked"),
    [
        ("labelme 4.6.0", FIVE, ["--nodata", "--autosave"]),
        ("labelme 5.11.2", f"{FIVE} --nosortlabels", ["--nodata", "--autosave", "--nosortlabels"]),
        ("Labelme 6.3.1", SIX, ["--nosortlabels"]),
        ("labelme, version 7.1.0", "--labels TEXT", []),
    ],
)
def test_every_version_is_asked_for_what_it_has(place, fake, tmp_path, version, options, asked):
    fake(options=options, version=version)
    assert ask_labelme().version == version.split()[-1]
    label_on_desktop(place.home, place.database, LabelRequest())
    session = place.home.desktop / "1"
    _, *said = json.loads((tmp_path / "asked").read_text())
    assert said == [str(session / "photos"), "--labels", str(session / "labels.txt"), *asked]


def test_it_is_opened_waited_for_and_taken_back(place, fake):
    fake(DRAW)
    report = label_on_desktop(place.home, place.database, LabelRequest())
    assert (report.images, report.taken.counts) == (4, {"stored": 1, "unchanged": 3})
    assert report.sentence == report.taken.sentence == "Taken back from labelme: 1 stored."
    assert len(shown(place, "c.png")) == 2


def started(place: Place, tmp_path: Path) -> tuple[subprocess.Popen[bytes], int]:
    """Run the command until its labelme has drawn and waits; return it and labelme's process."""
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2]), "SLEEPS": ""}
    script = f"import sys; sys.executable = '{tmp_path}/bin/python'; from workbench.cli import main; main()"
    arguments = ["label", "--desktop", "--home", str(place.home.path)]
    with (tmp_path / "said").open("w") as said:  # no pipe, which labelme would hold open
        command = subprocess.Popen([PYTHON, "-c", script, *arguments], env=environment, stderr=said)
    wait_for(lambda: (tmp_path / "asked").exists() and (tmp_path / "asked").read_text())
    return command, json.loads((tmp_path / "asked").read_text())[0]


def wait_for(is_so: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 120
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_killed_session_is_taken_back_at_the_next_start(place, fake, tmp_path):
    """Killed outright, with labelme still open: nothing is taken back until its window is closed."""
    fake(DRAW)
    command, labelme = started(place, tmp_path)
    command.kill()
    command.wait()
    assert list_sessions(place.home)[0].open
    with pytest.raises(UserError, match="Close its window"):
        take_back(place.home, place.database, 1)
    with pytest.raises(UserError, match=r"handed out already.*is open in labelme"):
        give(place)
    assert take_all_back(place.home, place.database, None) == ()
    os.kill(labelme, signal.SIGKILL)
    wait_for(lambda: not list_sessions(place.home)[0].open)
    fake()
    report = label_on_desktop(place.home, place.database, LabelRequest())
    assert [each.counts for each in report.earlier] == [{"stored": 1, "unchanged": 3}]
    assert len(shown(place, "c.png")) == 2


def test_ctrl_c_closes_labelme_and_keeps_the_folder(place, fake, tmp_path):
    fake(DRAW)
    command, _ = started(place, tmp_path)
    command.send_signal(signal.SIGINT)
    assert command.wait(timeout=120) == 130
    said = (tmp_path / "said").read_text()
    assert f"lies in {place.home.desktop / '1' / 'photos'}" in said
    assert "Traceback" not in said
    (info,) = list_sessions(place.home)
    assert (info.open, info.images) == (False, 4)
    (report,) = take_all_back(place.home, place.database, None)
    assert report.counts["stored"] == 1


@pytest.mark.parametrize("draws", [True, False])
def test_a_labelme_that_fails_loses_nothing(place, fake, draws):
    fake(f"{DRAW if draws else ''}\nsys.exit(3)")
    if draws:
        assert label_on_desktop(place.home, place.database, LabelRequest()).taken.counts["stored"] == 1
    else:
        with pytest.raises(UserError, match="ended with code 3, and nothing was changed"):
            label_on_desktop(place.home, place.database, LabelRequest())
    assert list_sessions(place.home) == []


def test_without_a_screen_or_a_program_it_says_so(place, fake, monkeypatch):
    program = fake()
    program.write_text("#!/bin/sh\necho no Qt here >&2; exit 1\n")
    with pytest.raises(UserError, match=r"does not start.*no Qt here"):
        label_on_desktop(place.home, place.database, LabelRequest())
    monkeypatch.delenv("DISPLAY")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    with pytest.raises(UserError, match="needs a screen"):
        label_on_desktop(place.home, place.database, LabelRequest())
    monkeypatch.setenv("WAYLAND_DISPLAY", "w")
    program.unlink()
    with pytest.raises(UserError, match="not installed"):
        label_on_desktop(place.home, place.database, LabelRequest())
