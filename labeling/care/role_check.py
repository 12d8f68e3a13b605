"""What can be wrong with the roles."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from labeling.care.findings import CheckedImage, Finding, some
from labeling.roles import ROLES


def check_roles(images: Sequence[CheckedImage]) -> list[Finding]:
    """Look for labelled images without a role, and for roles that hold no labelled image."""
    labelled = [image for image in images if image.labelled]
    if not labelled:
        return []
    counts = Counter(image.role for image in labelled)
    everything = Counter(image.role for image in images)
    if counts[None] == len(labelled):
        text = f"None of the {some(len(labelled), 'labelled image')} has a role, so train and val cannot be told apart."
        datasets = list(dict.fromkeys(image.dataset for image in labelled))
        return [Finding("no-roles", "note", text, _DEAL, _deal(datasets[0]), dataset=datasets[0])]
    found = []
    free = defaultdict[str, list[str]](list)
    for image in labelled:
        if image.role is None:
            free[image.dataset].append(image.path)
    for dataset, paths in free.items():
        text = f"{some(len(paths), 'labelled image')} of {dataset!r} without a role: no training uses them."
        files = tuple(paths)
        found.append(Finding("no-role", "warning", text, _DEAL, _deal(dataset), dataset=dataset, files=files))
    for role in ROLES:
        if everything[role] and not counts[role]:
            text = f"{some(everything[role], 'image')} with the role {role}, none of them labelled: the role is empty."
            remedy = "Label some of them, or deal out roles to labelled images."
            found.append(Finding("unlabelled-role", "warning", text, remedy))
    if counts["train"] and not everything["val"]:
        text = "No image has the role val: a training has no score, and its last checkpoint is its model."
        found.append(
            Finding("no-validation", "warning", text, "Give some images the role val, before training starts.")
        )
    return found


_DEAL = "Deal out roles; what has one keeps it."


def _deal(dataset: str) -> tuple[str, ...]:
    return ("roles", f"--dataset={dataset}")
