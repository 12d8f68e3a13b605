"""Writing a pack: every image decoded once, by as many threads as there are cores, into its place in two files."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np

from db.files import explain_os_errors, sync_folder
from labeling.progress import Progress
from labeling.workers import usable_cores
from training.data.decode import Decoder
from training.data.packed import INDEX, MAPS, PHOTOS, VERSION, PackedImage, PackIndex, offsets
from training.data.parallel import ordered_map
from training.data.resample import Pixels
from training.data.source import PackSource, count_labels

UNFINISHED = ".unfinished"
"""Ending of the folder a pack is written in."""


def write_pack(
    images: Sequence[PackSource],
    directory: Path,
    decoder: Decoder,
    originals: Sequence[tuple[int, int]],
    *,
    key: str,
    progress: Progress,
) -> None:
    """Write a pack that appears at `directory` whole or not at all, replacing what is there.

    Args:
        images: what to pack.
        directory: the pack's folder; nobody else may be building it.
        decoder: what size images get.
        originals: (height, width) of each before resizing.
        key: what the pack is opened by.
        progress: told the photos done.

    Raises:
        UserError: a file cannot be read, a class map does not fit its photo, or the disk is full.
    """
    rows: list[PackedImage] = []
    with explain_os_errors(directory.parent), _appearing(directory) as unfinished:
        with (unfinished / PHOTOS).open("wb") as photos, (unfinished / MAPS).open("wb") as maps:
            writer = _Writer(images, decoder, originals, photos.fileno(), maps.fileno())
            done = ordered_map(writer.write, range(len(images)), threads=usable_cores(), ahead=2 * usable_cores())
            # Closed before the files are: no thread may still write to a descriptor that is no longer ours.
            with closing(done):
                for row in done:
                    rows.append(row)
                    progress(len(rows), len(images), "photos packed")
            for file in (photos, maps):
                os.fsync(file.fileno())
        with (unfinished / INDEX).open("w", encoding="utf-8") as index:
            index.write(PackIndex(version=VERSION, key=key, images=tuple(rows)).model_dump_json())
            index.flush()
            os.fsync(index.fileno())


class _Writer:
    def __init__(
        self,
        images: Sequence[PackSource],
        decoder: Decoder,
        originals: Sequence[tuple[int, int]],
        photos: int,
        maps: int,
    ) -> None:
        self._images, self._decoder, self._originals = images, decoder, originals
        self._photos, self._maps = photos, maps
        self._starts = offsets(np.array([decoder.working_size(size) for size in originals], np.int64)).tolist()

    def write(self, i: int) -> PackedImage:
        """Decode image i into its place. Written, not mapped: a full disk is then an error, not a fatal signal."""
        image, original = self._images[i], self._originals[i]
        photo = self._decoder.photo(image, original)
        class_map = self._decoder.class_map(image, original)
        _write_at(self._photos, photo, 3 * self._starts[i])
        _write_at(self._maps, class_map, self._starts[i])
        counts = count_labels(class_map)
        present = {int(value): int(counts[value]) for value in np.flatnonzero(counts)}
        return PackedImage(height=class_map.shape[0], width=class_map.shape[1], counts=present)


def _write_at(file: int, array: Pixels, offset: int) -> None:
    data = np.ascontiguousarray(array).reshape(-1).data
    while data:
        written = os.pwrite(file, data, offset)
        data, offset = data[written:], offset + written


@contextmanager
def _appearing(directory: Path) -> Iterator[Path]:
    """Give a folder to write in that becomes `directory` when the block ends well, and vanishes when it does not.

    What a killed build left is removed first; the caller holds the lock, so nobody is writing there.
    """
    unfinished = directory.with_name(directory.name + UNFINISHED)
    remove(unfinished)
    unfinished.mkdir(parents=True)
    try:
        yield unfinished
        sync_folder(unfinished)
        remove(directory)
        unfinished.rename(directory)
    except BaseException:
        remove(unfinished)
        raise
    sync_folder(directory.parent)


def remove(directory: Path) -> None:
    """Delete a pack's folder if it is there."""
    if directory.exists():
        shutil.rmtree(directory)
