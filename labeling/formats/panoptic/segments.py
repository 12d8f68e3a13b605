"""From the segment ids of a panoptic PNG to classes and objects, by what `segments_info` says of each id."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labeling.annotation import IGNORE, MAX_CLASSES
from labeling.formats.base import BadItemError, BaseMap
from labeling.formats.labels import IGNORE_NAME
from labeling.formats.masks.files import MaskFile, describe_counts

VOID = 0
_IDS = 1 << 24  # three bytes
_MAX_SEGMENTS = 65535
_SHOWN = 5


def segment_ids(mask: MaskFile) -> NDArray[np.int32]:
    """Return the id of every pixel, (H, W): R + 256 G + 65536 B, or the values of a PNG without colours.

    Raises:
        BadItemError: a JPEG, whose compression changes ids.
    """
    if mask.lossy:
        raise BadItemError("The segments' file is a JPEG, whose compression changes their ids. Bring the PNG.")
    if mask.colors is not None:
        colors = mask.colors.astype(np.int32)
        return colors[..., 0] | colors[..., 1] << 8 | colors[..., 2] << 16
    assert mask.values is not None
    if mask.palette is None:
        return mask.values.astype(np.int32)
    ids = np.zeros(256, np.int32)
    ids[: len(mask.palette)] = [red | green << 8 | blue << 16 for red, green, blue in mask.palette]
    return ids[mask.values]


class SegmentReader:
    """Reads one PNG and keeps account of what becomes ignore.

    Args:
        segments: `segments_info` of the photo, each with `id`, `label`, `category_id`, `is_thing`, `iscrowd`.
        crowd_is_ignore: whether a crowd becomes ignore instead of its class.
    """

    def __init__(self, segments: Sequence[Mapping[str, Any]], *, crowd_is_ignore: bool) -> None:
        self._crowd_is_ignore = crowd_is_ignore
        self._sentences: list[str] = []
        self._segments = self._usable(segments)

    def read(self, ids: NDArray[np.int32]) -> BaseMap:
        """Return classes and objects; void and what `segments_info` does not list are ignored.

        Objects are the things that are no crowd, numbered from 1 in the order of `segments_info`.

        Raises:
            BadItemError: none of the PNG's segments is listed: it belongs to another photo.
        """
        table = np.zeros(_IDS, np.uint16)  # of segments, from 1; as memory is touched, so it is taken
        table[[segment["id"] for segment in self._segments]] = np.arange(1, len(self._segments) + 1)
        numbers = table[ids]
        seen = np.zeros(len(self._segments) + 1, np.bool_)
        seen[numbers] = True
        unlisted = (numbers == 0) & (ids != VOID)
        if unlisted.any():
            self._report_unlisted(ids[unlisted], any_known=bool(seen[1:].any()))
        missing = [segment["id"] for segment, there in zip(self._segments, seen[1:], strict=True) if not there]
        if missing:
            self._sentences.append(f"Segments without a pixel in the PNG: {_listed(missing)}.")
        return self._map(numbers)

    def repairs(self) -> tuple[str, ...]:
        """Return a sentence for each reason why pixels became ignore or segments have none."""
        return tuple(self._sentences)

    def _map(self, numbers: NDArray[np.uint16]) -> BaseMap:
        legend: dict[str, int] = {}
        values = np.full(len(self._segments) + 1, IGNORE, np.uint8)
        objects = np.zeros(len(self._segments) + 1, np.uint16)
        count = 0
        for number, segment in enumerate(self._segments, start=1):
            if segment["label"] in (None, IGNORE_NAME) or (segment["iscrowd"] and self._crowd_is_ignore):
                continue
            values[number] = legend.setdefault(segment["label"], len(legend))
            if segment["is_thing"] and not segment["iscrowd"]:
                count += 1
                objects[number] = count
        if len(legend) > MAX_CLASSES:
            raise BadItemError(f"It has {len(legend)} classes, a class map holds at most {MAX_CLASSES}.")
        return BaseMap(values[numbers], tuple(legend), objects[numbers])

    def _usable(self, segments: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        found: dict[int, Mapping[str, Any]] = {}
        wrong: dict[str, list[Any]] = defaultdict(list)
        for segment in segments:
            id, label = segment["id"], segment["label"]
            if type(id) is not int or not VOID < id < _IDS:
                wrong["no colour is their id"].append(id)
            elif id in found and found[id] != segment:
                raise BadItemError(f"Segment {id} is listed twice, as {found[id]['label']!r} and as {label!r}.")
            else:
                found[id] = segment
                if label is None:
                    wrong[f"no category has their category_id {segment['category_id']!r}"].append(id)
        self._sentences += [f"Segments became ignore, {why}: {_listed(ids)}." for why, ids in wrong.items()]
        if len(found) > _MAX_SEGMENTS:
            raise BadItemError(f"It has {len(found)} segments, at most {_MAX_SEGMENTS} can be told apart.")
        return list(found.values())

    def _report_unlisted(self, ids: NDArray[np.int32], *, any_known: bool) -> None:
        found, counts = np.unique(ids, return_counts=True)
        listed = describe_counts({str(id): int(count) for id, count in zip(found, counts, strict=True)})
        if not any_known:
            raise BadItemError(f"None of the PNG's segments is in segments_info: {listed}. Bring the photo's own PNG.")
        self._sentences.append(f"Segments of the PNG that segments_info does not list became ignore: {listed}.")


def _listed(ids: Sequence[Any]) -> str:
    rest = len(ids) - _SHOWN
    return ", ".join(map(str, ids[:_SHOWN])) + (f" and {rest} more" if rest > 0 else "")
