"""Photos for tests: made here, with every orientation and in every format."""

import io

import numpy as np
from PIL import Image

from labeling.photos import ORIENTATION_TAG


def scene(height: int = 48, width: int = 64, seed: int = 0) -> np.ndarray:
    """A smooth, unsymmetrical RGB picture, uint8 (height, width, 3)."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (6, 8, 3)).astype(np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))


def encode(pixels: np.ndarray, image_format: str = "PNG", *, orientation: int | None = None, **options) -> bytes:
    """The bytes of a photo whose stored pixels are `pixels`."""
    if orientation is not None:
        exif = Image.Exif()
        exif[ORIENTATION_TAG] = orientation
        options["exif"] = exif
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, image_format, **options)
    return buffer.getvalue()
