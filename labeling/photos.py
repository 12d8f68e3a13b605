"""Photos in: decoded to upright 8-bit RGB, checked before they are trusted, and hashed by what they show.

Every photo is turned by its EXIF orientation, TIFFs included. (labelme draws on TIFFs as they are stored; its codec
moves such points with `transpose_points`.) What a file holds decides how it is read, never its suffix:

* greyscale is repeated into three channels; CMYK and YCbCr are converted by Pillow; ICC profiles are ignored;
* 16 bits a channel keep the high byte (`value >> 8`); 32-bit floats are refused, because their range is unknown;
* transparency is dropped, as torchvision and OpenCV drop it: the stored colours stay;
* of animations and multi-picture files the first picture is taken.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, TiffImagePlugin, UnidentifiedImageError

Scalar = TypeVar("Scalar", bound=np.generic)

MAX_PIXELS = 89_478_485
"""Largest photo, in pixels: where Pillow begins to warn of a decompression bomb (256 MiB as 24-bit RGB)."""

FORMATS = ("JPEG", "PNG", "BMP", "TIFF", "WEBP", "GIF")
"""What Pillow is allowed to try. A JPEG of several pictures is then found to be an MPO."""
ORIENTATION_TAG = 0x0112
INVERSE_ORIENTATION = {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 8, 7: 7, 8: 6}
"""From an EXIF orientation to the one that undoes it."""

_TURNED: dict[str, dict[str, Any]] = {"JPEG": {"quality": 95, "subsampling": 0}, "WEBP": {"lossless": True}}
"""How a photo that was turned is written, by format."""
BEGINNING_BYTES = 512
"""Of a file that is no image, what its kind is told by."""
_PREVIEW = 64  # a JPEG is checked at the smallest scale that keeps both sides at least this long
_SWAPPING = frozenset({5, 6, 7, 8})


class PhotoError(ValueError):
    """A photo cannot be read; the message says what was found in the file."""


@dataclass(frozen=True)
class PhotoHeader:
    """What a photo says about itself.

    Attributes:
        width: pixels, after EXIF rotation.
        height: likewise.
        raw_width: pixels as stored, before EXIF rotation.
        raw_height: likewise.
        orientation: EXIF orientation, 1 to 8.
        format: Pillow's name of the format (`JPEG`, `PNG`, ...).
    """

    width: int
    height: int
    raw_width: int
    raw_height: int
    orientation: int
    format: str


@dataclass(frozen=True)
class PhotoInfo(PhotoHeader):
    """A photo that was decoded and found whole.

    Attributes:
        perceptual_hash: `perceptual_hash` of the upright photo (of a JPEG: decoded at a reduced scale).
    """

    perceptual_hash: str


@dataclass(frozen=True)
class _Decoded:
    upright: NDArray[np.uint8]
    orientation: int
    raw_size: tuple[int, int]
    format: str


def read_photo(source: Path | bytes, *, upright: bool = True) -> NDArray[np.uint8]:
    """Decode a photo.

    Args:
        source: a file, or its bytes.
        upright: False gives the pixels as stored, without EXIF rotation.

    Returns:
        uint8 (H, W, 3), RGB.

    Raises:
        PhotoError: no image, a broken or cut one, one over `MAX_PIXELS`, or one whose values have no known range.
    """
    data = _read_bytes(source)
    decoded = _decode(data)
    if upright:
        return decoded.upright
    return np.ascontiguousarray(transpose_pixels(decoded.upright, INVERSE_ORIENTATION[decoded.orientation]))


def read_reduced(source: Path | bytes, long_side: int) -> NDArray[np.uint8]:
    """Decode a photo for a small picture of it; a JPEG at a reduced scale, in a fraction of the time.

    Args:
        source: a file, or its bytes.
        long_side: at most so many pixels; a smaller photo keeps its size.

    Returns:
        uint8 (H, W, 3), RGB, upright, of the size that `fit_size` gives.

    Raises:
        PhotoError: as `read_photo`.
    """
    data = _read_bytes(source)
    header = read_header(data)
    size = fit_size(header.width, header.height, long_side)
    raw = size[::-1] if header.orientation in _SWAPPING else size
    upright = _decode(data, least=raw).upright
    if upright.shape[1::-1] == size:
        return upright
    return np.asarray(cv2.resize(upright, size, interpolation=cv2.INTER_AREA), np.uint8)


def fit_size(width: int, height: int, long_side: int) -> tuple[int, int]:
    """Return (width, height) scaled down until the longer side is at most `long_side`; nothing is enlarged."""
    longest = max(width, height)
    if longest <= long_side:
        return width, height
    return max(1, round(width * long_side / longest)), max(1, round(height * long_side / longest))


def read_header(source: Path | bytes) -> PhotoHeader:
    """Read a photo's size, orientation and format: for readers whose photo is inspected later.

    Little is decoded. That a JPEG was cut is found all the same: its end marker is missing.

    Raises:
        PhotoError: no image, one that is seen to be cut or broken, or one over `MAX_PIXELS`.
    """
    data = _read_bytes(source)
    with _open(data) as image:
        if image.format == "JPEG" and not _has_end(data):
            return _inspect(data)
        orientation, raw = _orientation(image), _raw_size(image)
        return PhotoHeader(*_upright(raw, orientation), *raw, orientation, image.format or "?")


def read_orientation(path: Path) -> int:
    """Return a photo's EXIF orientation, 1 to 8, reading no more of the file than its header.

    Raises:
        PhotoError: no image, or one over `MAX_PIXELS`.
    """
    with _plain_errors(b""), Image.open(path, formats=FORMATS) as image:
        return _orientation(image)


def upright_bytes(path: Path) -> bytes:
    """Return the bytes of a photo that was turned: it needs no EXIF rotation any more, and asks for none.

    Of all formats but JPEG the pixels stay as they are; a JPEG is written at quality 95 without reduced colours. What
    else its EXIF says, and its colour profile, stay.

    Raises:
        PhotoError: as `read_photo`.
    """
    data = _read_bytes(path)
    buffer = io.BytesIO()
    with _open(data) as image:
        upright = ImageOps.exif_transpose(image)
        kind = {"MPO": "JPEG"}.get(image.format or "", image.format)
        options = _TURNED.get(kind or "", {})
        kept = {name: value for name in ("exif", "icc_profile") if (value := upright.info.get(name)) is not None}
        if kind == "TIFF":
            kept.pop("exif", None)  # its tags are the file's own, which Pillow writes anew
        upright.save(buffer, kind, **options, **kept)
    return buffer.getvalue()


def inspect_photo(source: Path | bytes) -> PhotoInfo:
    """Read a photo's header and perceptual hash, and make sure that it is whole.

    Every byte is decoded, so a cut file is found; JPEGs at a reduced scale, which takes about a third of the time.

    Raises:
        PhotoError: as `read_photo`.
    """
    return _inspect(_read_bytes(source))


def transpose_points(
    points: Iterable[tuple[float, float]], orientation: int, width: float, height: float
) -> tuple[tuple[float, float], ...]:
    """Move points from the stored frame of a photo to its upright frame.

    Args:
        points: (x, y) in pixels, (0, 0) the outer corner of the top-left pixel.
        orientation: EXIF orientation, 1 to 8. `INVERSE_ORIENTATION` of it, with the upright size, moves points back.
        width: of the frame that the points are in.
        height: likewise.
    """
    w, h = width, height
    match orientation:
        case 1:
            return tuple((x, y) for x, y in points)
        case 2:
            return tuple((w - x, y) for x, y in points)
        case 3:
            return tuple((w - x, h - y) for x, y in points)
        case 4:
            return tuple((x, h - y) for x, y in points)
        case 5:
            return tuple((y, x) for x, y in points)
        case 6:
            return tuple((h - y, x) for x, y in points)
        case 7:
            return tuple((h - y, w - x) for x, y in points)
        case 8:
            return tuple((y, w - x) for x, y in points)
    raise ValueError(f"an EXIF orientation is 1 to 8, got {orientation}")


def transpose_pixels(pixels: NDArray[Scalar], orientation: int) -> NDArray[Scalar]:
    """Turn an array (H, W, ...) from the stored frame to the upright frame; a view, not a copy."""
    match orientation:
        case 1:
            return pixels
        case 2:
            return pixels[:, ::-1]
        case 3:
            return pixels[::-1, ::-1]
        case 4:
            return pixels[::-1]
        case 5:
            return pixels.swapaxes(0, 1)
        case 6:
            return pixels[::-1].swapaxes(0, 1)
        case 7:
            return pixels[::-1, ::-1].swapaxes(0, 1)
        case 8:
            return pixels[:, ::-1].swapaxes(0, 1)
    raise ValueError(f"an EXIF orientation is 1 to 8, got {orientation}")


def perceptual_hash(rgb: NDArray[np.uint8]) -> str:
    """Hash what a photo shows: near-equal photos (re-encoded, scaled) get near-equal hashes.

    The signs of the 8 x 8 lowest frequencies of the 32 x 32 greyscale photo against their median (the pHash of
    Zauner, "Implementation and benchmarking of perceptual image hash functions", 2010).

    Args:
        rgb: uint8 (H, W, 3).

    Returns:
        64 bits as 16 hex digits; compare with `hash_distance`.
    """
    small = cv2.resize(rgb, (32, 32), interpolation=cv2.INTER_AREA)
    grey = small.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    low = cv2.dct(grey)[:8, :8].ravel()
    bits = low > np.median(low[1:])  # the first one is the mean brightness
    return np.packbits(bits).tobytes().hex()


def hash_distance(first: str, second: str) -> int:
    """Number of bits, 0 to 64, in which two perceptual hashes differ."""
    return (int(first, 16) ^ int(second, 16)).bit_count()


@lru_cache(maxsize=1)  # a codec may inspect a photo, and the import does again, on the bytes that it stores
def _inspect(data: bytes) -> PhotoInfo:
    decoded = _decode(data, least=(_PREVIEW, _PREVIEW))
    raw, orientation = decoded.raw_size, decoded.orientation
    size = _upright(raw, orientation)
    return PhotoInfo(*size, *raw, orientation, decoded.format, perceptual_hash(decoded.upright))


def _upright(raw: tuple[int, int], orientation: int) -> tuple[int, int]:
    return raw[::-1] if orientation in _SWAPPING else raw


def _read_bytes(source: Path | bytes) -> bytes:
    if isinstance(source, bytes):
        data = source
    else:
        try:
            data = source.read_bytes()
        except FileNotFoundError as error:
            raise PhotoError("the file is gone") from error
        except OSError as error:
            raise PhotoError(f"the file cannot be read: {error.strerror or error}") from error
    if not data:
        raise PhotoError("the file is empty (0 bytes)")
    return data


def _decode(data: bytes, *, least: tuple[int, int] | None = None) -> _Decoded:
    """Decode; a JPEG at the smallest scale that keeps width and height, as stored, at `least` these."""
    with _open(data) as image:
        raw_size, image_format = _raw_size(image), image.format or "?"
        orientation = _orientation(image)
        if least is not None:
            image.draft(None, least)
        fast = None if least is not None else _decode_jpeg(data, image)
        if fast is None:
            image.load()
            # Pillow turns TIFFs itself while loading, and forgets their orientation then.
            pending = _orientation(image)
            pixels = _to_rgb(image)
        else:
            pending, pixels = orientation, fast
    upright = np.ascontiguousarray(transpose_pixels(pixels, pending))
    return _Decoded(upright, orientation, raw_size, image_format)


@contextmanager
def _open(data: bytes) -> Iterator[Image.Image]:
    with _plain_errors(data), Image.open(io.BytesIO(data), formats=FORMATS) as image:
        # Between the limit and twice the limit Pillow only warns.
        if image.width * image.height > MAX_PIXELS:
            raise Image.DecompressionBombError
        yield image


def _raw_size(image: Image.Image) -> tuple[int, int]:
    if isinstance(image, TiffImagePlugin.TiffImageFile):  # whose `size` is the upright one already
        return image.tag_v2[TiffImagePlugin.IMAGEWIDTH], image.tag_v2[TiffImagePlugin.IMAGELENGTH]
    return image.size


def _has_end(jpeg: bytes) -> bool:
    return b"\xff\xd9" in jpeg[-64:]


def _decode_jpeg(data: bytes, image: Image.Image) -> NDArray[np.uint8] | None:
    """Decode a plain JPEG by OpenCV: the same pixels in two thirds of Pillow's time. None: not the case for it."""
    # OpenCV paints what is missing grey instead of raising, so the end must be there.
    if image.format != "JPEG" or image.mode != "RGB" or not _has_end(data):
        return None
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    bgr = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    return None if bgr is None else np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB, dst=bgr), np.uint8)


def _orientation(image: Image.Image) -> int:
    value = image.getexif().get(ORIENTATION_TAG, 1)
    return value if isinstance(value, int) and value in INVERSE_ORIENTATION else 1


def _to_rgb(image: Image.Image) -> NDArray[np.uint8]:
    if image.mode.startswith("I"):
        values = np.asarray(image)
        if values.min() < 0 or values.max() > 0xFFFF:
            raise PhotoError("its greyscale values need more than 16 bits; save it with 8 or 16 bits a pixel")
        return np.repeat((values >> 8).astype(np.uint8)[..., None], 3, axis=2)
    if image.mode in ("F", "LAB"):
        raise PhotoError(f"its pixels are of the kind {image.mode!r}, whose range is unknown; save it as 8-bit RGB")
    return np.array(image.convert("RGB"))


@contextmanager
def _plain_errors(data: bytes) -> Iterator[None]:
    try:
        yield
    except PhotoError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PhotoError(f"it has more than {MAX_PIXELS:,} pixels, the largest size accepted") from error
    except UnidentifiedImageError as error:
        if data[4:8] == b"ftyp":  # ISO base media, which HEIC and AVIF are written in
            raise PhotoError("it is a HEIC or AVIF image or a film, not a photo; save it as JPEG or PNG") from error
        raise PhotoError(f"not an image (one of {', '.join(FORMATS)} was expected): {beginning(data)}") from error
    except MemoryError as error:
        raise PhotoError("there is not enough memory to decode it") from error
    except Exception as error:  # on hostile bytes Pillow raises nearly anything: struct.error, SyntaxError
        raise PhotoError(f"the image is broken or cut off: {error}") from error


def beginning(data: bytes) -> str:
    """Say what a file that is no image begins with."""
    head = data[:BEGINNING_BYTES].lstrip(b"\xef\xbb\xbf \t\r\n")
    if head.startswith(b"<"):
        return "the file holds HTML or XML text"
    if head.startswith(b"PK\x03\x04"):
        return "the file is a zip archive"
    return f"the file begins with {data[:12]!r}"
