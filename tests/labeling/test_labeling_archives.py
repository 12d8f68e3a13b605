import bz2
import gzip
import io
import lzma
import stat
import struct
import tarfile
import zipfile

import pytest

from db.errors import UserError
from labeling.importing.archives import Limits, unpack
from labeling.relative_paths import Names, UnsafePathError, clean_path

KIB = 1024


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "below" / "out"
    made.mkdir(parents=True)
    return made


def make_zip(path, members, compression=zipfile.ZIP_DEFLATED):
    """Members are (name or ZipInfo, content)."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return path


def entry(name, mode):
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = mode << 16
    return info


def make_tar(path, members, mode="w"):
    """Members are (name, content) or TarInfos without content."""
    with tarfile.open(path, mode) as archive:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                archive.addfile(member)
                continue
            info = tarfile.TarInfo(member[0])
            info.size = len(member[1])
            archive.addfile(info, io.BytesIO(member[1]))
    return path


def special(name, kind, target=""):
    info = tarfile.TarInfo(name)
    info.type = kind
    info.linkname = target
    return info


def found(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())


def outside(folder):
    """Everything beside the folder, where nothing may appear."""
    return sorted(path for path in folder.parents[1].rglob("*") if not path.is_relative_to(folder))


GOOD = ("photos/good.jpg", b"photo")


def test_a_folder_comes_out_as_it_went_in(tmp_path, folder):
    members = [("photos/", b""), GOOD, ("photos/tief/Öl 写真.png", b"map"), ("empty.txt", b"")]
    done = unpack(make_zip(tmp_path / "a.zip", members), folder)
    assert found(folder) == ["empty.txt", "photos/good.jpg", "photos/tief/Öl 写真.png"]
    assert (folder / "photos/good.jpg").read_bytes() == b"photo"
    assert (done.files, done.bytes, done.skipped, done.clutter) == (3, 8, [], 0)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("../x.jpg", "leaves its folder"),
        ("photos/../../x.jpg", "leaves its folder"),
        ("/etc/x.jpg", "absolute"),
        ("//srv/x.jpg", "absolute"),
        ("C:\\x.jpg", "absolute"),
        ("c:x.jpg", "absolute"),
        ("\\\\srv\\x.jpg", "absolute"),
        ("..\\x.jpg", "leaves its folder"),
        ("photos/a\\b.jpg", "backslash"),
        ("photos//x.jpg", "empty step"),
        ("./x.jpg", "empty step"),
        ("photos/CON.jpg", "device on Windows"),
        ("nul/x.jpg", "device on Windows"),
        ("Com1 .tar.jpg", "device on Windows"),
        ("a\nb.jpg", "control character"),
        ("a\x00b.jpg", "control character"),
        ("x" * 256 + ".jpg", "longer than 255 bytes"),
        ("ä" * 130 + ".jpg", "longer than 255 bytes"),
        ("/".join(["d" * 200] * 6) + "/x.jpg", "longer than 1024 bytes"),
        ("/".join("d" * 40) + "/x.jpg", "32 folders"),
        ("inner.zip", "archive inside"),
        ("photos/inner.tar.GZ", "archive inside"),
        (entry("link.jpg", stat.S_IFLNK | 0o777), "a link"),
        (entry("device", stat.S_IFCHR | 0o666), "neither a file nor a folder"),
        (entry("pipe", stat.S_IFIFO | 0o666), "neither a file nor a folder"),
    ],
)
def test_a_bad_member_of_a_zip_is_left_out_and_the_rest_taken(tmp_path, folder, name, why):
    archive = tmp_path / "a.zip"
    if isinstance(name, str) and "\x00" in name:  # the library writes no zero byte: put it there afterwards
        make_zip(archive, [(name.replace("\x00", "\x7f"), b"/etc/passwd"), GOOD])
        archive.write_bytes(archive.read_bytes().replace(b"a\x7fb", b"a\x00b"))
    else:
        make_zip(archive, [(name, b"/etc/passwd"), GOOD])
    before = outside(folder)
    done = unpack(archive, folder)
    assert found(folder) == ["photos/good.jpg"]
    assert outside(folder) == before
    [skipped] = done.skipped
    assert why in skipped.why
    assert "\n" not in skipped.path


@pytest.mark.parametrize(
    ("first", "second", "why"),
    [
        ("a.jpg", "a.jpg", "second member of the same name"),
        ("a.jpg", "A.jpg", "clashes with 'a.jpg'"),
        ("Photos/a.jpg", "photos/b.jpg", "clashes with 'Photos'"),
        ("ö.jpg", "o\u0308.jpg", "second member of the same name"),
        ("ö.jpg", "O\u0308.jpg", "clashes with 'ö.jpg'"),
        ("straße.jpg", "STRASSE.jpg", "clashes with 'straße.jpg'"),
        ("a", "a/b.jpg", "clashes with 'a'"),
        ("a/b.jpg", "a", "clashes with 'a'"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_of_two_names_that_clash_the_first_is_kept(tmp_path, folder, first, second, why):
    done = unpack(make_zip(tmp_path / "a.zip", [(first, b"1"), (second, b"2")]), folder)
    assert found(folder) == [first]
    assert (folder / first).read_bytes() == b"1"
    assert [why in skipped.why for skipped in done.skipped] == [True]


def test_what_systems_leave_beside_files_is_not_worth_a_word(tmp_path, folder):
    clutter = ["__MACOSX/photos/._good.jpg", "photos/.DS_Store", "photos/Thumbs.db", "desktop.ini"]
    done = unpack(make_zip(tmp_path / "a.zip", [GOOD, *((name, b"x") for name in clutter)]), folder)
    assert (found(folder), done.clutter, done.skipped) == (["photos/good.jpg"], 4, [])


def test_names_are_stored_composed_and_windows_folders_become_folders(tmp_path, folder):
    unpack(make_zip(tmp_path / "a.zip", [("o\u0308.jpg", b"1"), ("fotos\\tief\\b.jpg", b"2")]), folder)
    assert found(folder) == ["fotos/tief/b.jpg", "ö.jpg"]


def test_utf8_names_without_the_flag_are_read_as_utf8(tmp_path, folder):
    archive = make_zip(tmp_path / "a.zip", [("xxxx.jpg", b"1")])
    archive.write_bytes(archive.read_bytes().replace(b"xxxx", "写".encode() + b"a"))  # no flag is set for ASCII
    unpack(archive, folder)
    assert found(folder) == ["写a.jpg"]


def test_an_encrypted_zip_is_refused(tmp_path, folder):
    archive = make_zip(tmp_path / "a.zip", [GOOD])
    data = bytearray(archive.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + offset] |= 1
    archive.write_bytes(data)
    with pytest.raises(UserError, match=r"encrypted\. Pack it again without a password"):
        unpack(archive, folder)


SMALL = Limits(files=20, bytes=400 * KIB, ratio=50, always_fine=20 * KIB)


@pytest.mark.parametrize("size", [300 * KIB, 500 * KIB])  # beyond the ratio, beyond the limit
@pytest.mark.parametrize("compression", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_bomb_is_refused_before_anything_is_written(tmp_path, folder, size, compression):
    with pytest.raises(UserError, match="made to fill the disk"):
        unpack(make_zip(tmp_path / "a.zip", [GOOD, ("b", bytes(size))], compression), folder, SMALL)
    assert found(folder) == []


def test_a_bomb_that_states_a_small_size_is_stopped(tmp_path, folder):
    archive = make_zip(tmp_path / "a.zip", [("b", bytes(300 * KIB))])
    data = archive.read_bytes().replace(struct.pack("<I", 300 * KIB), struct.pack("<I", 5))
    archive.write_bytes(data)
    with pytest.raises(UserError, match=r"damaged or cut off|made to fill the disk"):
        unpack(archive, folder, SMALL)
    assert sum(path.stat().st_size for path in folder.rglob("*")) <= 20 * KIB


def test_too_many_members_are_refused_whatever_the_archive_states(tmp_path, folder):
    archive = make_zip(tmp_path / "a.zip", [(f"{number}.jpg", b"") for number in range(21)])
    data = bytearray(archive.read_bytes())
    end = data.rindex(b"PK\x05\x06")
    data[end + 8 : end + 12] = struct.pack("<HH", 1, 1)
    archive.write_bytes(data)
    with pytest.raises(UserError, match="more than 20 members"):
        unpack(archive, folder, SMALL)
    assert found(folder) == []
    with pytest.raises(UserError, match="more than 20 members"):
        unpack(make_tar(tmp_path / "a.tar", [(f"{number}.jpg", b"") for number in range(21)]), folder, SMALL)


def test_a_list_of_members_is_not_hidden_behind_a_record_that_is_none(tmp_path, folder):
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        for number in range(21):
            opened.writestr(f"{number}.jpg", b"")
        # Where zip64 names its record, of which this claims that the list is empty.
        opened.infolist()[-1].comment = bytes(56) + b"PK\x06\x07" + struct.pack("<LQL", 0, 0, 1)
    with pytest.raises(UserError, match="more than 20 members"):
        unpack(archive, folder, SMALL)
    assert found(folder) == []  # it is refused by its list, before that is taken into memory


def test_twenty_members_are_not_too_many(tmp_path, folder):
    members = [(f"{number}.jpg", b"x") for number in range(20)]
    assert unpack(make_zip(tmp_path / "a.zip", members), folder, SMALL).files == 20


@pytest.mark.parametrize("keep", [0, 3, 40, 0.3, 0.7, 0.99])
def test_a_zip_that_is_cut_off_is_refused(tmp_path, folder, keep):
    archive = make_zip(tmp_path / "a.zip", [(f"{number}.jpg", bytes(range(256)) * 20) for number in range(5)])
    data = archive.read_bytes()
    archive.write_bytes(data[: keep if isinstance(keep, int) else int(len(data) * keep)])
    with pytest.raises(UserError, match=r"a\.zip is (damaged or cut off|no archive)"):
        unpack(archive, folder)


def test_a_zip_with_a_flipped_byte_is_refused(tmp_path, folder):
    archive = make_zip(tmp_path / "a.zip", [("a.jpg", bytes(range(256)) * 20)], zipfile.ZIP_STORED)
    data = bytearray(archive.read_bytes())
    data[500] ^= 1
    archive.write_bytes(data)
    with pytest.raises(UserError, match="damaged"):
        unpack(archive, folder)


def test_an_unknown_compression_is_said(tmp_path, folder):
    archive = make_zip(tmp_path / "a.zip", [GOOD])
    data = bytearray(archive.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        data[data.index(signature) + offset] = 9  # deflate64
    archive.write_bytes(data)
    with pytest.raises(UserError, match="ordinary zip"):
        unpack(archive, folder)


def test_zip64_works(tmp_path, folder):
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as opened, opened.open("photos/good.jpg", "w", force_zip64=True) as file:
        file.write(b"photo")
    assert unpack(archive, folder).files == 1
    # With the end records of zip64 too, which only 65,536 members or 4 GiB bring by themselves.
    data = archive.read_bytes()
    end = data.rindex(b"PK\x05\x06")
    size, offset = struct.unpack_from("<II", data, end + 12)
    record = struct.pack("<4sQ2H2I4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, size, offset)
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, end, 1)
    last = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    archive.write_bytes(data[:end] + record + locator + last)
    (folder / "photos/good.jpg").unlink()
    assert unpack(archive, folder).files == 1
    assert (folder / "photos/good.jpg").read_bytes() == b"photo"


@pytest.mark.parametrize("content", [b"\xff\xd8\xff\xe0" + bytes(500), b"", b"<html>", b"PK\x03\x04 and no more"])
def test_what_is_no_archive_is_refused_whatever_its_name(tmp_path, folder, content):
    archive = tmp_path / "a.zip"
    archive.write_bytes(content)
    with pytest.raises(UserError, match=r"a\.zip is (no archive|damaged)"):
        unpack(archive, folder)


@pytest.mark.parametrize(("mode", "name"), [("w", "a.zip"), ("w:gz", "a.zip"), ("w:bz2", "x"), ("w:xz", "a.jpg")])
def test_a_tar_is_known_by_its_content(tmp_path, folder, mode, name):
    done = unpack(make_tar(tmp_path / name, [("./photos/good.jpg", b"photo"), ("ö.jpg", b"2")], mode), folder)
    assert found(folder) == ["photos/good.jpg", "ö.jpg"]
    assert (done.files, done.bytes) == (2, 6)


@pytest.mark.parametrize(
    ("member", "why"),
    [
        (("../x.jpg", b"x"), "leaves its folder"),
        (("/etc/x.jpg", b"x"), "absolute"),
        (special("link.jpg", tarfile.SYMTYPE, "/etc/passwd"), "a link"),
        (special("hard.jpg", tarfile.LNKTYPE, "photos/good.jpg"), "a link"),
        (special("device", tarfile.CHRTYPE), "neither a file nor a folder"),
        (special("disk", tarfile.BLKTYPE), "neither a file nor a folder"),
        (special("pipe", tarfile.FIFOTYPE), "neither a file nor a folder"),
        (("inner.tgz", b"x"), "archive inside"),
        (("a\udcffb.jpg", b"x"), "not UTF-8"),
        (("photos/good.jpg", b"second"), "second member"),
    ],
)
def test_a_bad_member_of_a_tar_is_left_out_and_the_rest_taken(tmp_path, folder, member, why):
    before = outside(folder)
    archive = make_tar(tmp_path / "a.tar", [GOOD, member, ("last.jpg", b"3")])
    done = unpack(archive, folder)
    assert found(folder) == ["last.jpg", "photos/good.jpg"]
    assert (folder / "photos/good.jpg").read_bytes() == b"photo"
    assert outside(folder) == sorted([*before, archive])
    assert [why in skipped.why for skipped in done.skipped] == [True]


def test_nothing_is_written_through_a_link(tmp_path, folder):
    members = [special("d", tarfile.SYMTYPE, str(tmp_path)), ("d/x.jpg", b"x")]
    unpack(make_tar(tmp_path / "a.tar", members), folder)
    assert found(folder) == ["d/x.jpg"]
    assert not (tmp_path / "x.jpg").exists()


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_a_tar_bomb_is_stopped(tmp_path, folder, pack):
    plain = make_tar(tmp_path / "plain.tar", [("b", bytes(300 * KIB))])
    archive = tmp_path / "a.tar"
    archive.write_bytes(pack(plain.read_bytes()))
    with pytest.raises(UserError, match="more than its size allows"):
        unpack(archive, folder, SMALL)
    assert sum(path.stat().st_size for path in folder.rglob("*")) <= 20 * KIB


def test_a_skipped_tar_bomb_is_stopped_too(tmp_path, folder):
    plain = make_tar(tmp_path / "plain.tar", [("../b", bytes(2000 * KIB)), GOOD])
    archive = tmp_path / "a.tar"
    archive.write_bytes(gzip.compress(plain.read_bytes()))
    with pytest.raises(UserError, match="more than its size allows"):
        unpack(archive, folder, SMALL)


def test_a_tar_header_of_many_megabytes_is_refused(tmp_path, folder):
    info = tarfile.TarInfo("a.jpg")
    info.pax_headers = {"comment": "x" * (2 * 1024 * KIB)}
    with tarfile.open(tmp_path / "a.tar", "w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(info)
    with pytest.raises(UserError, match="header too large"):
        unpack(tmp_path / "a.tar", folder)


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:xz"])
def test_a_tar_that_is_cut_off_is_refused(tmp_path, folder, mode):
    content = bytes(range(256)) * 200
    archive = make_tar(tmp_path / "a.tar", [("a.jpg", content), ("b.jpg", content[::-1])], mode)
    archive.write_bytes(archive.read_bytes()[: archive.stat().st_size * 2 // 3])
    with pytest.raises(UserError, match="damaged or cut off"):
        unpack(archive, folder)


def test_an_archive_without_a_file_is_refused_and_says_why(tmp_path, folder):
    with pytest.raises(UserError, match=r"no file .* The first member, \.\./x: the path leaves"):
        unpack(make_zip(tmp_path / "a.zip", [("../x", b"x"), ("d/", b"")]), folder)


def test_progress_is_told(tmp_path, folder):
    told = []
    members = [(f"{number}.jpg", b"x") for number in range(120)]
    unpack(make_zip(tmp_path / "a.zip", members), folder, progress=lambda *step: told.append(step))
    assert told == [(50, 120, "unpacked"), (100, 120, "unpacked"), (120, 120, "unpacked")]


def test_a_clean_path_is_composed_and_stays_as_it_is():
    assert clean_path("fotos/o\u0308 (1).jpg") == "fotos/ö (1).jpg"
    assert clean_path("a..b/..c/d...jpg") == "a..b/..c/d...jpg"
    assert clean_path("console/conx.jpg") == "console/conx.jpg"


def test_a_name_given_back_can_be_taken_again():
    names = Names()
    assert names.add("a/b.jpg")
    assert not names.add("a/b.jpg")
    names.remove("a/b.jpg")
    assert names.add("a/b.jpg")
    with pytest.raises(UnsafePathError):
        names.add("a/B.jpg")
