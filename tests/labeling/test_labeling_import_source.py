"""An archive imported as it is: what its folder would give, nothing left behind, and hostile ones refused."""

import json
import os
import tarfile
import zipfile

import pytest

from db.errors import UserError
from labeling.datasets import list_datasets
from labeling.importing.source import open_source
from labeling.progress import silent
from tests.support.labelled_home import make_place
from tests.support.labelme_folder import make_folder, rectangle, write_labels
from workbench.cli.app import run

MIB = 1024**2


@pytest.fixture
def place(tmp_path):
    return make_place(tmp_path / "home")


@pytest.fixture
def folder(tmp_path):
    return make_folder(tmp_path / "campus", ["a", "day/b", "c"])


def pack(folder, *more, below=""):
    """Zip a folder beside itself, with further members (name, content)."""
    path = folder.with_suffix(".zip")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(file for file in folder.rglob("*") if file.is_file()):
            archive.write(file, f"{below}{file.relative_to(folder)}")
        for name, content in more:
            archive.writestr(name, content)
    return path


def left(place):
    return list((place.home.path / "unpacked").iterdir())


@pytest.mark.parametrize("below", ["", "campus/"])
def test_a_zip_is_what_its_folder_is(place, folder, tmp_path, below):
    report = place.run_import(pack(folder, ("__MACOSX/._a.png", b"x"), below=below), dataset=None)
    assert (report.project, report.dataset, report.imported, report.skipped) == ("campus", "campus", 3, 0)
    other = make_place(tmp_path / "other")
    other.run_import(folder)
    assert place.everything() == other.everything()
    assert left(place) == []


def test_the_same_zip_again_after_editing_is_the_same_source(place, folder):
    archive = pack(folder)
    place.run_import(archive)
    write_labels(folder / "c.png", [rectangle("tree", 1, 1, 9, 9)])
    (folder / "a.png").unlink()
    (folder / "a.json").unlink()
    assert pack(folder) == archive
    report = place.run_import(archive)
    assert (report.imported, report.updated, report.unchanged, report.conflicts) == (0, 1, 1, 0)
    assert [file.reason for file in report.files if file.action == "gone"] == [
        f"it is no longer in {archive}; the image and its labels are kept here"
    ]
    [stored] = list_datasets(place.database, None)
    assert stored.source == str(archive)
    assert "unpacked" not in stored.options.model_dump_json()


def test_a_tar_is_taken_too(place, folder):
    with tarfile.open(folder.with_suffix(".tar.gz"), "w:gz") as archive:
        archive.add(folder, "campus")
    report = place.run_import(folder.with_suffix(".tar.gz"))
    assert (report.dataset, report.imported) == ("campus", 3)


def test_members_that_lead_elsewhere_are_reported_and_left_out(place, folder, tmp_path):
    report = place.run_import(pack(folder, ("../out.json", b"{}"), ("/etc/out.json", b"{}")))
    assert (report.imported, report.skipped) == (3, 2)
    assert {file.file: file.action for file in report.files} == {"../out.json": "skipped", "/etc/out.json": "skipped"}
    assert not list(tmp_path.rglob("out.json"))


def bomb(folder):
    path = folder.with_suffix(".zip")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a.json", "w") as file:
        for _ in range(260):
            file.write(bytes(MIB))
    return path


def outside(folder):
    return pack(folder / "nothing", ("../x.json", b"{}"))


def no_zip(folder):
    folder.with_suffix(".zip").write_bytes(b"no zip at all")
    return folder.with_suffix(".zip")


def other_labels(folder):
    return pack(folder)


@pytest.mark.parametrize(
    ("make", "format", "sentence"),
    [
        (bomb, "labelme", "campus.zip unpacks to more than its size allows"),
        (outside, "masks", "holds no file that could be unpacked. The first member, ../x.json: the path leaves its"),
        (no_zip, "voc", "campus.zip is no archive, whatever its name says"),
        (other_labels, "coco", "campus.zip: none of its 3 JSON files"),
    ],
)
def test_what_cannot_be_imported_is_a_sentence_and_exit_code_2(place, folder, capsys, make, format, sentence):
    archive = make(folder)
    assert run(["import", format, str(archive), "--home", str(place.home.path), "--json"]) == 2
    said = capsys.readouterr()
    assert sentence in json.loads(said.out)["error"]
    assert "Traceback" not in said.err
    assert "unpacked/" not in said.err
    assert left(place) == []


def test_photos_of_an_archive_cannot_be_linked(place, folder):
    with pytest.raises(UserError, match="Unpack it, and import its folder with --link"):
        place.run_import(pack(folder), link=True)


def test_what_a_killed_import_unpacked_goes_with_the_next_one(place, folder):
    archive = pack(folder)
    child = os.fork()
    if child == 0:
        with open_source(place.home, archive, silent):
            os._exit(9)
    os.waitpid(child, 0)
    [abandoned] = (place.home.path / "unpacked").glob("*/")
    with open_source(place.home, archive, silent) as first, open_source(place.home, archive, silent) as second:
        assert not abandoned.exists()
        assert first.location != second.location
        assert (first.location / "a.json").exists()
    assert left(place) == []
