import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_np

from db.errors import UserError
from training.data.resample import nearest, resize_class_map, resize_photo
from training.data.sizes import Resize, working_size

sides = st.integers(1, 5000)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("none", Resize()),
        ("240x320", Resize(exact=(240, 320))),
        (" 240 X 320 ", Resize(exact=(240, 320))),
        ("long 512", Resize(long=512)),
        ("Long512", Resize(long=512)),
    ],
)
def test_parse(text, expected):
    assert Resize.parse(text) == expected
    assert Resize.parse(str(expected)) == expected


@pytest.mark.parametrize("text", ["", "320", "0x5", "5x0", "long 0", "long", "-3x4", "3.5x4", "70000x2", "long 70000"])
def test_a_size_that_is_none_says_what_it_should_be(text):
    with pytest.raises(UserError, match="size"):
        Resize.parse(text)


@given(sides, sides, st.integers(1, 4096))
def test_long_side_is_met_exactly_and_the_shape_kept(height, width, long):
    h, w = Resize(long=long).target(height, width)
    assert max(h, w) == long
    assert min(h, w) >= 1
    assert abs(min(h, w) - min(height, width) * long / max(height, width)) <= 0.5 or min(h, w) == 1


@given(sides, sides)
def test_the_pack_never_enlarges_and_never_exceeds_its_long_side(height, width):
    h, w = working_size(height, width, resize=Resize(), long_side=1024)
    assert max(h, w) == min(1024, max(height, width))


def test_a_size_over_the_packs_limit_is_refused_not_ignored():
    with pytest.raises(UserError, match="pack_long_side=1280"):
        working_size(100, 100, resize=Resize.parse("long 1280"), long_side=1024)


@given(st.integers(1, 300), st.integers(1, 300))
def test_nearest_takes_the_pixel_that_contains_the_centre(length, size):
    centres = (np.arange(size) + 0.5) * length / size
    assert np.array_equal(nearest(length, size), np.floor(np.round(centres, 9)))


@given(
    st_np.arrays(np.uint8, st_np.array_shapes(min_dims=2, max_dims=2, max_side=40)),
    st.tuples(st.integers(1, 60), st.integers(1, 60)),
)
def test_resizing_a_class_map_invents_no_class(class_map, size):
    resized = resize_class_map(class_map, size)
    assert resized.shape == size
    assert set(np.unique(resized)) <= set(np.unique(class_map))


@given(st.tuples(st.integers(1, 40), st.integers(1, 40)), st.tuples(st.integers(1, 60), st.integers(1, 60)))
def test_a_photo_of_one_colour_keeps_it_at_every_size(size, target):
    photo = np.full((*size, 3), (10, 100, 250), np.uint8)
    resized = resize_photo(photo, target)
    assert resized.shape == (*target, 3)
    assert (resized == (10, 100, 250)).all()


@pytest.mark.parametrize("target", [(48, 64), (30, 45), (192, 256), (60, 300), (300, 60), (96, 128)])
def test_photo_and_class_map_stay_aligned(target):
    photo, class_map = np.zeros((96, 128, 3), np.uint8), np.zeros((96, 128), np.uint8)
    photo[24:72, 32:80] = 255
    class_map[24:72, 32:80] = 1
    bright = resize_photo(photo, target)[..., 0] / 255
    marked = resize_class_map(class_map, target)
    for axis in (0, 1):
        profile, truth = bright.max(axis=axis), marked.max(axis=axis)
        middle, expected = (np.average(np.arange(len(p)), weights=p) for p in (profile, truth))
        assert abs(middle - expected) <= 0.5
        assert abs(profile.sum() - truth.sum()) <= 1
