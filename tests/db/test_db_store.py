import errno
import hashlib
import os
import stat
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db.errors import UserError
from db.store import Store

NAME = hashlib.sha256(b"the pixels").hexdigest()


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "写真 store")


def files(store):
    return sorted(path for path in store.root.rglob("*") if path.is_file())


@given(data=st.binary(max_size=5000))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_goes_in_comes_out_whichever_way_it_went_in(store, tmp_path, data):
    sha = store.put_bytes(data)
    (tmp_path / "photo.jpg").write_bytes(data)
    assert store.put_file(tmp_path / "photo.jpg") == sha == hashlib.sha256(data).hexdigest()
    assert store.has(sha)
    assert store.read(sha) == data
    assert store.verify(sha)


def test_a_file_of_several_chunks(store, tmp_path):
    data = os.urandom((2 << 20) + 17)
    (tmp_path / "large").write_bytes(data)
    sha = store.put_file(tmp_path / "large")
    assert sha == hashlib.sha256(data).hexdigest()
    assert store.read(sha) == data


def test_two_levels_of_folders_and_files_that_cannot_be_edited(store):
    sha = store.put_bytes(b"content")
    assert store.path(sha) == store.root / sha[:2] / sha[2:4] / sha
    assert files(store) == [store.path(sha)]
    assert not store.path(sha).stat().st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH)


def test_putting_again_writes_nothing(store, tmp_path):
    sha = store.put_bytes(b"content")
    (tmp_path / "copy").write_bytes(b"content")
    before = store.path(sha).stat()
    store.put_bytes(b"content")
    store.put_file(tmp_path / "copy")
    after = store.path(sha).stat()
    assert before.st_ino == after.st_ino
    assert files(store) == [store.path(sha)]


def test_the_first_of_two_encodings_stays(store):
    store.put_named(NAME, b"one encoder")
    store.put_named(NAME, b"another encoder")
    assert store.read(NAME) == b"one encoder"
    assert not store.verify(NAME)


def test_damage_is_found_and_putting_again_repairs_a_cut_file(store):
    sha = store.put_bytes(b"content")
    store.path(sha).chmod(0o644)
    store.path(sha).write_bytes(b"CONTENT")
    assert not store.verify(sha)
    store.path(sha).write_bytes(b"cont")
    assert store.put_bytes(b"content") == sha
    assert store.verify(sha)


@pytest.mark.parametrize(
    "name", ["", "ab", "../../etc/passwd", NAME.upper(), NAME + "0", NAME[:-1] + "\n", NAME + "\n"]
)
def test_a_name_that_is_no_hash_is_refused(store, name):
    with pytest.raises(ValueError, match="expected a sha256"):
        store.path(name)
    with pytest.raises(ValueError, match="expected a sha256"):
        store.put_named(name, b"")


def test_missing(store, tmp_path):
    assert not store.has(NAME)
    with pytest.raises(FileNotFoundError):
        store.read(NAME)
    with pytest.raises(FileNotFoundError):
        store.verify(NAME)
    with pytest.raises(FileNotFoundError):
        store.put_file(tmp_path / "no such photo")


@pytest.mark.parametrize("function", ["open", "fsync", "replace"])
@pytest.mark.parametrize(
    ("number", "words"), [(errno.ENOSPC, "the disk is full"), (errno.EROFS, "read-only"), (errno.EACCES, "permission")]
)
def test_a_failed_write_names_the_folder_and_leaves_nothing(store, tmp_path, monkeypatch, function, number, words):
    (tmp_path / "photo.jpg").write_bytes(b"photo")
    store.put_bytes(b"before")

    def fail(*_, **__):
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, function, fail)
        for put in (lambda: store.put_bytes(b"data"), lambda: store.put_named(NAME, b"data")):
            with pytest.raises(UserError, match=words) as caught:
                put()
            assert str(store.root) in str(caught.value)
        with pytest.raises(UserError, match=words):
            store.put_file(tmp_path / "photo.jpg")
    assert [path.read_bytes() for path in files(store)] == [b"before"]


def test_many_threads_putting_the_same(store):
    contents = [bytes([number % 5]) * 1000 for number in range(100)]
    with ThreadPoolExecutor(8) as threads:
        names = list(threads.map(store.put_bytes, contents))
    assert len(set(names)) == 5
    assert all(store.verify(name) for name in names)
    assert len(files(store)) == 5


def test_sweep_takes_only_what_is_long_abandoned(store):
    sha = store.put_bytes(b"content")
    old, new = store.root / "incoming" / ".a.tmp", store.root / "incoming" / ".b.tmp"
    old.touch()
    new.touch()
    two_days_ago = time.time() - 2 * 86400
    os.utime(old, (two_days_ago, two_days_ago))
    os.utime(store.path(sha), (two_days_ago, two_days_ago))
    assert store.sweep() == 1
    assert files(store) == sorted([new, store.path(sha)])
