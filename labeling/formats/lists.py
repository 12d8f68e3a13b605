"""Image lists: text files that name an image a line, as VOC has them and others after it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from db.errors import UserError
from labeling.formats.base import IMAGE_SUFFIXES, Problem, RoleName
from labeling.formats.splits import role_of


@dataclass(frozen=True)
class ImageLists:
    """Lists by name, each with the stems it holds, and the lines that name no photo."""

    members: Mapping[str, frozenset[str]]
    problems: tuple[Problem, ...]

    def subsets(self, stem: str) -> tuple[str, ...]:
        """Return the names of the lists that hold a stem."""
        return tuple(name for name, stems in self.members.items() if stem in stems)

    def role(self, stem: str) -> RoleName | None:
        """Return the role that the lists give.

        Raises:
            UserError: two lists give it different ones, so that a model would be tested on what it was trained on.
        """
        given = {role: name for name in self.subsets(stem) if (role := role_of(name)) is not None}
        if len(given) > 1:
            first, second = sorted(given.values())[:2]
            more = len(self.members[first] & self.members[second]) - 1
            rest = f", and so {'is 1 other' if more == 1 else f'are {more} others'}" if more else ""
            raise UserError(
                f"Image {stem} is in both {first}.txt and {second}.txt{rest}: an image has one role, or a model is "
                "tested on what it was trained on. Remove it from one of the lists."
            )
        return next(iter(given), None)


NO_LISTS = ImageLists({}, ())


def read_lists(folder: Path, source: Path, stems: frozenset[str]) -> ImageLists:
    """Read every list, `*.txt`, of a folder.

    A line is a stem below the photos' folder (`2007_000032`, `sub/a`), may carry the photo's suffix or, in VOC, its
    folder, or further columns: the mask's path, or the flag of VOC's class lists, where -1 says that the image is no
    member. A line that starts with `#` and names no photo is a comment.

    Args:
        folder: holds the lists.
        source: the folder that reports name files from.
        stems: of the photos there are.
    """
    members: dict[str, frozenset[str]] = {}
    problems: list[Problem] = []
    for path in sorted(folder.glob("*.txt")):
        shown = path.relative_to(source).as_posix()
        try:
            lines = path.read_text("utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            problems.append(Problem(shown, f"The list cannot be read as UTF-8 text: {error}."))
            continue
        found = [_stem(line.strip(), stems) for line in lines]
        members[path.stem] = frozenset(stem for stem in found if stem)
        problems += [
            Problem(shown, f"Line {number} names {line.strip()!r}, but there is no such photo.")
            for number, (line, stem) in enumerate(zip(lines, found, strict=True), start=1)
            if stem is None
        ]
    return ImageLists(members, tuple(problems))


def list_names(images: Iterable[tuple[RoleName | None, Sequence[str]]]) -> dict[str, str]:
    """Return what each list is called where a file tells of it, by its name.

    Whoever reads a list that is named like a role takes it for the role: one that holds other images gets another name.

    Args:
        images: the role of each, and the names of its lists.

    Example:
        >>> list_names([("train", ["train", "dusk"]), ("val", ["train"])])
        {'dusk': 'dusk', 'train': 'train_list'}
    """
    roles, lists, mixed = Counter[RoleName | None](), Counter[str](), set[str]()
    for role, names in images:
        roles[role] += 1
        lists.update(names)
        mixed.update(name for name in names if role_of(name) not in (None, role))
    partial = {name for name, count in lists.items() if role_of(name) == name.lower() and count != roles[role_of(name)]}
    found = {name: name for name in sorted(lists) if name not in mixed | partial}
    for name in sorted(mixed | partial):
        free, number = f"{name}_list", 1
        while free in found.values():
            number += 1
            free = f"{name}_list_{number}"
        found[name] = free
    return dict(sorted(found.items()))


def _stem(line: str, stems: frozenset[str]) -> str | None:
    """Return the stem that a line names, an empty string for a line that names none, None for an unknown one."""
    if not line:
        return ""
    # Names may hold blanks, so the first column ends at any of them; the longest name that exists counts.
    ends = [len(line), *reversed([blank.start() for blank in re.finditer(r"\s+", line)])]
    for candidate in (line[:end] for end in ends):
        path = PurePosixPath(candidate.replace("\\", "/"))
        path = path.relative_to("JPEGImages") if path.parts[:1] == ("JPEGImages",) else path
        plain = path.with_suffix("") if path.suffix.lower() in IMAGE_SUFFIXES else path
        for stem in (path.as_posix(), plain.as_posix()):
            if stem in stems:
                return "" if line.split()[-1] == "-1" and candidate != line else stem
    return "" if line.startswith("#") else None
