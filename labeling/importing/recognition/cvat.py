"""Known by an XML file that begins with CVAT's `annotations`."""

from __future__ import annotations

from pathlib import Path

from db.errors import UserError
from labeling.formats.base import BadItemError, ReadRequest
from labeling.formats.cvat.files import find_files, photo_folders
from labeling.formats.cvat.outline import read_outline
from labeling.importing.recognition.guess import MAX_SAMPLED_BYTES, Guess, few
from labeling.importing.source_files import SourceFiles

SAMPLED_CVAT_FILES = 20


def recognise_cvat(files: SourceFiles, source: Path) -> Guess | None:
    """Look for XML files of CVAT's, where an import looks for them: at the top and one folder below."""
    if not any(name.lower().endswith(".xml") and name.count("/") <= 1 for name in files.others):
        return None
    evidence, problems = list[str](), list[str]()
    classes = dict[str, int]()
    images = labels = 0
    try:
        found = find_files(source)
    except UserError:
        return None
    for file in found[:SAMPLED_CVAT_FILES]:
        try:
            if file.path.stat().st_size > MAX_SAMPLED_BYTES:
                problems.append(f"{file.place.name} is larger than {MAX_SAMPLED_BYTES // 2**20} MiB and was not read.")
                continue
            outline = read_outline(file.path)
        except (UserError, BadItemError) as error:
            problems.append(str(error))
            continue
        images += len(outline.images)
        labels += sum(entry.shapes > 0 for entry in outline.images)
        for name, count in outline.counts.items():
            classes[name] = classes.get(name, 0) + count
        if outline.images:
            evidence.append(f"{file.place.name} is CVAT's XML with {len(outline.images)} images")
        elif outline.tracks:
            problems.append(f"{file.place.name} holds the tracks of a video; export it as CVAT for images 1.1.")
        if not photo_folders(file, ReadRequest(source)):
            problems.append(f"No folder of photos was found beside {file.place.name}; name it.")
    if not evidence:
        return None
    return Guess(
        format="cvat",
        evidence=tuple(evidence),
        images=images,
        labels=labels,
        classes=dict(sorted(classes.items(), key=lambda entry: -entry[1])),
        classes_from="all shapes",
        options={"unlabelled": "background"},
        problems=few(problems),
    )
