"""Known by JSON files with a list of tasks."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from db.errors import UserError
from labeling.formats.labelstudio.files import EXPORT_AS_JSON, candidates, find_masks, holds_tasks, stream_tasks
from labeling.formats.labelstudio.shapes import label_names
from labeling.formats.labelstudio.tasks import is_task, newest_annotation
from labeling.importing.recognition.guess import MAX_SAMPLED_BYTES, Guess, few
from labeling.importing.source_files import SourceFiles

SAMPLED_FILES = 200


def recognise_labelstudio(files: SourceFiles, source: Path) -> Guess | None:
    """Look for JSON files with tasks, where an import looks for them: at the top and one folder below."""
    evidence, problems = list[str](), list[str]()
    counts = Counter[str]()
    tasks = labels = 0
    found = [path for path in candidates(source)[:SAMPLED_FILES] if holds_tasks(path)] if files.documents else []
    for path in found:
        if path.stat().st_size > MAX_SAMPLED_BYTES:
            problems.append(f"{path.name} is larger than {MAX_SAMPLED_BYTES // 2**20} MiB and was not read.")
            continue
        try:
            for entry in filter(is_task, stream_tasks(path)):
                tasks += 1
                annotation = newest_annotation(entry)
                results = None if annotation is None else annotation.get("result")
                results = results if isinstance(results, list) else []
                named = [label_names(result) for result in results if isinstance(result, dict)]
                labels += annotation is not None
                counts.update(names[0] for names in named if names)
        except UserError as error:
            problems.append(str(error))
    if found:
        evidence.append(f"{len(found)} JSON files of Label Studio with {tasks} tasks")
    elif masks := find_masks(source):
        evidence.append(f"{len(masks)} masks of Label Studio's brush export")
        problems.append(f"They do not name their photos. {EXPORT_AS_JSON}")
    else:
        return None
    return Guess(
        format="labelstudio",
        evidence=tuple(evidence),
        images=tasks,
        labels=labels,
        classes=dict(counts.most_common()),
        classes_from=f"all results of {tasks} tasks",
        options={"unlabelled": "background"},
        problems=few(problems),
    )
