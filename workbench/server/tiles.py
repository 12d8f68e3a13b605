"""Class maps of many tiles in one answer: what a gallery has in sight takes a few requests, not one a tile.

The answer is, for each image in the order asked for, the width and the height of its map as little-endian uint16, then
its pixels, a byte each; 0 x 0 where there is none. Asked for alone, the image says why.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress

from fastapi import Response

from db.errors import UserError
from labeling.maps import MapError, read_map_png
from labeling.thumbnails import Picture

MOST = 32
"""Maps of one answer."""
LARGEST = 512
"""Pixels of their longer side: larger maps are asked for alone."""
_SIZE = struct.Struct("<HH")


def read_numbers(images: str) -> list[int]:
    """Read numbers of images with commas between. Raises `UserError` where they are none, too many, or no numbers."""
    numbers = images.split(",")
    if len(numbers) > MOST or not all(each.isascii() and each.isdecimal() and len(each) < 10 for each in numbers):
        raise UserError(f"Maps are asked for by the numbers of 1 to {MOST} images, with commas between.")
    return [int(each) for each in numbers]


def answer_maps(numbers: Sequence[int], size: int, find: Callable[[int], Picture]) -> Response:
    """Return the maps of some images.

    Args:
        numbers: of the images.
        size: longer side of the maps in pixels, as they were asked for.
        find: gives the picture of a number; a `UserError` leaves its map empty.

    Raises:
        UserError: too large ones are asked for.
    """
    if not 0 < size <= LARGEST:
        raise UserError(f"Maps of more than {LARGEST} pixels are asked for one by one.")
    deflate = zlib.compressobj(level=1, wbits=31, strategy=zlib.Z_RLE)  # as `write_map_png` does; 31: as gzip
    parts = [deflate.compress(_bytes(find, int(each))) for each in numbers]
    headers = {"Content-Encoding": "gzip", "Cache-Control": "private, no-store"}
    return Response(b"".join([*parts, deflate.flush()]), media_type="application/octet-stream", headers=headers)


def _bytes(find: Callable[[int], Picture], number: int) -> bytes:
    with suppress(UserError, MapError, OSError):
        pixels = read_map_png(find(number).path)
        return _SIZE.pack(pixels.shape[1], pixels.shape[0]) + pixels.tobytes()
    return _SIZE.pack(0, 0)
