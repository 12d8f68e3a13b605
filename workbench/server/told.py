"""How pages name files: one that was dropped as it was dropped, one of the workbench's home as `(home)/...`.

A visitor need not know where on this computer the workbench lies, and where uploads lie is soon gone. A command to be
copied is another matter: it names every path as a shell needs it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from workbench.plain import readable
from workbench.server.services import Services

KNOWN_AS = "upload:"
"""What a dataset remembers an upload by begins so; what was dropped follows, of loose files the upload's id."""
_LOOSE = re.compile(rf"{KNOWN_AS}[0-9a-f]{{32}}")
_OPTION = "--known-as="


def told(services: Services, value: Any) -> Any:
    """Return plain JSON values with every text in them as `said` gives it."""
    if isinstance(value, dict):
        return {name: told(services, each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [told(services, each) for each in value]
    return said(services, value) if isinstance(value, str) else value


def said(services: Services, text: str) -> str:
    """Return a text without where uploads, the workbench and its user's own folder lie."""
    text = readable(text)
    upload = rf"{re.escape(str(services.uploads.root.resolve()))}/\w+"
    text = re.sub(rf"{upload}/files(?!/)|{_LOOSE.pattern}", "what was dropped", text)
    text = re.sub(rf"{upload}/(files/)?", "", text)
    for folder, name in ((services.home.path.resolve(), "(home)"), (services.home.path, "(home)"), *_own_folder()):
        text = re.sub(rf"(?<![\w.~)/-]){re.escape(str(folder))}(?![\w-])", name, text)
    return text


def _own_folder() -> list[tuple[Path, str]]:
    """Return the user's own folder and its short name; in a container there may be none worth naming."""
    try:
        folder = Path.home()
    except RuntimeError:
        return []
    return [(folder, "~")] if folder != Path(folder.anchor) else []


def as_dropped(services: Services, argv: Sequence[str]) -> list[str]:
    """Return a command's words as a person can type them: what was dropped is named as it lies on their own disk."""
    folder = re.compile(rf"{re.escape(str(services.uploads.root.resolve()))}/\w+/files(?=/|$)")
    if not any(folder.search(word) for word in argv):
        return list(argv)
    known = next((word.removeprefix(_OPTION) for word in argv if word.startswith(_OPTION)), KNOWN_AS)
    is_loose = any(folder.fullmatch(word) for word in argv)
    name = "photos" if known == KNOWN_AS or _LOOSE.fullmatch(known) else known.removeprefix(KNOWN_AS)
    place = f"./{name}" if is_loose else "."
    return [folder.sub(lambda _: place, word) for word in argv if word != f"{_OPTION}{known}"]
