"""What the import wizard asks, and the import that follows from the answers."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from db.errors import UserError
from labeling.formats.base import RoleName
from labeling.importing.request import ImportRequest, OnConflict
from labeling.options import Overlap, RasterRule
from workbench.server.services import Services
from workbench.server.sources import Source, below, known_as, locate


class Choices(BaseModel):
    """The answers. None and empty text leave a question to the dataset, else to the source.

    Attributes:
        source: what to import.
        format: how it is labelled.
        dataset: name.
        mapping: from a source's name to a class, to `ignore`, or to None to leave it out.
        images: where the photos are, relative to the source; likewise the three after it.
        list_name: list that every image joins.
        others: see `ImportRequest`.
    """

    model_config = ConfigDict(extra="forbid")

    source: Source
    format: str
    dataset: str = ""
    mapping: dict[str, str | None] = {}
    unlabelled: str | None = None
    ignore_index: int | None = None
    overlap: Overlap | None = None
    crowd: Literal["ignore", "class"] | None = None
    border: Literal["class", "ignore"] | None = None
    void: Literal["ignore", "class"] | None = None
    raster: RasterRule | None = None
    images: str = ""
    masks: str = ""
    classes_file: str = ""
    colors_file: str = ""
    list_name: str = ""
    role: RoleName | None = None
    link: bool = False
    on_conflict: OnConflict = "ours"

    def request(self, services: Services, project: str) -> ImportRequest:
        """Return the import as it was chosen.

        Raises:
            UserError: the source or a file named beside it is not there or not allowed, or dropped photos are to be
                linked.
        """
        location = locate(services, self.source)
        if self.link and self.source.upload is not None:
            raise UserError("Dropped photos cannot be linked: they are copied. Name a folder on this computer to link.")

        def beside(text: str) -> Path | None:
            return below(location if location.is_dir() else location.parent, text) if text.strip() else None

        return ImportRequest(
            format=self.format,
            source=location,
            project=project,
            dataset=self.dataset.strip() or None,
            known_as=known_as(services, self.source),
            images=beside(self.images),
            masks=beside(self.masks),
            classes_file=beside(self.classes_file),
            colors_file=beside(self.colors_file),
            unlabelled=self.unlabelled or None,
            ignore_index=self.ignore_index,
            overlap=self.overlap,
            crowd=self.crowd,
            border=self.border,
            void=self.void,
            raster=self.raster,
            mapping=self.mapping,
            lists=(self.list_name.strip(),) if self.list_name.strip() else (),
            role=self.role,
            link=self.link,
            on_conflict=self.on_conflict,
        )
