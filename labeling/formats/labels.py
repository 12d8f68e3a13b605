"""Files that name a source's classes: `labels.txt` (one name a line) and colour tables (`labelmap.txt`)."""

from __future__ import annotations

import re
from pathlib import Path

from db.errors import UserError
from labeling.annotation import MAX_CLASSES
from labeling.colors import RGB
from labeling.formats.base import ReadRequest

IGNORE_NAME = "__ignore__"  # labelme's name for what its converter writes as 255
BACKGROUND_NAME = "_background_"  # labelme's name for index 0
PLAIN_BACKGROUND = "background"  # what that becomes where the class list does not have it

_LABEL_FILES = ("labels.txt", "class_names.txt")  # the latter by labelme's converter
_COLOR_FILES = ("labelmap.txt",)  # by CVAT

_COLOR_LINES = (
    # CVAT's labelmap.txt, `name:r,g,b:parts:actions`
    re.compile(r"(?P<name>.+?):(?P<r>\d+),(?P<g>\d+),(?P<b>\d+)(:.*)?"),
    # `name r g b`, and class_dict.csv's `name,r,g,b`
    re.compile(r"(?P<name>.+?)[\s,]+(?P<r>\d+)[\s,]+(?P<g>\d+)[\s,]+(?P<b>\d+)"),
    # CamVid's label_colors.txt, `r g b<tab>name`
    re.compile(r"(?P<r>\d+)[\s,]+(?P<g>\d+)[\s,]+(?P<b>\d+)[\s,]+(?P<name>.+)"),
)


def find_labels(request: ReadRequest, folder: Path) -> Path | None:
    """Return the file of class names: the one the user named, else labels.txt or class_names.txt of the folder."""
    return request.classes_file or _first_file(folder, _LABEL_FILES)


def find_colors(request: ReadRequest, folder: Path) -> Path | None:
    """Return the colour table: the one the user named, else labelmap.txt of the folder."""
    return request.colors_file or _first_file(folder, _COLOR_FILES)


def read_labels(path: Path) -> tuple[str, ...]:
    """Return the class names of a label file in index order.

    labelme's convention holds: a first line `__ignore__` stands for ignore and takes no index. Empty lines at the end
    are nothing; one between names would shift every later index, so it is an error.

    Raises:
        UserError: the file cannot be read as UTF-8 text, is empty, holds an empty line, a name twice, or too many.
    """
    lines = [line.strip() for line in _read_text(path).rstrip().splitlines()]
    names = lines[1:] if lines[:1] == [IGNORE_NAME] else lines
    if not names:
        raise UserError(f"{path}: expected class names, one a line, found none.")
    for number, name in enumerate(lines, start=1):
        if not name:
            raise UserError(f"{path}, line {number} is empty, but every line is a class index. Name it or remove it.")
        if name in lines[: number - 1]:
            raise UserError(f"{path}: lines {lines.index(name) + 1} and {number} both name {name!r}. Keep one of them.")
    if IGNORE_NAME in names:
        raise UserError(f"{path}: {IGNORE_NAME} takes no index and must be line 1, found it further down.")
    check_count(len(names), str(path))
    return tuple(names)


def read_colors(path: Path) -> dict[str, RGB]:
    """Return the colours of a colour table by class name, in the file's order.

    A line is `name:r,g,b::` (CVAT's labelmap.txt), `name r g b`, `name,r,g,b` or `r g b name`; `#` starts a comment
    line and a first line `name,r,g,b` a header.

    Raises:
        UserError: a line is none of these, a number is above 255, a name or a colour occurs twice.
    """
    colors: dict[str, RGB] = {}
    for number, line in enumerate(_read_text(path).splitlines(), start=1):
        line = line.strip()
        if not line or line.startswith("#") or re.fullmatch(r"name[\s,]+r[\s,]+g[\s,]+b", line.lower()):
            continue
        name, color = _parse_color(line, f"{path}, line {number}")
        if name in colors:
            raise UserError(f"{path}, line {number} names {name!r} a second time. Keep one colour a class.")
        other = next((known for known, value in colors.items() if value == color), None)
        if other is not None:
            raise UserError(
                f"{path}, line {number}: {name!r} and {other!r} share the colour {color}. Give each its own."
            )
        colors[name] = color
    if not colors:
        raise UserError(f"{path}: expected lines `name:r,g,b::` or `name r g b`, found none.")
    check_count(len(colors), str(path))
    return colors


def check_count(count: int, where: str) -> None:
    """Raise `UserError` where a class map (uint8, 254 and 255 reserved) cannot hold `count` classes."""
    if count > MAX_CLASSES:
        raise UserError(f"{where}: found {count} classes, a class map holds at most {MAX_CLASSES}. Merge or drop some.")


def _parse_color(line: str, where: str) -> tuple[str, RGB]:
    match = next((match for pattern in _COLOR_LINES if (match := pattern.fullmatch(line))), None)
    if match is None:
        raise UserError(f"{where}: expected `name:r,g,b::` or `name r g b`, found {line!r}.")
    red, green, blue = (int(match[channel]) for channel in "rgb")
    if max(red, green, blue) > 255:
        raise UserError(f"{where}: a colour's numbers are 0 to 255, found {red}, {green}, {blue}.")
    return match["name"].strip(), (red, green, blue)


def _first_file(folder: Path, names: tuple[str, ...]) -> Path | None:
    return next((folder / name for name in names if (folder / name).is_file()), None)


def _read_text(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path}: expected UTF-8 text, found other bytes ({error.reason}). Save it as UTF-8."
        ) from error
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}).") from error
