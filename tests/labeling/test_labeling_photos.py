"""Photos: upright whatever their EXIF says, whole or refused, with a hash of what they show."""

import io
import struct
import subprocess
import sys
import warnings
import zlib
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

from labeling import photos
from labeling.photos import (
    INVERSE_ORIENTATION,
    PhotoError,
    hash_distance,
    inspect_photo,
    perceptual_hash,
    read_header,
    read_photo,
    transpose_pixels,
    transpose_points,
)
from tests.support.photo_files import encode, scene

ORIENTATIONS = range(1, 9)
LOSSLESS = [("PNG", {}), ("TIFF", {}), ("WEBP", {"lossless": True})]


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize(("image_format", "options"), LOSSLESS)
def test_exif_orientation_is_applied(image_format, options, orientation):
    stored = scene()
    data = encode(stored, image_format, orientation=orientation, **options)
    exif = Image.Exif()
    exif[photos.ORIENTATION_TAG] = orientation
    reference = Image.fromarray(stored)
    reference.info["exif"] = exif.tobytes()
    expected = np.asarray(ImageOps.exif_transpose(reference))

    np.testing.assert_array_equal(read_photo(data), expected)
    np.testing.assert_array_equal(read_photo(data, upright=False), stored)
    info = inspect_photo(data)
    assert (info.height, info.width) == expected.shape[:2]
    assert (info.raw_height, info.raw_width) == stored.shape[:2]
    assert (info.orientation, info.format) == (orientation, image_format)
    assert info.perceptual_hash == perceptual_hash(expected)
    assert asdict(info) == asdict(read_header(data)) | {"perceptual_hash": info.perceptual_hash}


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize("quality", [{"quality": 90}, {"quality": 95, "subsampling": 0}, {"progressive": True}])
def test_jpeg_pixels_are_pillows(orientation, quality):
    data = encode(scene(50, 70), "JPEG", orientation=orientation, **quality)
    with Image.open(io.BytesIO(data)) as image:
        expected = np.asarray(ImageOps.exif_transpose(image))
    np.testing.assert_array_equal(read_photo(data), expected)
    info = inspect_photo(data)
    assert (info.height, info.width) == expected.shape[:2]
    assert asdict(info) == asdict(read_header(data)) | {"perceptual_hash": info.perceptual_hash}


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_points_go_where_their_pixel_goes(orientation):
    stored = np.zeros((4, 7), np.uint8)
    stored[1, 5] = 1
    turned = transpose_pixels(stored, orientation)
    ((x, y),) = transpose_points([(5.5, 1.5)], orientation, 7, 4)
    assert turned[int(y), int(x)] == 1

    points = ((0.25, 3.0), (6.5, 0.5))
    there = transpose_points(points, orientation, 7, 4)
    height, width = turned.shape
    assert transpose_points(there, INVERSE_ORIENTATION[orientation], width, height) == points


@pytest.mark.parametrize("orientation", [0, 9, -1])
def test_a_wrong_orientation_is_an_error_for_points_and_upright_for_files(orientation):
    with pytest.raises(ValueError, match="1 to 8"):
        transpose_points([(0, 0)], orientation, 1, 1)
    with pytest.raises(ValueError, match="1 to 8"):
        transpose_pixels(np.zeros((1, 1)), orientation)
    if orientation >= 0:
        assert inspect_photo(encode(scene(), orientation=orientation)).orientation == 1


def test_grey_and_alpha_and_palette_have_one_meaning():
    rgb = scene()
    grey = rgb[..., 0]
    np.testing.assert_array_equal(read_photo(encode(grey)), np.repeat(grey[..., None], 3, axis=2))
    alpha = np.dstack([rgb, np.zeros_like(grey)])
    np.testing.assert_array_equal(read_photo(encode(alpha)), rgb)
    np.testing.assert_array_equal(
        read_photo(encode(np.dstack([grey, grey // 2]))), np.repeat(grey[..., None], 3, axis=2)
    )
    buffer = io.BytesIO()
    palette = Image.fromarray(rgb).quantize(200)
    palette.save(buffer, "PNG", transparency=0)
    np.testing.assert_array_equal(read_photo(buffer.getvalue()), np.asarray(palette.convert("RGB")))
    bits = grey > 127
    np.testing.assert_array_equal(read_photo(encode(bits))[..., 0], np.where(bits, 255, 0))


@pytest.mark.parametrize("image_format", ["PNG", "TIFF"])
def test_sixteen_bits_keep_the_high_byte(image_format):
    values = np.linspace(0, 65535, 48 * 64).reshape(48, 64).astype(np.uint16)
    np.testing.assert_array_equal(read_photo(encode(values, image_format))[..., 1], values >> 8)


def test_cmyk_is_converted():
    cmyk = Image.fromarray(scene()).convert("CMYK")
    buffer = io.BytesIO()
    cmyk.save(buffer, "JPEG", quality=100)
    with Image.open(io.BytesIO(buffer.getvalue())) as image:
        np.testing.assert_array_equal(read_photo(buffer.getvalue()), np.asarray(image.convert("RGB")))
    assert inspect_photo(buffer.getvalue()).width == 64


@pytest.mark.parametrize("image_format", ["GIF", "WEBP", "PNG", "MPO"])
def test_the_first_picture_of_many_is_taken(image_format):
    first, second = Image.fromarray(scene(seed=1)), Image.fromarray(scene(seed=2))
    options = {"lossless": True} if image_format == "WEBP" else {}
    buffer = io.BytesIO()
    first.save(buffer, image_format, save_all=True, append_images=[second], **options)
    difference = np.abs(read_photo(buffer.getvalue()).astype(int) - scene(seed=1))
    assert difference.mean() < 12  # GIF has 256 colours, MPO is lossy; the second picture differs by 70
    assert inspect_photo(buffer.getvalue()).format == image_format


def test_an_icc_profile_changes_nothing():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    np.testing.assert_array_equal(read_photo(encode(scene(), icc_profile=profile)), scene())


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 30_000), (30_000, 1)])
def test_extreme_shapes_are_photos(height, width):
    data = encode(np.zeros((height, width, 3), np.uint8))
    assert read_photo(data).shape == (height, width, 3)
    assert len(inspect_photo(data).perceptual_hash) == 16


def _float_tiff() -> bytes:
    return encode(np.zeros((4, 4), np.float32), "TIFF")


BAD = [
    (b"", "empty"),
    (b"<!DOCTYPE html><html>404</html>", "HTML"),
    (b"\xef\xbb\xbf  <svg xmlns='http://www.w3.org/2000/svg'/>", "HTML or XML"),
    (b"PK\x03\x04rest", "zip archive"),
    (b"%!PS-Adobe-3.0 EPSF-3.0", "not an image"),
    (b"\xff\xd8\xff\xe0", "not an image|broken"),
    (encode(scene(200, 300), "JPEG")[:-600], "broken or cut"),
    (encode(scene(200, 300), "JPEG", progressive=True)[:3000], "broken or cut"),
    (encode(scene(200, 300), "PNG")[:3000], "broken or cut"),
    (encode(scene(200, 300), "WEBP", lossless=True)[:3000], "broken or cut|not an image"),
    (encode(scene(200, 300), "TIFF")[:3000], "broken or cut|not an image"),
    (encode(scene(200, 300), "BMP")[:3000], "broken or cut"),
    (_float_tiff(), "range is unknown"),
]


@pytest.mark.parametrize(("data", "message"), BAD)
@pytest.mark.parametrize("function", [read_photo, inspect_photo])
def test_what_is_no_whole_photo_is_refused_in_a_sentence(data, message, function):
    with pytest.raises(PhotoError, match=message):
        function(data)


@pytest.mark.parametrize("side", [60_000, 10_000])
def test_a_decompression_bomb_is_refused_before_it_is_decoded(side):
    """60000 x 60000 is what Pillow refuses, 10000 x 10000 what it only warns of."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
    for setting in ("error", "ignore"):
        with warnings.catch_warnings():
            warnings.simplefilter(setting)
            with pytest.raises(PhotoError, match="89,478,485 pixels"):
                inspect_photo(bomb)


def test_a_header_tells_a_cut_jpeg():
    data = encode(scene(200, 300), "JPEG")
    assert read_header(data).width == 300
    for cut in (10, 600, len(data) // 2):
        with pytest.raises(PhotoError, match="broken or cut"):
            read_header(data[:-cut])
    assert read_header(data + bytes(1000)).width == 300  # what some cameras append


def test_files_that_cannot_be_read_are_named_plainly(tmp_path):
    with pytest.raises(PhotoError, match="gone"):
        read_photo(tmp_path / "removed.jpg")
    with pytest.raises(PhotoError, match="cannot be read"):
        read_photo(tmp_path)


def test_a_file_reads_as_its_bytes(tmp_path):
    path = tmp_path / "ein Bild 照片.jpg"
    path.write_bytes(encode(scene(), "JPEG", orientation=6))
    np.testing.assert_array_equal(read_photo(path), read_photo(path.read_bytes()))
    assert inspect_photo(path) == inspect_photo(path.read_bytes())


def test_the_perceptual_hash_knows_a_picture_again():
    picture = scene(400, 600)
    original = perceptual_hash(picture)
    smaller = np.asarray(cv2.resize(picture, (301, 199), interpolation=cv2.INTER_AREA), np.uint8)
    assert hash_distance(original, perceptual_hash(smaller)) <= 4
    assert hash_distance(original, inspect_photo(encode(picture, "JPEG", quality=40)).perceptual_hash) <= 4
    others = [perceptual_hash(scene(400, 600, seed=seed)) for seed in range(1, 20)]
    assert min(hash_distance(original, other) for other in others) > 10
    assert hash_distance(original, perceptual_hash(picture[:, ::-1])) > 10


def test_the_size_limit_changes_no_warning_filter_of_the_process():
    script = """
import warnings, PIL.Image, numpy, cv2
before = list(warnings.filters)
import labeling.photos
assert warnings.filters == before
"""
    subprocess.run([sys.executable, "-c", script], cwd=Path(__file__).parents[2], check=True)
