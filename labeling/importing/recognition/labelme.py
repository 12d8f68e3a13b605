"""Known by JSON files with a list of shapes."""

from __future__ import annotations

from collections import Counter
from pathlib import Path, PurePosixPath
from typing import Any

from db.errors import UserError
from labeling.formats.base import BadItemError, ReadRequest
from labeling.formats.labelme.document import read_document
from labeling.formats.labels import find_labels, read_labels
from labeling.importing.recognition.guess import MAX_SAMPLED_BYTES, Guess, few, spread
from labeling.importing.source_files import SourceFiles

SAMPLED_DOCUMENTS = 200


def recognise_labelme(files: SourceFiles, source: Path) -> Guess | None:
    """Look for JSON files with a list of shapes."""
    counts, problems = Counter[str](), Counter[str]()
    seen = 0
    sample = spread(files.documents, SAMPLED_DOCUMENTS)
    for name in sample:
        if (files.root / name).stat().st_size > MAX_SAMPLED_BYTES:
            continue
        try:
            shapes = read_document(files.root / name).shapes
        except BadItemError as error:
            problems[f"{name}: {error}"] += 1
            continue
        seen += 1
        counts.update(_label(shape) for shape in shapes)
    if not seen:
        return None
    labels = round(len(files.documents) * seen / len(sample))
    about = "" if len(sample) == len(files.documents) else "about "
    photos = {str(PurePosixPath(name).with_suffix("")) for name in files.images}
    beside = sum(str(PurePosixPath(name).with_suffix("")) in photos for name in files.documents)
    evidence = [f"{about}{labels} labelme JSON files", f"{beside} JSON files lie beside a photo of their name"]
    options = {"unlabelled": "background"}
    labels_file = find_labels(ReadRequest(source), files.root)
    if labels_file is not None:
        evidence.append(f"{labels_file.name} gives the order of the classes")
        options["classes_file"] = str(labels_file)
        try:
            read_labels(labels_file)
        except UserError as error:
            problems[str(error)] += 1
    return Guess(
        format="labelme",
        evidence=tuple(evidence),
        images=max(len(files.images), labels),
        labels=labels,
        classes=dict(counts.most_common()),
        classes_from=f"shapes in {seen} of {len(files.documents)} label files",
        options=options,
        problems=few(list(problems)),
    )


def _label(shape: Any) -> str:
    label = shape.get("label") if isinstance(shape, dict) else None
    return (label.strip() if isinstance(label, str) else "") or "(no label)"
