"""Label Studio's brush streams: public samples, an encoder written apart from the decoder, streams that are broken."""

import contextlib
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from labeling.formats.labelstudio import brush
from labeling.formats.labelstudio.brush import decode_brush
from tests.support.brush_streams import SIZES, encode_mask, encode_rgba, header, literal, repeated, to_bytes

# HumanSignal/label-studio-converter, tests/test_brush.py, test_rle_encoding: what its encoder makes of these values.
SAMPLE = [0, 0, 0, 18, 57, 27, 252, 96, 32, 1, 0, 6, 0, 40, 0, 192, 3, 128, 17, 56, 32]
SAMPLE_VALUES = [1, 1, 1, 1, 2, 3, 5, 6, 7, 8, 4, 4, 4, 4, 4, 4, 4, 4]

# thi-ng/umbrella, packages/column-store/test, "u8" with FLAG_RLE: what rle-pack itself makes of six values.
THING = [0, 0, 0, 6, 57, 27, 252, 64, 16, 133, 64, 40]
THING_VALUES = [0, 0, 0, 10, 10, 20]


@pytest.mark.parametrize(("stream", "values"), [(SAMPLE, SAMPLE_VALUES), (THING, THING_VALUES)])
def test_public_samples_hold_what_they_are_said_to(stream, values):
    found, lengths = brush._packets(bytes(stream), len(values), list(SIZES))
    assert np.repeat(found, lengths).tolist() == values


def test_the_header_of_an_export_in_the_wild():
    """The beginning of a published export of photos of 3332 x 2527 pixels: https://huggingface.co/datasets/alkzar90/
    cell_benchmark, label_JSON.json. Nothing follows here, so it is cut; its size and its sizes are understood."""
    start = bytes([2, 1, 233, 240, 57, 27, 255, 255, 255, 0, 255, 255, 224, 31, 255, 252, 3, 255, 255, 128])
    with pytest.raises(ValueError, match="cut short"):
        decode_brush(start, 3332, 2527)
    with pytest.raises(ValueError, match="33679856 values, expected 3332 x 2528 x 4"):
        decode_brush(start, 3332, 2528)


masks = arrays.arrays(np.bool_, st.tuples(st.integers(1, 40), st.integers(1, 40)))


@given(masks)
def test_masks_are_read_back(mask):
    height, width = mask.shape
    np.testing.assert_array_equal(decode_brush(bytes(encode_mask(mask)), width, height), mask)


@given(arrays.arrays(np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 12), st.just(4))))
def test_alpha_is_the_mask_from_128_on(rgba):
    height, width, _ = rgba.shape
    np.testing.assert_array_equal(decode_brush(encode_rgba(rgba), width, height), rgba[..., 3] >= 128)


@st.composite
def packed(draw: st.DrawFn) -> tuple[bytes, list[int]]:
    """A stream of any packets with any sizes, and its values, four a pixel."""
    sizes = draw(st.lists(st.integers(1, 16), min_size=4, max_size=4))
    bits: list[str] = []
    values: list[int] = []
    for _ in range(draw(st.integers(1, 12))):
        size = draw(st.integers(0, 3))
        length = draw(st.integers(1, min(1 << sizes[size], 300)))
        if draw(st.booleans()):
            value = draw(st.integers(0, 255))
            bits.append(repeated(value, length, size, sizes))
            values += [value] * length
        else:
            part = draw(st.lists(st.integers(0, 255), min_size=length, max_size=length))
            bits.append(literal(part, size, sizes))
            values += part
    rest = -len(values) % 4
    if rest:
        bits += [literal([255], 0, sizes)] * rest
        values += [255] * rest
    return to_bytes([header(len(values), sizes=sizes), *bits]), values


@settings(max_examples=100, deadline=None)
@given(packed())
def test_every_way_to_pack_values_is_read(packed):
    stream, values = packed
    expected = [alpha >= 128 for alpha in values[3::4]]
    assert decode_brush(stream, len(expected), 1)[0].tolist() == expected
    with pytest.raises(ValueError, match="cut short"):
        decode_brush(stream[:-2], len(expected), 1)


@given(st.binary(max_size=60), st.integers(1, 8), st.integers(1, 8), st.booleans())
def test_any_bytes_give_a_mask_or_a_value_error(data, width, height, with_header):
    stream = to_bytes([header(4 * width * height)])[:6] + data if with_header else data
    with contextlib.suppress(ValueError):
        assert decode_brush(stream, width, height).shape == (height, width)


@pytest.mark.parametrize(
    ("stream", "reason"),
    [
        (b"", "cut short"),
        (bytes(6), "cut short"),
        (to_bytes([header(16)]), "cut short"),
        (to_bytes([header(16, value_bits=16)]) + bytes(99), "16 bits"),
        (to_bytes([header(2**32 - 1)]) + bytes(99), "4294967295 values"),
        (to_bytes([header(16), repeated(255, 17, 3)]), "more values"),
        (to_bytes([header(16), repeated(255, 9, 2), repeated(0, 8, 0)]), "more values"),
    ],
)
def test_what_is_no_stream_of_the_size_is_refused(stream, reason):
    with pytest.raises(ValueError, match=reason):
        decode_brush(stream, 2, 2)


def test_a_photo_full_of_noise_is_decoded_in_linear_time():
    """A packet a pixel is the worst there is."""
    rng = np.random.default_rng(0)
    mask = rng.random((100, 1000)) < 0.5
    stream = bytes(encode_mask(mask))
    start = time.perf_counter()
    np.testing.assert_array_equal(decode_brush(stream, 1000, 100), mask)
    assert time.perf_counter() - start < 5


def test_a_run_longer_than_a_packet_holds():
    mask = np.zeros((300, 400), np.bool_)
    mask[10:290, :] = True
    stream = bytes(encode_mask(mask))
    assert len(stream) < 100
    np.testing.assert_array_equal(decode_brush(stream, 400, 300), mask)
