"""The check of a project: what is wrong with its images, labels, classes and roles, each with the way out.

It is incremental: class maps are rendered and counted once, ever, as `labeling.statistics` counts them, and everything
else is a query over what is stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.home import Home
from db.schema import AnnotationVersion, Class, Dataset, Image, Role
from db.session import Database
from db.store import Store
from labeling.care.class_check import check_classes, check_names
from labeling.care.color_check import check_colors
from labeling.care.findings import CheckedImage, Finding, by_severity, some
from labeling.care.image_check import check_images
from labeling.care.leaks import known_groups
from labeling.care.role_check import check_roles
from labeling.class_deletion import filling, unused_classes
from labeling.classes import live_classes
from labeling.datasets import find_dataset, live_datasets
from labeling.map_counts import count_maps
from labeling.map_store import load_map
from labeling.options import DatasetOptions
from labeling.presence import images_per_class
from labeling.progress import Progress, silent
from labeling.projects import find_project
from labeling.rendering import render_versions, scheme_for


@dataclass(frozen=True)
class Check:
    """What a check found.

    Attributes:
        findings: the worst first.
        images: how many images were looked at.
        labelled: those of them with an annotation.
        searched: whether leaks have been looked for among these images: else nothing is said of them.
    """

    findings: tuple[Finding, ...]
    images: int
    labelled: int
    searched: bool


@dataclass(frozen=True)
class _Project:
    """What is checked: classes by position, those that show in images, and images with their annotation's number."""

    classes: list[Class]
    showing: dict[int, int]
    datasets: list[Dataset]
    images: dict[str, list[tuple[CheckedImage, int | None]]]


def check_project(
    home: Home,
    database: Database,
    *,
    project: str | None = None,
    datasets: Sequence[str] = (),
    progress: Progress = silent,
) -> Check:
    """Look for everything that is wrong, rendering and counting class maps that never were.

    Args:
        home: holds the content store.
        database: its database.
        project: name; None is the current one, or the only one.
        datasets: names; empty means all that are not in the trash.
        progress: told the class maps rendered and counted.

    Raises:
        UserError: there is no such project or dataset, or a class map cannot be rendered.
    """
    store = Store(home.store)
    with database.read() as session:
        owner = find_project(session, project)
        chosen = [find_dataset(session, owner, name) for name in datasets] or live_datasets(session, owner)
        classes = live_classes(session, owner.id)
        showing = images_per_class(session, owner.id, classes)
        found = _Project(classes, showing, chosen, {row.name: _images(session, row) for row in chosen})
    images = _counted(database, store, found, progress)
    labelled = [image for image in images if image.labelled]
    dense = [row for row in found.classes if row.merged_into_id is None]
    names = [row.name for row in dense]
    fills = {filling(DatasetOptions.model_validate(row.options)) for row in chosen}
    # Which classes nothing uses is a question to the whole project.
    deletable = unused_classes(database, owner.name) if not datasets else []
    groups = known_groups(home, database, project=owner.name)
    findings = [
        *check_images(images, len(names)),
        *check_names({row.name: found.showing[row.id] for row in dense}),
        *check_colors(labelled, names, lambda sha: load_map(store, sha)),
        *check_roles(images),
        *check_classes(labelled, names, deletable, fills),
        *([] if groups is None else _leaks(groups.leaking)),
    ]
    return Check(by_severity(findings), len(images), len(labelled), groups is not None)


def _images(session: Session, dataset: Dataset) -> list[tuple[CheckedImage, int | None]]:
    content = AnnotationVersion.content
    query = (
        select(
            Image.path,
            Image.width,
            Image.height,
            Image.head_id,
            Role.role,
            content["width"].as_integer(),
            content["height"].as_integer(),
        )
        .outerjoin(Role, Role.image_id == Image.id)
        .outerjoin(AnnotationVersion, AnnotationVersion.id == Image.head_id)
        .where(Image.dataset_id == dataset.id)
        .order_by(Image.path)
    )
    return [
        (
            CheckedImage(
                dataset=dataset.name,
                path=path,
                width=width,
                height=height,
                role=role,
                labelled=head_id is not None,
                size=None if head_id is None else (labels_width, labels_height),
            ),
            head_id,
        )
        for path, width, height, head_id, role, labels_width, labels_height in session.execute(query)
    ]


def _counted(database: Database, store: Store, project: _Project, progress: Progress) -> list[CheckedImage]:
    """Return all images, the labelled ones with their class maps and what is in them."""
    maps: dict[int, str] = {}
    for dataset in project.datasets:
        versions = [version for _, version in project.images[dataset.name] if version is not None]
        if versions:
            scheme = scheme_for(DatasetOptions.model_validate(dataset.options), project.classes, dataset.name)
            maps |= render_versions(database, store, scheme, versions, progress).maps
    counts = count_maps(database, store, list(maps.values()), progress)
    return [
        image if version is None else replace(image, map_sha256=maps[version], counts=counts[maps[version]])
        for rows in project.images.values()
        for image, version in rows
    ]


def _leaks(leaking: int) -> list[Finding]:
    if not leaking:
        return []
    text = f"{some(leaking, 'group')} of images that show the same have different roles: what is learned is tested on."
    remedy = "Look at them, and move each group to one role."
    return [Finding("leaks", "warning", text, remedy, command=("leaks",))]
