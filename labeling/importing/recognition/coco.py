"""Known by JSON files with categories."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from db.errors import UserError
from labeling.formats.base import ReadRequest
from labeling.formats.coco.categories import categories_of
from labeling.formats.coco.files import CocoFile, find_files, photo_folders
from labeling.formats.coco.index import stream
from labeling.formats.coco.kinds import INSTANCES, category_of
from labeling.importing.recognition.guess import MAX_SAMPLED_BYTES, Guess, few
from labeling.importing.source_files import SourceFiles

SAMPLED_COCO_FILES = 20

_COCO_NAME = re.compile(r"coco|instances|annotations", re.IGNORECASE)


def recognise_coco(files: SourceFiles, source: Path) -> Guess | None:
    """Look for JSON files with categories, where an import looks for them: at the top and one folder below."""
    evidence: list[str] = []
    problems: list[str] = []
    counts = Counter[str]()
    images = labels = 0
    options = {"unlabelled": "background"}
    for file in _coco_files(files, source):
        if file.path.stat().st_size > MAX_SAMPLED_BYTES:
            problems.append(f"{file.name} is larger than {MAX_SAMPLED_BYTES // 2**20} MiB and was not read.")
            continue
        try:
            categories = categories_of(stream(file.path, "categories.item"), file.path)
            if not categories:
                continue
            images += sum(1 for _ in stream(file.path, "images.item"))
            labelled = set[str]()
            for annotation in stream(file.path, "annotations.item"):
                category = category_of(annotation, categories)
                counts["(no category)" if category is None else category.name] += 1
                labelled.add(str(annotation.get("image_id")))
            labels += len(labelled)
        except UserError as error:
            problems.append(str(error))
            continue
        evidence.append(f"{file.name} is COCO with {len(categories)} categories")
        folders = photo_folders(file, ReadRequest(source))
        if not folders:
            problems.append(f"No folder of photos was found beside {file.name}; name it.")
    if not evidence:
        return None
    return Guess(
        format="coco",
        evidence=tuple(evidence),
        images=images,
        labels=labels,
        classes=dict(counts.most_common()),
        classes_from="all annotations",
        options=options,
        problems=few(problems),
    )


def _coco_files(files: SourceFiles, source: Path) -> list[CocoFile]:
    """Return the files to read: all of a few, of many those that are named like COCO's."""
    if not any(name.count("/") <= 1 for name in files.documents):
        return []
    found = find_files(source, INSTANCES.prefix)
    if len(found) <= SAMPLED_COCO_FILES:
        return found
    return [file for file in found if _COCO_NAME.search(file.name)][:SAMPLED_COCO_FILES]
