"""Known by JSON files with categories, whose annotations list the segments of a PNG."""

from __future__ import annotations

from pathlib import Path

from labeling.formats.panoptic.codec import PANOPTIC
from labeling.importing.recognition.coco import recognise_kind
from labeling.importing.recognition.guess import Guess
from labeling.importing.source_files import SourceFiles


def recognise_panoptic(files: SourceFiles, source: Path) -> Guess | None:
    """Look for JSON files with segments_info, where an import looks for them: at the top and one folder below."""
    return recognise_kind(files, source, PANOPTIC, "panoptic")
