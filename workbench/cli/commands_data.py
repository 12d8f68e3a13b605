"""What a project holds: datasets, statistics, roles, revisions, exported masks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from workbench.cli.options import DatasetOption, HomeOption, JsonOption, ProjectOption, Workplace
from workbench.cli.output import emit, moment, percent, progress_bar, say, table

if TYPE_CHECKING:
    from labeling.revisions import RevisionInfo

SHORT_DIGEST = 12


Grouping = Literal["random", "folder", "prefix"]


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.command("datasets", epilog="Example: workbench datasets --json")(datasets)
    app.command("stats", epilog="Example: workbench stats --dataset photos")(stats)
    app.command("roles", epilog="Example: workbench roles --dataset photos --val 0.2 --by folder")(roles)
    app.command("freeze", epilog="Example: workbench freeze --dataset voc --take 600 --seed 1")(freeze)
    group = typer.Typer(help="List the revisions, and what changed between two.", invoke_without_command=True)
    group.callback(epilog="Example: workbench revisions")(revisions)
    group.command("diff", epilog="Example: workbench revisions diff 3fa2 9c41")(diff)
    app.add_typer(group, name="revisions")


def datasets(project: ProjectOption = None, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """List the datasets with their images, labelled images, roles and subsets."""
    from labeling.datasets import list_datasets

    place = Workplace(home)
    found = list_datasets(place.database, place.project(project))

    def show() -> None:
        columns = ["dataset", "format", ">images", ">labelled", "roles", "subsets"]
        table(
            None,
            columns,
            ((d.name, d.format, d.images, d.labelled, _counts(d.roles), _counts(d.subsets)) for d in found),
        )

    emit({"datasets": found}, as_json=as_json, show=show)


def stats(
    dataset: Annotated[str | None, typer.Option("--dataset", "-d", help="Only this dataset.")] = None,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Count images and pixels per class."""
    from labeling.statistics import class_statistics

    place = Workplace(home)
    with progress_bar() as progress:
        found = class_statistics(
            place.home,
            place.database,
            project=place.project(project),
            datasets=(dataset,) if dataset else (),
            progress=progress,
        )

    def show() -> None:
        ignored = percent(found.ignored_pixels / found.pixels if found.pixels else None)
        say(f"{found.images} images, {found.labelled} of them labelled; {ignored} % of the labelled pixels are ignored")
        rows = ((c.name, c.images, c.pixels, percent(c.share)) for c in found.classes)
        table(None, ["class", ">images", ">pixels", ">share %"], rows)

    emit(found, as_json=as_json, show=show)


def roles(
    dataset: DatasetOption,
    val: Annotated[float, typer.Option(min=0, max=1, help="Share that becomes val.")] = 0.2,
    test: Annotated[float, typer.Option(min=0, max=1, help="Share that becomes test.")] = 0.0,
    by: Annotated[
        Grouping, typer.Option(help="Image by image, or whole folders or name prefixes together.")
    ] = "random",
    seed: Annotated[int, typer.Option(help="Seed of the draw.")] = 0,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Deal out train, val and test to labelled images that have no role yet; a role once given stays."""
    from labeling.roles import assign_roles

    place = Workplace(home)
    counts = assign_roles(place.database, place.project(project), dataset, val=val, test=test, by=by, seed=seed)
    emit({"dataset": dataset, "roles": counts}, as_json=as_json, show=lambda: say(f"{dataset}: {_counts(counts)}"))


def freeze(
    dataset: Annotated[
        list[str] | None, typer.Option("--dataset", "-d", metavar="NAME", help="Only this dataset. Repeatable.")
    ] = None,
    take: Annotated[int | None, typer.Option(min=1, help="Only so many labelled images, drawn at random.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of that draw.")] = 0,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Freeze the labelled images into a revision: what models are trained and tested on."""
    from labeling.revisions import freeze as freeze_revision

    place = Workplace(home)
    with progress_bar() as progress:
        revision = freeze_revision(
            place.home,
            place.database,
            project=place.project(project),
            datasets=tuple(dataset or ()),
            take=take,
            seed=seed,
            progress=progress,
        )

    def show() -> None:
        say(f"Revision {revision.digest[:SHORT_DIGEST]}: {len(revision.classes)} classes")
        table(None, ["dataset", "images"], ((name, _counts(counts)) for name, counts in revision.images.items()))

    emit(_revision(revision), as_json=as_json, show=show)


def revisions(
    context: typer.Context, project: ProjectOption = None, home: HomeOption = None, as_json: JsonOption = False
) -> None:
    """List the revisions, newest first."""
    from labeling.revisions import list_revisions

    if context.invoked_subcommand is not None:
        return
    place = Workplace(home)
    found = list_revisions(place.database, place.project(project))

    def show() -> None:
        rows = (
            (
                r.digest[:SHORT_DIGEST],
                moment(r.created_at),
                "; ".join(f"{d}: {_counts(c)}" for d, c in r.images.items()),
            )
            for r in found
        )
        table(None, ["revision", "frozen", "images"], rows)

    emit({"revisions": [_revision(r) for r in found]}, as_json=as_json, show=show)


def diff(
    a: Annotated[str, typer.Argument(metavar="A", help="Beginning of a revision's id.")],
    b: Annotated[str, typer.Argument(metavar="B", help="Beginning of another one's id.")],
    only: Annotated[
        Literal["added", "removed", "photo", "labels", "role", "subsets"] | None,
        typer.Option(help="List only images with this change."),
    ] = None,
    offset: Annotated[int, typer.Option(min=0, help="Images to leave out first.")] = 0,
    limit: Annotated[int, typer.Option(min=0, max=1000, help="At most so many images.")] = 100,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what changed from revision A to revision B."""
    from labeling.revision_difference import revision_difference

    place = Workplace(home)
    found = revision_difference(
        place.home, place.database, place.project(project), a, b, only=only, offset=offset, limit=limit
    )

    def show() -> None:
        changes: dict[str, int] = {kind: count for kind, count in found.counts.items() if count}
        say(f"{found.a[:SHORT_DIGEST]}: {found.images_a} images; {found.b[:SHORT_DIGEST]}: {found.images_b} images")
        say(f"Unchanged: {found.unchanged}; changed: {_counts(changes)}")
        for what, names in (
            ("added", found.classes_added),
            ("removed", found.classes_removed),
            ("with another index", found.classes_moved),
        ):
            if names:
                say(f"Classes {what}: {', '.join(names)}")
        if found.entries:
            table(
                None,
                ["dataset", "image", "changes", "role before", "role after"],
                (
                    (e.dataset, e.path, ", ".join(e.changes), e.role_before or "", e.role_after or "")
                    for e in found.entries
                ),
            )
        left = found.total - offset - len(found.entries)
        if left > 0:
            say(f"  ... and {left} more (--offset, --limit)")

    emit(found, as_json=as_json, show=show)


def _revision(info: RevisionInfo) -> dict[str, object]:
    return {
        "revision": info.digest,
        "images": info.images,
        "classes": info.classes,
        "unlabelled": info.unlabelled,
        "rendered": info.rendered,
        "created_at": info.created_at,
    }


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items()) or "-"
