"""From a run's record of its photos to what decodes them."""

from __future__ import annotations

from labeling.linked import LinkedPhoto
from training.data.source import PackSource
from training.engine.rundir import Photo


def pack_source(photo: Photo) -> PackSource:
    """Return where a photo of a run is read from."""
    link = photo.link
    linked = None if link is None else LinkedPhoto(str(photo.photo), link.sha256, link.byte_size, link.mtime_ns)
    return PackSource(photo.photo, photo.class_map, photo.key, photo.name, linked)
