"""The label maps of COCO-Stuff 10k: MATLAB files of version 5, whose variable `S` holds a class id a pixel.

Such a file is a header and elements, each of them packed by zlib for itself; scipy would unpack whatever size one
claims to have, so they are unpacked here, to a bound, before it reads them. (Format: MAT-File Format, MathWorks, 2019.)
"""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from labeling.formats.base import BadItemError
from labeling.formats.masks.files import MaskFile
from labeling.photos import MAX_PIXELS

_MAX_BYTES = 256 * 2**20  # of a file, unpacked; a map of 640 x 480 with all that stands beside it is about 5 MB
_HEADER = 128  # bytes: a text, then the version and `IM` or `MI`, which tells the order of bytes
_VERSION_5 = {b"\x00\x01IM": "<II", b"\x01\x00MI": ">II"}
_PACKED = 15  # type of an element
_NUMBERS = frozenset({"uint8", "int8", "uint16", "int16", "uint32", "int32", "single", "double"})
_NAMES_1_0 = 172


def read_mat(path: Path) -> MaskFile:
    """Return the map `S` of a file as values, uint16 (H, W).

    Raises:
        BadItemError: no MATLAB file of version 5, one that unpacks to more than 256 MiB, one without a map `S`, or one
            of COCO-Stuff 1.0, whose ids mean other classes.
    """
    from scipy import io as matlab  # a fifth of a second, for those who have such files

    try:
        plain: Any = io.BytesIO(_unpacked(path.read_bytes()))  # scipy takes files, its types only names
        variables = {name: (shape, kind) for name, shape, kind in matlab.whosmat(plain)}
        if "S" not in variables:
            raise BadItemError(f"Expected a map S in the .mat file, found {', '.join(sorted(variables)) or 'nothing'}.")
        shape, kind = variables["S"]
        if len(shape) != 2 or not 0 < shape[0] * shape[1] <= MAX_PIXELS or kind not in _NUMBERS:
            raise BadItemError(f"Expected a map S of class ids in the .mat file, found {kind} {shape}.")
        if np.prod(variables.get("names", ((0,), ""))[0]) == _NAMES_1_0:
            raise BadItemError(
                "The .mat file is of COCO-Stuff 1.0 (172 names), whose ids mean other classes. Bring version 1.1."
            )
        return MaskFile(_ids(matlab.loadmat(plain, variable_names=["S"])["S"]))
    except BadItemError:
        raise
    except Exception as error:  # on hostile bytes scipy raises nearly anything
        raise BadItemError(f"Expected a MATLAB file, found one that cannot be read: {error}.") from error


def _unpacked(data: bytes) -> bytes:
    """Return a MATLAB file with its elements unpacked."""
    tag = _VERSION_5.get(data[124:_HEADER])
    if tag is None:
        raise BadItemError("Expected a .mat file of MATLAB's version 5, as COCO-Stuff's are, found another file.")
    parts, total, place = [data[:_HEADER]], _HEADER, _HEADER
    while place + 8 <= len(data):
        kind, size = struct.unpack_from(tag, data, place)
        element = data[place : place + 8 + size]
        if kind == _PACKED:
            unpacking = zlib.decompressobj()
            element = unpacking.decompress(element[8:], _MAX_BYTES - total + 1)
        total += len(element)
        if total > _MAX_BYTES:
            raise BadItemError(f"The .mat file unpacks to more than {_MAX_BYTES >> 20} MiB, the largest size accepted.")
        parts.append(element)
        place += 8 + size
    return b"".join(parts)


def _ids(found: Any) -> np.ndarray[Any, np.dtype[np.uint16]]:
    values = np.asarray(found)
    with np.errstate(invalid="ignore"):  # NaN, which the comparison finds
        ids = np.ascontiguousarray(values, np.uint16)
    if not np.array_equal(ids, values):
        raise BadItemError("The map S of the .mat file holds numbers that are no class ids.")
    return ids
