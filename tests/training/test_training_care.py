"""Doctor, gc, du and backups of a whole home, with faults put in."""

from __future__ import annotations

import os
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from db import check
from db.errors import UserError
from db.home import Home
from db.locks import hold
from db.schema import Model, Run
from db.session import open_database
from labeling.history import named_image, restore_version
from labeling.manifest import load_manifest
from labeling.revisions import freeze, list_revisions
from tests.support.kill_driver import Driver
from tests.support.labelled_home import Place, make_place
from tests.support.labelme_folder import make_folder, rectangle, write_labels
from tests.support.runs import make_run, run_row, tiny_recipe
from training.care.backup import back_up, restore
from training.care.doctor import Report, examine
from training.care.gc import collect
from training.care.trash import discard, list_trash
from training.care.trash import restore as take_out
from training.care.usage import usage
from training.engine.rundir import RunDirectory
from training.runs.files import describe

TWO_DAYS = 2 * 24 * 3600


@pytest.fixture(autouse=True)
def roomy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is free on the disk of who runs the tests, it is enough."""
    monkeypatch.setattr(check, "LEAST_FREE_BYTES", 0)


@pytest.fixture(scope="module")
def driver() -> Iterator[Driver]:
    driver = Driver()
    yield driver
    driver.close()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Two versions of one image, one of another; a revision of the first ones."""
    place = make_place(tmp_path / "home")
    folder = make_folder(tmp_path / "day", ["a", "b"])
    place.run_import(folder, dataset="day", project="p")
    freeze(place.home, place.database)
    write_labels(folder / "a.png", [rectangle("car", 3, 3, 20, 20)])
    place.run_import(folder, dataset="day")
    return place


def age(place: Place) -> None:
    """Make everything in the store two days old."""
    then = time.time() - TWO_DAYS
    for sha, _ in place.store.files():
        os.utime(place.store.path(sha), (then, then))


def errors(report: Report) -> list[str]:
    return [finding.what for finding in report.findings if finding.severity == "error"]


def test_a_sound_home_is_clean(place: Place) -> None:
    for full in (False, True):
        report = examine(place.home, full=full)
        assert report.clean, report
        assert report.files == len(list(place.store.files()))


@pytest.mark.parametrize("damage", ["flipped", "cut", "gone", "empty"])
@pytest.mark.parametrize("kind", ["photo", "class map", "manifest"])
def test_damaged_content_is_named_with_what_needs_it(place: Place, kind: str, damage: str) -> None:
    digest = list_revisions(place.database)[0].digest
    image = load_manifest(place.store, digest).images[0]
    sha = {"photo": image.image_sha256, "class map": image.map_sha256, "manifest": digest}[kind]
    path, data = place.store.path(sha), place.store.read(sha)
    path.unlink()
    if damage != "gone":
        middle = len(data) // 2
        flipped = data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]
        path.write_bytes({"flipped": flipped, "cut": data[:middle], "empty": b""}[damage])
    report = examine(place.home, full=True)
    assert not report.clean
    told = errors(report)
    assert any(sha in text and kind in text for text in told), told
    if damage in ("gone", "empty") or (kind, damage) == ("photo", "cut"):
        assert any(sha in text for text in errors(examine(place.home)))


def test_linked_photos_that_changed_or_went_are_named(tmp_path: Path) -> None:
    place = make_place(tmp_path / "home")
    folder = make_folder(tmp_path / "day", ["a", "b", "c"])
    place.run_import(folder, dataset="day", project="p", link=True)
    assert examine(place.home).clean
    (folder / "a.png").unlink()
    (folder / "b.png").write_bytes((folder / "c.png").read_bytes())
    told = errors(examine(place.home))
    assert len(told) == 2
    assert [name in text for name, text in zip(("a.png", "b.png"), told, strict=True)] == [True, True]


def test_rows_without_files_and_files_without_rows_are_named(place: Place) -> None:
    with place.database.write() as session:
        session.add(run_row(7, project_id=1))
        values = {"sha256": "0" * 64, "path": "models/x.safetensors", "source": "/x.pth", "spec": {}}
        session.add(Model(project_id=1, name="voc", **values))
    (place.home.runs / "9").mkdir()
    report = examine(place.home)
    assert len(errors(report)) == 2
    assert ["run 7" in errors(report)[0], "'voc'" in errors(report)[1]] == [True, True]
    assert any(finding.severity == "warning" and "runs/9" in finding.what for finding in report.findings)


@pytest.mark.parametrize("damage", ["noise", "newer", "orphan", "gone"])
def test_a_damaged_database_is_told_and_not_touched(place: Place, damage: str) -> None:
    database = place.home.database
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        if damage == "newer":
            connection.execute("UPDATE alembic_version SET version_num = '9999'")
        if damage == "orphan":
            connection.execute("DELETE FROM image WHERE id = 1")
    if damage == "noise":
        data = bytearray(database.read_bytes())
        for start in range(8192, len(data) - 600, 4096):
            data[start + 8 : start + 600] = os.urandom(592)
        database.write_bytes(data)
    if damage == "gone":
        database.unlink()
    report = examine(place.home, full=True)
    assert not report.clean
    assert errors(report)
    assert all(finding.remedy for finding in report.findings)
    assert database.exists() == (damage != "gone")


def test_nothing_that_is_referred_to_is_collected(place: Place) -> None:
    extra = place.store.put_bytes(b"nobody needs this")
    discard(place.home, place.database, None, "image", ["day/b.png"])
    age(place)
    before = {sha for sha, _ in place.store.files()}
    listed = {freed.kind: freed for freed in collect(place.home, place.database, delete=False)}
    assert {sha for sha, _ in place.store.files()} == before
    freed = {freed.kind: freed for freed in collect(place.home, place.database, delete=True)}
    assert freed["content"] == listed["content"]
    assert (freed["content"].items, freed["content"].bytes) == (1, len(b"nobody needs this"))
    assert before - {sha for sha, _ in place.store.files()} == {extra}
    take_out(place.home, place.database, None, "image", ["day/b.png"])
    assert restore_version(place.database, named_image(place.database, None, "day/a.png"), 1, author="ada") == 3
    assert examine(place.home, full=True).clean


def test_nothing_is_collected_while_a_manifest_is_lost(place: Place) -> None:
    place.store.put_bytes(b"nobody needs this")
    (revision,) = list_revisions(place.database)
    place.store.path(revision.digest).unlink()
    age(place)
    before = {sha for sha, _ in place.store.files()}
    with pytest.raises(UserError, match=f"manifest of the revision {revision.digest[:12]} is lost"):
        collect(place.home, place.database, delete=True)
    assert {sha for sha, _ in place.store.files()} == before


def test_what_was_written_or_used_within_a_day_stays(place: Place) -> None:
    sha = place.store.put_bytes(b"an import is about to commit this")
    assert not collect(place.home, place.database, delete=True)[1].items
    age(place)
    assert place.store.put_bytes(b"an import is about to commit this") == sha  # there already, and kept
    assert not collect(place.home, place.database, delete=True)[1].items
    assert place.store.has(sha)


def test_an_import_beside_a_collection_loses_nothing(place: Place, tmp_path: Path) -> None:
    """The photos are in the store already, old and unreferred to: what an import finds there must not be taken away."""
    folder = make_folder(tmp_path / "more", [f"{number:03}" for number in range(60)])
    for photo in folder.glob("*.png"):
        place.store.put_file(photo)
    age(place)
    ended = threading.Event()
    rounds = []

    def collecting() -> None:
        while not ended.is_set():
            rounds.append(collect(place.home, place.database, delete=True))

    thread = threading.Thread(target=collecting)
    thread.start()
    try:
        report = place.run_import(folder, dataset="more")
        freeze(place.home, place.database)
    finally:
        ended.set()
        thread.join()
    assert (report.imported, report.skipped) == (60, 0)
    assert rounds
    assert examine(place.home, full=True).clean


def test_a_collection_waits_for_no_backup(place: Place) -> None:
    with hold(place.home.care_lock, wait=False), pytest.raises(UserError, match="backup"):
        collect(place.home, place.database, delete=True)


def test_shares_add_up_to_what_is_there(place: Place) -> None:
    found = usage(place.home, place.database)
    there = [path for path in place.home.path.rglob("*") if path.is_file()]
    assert found.bytes == sum(share.bytes for share in found.shares)
    assert sum(share.files for share in found.shares) == len(there)
    photos = next(share for share in found.shares if share.kind == "photos")
    assert (photos.project, photos.files) == ("p", 2)


def test_the_trash_takes_everything_one_way(place: Place) -> None:
    with place.database.write() as session:
        values = {"sha256": "0" * 64, "path": "models/x.safetensors", "source": "/x.pth", "spec": {}}
        session.add(Model(project_id=1, name="voc", **values))
        session.add(run_row(7, project_id=1))
    (place.home.runs / "7").mkdir()
    names = {"image": "day/a.png", "model": "voc", "run": "7", "dataset": "day", "project": "p"}
    for kind, name in names.items():
        discard(place.home, place.database, "p", kind, [name])  # type: ignore[arg-type]
        owner = None if kind == "project" else "p"
        assert (kind, name) in [(item.kind, item.name) for item in list_trash(place.home, place.database, owner)]
    for kind, name in reversed(names.items()):
        take_out(place.home, place.database, "p", kind, [name])  # type: ignore[arg-type]
    assert list_trash(place.home, place.database, "p") == []
    with place.database.read() as session:
        assert session.get_one(Run, 7).deleted_at is None


def test_a_restored_home_is_the_same_project(place: Place, tmp_path: Path) -> None:
    back_up(place.home, tmp_path / "b.tar")
    restore(tmp_path / "b.tar", Home(tmp_path / "new"))
    new = Place(Home(tmp_path / "new"), open_database(Home(tmp_path / "new")))
    assert new.everything() == place.everything()
    assert [r.digest for r in list_revisions(new.database)] == [r.digest for r in list_revisions(place.database)]
    assert freeze(new.home, new.database).digest == freeze(place.home, place.database).digest
    assert examine(new.home, full=True).clean


def test_a_run_is_resumed_in_the_restored_home(tmp_path: Path, driver: Driver) -> None:
    old, new = Home(tmp_path / "old"), Home(tmp_path / "new")
    open_database(old)
    made = make_run(old.path, tiny_recipe(steps="20", checkpoint_every="5"), name="1")
    assert driver.train(made.path, fault="after rename", at=2) == -signal.SIGKILL
    back_up(old, tmp_path / "b.tar")
    restore(tmp_path / "b.tar", new)
    old.path.rename(tmp_path / "lost")
    found = RunDirectory(new.runs / "1")
    images = found.images()
    assert found.command().home == new.path
    assert all(photo.photo.is_relative_to(new.path) for photo in (*images.train, *images.val))
    assert driver.train(found.path) == 0, found.log.read_text()
    assert describe(found.path)[0] == "finished"
