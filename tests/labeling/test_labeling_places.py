"""Files of a source may not lead out of it; photos may, where nobody can be made to show what is not theirs."""

import os

import pytest

from labeling.formats.base import BadItemError
from labeling.formats.places import Place


@pytest.fixture
def source(tmp_path):
    (tmp_path / "source").mkdir()
    (tmp_path / "far.jpg").write_bytes(b"photo")
    (tmp_path / "source" / "a.jpg").symlink_to(tmp_path / "far.jpg")
    return tmp_path / "source"


def test_a_linked_photo_is_followed_and_nothing_else_is(source):
    assert Place(source, "a.jpg").photo.read_bytes() == b"photo"
    with pytest.raises(BadItemError, match=r"a.jpg is a link that leads out of .*source"):
        _ = Place(source, "a.jpg").path


def test_a_link_to_what_is_no_file_is_refused(source, tmp_path):
    os.mkfifo(tmp_path / "pipe")  # reading it would wait forever
    for name, target, why in (
        ("gone.jpg", "nothing.jpg", r"cannot be read \(No such file"),
        ("pipe.jpg", "pipe", "which is no file"),
        ("folder.jpg", "", "which is no file"),
    ):
        (source / name).symlink_to(tmp_path / target)
        with pytest.raises(BadItemError, match=why):
            _ = Place(source, name).photo


def test_a_folder_that_leads_out_is_refused(source, tmp_path):
    (source / "sub").symlink_to(tmp_path)
    with pytest.raises(BadItemError, match="A folder on the way"):
        _ = Place(source, "sub/far.jpg").photo


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_link_by_somebody_else_to_a_third_persons_file_is_refused(source, tmp_path):
    os.chown(source / "a.jpg", 1001, -1, follow_symlinks=False)
    with pytest.raises(BadItemError, match="belongs to neither you nor"):
        _ = Place(source, "a.jpg").photo
    os.chown(tmp_path / "far.jpg", 1001, -1)
    assert Place(source, "a.jpg").photo.read_bytes() == b"photo"
