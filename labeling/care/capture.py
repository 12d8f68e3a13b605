"""When and where a photo was taken, as its EXIF says.

Tags: CIPA DC-008 (Exif 2.32), 4.6.5 (DateTimeOriginal, SubSecTimeOriginal) and 4.6.6 (GPS). Whatever a camera wrote
that is no time or place is left out: the photo is as good without it.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from labeling.photos import FORMATS

_EARTH_METRES = 6_371_008.8  # mean radius (IUGG)
_TIME = re.compile(r"(\d{4})[:\-/](\d\d)[:\-/](\d\d)[ T](\d\d):(\d\d):(\d\d)")


@dataclass(frozen=True)
class Capture:
    """What is known of the moment a photo was taken; None: not said.

    Attributes:
        seconds: since 1970 by the camera's own clock, which names no time zone.
        latitude: degrees, north positive.
        longitude: degrees, east positive.
    """

    seconds: float | None = None
    latitude: float | None = None
    longitude: float | None = None


def read_capture(path: Path) -> Capture:
    """Read a photo's EXIF; no pixel is decoded.

    Raises:
        OSError: the file cannot be read.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of EXIF that breaks off, and of large photos, which are not decoded
            with Image.open(path, formats=FORMATS) as image:
                # A PNG may say it after the pixels: Pillow would decode those to get there.
                if image.format == "PNG" and "exif" not in image.info:
                    return Capture()
                exif = image.getexif()
                return _capture(exif.get_ifd(ExifTags.IFD.Exif), exif.get_ifd(ExifTags.IFD.GPSInfo))
    except FileNotFoundError:
        raise
    except Exception as error:  # on hostile bytes Pillow raises nearly anything: struct.error, SyntaxError
        if isinstance(error, OSError) and error.errno is not None:
            raise
        return Capture()


def metres_apart(place: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far places (N, 2), latitude and longitude in degrees, are from one (2,), over ground (haversine)."""
    here, there = np.radians(place), np.radians(others)
    half = np.sin((there - here) / 2) ** 2
    chord = half[:, 0] + np.cos(here[0]) * np.cos(there[:, 0]) * half[:, 1]
    return np.asarray(2 * _EARTH_METRES * np.arcsin(np.sqrt(np.minimum(chord, 1.0))), np.float64)


def _capture(exif: dict[int, Any], gps: dict[int, Any]) -> Capture:
    north = _degrees(gps, ExifTags.GPS.GPSLatitude, ExifTags.GPS.GPSLatitudeRef, "S", 90)
    east = _degrees(gps, ExifTags.GPS.GPSLongitude, ExifTags.GPS.GPSLongitudeRef, "W", 180)
    if north is None or east is None or north == east == 0:  # what cameras without a fix write
        north = east = None
    return Capture(_seconds(exif), north, east)


def _seconds(exif: dict[int, Any]) -> float | None:
    text, fraction = exif.get(ExifTags.Base.DateTimeOriginal), exif.get(ExifTags.Base.SubsecTimeOriginal)
    match = _TIME.match(text) if isinstance(text, str) else None
    if match is None:
        return None
    try:
        moment = datetime(*map(int, match.groups()), tzinfo=UTC)  # type: ignore[arg-type, misc]
    except ValueError:  # 0000:00:00 is usual
        return None
    digits = fraction.strip() if isinstance(fraction, str) else ""
    return moment.timestamp() + (float(f"0.{digits}") if digits.isdecimal() and digits.isascii() else 0.0)


def _degrees(gps: dict[int, Any], value_tag: int, side_tag: int, negative: str, most: int) -> float | None:
    try:
        degrees, minutes, seconds = (float(part) for part in gps[value_tag])
        found = degrees + minutes / 60 + seconds / 3600
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
    if not 0 <= found <= most:  # also NaN, which 0/0 gives
        return None
    return -found if str(gps.get(side_tag, "")).strip("\0 ").upper() == negative else found
