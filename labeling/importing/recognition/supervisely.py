"""Known by label files with objects in ann/, beside the photos in img/."""

from __future__ import annotations

from collections import Counter
from pathlib import Path, PurePosixPath
from typing import Any

from labeling.formats.base import BadItemError
from labeling.formats.json_file import read_json
from labeling.formats.supervisely.files import IMAGES, LABELS, find_meta
from labeling.importing.recognition.guess import MAX_SAMPLED_BYTES, Guess, few, spread
from labeling.importing.source_files import SourceFiles

SAMPLED_DOCUMENTS = 200


def recognise_supervisely(files: SourceFiles, source: Path) -> Guess | None:
    """Look for JSON files with a list of objects in ann/."""
    documents = [name for name in files.documents if LABELS in PurePosixPath(name).parts[:-1]]
    counts, problems = Counter[str](), list[str]()
    seen = 0
    for name in spread(documents, SAMPLED_DOCUMENTS):
        if (files.root / name).stat().st_size > MAX_SAMPLED_BYTES:
            continue
        try:
            document = read_json(files.root / name)
        except BadItemError as error:
            problems.append(f"{name}: {error}")
            continue
        objects = document.get("objects") if isinstance(document, dict) else None
        if isinstance(objects, list):
            seen += 1
            counts.update(map(_class, objects))
    if not seen:
        return None
    photos = [name for name in files.images if IMAGES in PurePosixPath(name).parts[:-1]]
    datasets = {name.rpartition(f"{LABELS}/")[0] for name in documents}
    evidence = [f"{len(documents)} label files with objects in {LABELS}/ of {len(datasets)} datasets"]
    if (meta := find_meta(source)) is not None:
        evidence.append(f"{meta.name} names the classes")
    if not photos:
        problems.append(f"No photos were found in {IMAGES}/; name their folder.")
    return Guess(
        format="supervisely",
        evidence=tuple(evidence),
        images=max(len(photos), len(documents)),
        labels=len(documents),
        classes=dict(counts.most_common()),
        classes_from=f"objects in {seen} of {len(documents)} label files",
        options={"unlabelled": "background"},
        problems=few(problems),
    )


def _class(entry: Any) -> str:
    title = entry.get("classTitle") if isinstance(entry, dict) else None
    return (title.strip() if isinstance(title, str) else "") or "(no label)"
