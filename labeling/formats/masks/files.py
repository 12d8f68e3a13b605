"""Mask files as they are: index values, or colours. Nothing is converted on the way, so no class is invented."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from labeling.colors import RGB
from labeling.formats.base import BadItemError
from labeling.photos import BEGINNING_BYTES, FORMATS, MAX_PIXELS, beginning

_INDEX_MODES = {"1", "L", "P", "I", "I;16", "I;16B", "I;16L"}
_LEVELS_SHOWN = 5


@dataclass(frozen=True)
class MaskFile:
    """A decoded mask file.

    Attributes:
        values: (H, W) index values, uint8 or uint16; white of a 1-bit file is 255. None: the file holds colours only.
        colors: (H, W, 3) uint8 colours of a colour file, else None.
        palette: colour of each index of a palette file, else None.
        lossy: True where JPEG compression may have smeared the values.
    """

    values: NDArray[np.uint8 | np.uint16] | None
    colors: NDArray[np.uint8] | None = None
    palette: tuple[RGB, ...] | None = None
    lossy: bool = False

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        pixels = self.values if self.values is not None else self.colors
        assert pixels is not None
        return pixels.shape[1], pixels.shape[0]


def read_mask_file(path: Path) -> MaskFile:
    """Decode a mask file without converting its values.

    Palette and grey files give their indices (never the palette's luminance), 16-bit files all sixteen bits. EXIF
    rotation is not applied: what a mask's tag means differs between programs, its size is compared with the photo's.

    Raises:
        BadItemError: not an image, damaged, too large, of a mode that holds neither indices nor colours, or
            transparent in part.
    """
    try:
        with Image.open(path, formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise Image.DecompressionBombError
            return _decode(image)
    except BadItemError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise BadItemError(f"The mask has more than {MAX_PIXELS:,} pixels, the largest size accepted.") from error
    except UnidentifiedImageError as error:  # its own message names the path, which may be that of an unpacked archive
        raise BadItemError(
            f"Expected a mask image, found a file that cannot be decoded: {_first_bytes(path)}."
        ) from error
    except Exception as error:  # on hostile bytes Pillow raises nearly anything: struct.error, SyntaxError
        raise BadItemError(f"Expected a mask image, found a file that cannot be decoded: {error}.") from error


def _first_bytes(path: Path) -> str:
    with path.open("rb") as file:
        data = file.read(BEGINNING_BYTES)
    return beginning(data) if data else "the file is empty (0 bytes)"


def _decode(image: Image.Image) -> MaskFile:
    lossy = image.format in {"JPEG", "MPO"}
    if image.mode in _INDEX_MODES:
        palette = None
        if image.mode == "P":
            flat = image.getpalette("RGB") or []
            palette = tuple(zip(flat[0::3], flat[1::3], flat[2::3], strict=False))
        return MaskFile(_index_values(image), palette=palette, lossy=lossy)
    if image.mode in {"LA", "RGBA"}:
        image = _without_alpha(image)
    if image.mode == "L":
        return MaskFile(np.asarray(image), lossy=lossy)
    if image.mode == "RGB":
        return MaskFile(None, np.asarray(image), lossy=lossy)
    raise BadItemError(f"Expected an index mask (8 or 16 bit, palette) or RGB colours, found mode {image.mode}.")


def _index_values(image: Image.Image) -> NDArray[np.uint8 | np.uint16]:
    if image.mode == "1":  # one bit: black and white, and white is 255 in every reader
        return np.asarray(image.convert("L"))
    values = np.asarray(image)
    if values.dtype == np.uint8:
        return values
    if values.size and (values.min() < 0 or values.max() > 65535):
        raise BadItemError(f"A mask's values are 0 to 65535, found {values.min()} to {values.max()}.")
    return values.astype(np.uint16)


def _without_alpha(image: Image.Image) -> Image.Image:
    alpha = np.asarray(image.getchannel("A"))
    transparent = int(np.count_nonzero(alpha != 255))
    if transparent:
        raise BadItemError(
            f"{transparent} pixels of the mask are transparent, and what they mean is not known. Save it without alpha."
        )
    return image.convert(image.mode[:-1])


def grey_levels(mask: MaskFile) -> NDArray[np.uint8] | None:
    """Return the (H, W) grey levels of a colour mask whose three channels are equal, else None."""
    if mask.colors is None:
        return None
    red = mask.colors[..., 0]
    grey = np.array_equal(red, mask.colors[..., 1]) and np.array_equal(red, mask.colors[..., 2])
    return red if grey else None


def describe_counts(counts: dict[str, int]) -> str:
    """Return `7 (120 pixels), 9 (3 pixels)`: the commonest first, the rest counted."""
    ranked = sorted(counts.items(), key=lambda entry: -entry[1])
    shown = ", ".join(f"{what} ({pixels} pixels)" for what, pixels in ranked[:_LEVELS_SHOWN])
    rest = len(ranked) - _LEVELS_SHOWN
    return f"{shown} and {rest} more" if rest > 0 else shown
