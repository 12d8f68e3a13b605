"""Where the benchmarks find real data."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def camvid_folder(given: Path | None) -> Path:
    """Return the folder of CamVid in VOC layout: the one given, else below what WORKBENCH_TEST_DATA names; or leave."""
    named = os.environ.get("WORKBENCH_TEST_DATA")
    folder = given or (Path(named) / "camvid" if named else None)
    if folder is None or not (folder / "ImageSets").is_dir():
        sys.exit(
            f"CamVid in VOC layout is needed, found {folder or 'no folder'}. Name it with --data, or its parent with "
            "WORKBENCH_TEST_DATA."
        )
    return folder
