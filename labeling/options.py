"""What is asked once per import and kept with the dataset, because it decides its class maps."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

RasterRule = Literal["labelme", "center"]
Overlap = Literal["order", "area"]


class SourceFiles(BaseModel):
    """Paths of what was named beside the source, so that importing it again needs no options.

    They are absolute, or relative to a source that lies elsewhere every time (an upload). `found` are folders outside
    the source that it led to, which nobody named: they are looked for again every time.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    images: str | None = None
    masks: str | None = None
    classes_file: str | None = None
    colors_file: str | None = None
    found: tuple[str, ...] = ()


class DatasetOptions(BaseModel):
    """Options of a dataset, stored with it and named in every revision's provenance.

    Attributes:
        unlabelled: what pixels without a label become: `background` (index 0, the class named by labels.txt or
            `background`), `ignore`, or the name of a class.
        background: name of the class that `background` means.
        ignore_index: value of a source mask that means ignore.
        overlap: `order`: later shapes over earlier ones; `area`: smaller objects over larger ones.
        crowd: what a COCO `iscrowd` region becomes: `ignore` or its `class`.
        border: what the outline in a trimap of Oxford-IIIT Pet becomes: a `class` of its own or `ignore`.
        void: what the labels become that Cityscapes' evaluation leaves out: `ignore` or a `class` each.
        raster: which pixels a polygon covers: `labelme` (Pillow's, both borders inclusive) or `center` (pixels whose
            centre lies inside).
        line_width: width of lines in pixels.
        point_radius: radius of points in pixels.
        mapping: from a name in the source to a class name of the project (or `ignore`), or None to drop its shapes.
        files: what was named beside the source.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    unlabelled: str = "background"
    background: str = "background"
    ignore_index: int | None = Field(default=None, ge=0, le=65535)
    overlap: Overlap = "order"
    crowd: Literal["ignore", "class"] = "ignore"
    border: Literal["class", "ignore"] = "class"
    void: Literal["ignore", "class"] = "ignore"
    raster: RasterRule = "labelme"
    line_width: int = Field(default=10, ge=1, le=1000)
    point_radius: int = Field(default=5, ge=1, le=1000)
    mapping: dict[str, str | None] = Field(default_factory=dict)
    files: SourceFiles = SourceFiles()
