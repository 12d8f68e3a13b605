"""Content staged by one process and settled by another: nothing under its name before, all of it after."""

import errno
import hashlib
from pathlib import Path

import pytest

from db import staging
from db.errors import UserError
from db.files import sync_files, sync_folder
from db.staging import settle_all, stage
from db.store import Store


def sha_of(data):
    return hashlib.sha256(data).hexdigest()


def test_nothing_is_found_before_and_all_after(tmp_path):
    store = Store(tmp_path / "store")
    contents = [bytes([number]) * 1000 for number in range(50)]
    staged = [stage(store, sha_of(data), data) for data in contents]
    assert not any(store.has(each.sha) for each in staged)
    settle_all(store, staged)
    assert [store.read(each.sha) for each in staged] == contents
    assert not list((store.root / "incoming").iterdir())


def test_the_same_content_twice_is_once(tmp_path):
    store = Store(tmp_path / "store")
    settle_all(store, [stage(store, sha_of(b"x"), b"x"), stage(store, sha_of(b"x"), b"x")])
    settle_all(store, [stage(store, sha_of(b"x"), b"x")])
    assert store.read(sha_of(b"x")) == b"x"


def test_everything_is_flushed_before_it_gets_its_name_and_the_folders_after(tmp_path, monkeypatch):
    store = Store(tmp_path / "store")
    staged = [stage(store, sha_of(data), data) for data in (b"a", b"b")]
    named: list[bool] = []
    flushed: list[Path] = []
    flush, sync = sync_files, sync_folder

    def watch_flush(paths):
        found = list(paths)
        named.extend(any(store.has(each.sha) for each in staged) for _ in found)
        flush(found)

    def watch_sync(folder):
        named.append(all(store.has(each.sha) for each in staged))
        flushed.append(folder)
        sync(folder)

    monkeypatch.setattr(staging, "sync_files", watch_flush)
    monkeypatch.setattr(staging, "sync_folder", watch_sync)
    settle_all(store, staged)
    assert named == [False, False, *[True] * len(flushed)]
    assert set(flushed) == {store.root} | {f for each in staged for f in list(store.path(each.sha).parents)[:2]}


def test_what_was_left_behind_is_swept(tmp_path, monkeypatch):
    store = Store(tmp_path / "store")
    stage(store, sha_of(b"x"), b"x")
    assert store.sweep() == 0
    monkeypatch.setattr("db.store.ABANDONED_SECONDS", -1)
    assert store.sweep() == 1


def test_names_never_lead_out_of_the_store(tmp_path):
    with pytest.raises(ValueError, match="sha256"):
        stage(Store(tmp_path / "store"), "../../x", b"x")


def test_a_full_disk_is_said_in_plain_words(tmp_path, monkeypatch):
    store = Store(tmp_path / "store")
    staged = stage(store, sha_of(b"x"), b"x")

    def full(paths):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(staging, "sync_files", full)
    with pytest.raises(UserError, match="disk is full"):
        settle_all(store, [staged])
    assert not store.has(staged.sha)
