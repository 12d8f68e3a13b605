"""Index PNGs come back value by value, and nothing else is taken for one."""

import io

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from labeling.maps import MapError, read_map_png, voc_colormap, write_map_png

MAPS = hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=40))


@given(MAPS, st.booleans())
def test_maps_round_trip(array, colored):
    palette = [(index, 255 - index, 7) for index in range(200)] if colored else None
    data = write_map_png(array, palette)
    np.testing.assert_array_equal(read_map_png(data), array)
    with Image.open(io.BytesIO(data)) as image:
        assert image.mode == ("P" if colored else "L")
        np.testing.assert_array_equal(np.asarray(image), array)
    if not colored:
        np.testing.assert_array_equal(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED), array)


def test_the_palette_is_what_viewers_show(tmp_path):
    path = tmp_path / "map.png"
    path.write_bytes(write_map_png(np.array([[0, 1, 255]], np.uint8), [tuple(c) for c in voc_colormap().tolist()]))
    with Image.open(path) as image:
        assert image.convert("RGB").getpixel((1, 0)) == (128, 0, 0)
        assert image.convert("RGB").getpixel((2, 0)) == (224, 224, 192)
    np.testing.assert_array_equal(read_map_png(path), [[0, 1, 255]])


def test_a_view_that_is_not_contiguous_is_written_as_it_looks():
    array = np.arange(48, dtype=np.uint8).reshape(6, 8)[::-1, ::2]
    np.testing.assert_array_equal(read_map_png(write_map_png(array)), array)


@pytest.mark.parametrize(
    "array",
    [np.zeros((2, 2), np.int32), np.zeros((2, 2, 3), np.uint8), np.zeros((0, 4), np.uint8), np.zeros((2, 2), bool)],
)
def test_only_uint8_maps_are_written(array):
    with pytest.raises(ValueError, match="uint8"):
        write_map_png(array)


@pytest.mark.parametrize("count", [0, 257])
def test_a_palette_has_at_most_256_colors(count):
    with pytest.raises(ValueError, match="1 to 256"):
        write_map_png(np.zeros((1, 1), np.uint8), [(0, 0, 0)] * count)


def _png(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "PNG")
    return buffer.getvalue()


GOOD = write_map_png(np.arange(200, dtype=np.uint8).reshape(10, 20))
HUGE = GOOD[:16] + (60_000).to_bytes(4, "big") * 2 + GOOD[24:]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not a PNG"),
        (b"\xff\xd8\xff\xe0" + bytes(40), "not a PNG"),
        (_png(np.zeros((4, 4, 3), np.uint8)), "colour type 2"),
        (_png(np.zeros((4, 4, 4), np.uint8)), "colour type 6"),
        (_png(np.zeros((4, 4), np.uint16)), "16 bits"),
        (_png(np.zeros((4, 4), bool)), "1 bits"),
        (GOOD[:60], "broken or cut"),
        (GOOD[:-40], "broken or cut"),
        (HUGE, "at most"),
    ],
)
def test_other_files_are_refused(data, message):
    with pytest.raises(MapError, match=message):
        read_map_png(data)


def test_the_voc_colormap_is_the_published_one():
    colors = voc_colormap()
    assert colors[:8].tolist() == [
        [0, 0, 0], [128, 0, 0], [0, 128, 0], [128, 128, 0], [0, 0, 128], [128, 0, 128], [0, 128, 128], [128, 128, 128],
    ]  # fmt: skip
    assert colors[20].tolist() == [0, 64, 128]
    assert len({tuple(color) for color in colors.tolist()}) == 256
