"""The listing of photos and mask files that lie in a known layout; what the masks mean is each format's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from db.errors import UserError
from labeling.formats.base import Listing, ReadRequest
from labeling.formats.lists import NO_LISTS, ImageLists
from labeling.formats.masks.layouts import Layout
from labeling.formats.masks.legend import FoundLegend, Legend
from labeling.formats.masks.objects import ObjectFile
from labeling.formats.masks.pairs import PairFolders
from labeling.formats.matching import Matches, match
from labeling.formats.places import Place
from labeling.formats.splits import role_of

_DEPTH = 2


@dataclass(frozen=True)
class MaskPairs:
    """Photos and masks, put together by name."""

    folders: PairFolders
    matches: Matches
    notes: tuple[str, ...]

    @classmethod
    def of(cls, request: ReadRequest, layout: Layout) -> MaskPairs:
        """Put the photos and masks of a layout together."""
        folders = PairFolders(request.source, layout.photo_root, layout.mask_root)
        return cls(folders, match(layout.photos, layout.masks), layout.notes)

    @property
    def masks(self) -> list[Place]:
        """The mask files of all photos that have one."""
        return self.folders.mask_places(self.matches.matches)

    def listing(
        self,
        found: FoundLegend,
        *,
        legend_of: Callable[[Place], Legend] | None = None,
        objects_of: Callable[[Place], ObjectFile | None] = lambda mask: None,
        lists: ImageLists = NO_LISTS,
    ) -> Listing:
        """Return the listing. A folder named like a role becomes a subset and gives the role.

        Args:
            found: classes, colours and what the masks mean.
            legend_of: what a mask means, where not all mean the same; its classes are those of `found`.
            objects_of: the file of a mask's objects.
            lists: the source's lists, by the photos' keys.
        """
        items = []
        subsets = dict.fromkeys(lists.members)
        for pair in self.matches.matches:
            key = pair.photo.key
            mask = Place(self.folders.masks, pair.mask.name) if pair.mask else None
            split = _split(key)
            joined = (*lists.subsets(key), *((split,) if split else ()))
            subsets |= dict.fromkeys(joined)
            legend = found.legend if mask is None or legend_of is None else legend_of(mask)
            objects = None if mask is None else objects_of(mask)
            items.append(self.folders.item(pair, legend, joined, lists.role(key) or role_of(split), objects))
        return Listing(
            items=items,
            classes=found.legend.classes,
            colors=dict(found.colors),
            subsets=tuple(sorted(subsets)),
            notes=self.notes + found.notes,
            skipped=lists.problems + self.folders.problems(self.matches),
        )


def find_folder(source: Path, *names: str) -> Path | None:
    """Return the first of the folders of these names, at a source or up to two folders below it, None where none is.

    Datasets are found where their archives were unpacked: in the folder named, or one a part below it.

    Raises:
        UserError: several folders of that name lie there.
    """
    for name in names:
        for depth in range(_DEPTH + 1):
            found = sorted(path for path in source.glob(f"{'*/' * depth}{name}") if path.is_dir())
            if len(found) > 1:
                listed = ", ".join(str(path) for path in found)
                raise UserError(f"{source} holds several folders {name}: {listed}. Import them one by one.")
            if found:
                return found[0]
    return None


def refuse_tables(request: ReadRequest, format: str, *, colors: bool = True) -> None:
    """Refuse files of names and colours for a dataset that has a published table.

    Args:
        request: of the import.
        format: as `workbench import` names it.
        colors: whether a colour table is refused too.

    Raises:
        UserError: one is named.
    """
    named = [path for path in (request.classes_file, request.colors_file if colors else None) if path is not None]
    if named:
        raise UserError(
            f"{named[0]}: the classes of {format} are those that its authors publish, so they take no file. Rename "
            "them with --map SOURCE=CLASS, or import the folder as `masks` where its values mean something else."
        )


def _split(key: str) -> str:
    """Return the folder of a key that names a role, else nothing."""
    return next((part for part in PurePosixPath(key).parts[:-1] if role_of(part)), "")
