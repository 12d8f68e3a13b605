"""A label file of JSON, read within limits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from labeling.formats.base import BadItemError

MAX_BYTES = 256 * 2**20
"""Largest file that is read at once; what may be larger is streamed (`labeling.formats.json_stream`)."""


def read_json(path: Path) -> Any:
    """Return what a JSON file holds; NaN and Infinity, which Python reads though JSON has none, among it.

    Raises:
        BadItemError: it cannot be read, is too large, is not UTF-8 text or not JSON, or is nested too deeply.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise BadItemError(f"{path.name} is larger than {MAX_BYTES // 2**20} MiB, the largest label file read.")
        return json.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise BadItemError(f"{path.name} cannot be read ({error.strerror or error}).") from error
    except RecursionError as error:
        raise BadItemError(f"{path.name} is nested too deeply to be a label file.") from error
    except UnicodeDecodeError as error:
        raise BadItemError(f"{path.name} is not UTF-8 text ({error.reason}). Save it as UTF-8.") from error
    except ValueError as error:  # a JSONDecodeError, or an integer of thousands of digits
        raise BadItemError(f"{path.name} is not JSON: {error}.") from error
