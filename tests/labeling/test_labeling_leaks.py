"""Images that show the same: found by bytes, looks, time and place, and names; told where roles differ; moved."""

import itertools
from datetime import datetime, timedelta

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image

from db.errors import UserError
from labeling.care.capture import Capture, metres_apart, read_capture
from labeling.care.flood import flood
from labeling.care.groups import connected
from labeling.care.hashes import as_numbers, near_pairs, nearest
from labeling.care.leaks import find_groups, known_groups, move_groups
from labeling.care.sequences import neighbours
from labeling.datasets import list_datasets
from labeling.photos import hash_distance
from labeling.roles import set_roles
from tests.support.labelled_home import make_place
from tests.support.photo_files import scene

SIZE = {"height": 96, "width": 128}


def save(path, pixels, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)


def exif(moment=None, place=None):
    """EXIF as Pillow writes it; `place` is (latitude, longitude) in degrees."""
    found = Image.Exif()
    found[ExifTags.Base.Make] = "Workbench"  # Pillow takes EXIF without a tag of its own for none
    if moment is not None:
        found.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = moment.strftime("%Y:%m:%d %H:%M:%S")
    if place is not None:
        gps = found.get_ifd(ExifTags.IFD.GPSInfo)
        for value, (tag, side), names in zip(place, ((2, 1), (4, 3)), ("NS", "EW"), strict=True):
            degrees = abs(value)
            minutes = (degrees % 1) * 60
            gps[tag] = (int(degrees), int(minutes), (minutes % 1) * 60)
            gps[side] = names[value < 0]
    return found


def textured(seed):
    """A plain wall: grain and nothing else, whose hash says nothing."""
    return np.clip(np.random.default_rng(seed).normal(128, 20, (96, 128, 3)), 0, 255).astype(np.uint8)


@pytest.fixture
def place(tmp_path):
    return make_place(tmp_path / "home")


def imported(place, folder, dataset="day", **options):
    place.run_import(folder, project="campus", dataset=dataset, **options)


def found(place, **options):
    groups = find_groups(place.home, place.database, **options).groups
    return [([image.path for image in group.images], group.reasons, group.roles) for group in groups]


def by_brute_force(hashes, distance):
    pairs = [
        pair
        for pair in itertools.combinations(range(len(hashes)), 2)
        if hash_distance(f"{hashes[pair[0]]:016x}", f"{hashes[pair[1]]:016x}") <= distance
    ]
    return connected(len(hashes), pairs)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 5), st.sets(st.integers(0, 63), max_size=7)), min_size=2, max_size=40),
    st.integers(0, 12),
)
def test_near_hashes_are_those_that_a_look_at_every_pair_joins(drawn, distance):
    bases = np.random.default_rng(0).integers(0, 1 << 64, 6, dtype=np.uint64).tolist()
    hashes = [bases[base] ^ sum(1 << bit for bit in bits) for base, bits in drawn]
    pairs = near_pairs(np.array(hashes, np.uint64), distance)
    assert connected(len(hashes), pairs) == by_brute_force(hashes, distance)
    assert all((hashes[first] ^ hashes[second]).bit_count() <= distance for first, second in pairs)


def test_hashes_keep_their_order_as_numbers_and_the_nearest_is_told():
    hashes = ["0000000000000001", "8000000000000000", "00000000000000ff"]
    assert as_numbers(hashes).tolist() == [1, 1 << 63, 255]
    places, distances = nearest(["000000000000007f", "8000000000000001"], hashes)
    assert places[0] == 2
    assert places[1] in (0, 1)  # equally near
    assert distances.tolist() == [1, 1]


def test_what_is_joined_already_is_not_compared_again():
    compared = []

    def near(one, others):
        compared.append(len(others))
        return np.arange(len(others))

    assert len(flood(np.arange(1000), near)) == 999
    assert compared == [999]


def test_copies_of_another_size_and_quality_are_alike_and_plain_textures_are_not(place, tmp_path):
    photo = scene(seed=1, **SIZE)
    save(tmp_path / "day" / "sun.png", photo)
    save(tmp_path / "day" / "again.png", photo)
    save(tmp_path / "day" / "small.jpg", cv2.resize(photo, (64, 48), interpolation=cv2.INTER_AREA), quality=60)
    save(tmp_path / "day" / "other.png", scene(seed=2, **SIZE))
    for name, seed in (("wall", 3), ("floor", 4)):
        save(tmp_path / "day" / f"{name}.png", textured(seed))
    imported(place, tmp_path / "day")
    with place.database.write() as session:  # as grain may do: the two walls share a hash
        for name in ("wall.png", "floor.png"):
            row = place.image(name)
            row.perceptual_hash = "5" * 16
            session.merge(row)
    assert found(place) == []
    assert found(place, every=True) == [(["again.png", "small.jpg", "sun.png"], {"same": 1, "alike": 1}, {"none": 3})]


def test_a_group_leaks_where_its_roles_differ_also_across_datasets_and_is_moved_to_one(place, tmp_path):
    for dataset, names in (("day", ("a", "b")), ("copy", ("c", "d"))):
        for name in names:
            save(tmp_path / dataset / f"{name}.png", scene(seed=1 if name in "ac" else ord(name), **SIZE))
        imported(place, tmp_path / dataset, dataset)
    set_roles(place.database, "campus", "day", ["a.png", "b.png"], "train")
    assert found(place) == []  # the other one has no role yet: no figure is wrong
    set_roles(place.database, "campus", "copy", ["c.png"], "test")
    (group,) = find_groups(place.home, place.database).groups
    assert [(image.dataset, image.path, image.role) for image in group.images] == [
        ("copy", "c.png", "test"),
        ("day", "a.png", "train"),
    ]
    assert group.leaks
    assert group.reasons == {"same": 1}
    assert len(find_groups(place.home, place.database, dataset="copy").groups) == 1
    moved = move_groups(place.home, place.database, [group.id[:4]], "train")
    assert (moved.groups, moved.images) == ((group.id,), {"test": 1})
    assert find_groups(place.home, place.database).leaking == 0
    roles = {each.name: each.roles for each in list_datasets(place.database)}
    assert roles == {"day": {"train": 2}, "copy": {"none": 1, "train": 1}}
    assert move_groups(place.home, place.database, [group.id], "train").images == {}
    with pytest.raises(UserError, match="no group 'nothing'"):
        move_groups(place.home, place.database, ["nothing"], "val")


def test_photos_are_read_once_and_groups_searched_for_again_when_an_image_comes(place, tmp_path):
    save(tmp_path / "day" / "a.png", scene(seed=1, **SIZE))
    save(tmp_path / "day" / "b.jpg", scene(seed=1, **SIZE), quality=70)
    imported(place, tmp_path / "day")
    assert known_groups(place.home, place.database) is None
    told = []
    find_groups(place.home, place.database, progress=lambda done, total, what: told.append((done, total, what)))
    assert told == [(2, 2, "photos read"), (2, 2, "photos looked at")]
    known = known_groups(place.home, place.database)
    assert known is not None
    assert known.joined == 1
    save(tmp_path / "day" / "c.png", scene(seed=9, **SIZE))
    imported(place, tmp_path / "day")
    assert known_groups(place.home, place.database) is None
    told.clear()
    assert find_groups(place.home, place.database, progress=lambda *said: told.append(said)).joined == 1
    assert told == [(1, 1, "photos read")]
    (kept,) = (place.home.cache / "groups").iterdir()
    kept.write_bytes(b"{half")
    assert find_groups(place.home, place.database).joined == 1


def test_a_photo_that_is_away_is_told_and_the_search_is_not_kept(place, tmp_path):
    save(tmp_path / "day" / "a.png", scene(seed=1, **SIZE))
    save(tmp_path / "day" / "b.png", scene(seed=2, **SIZE))
    imported(place, tmp_path / "day", link=True)
    (tmp_path / "day" / "a.png").unlink()
    first = find_groups(place.home, place.database)
    assert first.unread == 1
    assert "a.png" in first.unread_why[0]
    save(tmp_path / "day" / "a.png", scene(seed=1, **SIZE))
    assert find_groups(place.home, place.database).unread == 0


def test_time_and_place_join_photos_that_look_nothing_alike(place, tmp_path):
    noon = datetime(2024, 5, 1, 12)
    library, cafe = (49.0117, 8.4145), (49.0130, 8.4145)
    taken = {
        "a": exif(noon, library),
        "b": exif(noon + timedelta(seconds=50), (library[0] + 0.0001, library[1])),  # 11 m on
        "c": exif(noon + timedelta(seconds=55), cafe),
        "d": exif(noon + timedelta(minutes=5), library),
        "e": exif(noon),
        "f": exif(noon + timedelta(seconds=2)),
        "g": exif(noon + timedelta(seconds=8)),
        "h": None,
    }
    for seed, (name, said) in enumerate(taken.items()):
        save(
            tmp_path / "day" / f"{name}.jpg", scene(seed=seed + 20, **SIZE), **({} if said is None else {"exif": said})
        )
    imported(place, tmp_path / "day")
    assert [group[:2] for group in found(place, every=True)] == [
        (["a.jpg", "b.jpg"], {"place": 1}),
        (["e.jpg", "f.jpg"], {"place": 1}),
    ]


def test_exif_is_read_as_cameras_write_it_and_nonsense_left_out(tmp_path):
    def read(said, suffix="jpg"):
        save(tmp_path / f"photo.{suffix}", scene(), exif=said)
        return read_capture(tmp_path / f"photo.{suffix}")

    moment = datetime(2024, 5, 1, 12, 0, 7)
    south = read(exif(moment, (-33.8568, -70.25)))
    assert (south.latitude, south.longitude) == (pytest.approx(-33.8568), pytest.approx(-70.25))
    assert read(exif(moment, (1, 2)), "png") == read(exif(moment, (1, 2)))
    assert read(exif(moment)).seconds == (moment - datetime(1970, 1, 1)).total_seconds()
    broken = exif()
    broken.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = "0000:00:00 00:00:00"
    broken.get_ifd(ExifTags.IFD.GPSInfo).update({1: "N", 2: (0.0, 0.0, 0.0), 3: "E", 4: (0.0, 0.0, 0.0)})
    assert read(broken) == Capture()
    (tmp_path / "cut.jpg").write_bytes((tmp_path / "photo.jpg").read_bytes()[:40])
    assert read_capture(tmp_path / "cut.jpg") == Capture()
    with pytest.raises(OSError, match="gone"):
        read_capture(tmp_path / "gone.jpg")


def test_metres_are_those_of_the_ground():
    karlsruhe, stuttgart = np.array([49.0069, 8.4037]), np.array([[48.7758, 9.1829], [49.0069, 8.4037]])
    far, near = metres_apart(karlsruhe, stuttgart)
    assert (far, near) == (pytest.approx(62_300, abs=500), 0)


def test_neighbours_have_close_numbers_in_one_sequence():
    names = ["IMG_0012.jpg", "IMG_0013.jpg", "IMG_0019.jpg", "0001TP_006690.png", "0001TP_006720.png", "other.jpg"]
    paths = [("day", f"a/{name}") for name in names] + [("day", "b/IMG_0014.jpg"), ("dusk", "a/IMG_0014.jpg")]
    assert set(neighbours([*paths, ("day", "a/IMG_0011.jpg")])) == {(8, 0), (0, 1), (3, 4)}


def test_neighbours_in_a_sequence_are_joined_only_where_they_look_related(place, tmp_path):
    drive = np.asarray(Image.fromarray(scene(height=96, width=512, seed=5)))
    for number, left in enumerate((0, 12, 24, 300)):  # the camera moves on, then is somewhere else
        save(tmp_path / "day" / f"IMG_{number:04}.png", np.ascontiguousarray(drive[:, left : left + 128]))
    imported(place, tmp_path / "day")
    ((paths, reasons, _),) = found(place, every=True)
    assert paths == ["IMG_0000.png", "IMG_0001.png", "IMG_0002.png"]
    assert sum(reasons.values()) >= 2
    assert set(reasons) <= {"alike", "sequence"}
