"""What every codec keeps, whatever its format."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from db.errors import UserError
from labeling.formats.base import BadItemError, Codec, Listing, ReadRequest, Record
from labeling.formats.codecs import CODECS
from labeling.formats.names import FORMATS
from labeling.importing.recognise import RECOGNISERS
from labeling.names import clean_name
from tests.support.codec_sources import (
    BARE,
    BROKEN,
    BUILDERS,
    HEIGHT,
    PHOTOS,
    WIDTH,
    Form,
    class_map,
    form_of,
    photo_bytes,
    truth,
    write,
)


@pytest.fixture(params=sorted(CODECS))
def format_name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def codec(format_name: str) -> Codec:
    return CODECS[format_name]


@pytest.fixture
def form(format_name: str) -> Form:
    return form_of(format_name)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "my fotos ü 测试"


def read_all(codec: Codec, request: ReadRequest) -> tuple[Listing, dict[str, Record], dict[str, str]]:
    listing = codec.list_source(request)
    records, refused = {}, {}
    for item in listing.items:
        try:
            records[item.path] = codec.read(item, request)
        except BadItemError as error:
            refused[item.path] = str(error)
    return listing, records, refused


def snapshot(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}


def test_every_codec_has_a_source_here_is_recognised_and_told_of():
    assert set(BUILDERS) == set(CODECS) == set(RECOGNISERS) == set(FORMATS)


def test_the_listing_is_stable_and_its_items_travel_to_other_processes(codec, format_name, folder):
    request = BUILDERS[format_name](folder, PHOTOS)
    first, second = list(codec.list_source(request).items), list(codec.list_source(request).items)
    assert first == second
    assert len({item.path for item in first}) == len(first)
    assert pickle.loads(pickle.dumps(first)) == first
    assert all(len(pickle.dumps(item)) < 20_000 for item in first)


def test_paths_are_relative_and_name_the_photo(codec, format_name, form, folder):
    listing = codec.list_source(BUILDERS[format_name](folder, PHOTOS))
    paths = {item.path for item in listing.items}
    assert set(map(form.place, PHOTOS)) <= paths
    assert all((folder / item.file).is_file() or format_name in ("coco", "panoptic") for item in listing.items)


def test_lists_have_names_that_a_dataset_can_give_them(codec, format_name, folder):
    listing = codec.list_source(BUILDERS[format_name](folder, PHOTOS))
    names = {*listing.subsets, *(subset for item in listing.items for subset in item.subsets)}
    assert names == {clean_name(name, "list") for name in names}
    assert names <= set(listing.subsets)


def test_every_item_gives_a_record_of_the_upright_photos_size(codec, format_name, folder):
    _, records, refused = read_all(codec, BUILDERS[format_name](folder, PHOTOS))
    assert refused == {}
    for record in records.values():
        assert (record.width, record.height) == (WIDTH, HEIGHT)
        assert record.base is None or record.base.pixels.shape == (HEIGHT, WIDTH)


def test_the_same_squares_give_the_same_pixels_in_every_format(codec, format_name, form, folder):
    _, records, _ = read_all(codec, BUILDERS[format_name](folder, PHOTOS))
    for path in map(form.place, PHOTOS):
        np.testing.assert_array_equal(class_map(records[path], classes=form.classes), truth())
        assert records[path].repairs == ()


def test_a_photo_without_labels_is_unlabelled_or_said_to_be_left_out(codec, format_name, form, folder):
    listing, records, _ = read_all(codec, BUILDERS[format_name](folder, PHOTOS))
    bare = records.get(form.place(BARE))
    if bare is not None:
        assert not bare.labelled
        assert bare.shapes == ()
        assert bare.base is None
    else:
        assert any("left out" in note for note in listing.notes)
    assert all(records[path].labelled for path in map(form.place, PHOTOS))


def test_one_broken_photo_costs_only_itself(codec, format_name, form, folder):
    _, records, refused = read_all(codec, BUILDERS[format_name](folder, (*PHOTOS, BROKEN)))
    broken = form.place(BROKEN)
    assert set(refused) == {broken}
    assert "HTML" in refused[broken]
    assert set(map(form.place, PHOTOS)) <= set(records)


def test_a_photo_that_vanishes_while_importing_costs_only_itself(codec, format_name, form, folder):
    request = BUILDERS[format_name](folder, PHOTOS)
    listing = codec.list_source(request)
    gone = form.place("a.jpg")
    next(folder.rglob(Path(gone).name)).unlink()
    failed = []
    for item in listing.items:
        try:
            codec.read(item, request)
        except BadItemError:
            failed.append(item.path)
    assert failed == [gone]


def test_the_source_is_never_written_to(codec, format_name, folder):
    request = BUILDERS[format_name](folder, (*PHOTOS, BROKEN))
    before = snapshot(folder)
    for path in (*folder.rglob("*"), folder):
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        read_all(codec, request)
        assert snapshot(folder) == before
    finally:
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)


def test_no_label_file_leads_outside_the_source(codec, format_name, form, folder, tmp_path):
    write(tmp_path / "secret.jpg", photo_bytes("a.jpg"))
    request = BUILDERS[format_name](folder, PHOTOS)
    for path in folder.rglob("*.json"):
        path.write_text(path.read_text().replace('"a.jpg"', '"../../secret.jpg"'))
    _, records, _ = read_all(codec, request)
    read = [record.photo for record in records.values() if isinstance(record.photo, Path)]
    assert all(path.resolve().is_relative_to(folder.resolve()) for path in read)
    assert form.place("räum 1/b c.png") in records


def test_a_photo_may_be_a_link_to_a_file_elsewhere(codec, format_name, form, folder, tmp_path):
    request = BUILDERS[format_name](folder, PHOTOS)
    _, before, _ = read_all(codec, request)
    photo = next(folder.rglob(Path(form.place("a.jpg")).name))
    photo.rename(tmp_path / "far.jpg")
    photo.symlink_to(tmp_path / "far.jpg")
    _, records, refused = read_all(codec, request)
    assert (records.keys(), refused) == (before.keys(), {})


def test_a_source_that_is_not_there_is_the_users_to_put_right(codec, tmp_path):
    with pytest.raises(UserError, match="nowhere"):
        codec.list_source(ReadRequest(tmp_path / "nowhere"))


def test_an_empty_folder_is_the_users_to_put_right(codec, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="empty"):
        codec.list_source(ReadRequest(tmp_path / "empty"))
