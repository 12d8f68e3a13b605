"""The check of the data just before a training: what would be learned or judged wrongly, and what cannot be trained."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from db.errors import UserError
from db.home import Home
from db.schema import Image
from db.session import WITH_TRASHED, Database
from db.store import Store
from labeling.care.class_check import check_classes
from labeling.care.color_check import check_colors
from labeling.care.findings import CheckedImage, Finding, by_severity
from labeling.care.image_check import check_images
from labeling.care.leaks import known_groups
from labeling.chunks import chunks
from labeling.manifest import Manifest, ManifestImage
from labeling.map_counts import count_maps
from labeling.map_store import load_map
from labeling.progress import Progress, silent


def check_data(
    home: Home,
    database: Database,
    project: str,
    manifest: Manifest,
    train: Sequence[ManifestImage],
    val: Sequence[ManifestImage],
    progress: Progress = silent,
) -> tuple[Finding, ...]:
    """Look through what a training would use, by the rules of `labeling.care.check`.

    Args:
        home: holds the class maps, and which images show the same where somebody looked for leaks.
        database: keeps what class maps hold.
        project: its name.
        manifest: the revision's.
        train: its images to train on.
        val: its images to validate on.
        progress: told the class maps counted.

    Returns:
        What is worth a warning, the worst first.

    Raises:
        UserError: what was found cannot be trained on; names the files.
    """
    store = Store(home.store)
    images = _checked(database, store, train, val, progress)
    findings = [
        *check_images(images, len(manifest.classes)),
        *check_colors(images, manifest.classes, lambda sha: load_map(store, sha)),
        *check_classes(images, manifest.classes),
    ]
    for finding in findings:
        if finding.severity == "error":
            shown = ", ".join(finding.files[:5]) + (", ..." if len(finding.files) > 5 else "")
            raise UserError(f"{finding.text} {finding.remedy} They are: {shown}")
    if not any(value < len(manifest.classes) for image in images[: len(train)] for value, _ in image.counts or ()):
        raise UserError(
            f"Every labelled pixel of the {len(train)} images to train on is ignored, so there is nothing to learn. "
            "Label some of them, or train on others."
        )
    findings += _leaks(home, database, project, train, val)
    return by_severity([finding for finding in findings if finding.severity == "warning"])


def _leaks(
    home: Home, database: Database, project: str, train: Sequence[ManifestImage], val: Sequence[ManifestImage]
) -> list[Finding]:
    known = known_groups(home, database, project=project, every=True)
    if known is None:
        return []
    trained, judged = ({(image.dataset, image.path) for image in part} for part in (train, val))
    leaked = set[tuple[str, str]]()
    for group in known.groups:
        members = {(image.dataset, image.path) for image in group.images}
        if members & trained:
            leaked |= members & judged
    if not leaked:
        return []
    text = f"{len(leaked)} of the {len(val)} images to validate on show what others to train on show: val is too good."
    return [Finding("leaks", "warning", text, "Move each group of such images to one role.", command=("leaks",))]


def _checked(
    database: Database,
    store: Store,
    train: Sequence[ManifestImage],
    val: Sequence[ManifestImage],
    progress: Progress,
) -> list[CheckedImage]:
    """Return the images with the part they play as their role, whatever role they have."""
    parts = [*((image, "train") for image in train), *((image, "val") for image in val)]
    counts = count_maps(database, store, [image.map_sha256 for image, _ in parts], progress)
    sizes: dict[str, tuple[int, int]] = {}
    with database.read() as session:
        for chunk in chunks([image.image_sha256 for image, _ in parts]):
            query = select(Image.sha256, Image.width, Image.height).where(Image.sha256.in_(chunk))
            rows = session.execute(query, execution_options=WITH_TRASHED)
            sizes |= {sha: (width, height) for sha, width, height in rows}

    def size(image: ManifestImage) -> tuple[int, int]:
        if image.image_sha256 not in sizes:  # another photo has taken its place since the freeze
            height, width = load_map(store, image.map_sha256).shape
            return width, height
        return sizes[image.image_sha256]

    return [
        CheckedImage(
            dataset=image.dataset,
            path=image.path,
            width=size(image)[0],
            height=size(image)[1],
            role=part,
            labelled=True,
            map_sha256=image.map_sha256,
            counts=counts[image.map_sha256],
        )
        for image, part in parts
    ]
