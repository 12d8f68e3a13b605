"""Images of an evaluation that the model has seen in training, anywhere in its lineage.

What was trained in a home is compared image by image, in two tests: the same bytes, and a perceptual hash within
`COPY_DISTANCE` bits, which finds copies that were re-encoded or rescaled. Of what was trained on public data before,
the images are not at hand: there the names of an image, its folders and its lists tell whether it was among them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict
from sqlalchemy import select as sql_select

from db.errors import UserError
from db.schema import Image
from db.session import WITH_TRASHED, Database
from db.store import Store
from labeling.care.hashes import COPY_DISTANCE, nearest
from labeling.manifest import ManifestImage, load_manifest
from training.evaluation.public_data import PUBLIC, PublicTraining
from training.evaluation.selection import select

if TYPE_CHECKING:  # it loads torch, which reading an evaluation does not need
    from training.models.spec import Ancestor, Lineage

_EXAMPLES = 20
_SQL_CHUNK = 500  # SQLite's limit on variables was 999 for long


class Leak(BaseModel):
    """One image that is tested on and was trained on."""

    model_config = ConfigDict(frozen=True)

    image: str  # dataset/path of the tested one
    trained_on: str  # dataset/path of the one in training, or the public split that holds it
    kind: Literal["same", "alike", "public"]


class Leaks(BaseModel):
    """What the check found.

    Attributes:
        count: tested images that were trained on.
        same: those of them with the same bytes.
        alike: those that only look the same.
        public: those that are of a public split the model was trained on, as their names and lists tell.
        examples: the first few.
        warnings: what is to be said of the public ones, in sentences.
        unknown: why something could not be checked, in sentences; empty where all was.
    """

    model_config = ConfigDict(frozen=True)

    count: int = 0
    same: int = 0
    alike: int = 0
    public: int = 0
    examples: tuple[Leak, ...] = ()
    warnings: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return self.model_dump(mode="json")


def find_leaks(database: Database, store: Store, lineage: Lineage, images: Sequence[ManifestImage]) -> Leaks:
    """Look for the images of an evaluation among everything a model was trained on.

    Args:
        database: knows the perceptual hashes.
        store: holds the manifests.
        lineage: the model's.
        images: those to be evaluated on.
    """
    told = [one for one in lineage if isinstance(one, PublicTraining)]
    trained, unknown = _trained_on(store, [one for one in lineage if not isinstance(one, PublicTraining)])
    if not lineage:
        unknown.append("The model does not say what it was trained on, so leaks cannot be excluded.")
    by_bytes = {image.image_sha256: image for image in trained}
    same = [(image, by_bytes[image.image_sha256]) for image in images if image.image_sha256 in by_bytes]
    rest = [image for image in images if image.image_sha256 not in by_bytes]
    hashes = _perceptual_hashes(database, {image.image_sha256 for image in [*rest, *by_bytes.values()]})
    unhashed = sum(image.image_sha256 not in hashes for image in [*rest, *by_bytes.values()])
    if trained and unhashed:
        unknown.append(f"{unhashed} images are compared by their bytes alone: this home no longer knows their looks.")
    alike = _look_alike(
        [image for image in rest if image.image_sha256 in hashes],
        [image for image in by_bytes.values() if image.image_sha256 in hashes],
        hashes,
    )
    found = {image.path for image, _ in (*same, *alike)}
    public, warnings = _of_public_splits(told, images, unknown)
    public = [(image, training) for image, training in public if image.path not in found]
    examples = [
        *(Leak(image=_name(image), trained_on=_name(other), kind="same") for image, other in same),
        *(Leak(image=_name(image), trained_on=_name(other), kind="alike") for image, other in alike),
        *(Leak(image=_name(image), trained_on=str(training), kind="public") for image, training in public),
    ]
    return Leaks(
        count=len(examples),
        same=len(same),
        alike=len(alike),
        public=len(public),
        examples=tuple(examples[:_EXAMPLES]),
        warnings=tuple(warnings),
        unknown=tuple(unknown),
    )


def _of_public_splits(
    trainings: Sequence[PublicTraining], images: Sequence[ManifestImage], unknown: list[str]
) -> tuple[list[tuple[ManifestImage, PublicTraining]], list[str]]:
    """Return the images that are of a public split a model was trained on, and what is to be said of them."""
    seen: dict[ManifestImage, PublicTraining] = {}
    warnings: list[str] = []
    for training in trainings:
        public = PUBLIC.get(training.dataset)
        if public is None:
            unknown.append(f"The model was trained on {training}, whose photos are not recognised here.")
            continue
        splits = {image: public.splits_of(image.path, image.subsets) for image in images}
        ours = {image: told for image, told in splits.items() if told is not None}
        within = [image for image, told in ours.items() if told & public.holds[training.split]]
        apart = [image for image, told in ours.items() if told & public.apart.get(training.split, frozenset())]
        unclear = len(ours) - len({*within, *apart})
        seen.update((image, training) for image in within if image not in seen)
        if within:
            reason = f"{len(within)} of the images are of {training}, which the model was trained on"
            warnings.append(f"{reason} ({training.source}). {public.warning}".strip())
        if unclear:
            unknown.append(
                f"{unclear} of the images have names as {public.title} gives them, and the model was trained on its "
                f"{training.split}: no list or folder tells whether they are among those."
            )
    return list(seen.items()), warnings


def _trained_on(store: Store, lineage: Sequence[Ancestor]) -> tuple[list[ManifestImage], list[str]]:
    trained: list[ManifestImage] = []
    unknown: list[str] = []
    for ancestor in lineage:
        try:
            trained += select(load_manifest(store, ancestor.revision), ancestor.datasets, ancestor.on)
        except (UserError, ValueError) as error:  # ValueError: a bundle from elsewhere names no digest
            unknown.append(f"A training of the model could not be checked: {error}")
    return trained, unknown


def _perceptual_hashes(database: Database, shas: Iterable[str]) -> dict[str, str]:
    wanted = sorted(shas)
    found: dict[str, str] = {}
    with database.read() as session:
        for start in range(0, len(wanted), _SQL_CHUNK):
            query = sql_select(Image.sha256, Image.perceptual_hash).where(
                Image.sha256.in_(wanted[start : start + _SQL_CHUNK]), Image.perceptual_hash.is_not(None)
            )
            rows = session.execute(query, execution_options=WITH_TRASHED)
            found.update((sha, value) for sha, value in rows if value is not None)
    return found


def _look_alike(
    images: Sequence[ManifestImage], trained: Sequence[ManifestImage], hashes: dict[str, str]
) -> list[tuple[ManifestImage, ManifestImage]]:
    if not images or not trained:
        return []
    places, distances = nearest(
        [hashes[image.image_sha256] for image in images], [hashes[image.image_sha256] for image in trained]
    )
    found = zip(images, places, distances, strict=True)
    return [(image, trained[place]) for image, place, distance in found if distance <= COPY_DISTANCE]


def _name(image: ManifestImage) -> str:
    return f"{image.dataset}/{image.path}"
