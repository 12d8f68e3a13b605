"""Folders for the length of a block: what a killed process left goes with the next one, and nothing else does."""

import signal

import pytest

from db.errors import UserError
from db.scratch import scratch_folder
from tests.support.processes import FORKED

KIND = {"prefix": ".", "suffix": ".export"}
NAME = ".0123456789abcdef.export"


def fill_until_killed(parent, ready):
    with scratch_folder(parent, **KIND) as folder:
        (folder / "half.json").write_text("{")
        ready.set()
        signal.pause()


def filler(parent):
    """A process that fills a folder."""
    ready = FORKED.Event()
    process = FORKED.Process(target=fill_until_killed, args=(parent, ready))
    process.start()
    assert ready.wait(30)
    return process


def names(parent):
    return {path.name for path in parent.iterdir()}


def test_what_a_killed_process_left_goes_and_what_a_living_one_fills_stays(tmp_path):
    living, killed = filler(tmp_path), filler(tmp_path)
    try:
        assert len(names(tmp_path)) == 4
        before = names(tmp_path)
        killed.kill()
        killed.join()
        with scratch_folder(tmp_path, **KIND) as folder:
            assert len(names(tmp_path)) == 4
            [other] = [path for path in tmp_path.glob("*.export") if path != folder]
            assert other.name in before
            assert (other / "half.json").exists()
        assert names(tmp_path) == {other.name, f"{other.name}.lock"}
    finally:
        living.kill()
        living.join()
    with scratch_folder(tmp_path, **KIND):
        pass
    assert names(tmp_path) == set()


@pytest.mark.parametrize("name", [NAME, "campus", ".export", ".0123.export", f"{NAME}.export", "0123456789abcdef"])
def test_a_folder_without_a_lock_or_of_another_name_is_not_ours(tmp_path, name):
    (tmp_path / name).mkdir()
    (tmp_path / name / "mine.txt").write_text("mine")
    if name != NAME:
        (tmp_path / f"{name}.lock").touch()
    before = names(tmp_path)
    with scratch_folder(tmp_path, **KIND):
        pass
    assert names(tmp_path) == before
    assert (tmp_path / name / "mine.txt").read_text() == "mine"


def test_a_link_is_never_followed(tmp_path):
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "mine.txt").write_text("mine")
    (tmp_path / NAME).symlink_to(tmp_path / "theirs")
    (tmp_path / f"{NAME}.lock").touch()
    with scratch_folder(tmp_path, **KIND):
        pass
    assert (tmp_path / "theirs" / "mine.txt").read_text() == "mine"


def test_a_lock_whose_folder_never_came_goes_too(tmp_path):
    (tmp_path / f"{NAME}.lock").touch()
    with scratch_folder(tmp_path, **KIND):
        pass
    assert names(tmp_path) == set()


def test_a_folder_that_was_moved_away_is_kept(tmp_path):
    with scratch_folder(tmp_path) as folder:
        folder.rename(tmp_path / "kept")
    assert names(tmp_path) == {"kept"}


def test_a_place_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="Cannot write in"), scratch_folder(tmp_path / "file" / "in"):
        pass
