"""JSON that nests too deeply, refused while it is read: ijson's work grows with the square of the depth."""

from __future__ import annotations

import re
from typing import Protocol

import numpy as np

MAX_DEPTH = 200

_ESCAPE = re.compile(rb"\\.", re.DOTALL)
_MARKS = b'"[{]}'
_OTHERS = bytes(set(range(256)) - set(_MARKS))
_STEPS = np.zeros(256, np.int8)
_STEPS[list(b"[{")], _STEPS[list(b"]}")] = 1, -1


class Readable(Protocol):
    """What can be read in pieces."""

    def read(self, size: int = -1, /) -> bytes:
        """Return at most so many bytes, none at the end."""


class ShallowJson:
    """A JSON file that raises ValueError when more of its brackets are open than `MAX_DEPTH`."""

    def __init__(self, file: Readable) -> None:
        self._file = file
        self._depth = 0
        self._in_text = False
        self._escape = b""  # a backslash that the last piece ended in

    def read(self, size: int = -1) -> bytes:
        """Read the next piece."""
        data = self._file.read(size)
        text = self._escape + data
        if b"\\" in text:  # of two together the second is no more than a character, and so is a quote after one
            text = _ESCAPE.sub(b"", text)
        self._escape = text[-1:] if text.endswith(b"\\") else b""
        marks = np.frombuffer(text.translate(None, _OTHERS), np.uint8)
        if len(marks):
            in_text = (np.cumsum(marks == ord('"')) + self._in_text) % 2 == 1
            depths = self._depth + np.cumsum(np.where(in_text, 0, _STEPS[marks]), dtype=np.int64)
            self._in_text, self._depth = bool(in_text[-1]), int(depths[-1])
            if depths.max() > MAX_DEPTH:
                raise ValueError(f"it is nested more than {MAX_DEPTH} levels deep")
        return data
