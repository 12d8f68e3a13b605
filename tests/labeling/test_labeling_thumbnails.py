"""Pictures of photos and class maps: upright, of one size with each other, made once, never of what has changed."""

import io
import os

import numpy as np
import pytest
from PIL import Image

from db.errors import NotFoundError
from labeling.classes import merge_class
from labeling.images import find_image
from labeling.linked import photo_path
from labeling.map_store import load_map
from labeling.maps import read_map_png
from labeling.photos import fit_size, read_photo, read_reduced
from labeling.picture_cache import PictureCache
from labeling.revisions import current_manifest
from labeling.thumbnails import map_png, photo_jpeg
from tests.support.labelled_home import make_place
from tests.support.labelme_folder import rectangle, write_labels
from tests.support.photo_files import encode, scene


@pytest.fixture
def place(tmp_path):
    return make_place(tmp_path / "home")


def bring(place, folder, data, name="a.jpg", *, shapes=None, **options):
    """Import one photo, with a car drawn on it where shapes are not given, and find it again."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(data)
    with Image.open(io.BytesIO(data)) as opened:
        size = opened.size
    if shapes is None:
        write_labels(folder / name, [rectangle("car", 10, 10, 300, 200)], size)
    place.run_import(folder, project="campus", **options)
    return find_image(place.database, 1, place.image(name).id)


def test_a_photo_is_made_small_and_upright_once(place, tmp_path):
    image = bring(place, tmp_path / "day", encode(scene(600, 400), "JPEG", orientation=6), shapes=())
    picture = photo_jpeg(place.home, place.database, image, 256)
    shown = read_photo(picture.path)
    assert (image.width, image.height, shown.shape, picture.media_type) == (600, 400, (171, 256, 3), "image/jpeg")
    whole = read_photo(tmp_path / "day" / "a.jpg")
    expected = np.asarray(Image.fromarray(whole).resize((256, 171), Image.Resampling.BOX), float)
    assert np.abs(shown - expected).mean() < 3
    made = picture.path.stat().st_ino
    assert photo_jpeg(place.home, place.database, image, 256).path.stat().st_ino == made


@pytest.mark.parametrize(("size", "image_format"), [(0, "JPEG"), (512, "JPEG"), (0, "PNG"), (0, "WEBP")])
def test_a_plain_photo_that_fits_is_handed_out_as_it_is(place, tmp_path, size, image_format):
    data = encode(scene(300, 400), image_format)
    image = bring(place, tmp_path / "day", data, f"a.{image_format.lower()}")
    picture = photo_jpeg(place.home, place.database, image, size)
    assert picture.path.read_bytes() == data
    assert picture.media_type == f"image/{image_format.lower()}"


@pytest.mark.parametrize(
    ("data", "size"),
    [
        (encode(scene(300, 400), "JPEG", orientation=3), 0),  # turned
        (encode(scene(300, 400), "PNG"), 512),  # large for what it shows
        (encode(scene(300, 400), "BMP"), 0),
        (encode(np.dstack([scene(300, 400), np.full((300, 400), 7, np.uint8)]), "PNG"), 0),  # transparent
    ],
)
def test_any_other_photo_becomes_a_jpeg_of_its_own_size(place, tmp_path, data, size):
    picture = photo_jpeg(place.home, place.database, bring(place, tmp_path / "day", data, "a.png", shapes=()), size)
    with Image.open(picture.path) as shown:
        assert (shown.format, shown.size, picture.media_type) == ("JPEG", (400, 300), "image/jpeg")


@pytest.mark.parametrize(("size", "expected"), [(256, (256, 171)), (512, (512, 341)), (0, (600, 400))])
def test_a_class_map_has_the_size_of_its_photo_and_values_of_the_class_map(place, tmp_path, size, expected):
    image = bring(place, tmp_path / "day", encode(scene(400, 600), "JPEG"))
    photo = photo_jpeg(place.home, place.database, image, size)
    shown = read_map_png(map_png(place.home, place.database, image, size).path)
    assert shown.shape[::-1] == expected == read_photo(photo.path).shape[1::-1]
    (entry,) = current_manifest(place.home, place.database).images
    assert set(np.unique(shown)) == set(np.unique(load_map(place.store, entry.map_sha256))) == {0, 1}
    assert shown[0, 0] == 0
    assert shown[expected[1] // 4, expected[0] // 4] == 1


def test_a_class_map_follows_the_classes(place, tmp_path):
    image = bring(place, tmp_path / "day", encode(scene(300, 400), "JPEG"))
    before = map_png(place.home, place.database, image, 256)
    merge_class(place.database, None, "car", "background")
    after = map_png(place.home, place.database, find_image(place.database, 1, image.id), 256)
    assert before.etag != after.etag
    assert set(np.unique(read_map_png(after.path))) == {0}


def test_an_image_without_labels_has_no_class_map(place, tmp_path):
    image = bring(place, tmp_path / "day", encode(scene(), "JPEG"), shapes=())
    with pytest.raises(NotFoundError, match=r"a\.jpg of the dataset 'day' has no labels"):
        map_png(place.home, place.database, image, 256)


@pytest.mark.parametrize("change", ["gone", "changed", "broken"])
def test_a_photo_that_cannot_be_shown_is_named(place, tmp_path, change):
    image = bring(place, tmp_path / "day", encode(scene(300, 400), "PNG"), "a.png", link=change != "broken")
    file = photo_path(place.database, place.store, image)
    file.chmod(0o600)
    if change == "gone":
        file.unlink()
    else:
        file.write_bytes(encode(scene(300, 400, seed=5), "PNG") if change == "changed" else b"<html>")
    with pytest.raises(NotFoundError, match=r"a\.png"):
        photo_jpeg(place.home, place.database, image, 256)


@pytest.mark.parametrize("size", [(1, 1), (3, 1000), (1000, 3), (255, 256), (256, 256), (4000, 3000)])
def test_nothing_is_enlarged_and_nothing_vanishes(size: tuple[int, int]):
    width, height = fit_size(size[0], size[1], 256)
    assert 1 <= width <= size[0]
    assert 1 <= height <= size[1]
    assert max(width, height) == min(256, max(size))
    assert read_reduced(encode(scene(*size[::-1]), "JPEG"), 256).shape == (height, width, 3)


def test_the_cache_forgets_what_was_not_used_for_longest(tmp_path):
    cache = PictureCache(tmp_path / "cache", limit_bytes=1000)
    for number in range(10):
        os.utime(cache.get(f"photos/{number}", lambda: bytes(150)), (number, number))
    used = cache.get("photos/1", bytes)  # it is there, so it is not made, but used
    assert cache.sweep() == 5
    assert used.exists()
    assert sorted(path.name for path in (tmp_path / "cache" / "photos").iterdir()) == ["1", "6", "7", "8", "9"]


def test_the_cache_sweeps_by_itself_but_not_all_the_time(tmp_path):
    cache = PictureCache(tmp_path / "cache", limit_bytes=100)
    cache.get("photos/first", lambda: bytes(90))
    cache.get("photos/second", lambda: bytes(90))
    assert (tmp_path / "cache" / "photos" / "first").exists()
    os.utime(tmp_path / "cache" / "swept", (0, 0))
    cache.get("photos/third", lambda: bytes(90))
    assert not (tmp_path / "cache" / "photos" / "first").exists()


def test_a_picture_that_a_power_cut_left_empty_is_made_again(tmp_path):
    cache = PictureCache(tmp_path / "cache")
    cache.get("maps/a", bytes)
    assert cache.get("maps/a", lambda: b"whole").read_bytes() == b"whole"


def test_what_making_raises_leaves_nothing(tmp_path):
    def fail() -> bytes:
        raise NotFoundError("gone")

    with pytest.raises(NotFoundError):
        PictureCache(tmp_path / "cache").get("maps/a", fail)
    assert not (tmp_path / "cache").exists()
