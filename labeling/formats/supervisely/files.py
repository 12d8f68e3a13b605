"""Which datasets a Supervisely project has, and where the photos and label files of each lie."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from db.errors import UserError
from labeling.formats.base import ReadRequest, iter_image_files
from labeling.formats.matching import Named
from labeling.formats.supervisely.meta import NAME

LABELS, IMAGES = "ann", "img"


@dataclass(frozen=True)
class Dataset:
    """A folder with label files, and the folder of their photos.

    Attributes:
        name: its path in the project; empty where the dataset itself was named as the source.
        source: the folder named by the user.
        labels: folder of the label files.
        images: folder of the photos.
        shares_images: whether other datasets' photos lie there too.
    """

    name: str
    source: Path
    labels: Path
    images: Path
    shares_images: bool = False

    @property
    def list_name(self) -> str:
        """The path as the name of a list, which may hold no slash."""
        return self.name.replace("/", "-")

    @property
    def split(self) -> str:
        """Name of its own folder, which may tell a role."""
        return self.labels.parent.name

    def path(self, photo: str) -> str:
        """Return the path of a photo inside our dataset."""
        return str(PurePosixPath(self.name) / photo)

    def shown_photo(self, photo: str) -> str:
        """Return a photo's name as the report shows it."""
        return _shown(self.images / photo, self.source)

    def shown_labels(self, name: str) -> str:
        """Return a label file's name as the report shows it."""
        return _shown(self.labels / name, self.source)

    def photos(self) -> list[Named]:
        """Return the photos, each under the name that its label file has in old projects."""
        names = (path.relative_to(self.images).as_posix() for path in iter_image_files(self.images))
        return [Named(str(PurePosixPath(name).with_suffix("")), name) for name in names]

    def label_files(self) -> list[Named]:
        """Return the label files, each under the name of its photo."""
        files = (path for path in self.labels.rglob("*.json") if path.is_file() and not _is_hidden(path, self.labels))
        names = sorted(path.relative_to(self.labels).as_posix() for path in files)
        return [Named(name.removesuffix(".json"), name) for name in names]


def find_datasets(request: ReadRequest) -> list[Dataset]:
    """Return the datasets of a project, or of one dataset that was named itself, in a stable order.

    Raises:
        UserError: there is none, or its photos are nowhere.
    """
    source = request.source
    if source.name == NAME and source.is_file():
        source = source.parent
    if not source.is_dir():
        raise UserError(f"{source}: expected the folder of a Supervisely project, found none.")
    if request.images is not None and not request.images.is_dir():
        raise UserError(f"{request.images}: expected the folder of the photos, found none.")
    found = sorted(path.parent for path in source.rglob(LABELS) if path.is_dir() and not _is_hidden(path, source))
    if not found:
        raise UserError(
            f"{source}: expected datasets with {IMAGES}/ and {LABELS}/, as Supervisely has them, found none."
        )
    datasets = []
    for folder in found:
        name = "" if folder == source else folder.relative_to(source).as_posix()
        images = folder / IMAGES if request.images is None else _named_images(request.images, name)
        if not images.is_dir():
            raise UserError(f"{folder}: expected its photos in {IMAGES}/, found no such folder. Give --images DIR.")
        shares = images == request.images and len(found) > 1
        datasets.append(Dataset(name, source, folder / LABELS, images, shares))
    return datasets


def find_meta(source: Path) -> Path | None:
    """Return the project's meta.json: in the source, or above it where a dataset was named itself."""
    if source.name == NAME:
        return source
    places = [source / NAME, *([source.parent / NAME] if (source / LABELS).is_dir() else [])]
    return next((place for place in places if place.is_file()), None)


def _named_images(images: Path, name: str) -> Path:
    """Return where a dataset's photos are in a folder that holds those of the project, or all of them."""
    return next((place for place in (images / name / IMAGES, images / name) if place.is_dir()), images)


def _shown(path: Path, source: Path) -> str:
    return path.relative_to(source).as_posix() if path.is_relative_to(source) else str(path)


def _is_hidden(path: Path, root: Path) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in path.relative_to(root).parts)
