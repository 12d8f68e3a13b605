"""What the catalogue of pretrained weights knows of one of its entries."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from training.architectures.contract import Preprocessing
    from training.evaluation.public_data import PublicTraining

_DIGITS = re.compile(r".+-([0-9a-f]{8,64})\.\w+")


@dataclass(frozen=True)
class Weights:
    """One file of published weights.

    Attributes:
        name: what `workbench weights` takes.
        kind: `backbone`: a classifier whose features start a training; `model`: a segmentation network.
        about: what it is and the score its publisher states.
        licence: what is known about the terms.
        architecture: what it is loaded into: the network, or for a backbone one on that encoder.
        options: of that architecture.
        trained_on: what its publisher says it was trained on, the oldest first.
        url: where its publisher keeps it, https, under a name that states a checksum; None where no such file is known,
            so that it is had from a file only.
        page: where a person gets the file; of an entry without `url`.
        size: bytes, to about 1 %; None where nobody says.
        classes: of a model, where its publisher names them.
        preprocessing: what it expects; None for what torchvision's weights do, or what its architecture says.
    """

    name: str
    kind: Literal["backbone", "model"]
    about: str
    licence: str
    architecture: str
    options: Mapping[str, Any] = field(default_factory=dict)
    trained_on: tuple[PublicTraining, ...] = ()
    url: str | None = None
    page: str = ""
    size: int | None = None
    classes: tuple[str, ...] = ()
    preprocessing: Preprocessing | None = None

    @property
    def file_name(self) -> str | None:
        """The last part of the address; None where there is none."""
        return urlsplit(self.url).path.rsplit("/", 1)[-1] if self.url else None

    @property
    def sha256_prefix(self) -> str | None:
        """The first hexadecimal digits of the file's SHA-256, as the publisher put them into its name."""
        return digits_of(self.file_name) if self.file_name else None

    @property
    def stem(self) -> str:
        """What a file that was added by hand is called, before the digits."""
        return self.name.replace(":", "_")

    @property
    def fits(self) -> str:
        """What it loads into, in words."""
        options = " ".join(f"{key}={value}" for key, value in self.options.items())
        return self.architecture + (f" with {options}" if options else "")


def digits_of(file_name: str) -> str | None:
    """Return the digits of a SHA-256 in a name like `resnet18-f37072fd.pth`; None where it has none."""
    match = _DIGITS.fullmatch(file_name)
    return match[1] if match else None
