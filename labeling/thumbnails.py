"""Pictures of photos and of class maps in the sizes that a screen needs, made once and kept.

A photo becomes a JPEG, upright. A class map becomes an 8-bit greyscale PNG of dense class indices, 255 ignore, of
exactly the photo's size at the same `size`: whoever shows it chooses the colours. An image that nobody labelled has
no class map: a freeze leaves it out, so there is nothing that could be shown as its labels.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal, get_args

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from db.errors import NotFoundError, UserError
from db.home import Home
from db.session import Database
from db.store import Store
from labeling.images import ProjectImage
from labeling.linked import PhotoName, photo_path
from labeling.map_store import load_map
from labeling.maps import MapError, write_map_png
from labeling.photos import PhotoError, fit_size, read_header, read_photo, read_reduced
from labeling.picture_cache import PictureCache
from labeling.rendering import render_versions
from labeling.workers import usable_cores

Size = Literal[0, 256, 512, 1600]
"""Longer side in pixels; 0 is the full size. Nothing is enlarged."""
SIZES: tuple[Size, ...] = get_args(Size)

JPEG, PNG = "image/jpeg", "image/png"
_QUALITY = 85
_ORIGINALS = {"JPEG": JPEG, "PNG": PNG, "WEBP": "image/webp"}
_MODES = ("L", "RGB")  # of originals that a browser shows just as we read them

# Decoding is what takes time and memory: more at once than cores would only take more memory.
_decoding = threading.BoundedSemaphore(usable_cores())


@dataclass(frozen=True)
class Picture:
    """A file to be shown.

    Attributes:
        path: in the cache or the store, or the linked photo itself.
        media_type: what it is, whatever its name.
        etag: quoted; the same as long as the picture is.
    """

    path: Path
    media_type: str
    etag: str


def photo_jpeg(home: Home, database: Database, image: PhotoName, size: Size) -> Picture:
    """Return a photo, upright: as a JPEG, or the original where it is shown as it is in this size.

    Originals are handed out where they are plain (8-bit grey or RGB, not rotated, not animated): of JPEGs those that
    need not be made smaller, in full size PNGs and WebPs too.

    Raises:
        NotFoundError: the photo is gone, has changed since it was imported, or cannot be read; says which.
        UserError: the cache cannot be written.
    """
    source = _source(home, database, image)
    try:
        original = _original(source, size)
        if original is not None:
            return Picture(source, original, f'"{image.image_sha256[:16]}"')
        name = f"photos/{image.image_sha256[:2]}/{image.image_sha256}-{size}.jpg"
        made = pictures(home).get(name, partial(encode_photo, source, size))
    except PhotoError as error:
        raise NotFoundError(f"The photo {_named(image)} cannot be shown: {error}.") from error
    return Picture(made, JPEG, f'"{image.image_sha256[:16]}-{size}"')


def map_png(home: Home, database: Database, image: ProjectImage, size: Size) -> Picture:
    """Return an image's class map as a greyscale PNG of dense indices, rendered where it is not yet.

    Raises:
        NotFoundError: nobody labelled the image.
        UserError: the store has lost a map that the labels are made of, or store or cache cannot be written.
    """
    if image.head_id is None:
        raise NotFoundError(f"The image {_named(image)} has no labels yet, so there is no class map of it.")
    sha = render_versions(database, Store(home.store), image.scheme, [image.head_id]).maps[image.head_id]
    return stored_map_png(home, sha, (image.width, image.height), size)


def stored_map_png(home: Home, sha: str, full: tuple[int, int], size: Size) -> Picture:
    """Return a class map of the store as a greyscale PNG; `full` is its own (width, height).

    Raises:
        NotFoundError: the map is gone.
        UserError: the map is broken, or the cache cannot be written.
    """
    store = Store(home.store)
    if not store.has(sha):
        raise NotFoundError("The class map is no longer in the content store. Freeze the data again: it is made anew.")
    etag = f'"{sha[:16]}-{size}"'
    if size == 0 or max(full) <= size:
        return Picture(store.path(sha), PNG, etag)
    try:
        made = pictures(home).get(f"maps/{sha[:2]}/{sha}-{size}.png", partial(_encode_map, store, sha, size))
    except MapError as error:
        raise UserError(f"The class map {store.path(sha)} is broken ({error}). Delete it, it is made again.") from error
    return Picture(made, PNG, etag)


def _named(image: PhotoName) -> str:
    return f"{image.path} of the dataset {image.dataset!r}"


def _source(home: Home, database: Database, image: PhotoName) -> Path:
    try:
        return photo_path(database, Store(home.store), image)
    except UserError as error:
        raise NotFoundError(str(error)) from error


def pictures(home: Home) -> PictureCache:
    """Return the cache of pictures of a home."""
    return PictureCache(home.cache / "pictures")


def _original(source: Path, size: Size) -> str | None:
    """Return the media type of a file that can be shown as it is in this size, else None."""
    header = read_header(source)
    if header.orientation != 1 or header.format not in _ORIGINALS:
        return None
    if size and (header.format != "JPEG" or max(header.width, header.height) > size):
        return None
    with Image.open(source, formats=list(_ORIGINALS)) as opened:
        plain = opened.mode in _MODES and "transparency" not in opened.info and getattr(opened, "n_frames", 1) == 1
    return _ORIGINALS[header.format] if plain else None


def encode_photo(source: Path, size: Size) -> bytes:
    """Return a photo as a JPEG, upright.

    Raises:
        PhotoError: it cannot be read.
    """
    with _decoding:
        rgb = read_reduced(source, size) if size else read_photo(source)
        bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
        return cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1].tobytes()


def encode_png(pixels: NDArray[np.uint8]) -> bytes:
    """Return a picture, uint8 (H, W, 3) RGB, as a PNG."""
    encoded, data = cv2.imencode(".png", pixels[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 3])
    if not encoded:
        raise RuntimeError("OpenCV could not encode the picture")
    return data.tobytes()


def _encode_map(store: Store, sha: str, size: Size) -> bytes:
    with _decoding:
        return write_map_png(reduce_map(load_map(store, sha), size))


def reduce_map(pixels: NDArray[np.uint8], size: Size) -> NDArray[np.uint8]:
    """Return a class map (H, W) in the size of the photo at the same `size`."""
    height, width = pixels.shape
    if size == 0 or max(height, width) <= size:
        return pixels
    # The nearest centre, as the photo's area filter weighs pixels around it.
    small = cv2.resize(pixels, fit_size(width, height, size), interpolation=cv2.INTER_NEAREST_EXACT)
    return np.asarray(small, np.uint8)
