"""Parts of a dataset by their names: a role, a subset, or one of two words; and what people are told they are."""

from __future__ import annotations

ALL, UNLABELLED = "all", "unlabelled"


def part_title(dataset: str, on: str) -> str:
    """Return what people are told some photos are: the dataset, where it is all of it.

    Example:
        >>> part_title("dusk", "all"), part_title("day", "val")
        ('dusk', 'day:val')
    """
    return dataset if on == ALL else f"{dataset}:{on}"
