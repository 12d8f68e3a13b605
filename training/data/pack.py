"""Building packs, and deciding between a pack and decoding on the fly."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Literal

import numpy as np

from db.errors import UserError
from db.files import explain_os_errors
from db.locks import LockHeldError, hold
from labeling.annotation import IGNORE
from labeling.progress import Progress, silent
from labeling.workers import usable_cores
from training.data.decode import Decoder, PhotoSource, measure
from training.data.pack_writer import UNFINISHED, remove, write_pack
from training.data.packed import VERSION, BadPackError, Pack, pack_bytes
from training.data.parallel import ordered_map
from training.data.sizes import Resize
from training.data.source import PackSource, Source

__all__ = ["Pack", "PackSource", "PhotoSource", "build_pack", "check_labels", "open_or_build", "pack_key"]

LARGEST_SHARE = 0.2
"""A pack may take this share of the free disk."""

_AS_THEY_ARE = Resize()


def open_or_build(
    images: Sequence[PackSource],
    packs: Path,
    *,
    long_side: int = 1024,
    resize: Resize = _AS_THEY_ARE,
    mode: Literal["auto", "always", "never"] = "auto",
    progress: Progress = silent,
) -> Pack | PhotoSource:
    """Open the pack of these images, building it where there is none yet or only a broken one.

    Runs that start together wait for one of them to build it. Later runs over the same images and sizes use it again.

    Args:
        images: what to pack, in the order of the indices.
        packs: the folder of all packs; made where missing.
        long_side: the longest side an image is packed at, in pixels.
        resize: the recipe's size.
        mode: `always` a pack, `never` one, or `auto`: none if it would take over 20 % of the free disk.
        progress: told the images done.

    Returns:
        A pack, or a source that decodes photos each time; `describe()` says which and why.

    Raises:
        UserError: there is no image, a file cannot be read, a class map does not fit its photo, or the disk is full.
    """
    if not images:
        raise UserError("There is no image to train on.")
    decoder = Decoder(resize, long_side)
    if mode == "never":
        originals = measure(images, progress=progress)
        return PhotoSource(images, decoder, originals, reason="the recipe asks for no pack")
    with explain_os_errors(packs):
        packs.mkdir(parents=True, exist_ok=True)
    key = pack_key(images, decoder)
    directory = packs / key[:32]
    with hold(_lock(directory), wait=True):
        try:
            return Pack(directory, key=key, images=images)
        except BadPackError:
            remove(directory)
        _sweep(packs)
        originals = measure(images, progress=progress)
        if mode == "auto" and (reason := _too_large(originals, decoder, packs)):
            return PhotoSource(images, decoder, originals, reason=reason)
        write_pack(images, directory, decoder, originals, key=key, progress=progress)
        return Pack(directory, key=key, images=images)


def build_pack(
    images: Sequence[PackSource], directory: Path, *, long_side: int, resize: Resize, progress: Progress = silent
) -> Pack:
    """Build a pack in this very folder, replacing what is there. It appears whole or not at all.

    Raises:
        UserError: as `open_or_build`.
    """
    decoder = Decoder(resize, long_side)
    key = pack_key(images, decoder)
    originals = measure(images, progress=progress)
    write_pack(images, directory, decoder, originals, key=key, progress=progress)
    return Pack(directory, key=key, images=images)


def pack_key(images: Sequence[PackSource], decoder: Decoder) -> str:
    """Return the sha256 (hex) of everything that decides a pack's bytes: images in order, sizes, format."""
    content = [VERSION, str(decoder.resize), decoder.long_side, [image.key for image in images]]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def check_labels(source: Source, num_classes: int, indices: Sequence[int] | None = None) -> None:
    """Make sure that every label is a class or ignore.

    Args:
        source: the images.
        num_classes: labels 0..num_classes-1 are classes; 255 is ignore.
        indices: the images to look at; None for all.

    Raises:
        UserError: another value occurs; names the image and the value.
    """
    chosen = range(len(source)) if indices is None else indices
    counted = ordered_map(source.label_counts, chosen, threads=usable_cores(), ahead=64)
    with closing(counted):
        for i, counts in zip(chosen, counted, strict=True):
            wrong = np.flatnonzero(counts[num_classes:IGNORE])
            if wrong.size:
                value = num_classes + int(wrong[0])
                raise UserError(
                    f"The class map of {source.images[i]} holds the value {value} in {counts[value]} pixels, expected "
                    f"0..{num_classes - 1} for the {num_classes} classes or {IGNORE} for ignore. Freeze a new "
                    "revision, so that labels and classes fit again."
                )


def _lock(directory: Path) -> Path:
    return directory.with_name(directory.name + ".lock")


def _sweep(packs: Path) -> None:
    """Remove what killed builds of other packs left, which may be large and would never be finished."""
    for unfinished in packs.glob(f"*{UNFINISHED}"):
        directory = unfinished.with_name(unfinished.name.removesuffix(UNFINISHED))
        with suppress(LockHeldError), hold(_lock(directory), wait=False):
            remove(unfinished)


def _too_large(originals: Sequence[tuple[int, int]], decoder: Decoder, packs: Path) -> str | None:
    needed = pack_bytes(np.array([decoder.working_size(size) for size in originals], np.int64))
    free = shutil.disk_usage(packs).free
    if needed <= LARGEST_SHARE * free:
        return None
    return (
        f"a pack would take {needed / 1e9:.1f} GB, over {LARGEST_SHARE:.0%} of the {free / 1e9:.1f} GB free in {packs}"
    )
