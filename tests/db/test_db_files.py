import errno
import os
import stat

import pytest

from db.errors import UserError
from db.files import filesystem_type, is_network_filesystem, write_atomic

MOUNTS = """\
22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
30 22 0:40 / /mnt/lab\\040share rw,relatime shared:5 - nfs4 server:/lab rw,vers=4.2
31 30 0:41 / /mnt/lab\\040share/scratch rw - xfs /dev/sdb rw
32 22 0:42 / /home/me/remote rw,nosuid - fuse.sshfs me@host:/ rw
33 22 0:43 / /over rw - cifs //server/old rw
34 33 0:44 / /over rw - ext4 /dev/sdc rw
"""


@pytest.fixture
def failing(monkeypatch):
    """Make one function of `os` fail with an error number from now on."""

    def arm(function, number):
        def fail(*_, **__):
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(os, function, fail)

    return arm


def test_writes_and_replaces(tmp_path):
    target = tmp_path / ("n" * 255)  # the longest name that a filesystem takes
    write_atomic(target, b"old")
    write_atomic(target, b"new")
    assert target.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [target]


def test_the_umask_decides_who_may_read(tmp_path):
    before = os.umask(0o027)
    try:
        write_atomic(tmp_path / "file", b"")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o640


@pytest.mark.parametrize(
    ("function", "number", "words"),
    [
        ("fsync", errno.ENOSPC, "the disk is full"),
        ("fsync", errno.EDQUOT, "quota"),
        ("open", errno.EROFS, "read-only"),
        ("open", errno.EACCES, "permission denied"),
    ],
)
def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path, failing, function, number, words):
    target = tmp_path / "file"
    write_atomic(target, b"old")
    failing(function, number)
    with pytest.raises(UserError, match=words) as caught:
        write_atomic(target, b"new")
    assert str(tmp_path) in str(caught.value)
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_an_error_that_is_not_the_users_passes_through(tmp_path, failing):
    failing("fsync", errno.EIO)
    with pytest.raises(OSError, match="Input/output"):
        write_atomic(tmp_path / "file", b"")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/home/me", "ext4"),
        ("/mnt/lab share/photos/made later", "nfs4"),
        ("/mnt/lab share/scratch/x", "xfs"),
        ("/mnt/lab sharex", "ext4"),
        ("/home/me/remote", "fuse.sshfs"),
        ("/over/x", "ext4"),
    ],
)
def test_the_deepest_and_latest_mount_holds_a_path(tmp_path, path, expected):
    table = tmp_path / "mountinfo"
    table.write_text(MOUNTS)
    assert filesystem_type(type(tmp_path)(path), table) == expected


@pytest.mark.parametrize(
    ("kind", "network"),
    [
        ("ext4", False),
        ("tmpfs", False),
        (None, False),
        ("nfs", True),
        ("cifs", True),
        ("fuse.sshfs", True),
        ("9p", True),
    ],
)
def test_network_filesystems_are_known_by_type(monkeypatch, tmp_path, kind, network):
    monkeypatch.setattr("db.files.filesystem_type", lambda _: kind)
    assert is_network_filesystem(tmp_path) is network


def test_without_a_table_of_mounts_nothing_is_claimed(tmp_path):
    assert filesystem_type(tmp_path, tmp_path / "missing") is None
