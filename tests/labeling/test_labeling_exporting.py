"""Datasets exported whole: what comes back from each format, names, photos that are turned, and folders."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pycocotools.coco import COCO

from db.errors import UserError
from labeling.classes import rename_class
from labeling.exporting.names import export_names
from labeling.exporting.request import ExportRequest
from labeling.exporting.run import export_dataset
from labeling.formats.writers import WRITERS
from labeling.map_store import load_map
from labeling.photos import read_header, read_photo
from labeling.revisions import freeze, load_manifest
from labeling.roles import set_roles
from labeling.subsets import add_to_subset
from tests.support.cli import ROOT
from tests.support.labelled_home import make_place
from tests.support.labelme_folder import make_folder, rectangle, write_labels
from tests.support.photo_files import encode, scene

EXACT = ("voc", "masks", "labelme")  # the others need --objects pixels for that
NAMES = ("day/a", "day/b", "dusk/a")


@pytest.fixture
def place(tmp_path):
    place = make_place(tmp_path / "home")
    place.run_import(make_folder(tmp_path / "campus", NAMES))
    return place


def export(place, format, to, **options):
    return export_dataset(place.home, place.database, ExportRequest(format, "campus", to, **options))


def class_maps(place):
    """The class maps by path, as names."""
    revision = freeze(place.home, place.database)
    manifest = load_manifest(place.store, revision.digest)
    names = np.array([*manifest.classes, *["?"] * (255 - len(manifest.classes)), "ignore"], object)
    return {image.path: names[load_map(place.store, image.map_sha256)] for image in manifest.images}


def snapshot(folder):
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("format", sorted(WRITERS))
def test_an_export_imported_again_has_the_same_class_maps_photos_and_roles(place, tmp_path, format):
    set_roles(place.database, None, "campus", ["day/a.png", "dusk/a.png"], "train")
    set_roles(place.database, None, "campus", ["day/b.png"], "val")
    options = {} if format in EXACT else {"objects": "pixels"}
    report = export(place, format, tmp_path / "out", **options)
    assert (report.images, report.renamed) == (3, ())
    assert report.files == len(snapshot(tmp_path / "out"))
    other = make_place(tmp_path / "other")
    answer = other.run_import(tmp_path / "out", format, dataset="campus")
    assert (answer.imported, answer.repaired, answer.skipped) == (3, 0, 0)
    before, after = class_maps(place), class_maps(other)
    assert before.keys() == after.keys() == {f"{name}.png" for name in NAMES}
    for path, class_map in before.items():
        np.testing.assert_array_equal(after[path], class_map)
        assert other.image(path).sha256 == place.image(path).sha256
    if format in ("coco", "voc", "yolo", "cvat"):
        roles = {path: role for path, role, _ in other.everything()["roles"]}
        assert roles == {"day/a.png": "train", "dusk/a.png": "train", "day/b.png": "val"}


def test_only_a_role_or_list_is_exported_where_one_is_named(place, tmp_path):
    set_roles(place.database, None, "campus", ["day/b.png"], "val")
    add_to_subset(place.database, None, "campus", "night", ["dusk/a.png"])
    assert export(place, "masks", tmp_path / "val", on="val").images == 1
    assert export(place, "masks", tmp_path / "night", on="night").images == 1
    assert (tmp_path / "night" / "images" / "dusk" / "a.png").is_file()
    with pytest.raises(UserError, match="There are: all, val, night"):
        export(place, "masks", tmp_path / "no", on="evening")
    assert not (tmp_path / "no").exists()


def test_lists_keep_their_images_also_where_they_are_named_like_a_role(place, tmp_path):
    set_roles(place.database, None, "campus", ["day/a.png", "dusk/a.png"], "train")
    set_roles(place.database, None, "campus", ["day/b.png"], "val")
    lists = {
        "night": ["day/b.png"],
        "train": ["day/a.png"],  # not all that has the role
        "val": ["day/b.png"],  # just what has it
        "test2017": ["day/a.png"],  # of another role
        "train2017": ["dusk/a.png"],  # of the role, under a name of its own
    }
    for name, members in lists.items():
        add_to_subset(place.database, None, "campus", name, members)
    report = export(place, "voc", tmp_path / "out")
    assert {path.stem: path.read_text().split() for path in (tmp_path / "out" / "ImageSets").rglob("*.txt")} == {
        "train": ["day/a", "dusk/a"],
        "val": ["day/b"],
        "night": ["day/b"],
        "train_list": ["day/a"],
        "test2017_list": ["day/a"],
        "train2017": ["dusk/a"],
    }
    told = [note for note in report.notes if "is taken for the role" in note]
    assert [note.split(":")[0] for note in told] == [
        "The list 'test2017' is called 'test2017_list' here",
        "The list 'train' is called 'train_list' here",
    ]
    other = make_place(tmp_path / "other")
    other.run_import(tmp_path / "out", "voc", dataset="campus")
    assert [role for _, role, _ in other.everything()["roles"]] == ["train", "val", "train"]
    assert not any("taken for the role" in note for note in export(place, "coco", tmp_path / "coco").notes)


def test_what_a_coco_file_said_besides_is_given_back(tmp_path):
    folder = tmp_path / "campus"
    folder.mkdir()
    Image.fromarray(scene(30, 40)).save(folder / "a.png")
    box = [[2.25, 3, 12, 3, 12, 9, 2.25, 9]]
    document = {
        "images": [{"id": 77, "file_name": "a.png", "width": 40, "height": 30, "license": 3}],
        "annotations": [
            {"id": 901, "image_id": 77, "category_id": 5, "segmentation": box, "iscrowd": 0, "score": 0.5, "area": 1},
            {"id": 901, "image_id": 77, "category_id": 9, "segmentation": [[20, 3, 30, 3, 30, 9]], "iscrowd": 0},
        ],
        "categories": [{"id": 5, "name": "car"}, {"id": 9, "name": "road"}],
    }
    (folder / "instances.json").write_text(json.dumps(document))
    place = make_place(tmp_path / "home")
    assert place.run_import(folder, "coco").imported == 1
    assert export(place, "coco", tmp_path / "out").losses == ()
    coco = COCO(str(tmp_path / "out" / "annotations" / "instances_default.json"))
    first, second = sorted(coco.dataset["annotations"], key=lambda each: -each["area"])
    assert (first["id"], first["score"], first["segmentation"]) == (901, 0.5, box)
    assert second["id"] != 901  # an id that was there twice is one of an annotation only
    assert first["area"] == coco.annToMask(first).sum()


def test_photos_that_are_turned_are_written_upright(tmp_path):
    folder = tmp_path / "campus"
    folder.mkdir()
    for name, kind in (("a.png", "PNG"), ("b.jpg", "JPEG")):
        (folder / name).write_bytes(encode(scene(30, 40, seed=2), kind, orientation=6))
        write_labels(folder / name, [rectangle("road", 3, 4, 12, 30)], size=(30, 40))
    place = make_place(tmp_path / "home")
    place.run_import(folder)
    report = export(place, "voc", tmp_path / "out", photos="link")
    assert any("2 photos carry an EXIF rotation" in note for note in report.notes)
    for name, most in (("a.png", 0), ("b.jpg", 12)):
        photo = tmp_path / "out" / "JPEGImages" / name
        header = read_header(photo)
        assert (header.orientation, header.raw_width, header.raw_height) == (1, 30, 40)
        assert np.abs(read_photo(photo).astype(int) - read_photo(folder / name)).max() <= most
        assert Image.open(tmp_path / "out" / "SegmentationClass" / f"{name[0]}.png").size == (30, 40)


def test_photos_are_linked_or_left_out(place, tmp_path):
    export(place, "masks", tmp_path / "link", photos="link")
    photo = tmp_path / "link" / "images" / "day" / "a.png"
    assert photo.is_symlink()
    assert photo.read_bytes() == (tmp_path / "campus" / "day" / "a.png").read_bytes()
    again = make_place(tmp_path / "other").run_import(tmp_path / "link", "masks")
    assert (again.imported, again.skipped) == (3, 0)
    assert "Photos that are links: 3. The files that they lead to were read." in again.notes
    report = export(place, "masks", tmp_path / "none", photos="none")
    assert not (tmp_path / "none" / "images").exists()
    assert report.files == len(snapshot(tmp_path / "none"))


def test_more_objects_than_a_byte_can_number_are_told_apart_all_the_same(tmp_path):
    shapes = [rectangle("road", 2 * (n % 20), 2 * (n // 20), 2 * (n % 20), 2 * (n // 20)) for n in range(300)]
    place = make_place(tmp_path / "home")
    place.run_import(make_folder(tmp_path / "campus", ["a"], shapes))
    (loss,) = export(place, "voc", tmp_path / "out").losses
    assert (loss.images, loss.count) == (1, 46)
    objects = np.asarray(Image.open(tmp_path / "out" / "SegmentationObject" / "a.png"))
    assert objects.dtype == np.uint16
    assert set(np.unique(objects)) == set(range(302)) - {255}


# ---- names


def test_names_that_not_every_system_holds_are_changed_and_all_others_kept():
    paths = ["day/a.jpg", "day/A.jpg", "day/aux.jpg", "x: y/b?.png", "x: y/b_.png", "e.", "Day/a.jpg", "day/a.png"]
    assert export_names(paths, stems=False) == {
        "day/a.jpg": "day/a.jpg",
        "day/A.jpg": "day/A_2.jpg",
        "day/aux.jpg": "day/aux_.jpg",
        "x: y/b?.png": "x_ y/b__2.png",
        "x: y/b_.png": "x_ y/b_.png",
        "e.": "e._",
        "Day/a.jpg": "Day_2/a.jpg",
        "day/a.png": "day/a.png",
    }
    assert export_names(["a.jpg", "a.png"], stems=True) == {"a.jpg": "a.jpg", "a.png": "a_2.png"}


def test_photos_of_one_stem_get_names_of_their_own_and_it_is_said(tmp_path):
    folder = make_folder(tmp_path / "campus", ["a"])
    Image.fromarray(scene(30, 40)).save(folder / "a.jpg")
    write_labels(folder / "other.jpg", [rectangle("road", 0, 0, 9, 9)]).write_text(
        (folder / "a.json").read_text().replace("a.png", "a.jpg")
    )
    place = make_place(tmp_path / "home")
    assert place.run_import(folder).imported == 2
    report = export(place, "labelme", tmp_path / "out")
    assert [(each.path, each.name) for each in report.renamed] == [("a.png", "a_2.png")]
    assert json.loads((tmp_path / "out" / "a_2.json").read_text())["imagePath"] == "a_2.png"


def test_a_class_that_a_file_cannot_name_is_said_before_anything_is_written(place, tmp_path):
    rename_class(place.database, None, "road", "road: dry")
    with pytest.raises(UserError, match=r"cannot name the class 'road: dry'.*Or export index masks"):
        export(place, "voc", tmp_path / "out", masks="colors")
    rename_class(place.database, None, "car", "__ignore__")
    with pytest.raises(UserError, match=r"The class '__ignore__' cannot be exported.*Rename it"):
        export(place, "coco", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    rename_class(place.database, None, "__ignore__", "car")
    [note] = [note for note in export(place, "voc", tmp_path / "out").notes if "labelmap.txt" in note]
    assert "labels.txt names the classes" in note


# ---- folders


def test_folders_that_are_never_written_into(place, tmp_path):
    before = snapshot(tmp_path / "campus")
    for to in (tmp_path / "campus" / "x", tmp_path, place.home.path / "x"):
        with pytest.raises(UserError, match="never writes"):
            export(place, "coco", to, overwrite=True)
    assert snapshot(tmp_path / "campus") == before


def test_a_folder_that_is_not_empty_is_written_into_only_when_told_so(place, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("mine")
    with pytest.raises(UserError, match="not empty"):
        export(place, "voc", out)
    export(place, "voc", out, overwrite=True)
    first = snapshot(out)
    export(place, "voc", out, overwrite=True)
    assert snapshot(out) == first
    assert first[out / "mine.txt"] == b"mine"


def test_a_choice_that_the_format_does_not_leave_is_refused(place, tmp_path):
    with pytest.raises(UserError, match="--objects says nothing for voc"):
        export(place, "voc", tmp_path / "out", objects="pixels")


def test_an_export_that_fails_leaves_nothing(place, tmp_path, monkeypatch):
    def full(path, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(UserError, match="disk is full"):
        export(place, "coco", tmp_path / "new" / "out")
    assert list((tmp_path / "new").iterdir()) == []


def test_a_killed_export_leaves_no_folder_that_looks_whole_and_the_next_one_beside_it_tidies_up(place, tmp_path):
    program = (
        "import sys, time\nfrom pathlib import Path\nfrom db.home import Home\nfrom db.session import open_database\n"
        "from labeling.exporting import run\nfrom labeling.exporting.request import ExportRequest\n"
        "def stop(done, total, what):\n    if what == 'images':\n        print('writing', flush=True); time.sleep(60)\n"
        "home = Home(Path(sys.argv[1]))\n"
        "run.export_dataset(home, open_database(home), ExportRequest('coco', 'campus', Path(sys.argv[2])), stop)\n"
    )
    out = tmp_path / "exports" / "out"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    arguments = [sys.executable, "-c", program, str(place.home.path), str(out)]
    with subprocess.Popen(arguments, env=environment, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"writing\n"
        process.send_signal(signal.SIGKILL)
    assert not out.exists()
    left = sorted(path.name for path in out.parent.iterdir())
    assert len(left) == 2, "a folder and its lock"
    assert all(name.startswith(".") for name in left)
    assert export(place, "coco", tmp_path / "exports" / "another").images == 3
    assert [path.name for path in out.parent.iterdir()] == ["another"]


def test_a_linked_photo_that_is_gone_is_named(tmp_path):
    place = make_place(tmp_path / "home")
    folder = make_folder(tmp_path / "campus", ["a"])
    place.run_import(folder, link=True)
    Path(folder / "a.png").unlink()
    with pytest.raises(UserError, match=r"a\.png"):
        export(place, "voc", tmp_path / "out")
    assert not (tmp_path / "out").exists()
