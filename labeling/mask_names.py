"""What the map of a photo is called: by whoever writes one index PNG a photo."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import PurePosixPath


def mask_names(paths: Iterable[str]) -> dict[str, str]:
    """Return the mask's relative path of every photo's: its stem with `.png`, or its whole name where that is taken.

    Example:
        >>> mask_names(["d/a.jpg", "d/a.png", "b.jpg"])
        {'d/a.jpg': 'd/a.jpg.png', 'd/a.png': 'd/a.png.png', 'b.jpg': 'b.png'}
    """
    shorts = {path: str(PurePosixPath(path).with_suffix(".png")) for path in paths}
    # A photo `a.jpg.png` would take the name that a colliding `a.jpg` falls back on: then it falls back as well.
    longs = set[str]()
    while True:
        names = {path: f"{path}.png" if path in longs else short for path, short in shorts.items()}
        uses = Counter(names.values())
        colliding = {path for path, name in names.items() if uses[name] > 1} - longs
        if not colliding:
            return names
        longs |= colliding
