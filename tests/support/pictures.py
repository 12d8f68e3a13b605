"""Images for writers: made by hypothesis or by hand, with the class map that they give."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from hypothesis import strategies as st
from PIL import Image

from labeling.annotation import IGNORE, SEE_THROUGH, Annotation, Label, Layer, Patch, Shape, Special
from labeling.formats.base import BadItemError, Codec, Listing, ReadRequest
from labeling.formats.writing import Part, Picture, Writer, WriteRequest
from labeling.names import is_reserved
from labeling.raster import render

WIDTH, HEIGHT = 23, 17
CLASSES = ("background", "car", 'räum <b> & "c"')
COLORS = ((0, 0, 0), (200, 30, 40), (10, 220, 90))
WITHOUT_BACKGROUND = ("road", *CLASSES[1:])


def make_picture(annotation: Annotation, request: WriteRequest, **options) -> Picture:
    """A picture with the class map that its annotation gives; layers are named by their first letter."""
    blank = np.zeros((annotation.height, annotation.width), np.uint8)
    picture = Picture("a.png", annotation, blank, request, **options)
    index: dict[Label, int] = {value: value for value in range(len(request.classes))}
    return replace(picture, class_map=picture.render(index, unlabelled=request.unlabelled))


def write_all(writer: Writer, pictures: Sequence[Picture], folder: Path) -> dict[str, int]:
    """Write pictures and their photos into a folder; return the losses."""
    losses: dict[str, int] = {}
    parts = []
    for picture in pictures:
        written = writer.write(picture)
        for what, count in written.losses.items():
            losses[what] = losses.get(what, 0) + count
        photo = folder / writer.photo_path(picture.name, picture.role)
        photo.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (picture.width, picture.height), (9, 8, 7)).save(photo)
        put(folder, written.files.items())
        part = Part(picture.name, picture.width, picture.height, picture.role, picture.subsets, written.part)
        parts.append(part)
    put(folder, ((name, b"".join(pieces)) for name, pieces in writer.finish(parts, pictures[0].request)))
    return losses


def put(folder: Path, files) -> None:
    for name, data in files:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def names_of(class_map: np.ndarray, classes: Sequence[str]) -> np.ndarray:
    """The class map as names, `ignore` for 255."""
    table = np.full(256, "?", object)
    table[: len(classes)] = classes
    table[IGNORE] = "ignore"
    return table[class_map]


def read_back(codec: Codec, folder: Path) -> tuple[Listing, dict[str, np.ndarray]]:
    """Read a folder as an import of a new dataset would: the class maps by path, as names."""
    request = ReadRequest(folder)
    listing = codec.list_source(request)
    maps = {}
    for item in listing.items:
        try:
            record = codec.read(item, request)
        except BadItemError as error:
            raise AssertionError(f"{item.path}: {error}") from error
        assert record.labelled, item.path
        record = replace(record, shapes=tuple(replace(shape, label=as_label(shape.label)) for shape in record.shapes))
        names: list[Label] = [listing.background or "nothing"]
        labels = [shape.label for shape in record.shapes] + list(record.base.legend if record.base else ())
        names += [label for label in dict.fromkeys(labels) if not isinstance(label, Special) and label not in names]
        base = record.base
        stored = {} if base is None else {"base": base.pixels}
        layer = None if base is None else Layer("base", base.legend)
        annotation = Annotation(record.width, record.height, record.shapes, layer)
        drawn = render(
            annotation,
            stored.__getitem__,
            {name: index for index, name in enumerate(names)},
            rule=listing.raster,
            overlap=listing.overlap,
            unlabelled=IGNORE if listing.background is None else 0,
        )
        maps[item.path] = names_of(drawn, [str(name) for name in names])
    return listing, maps


def as_label(name: Label) -> Label:
    """What an import makes of a source's name."""
    return Special(str(name)) if is_reserved(str(name)) else name


# Off the grid, so that no edge goes through the middle of a pixel, where rounding decides.
corner = st.tuples(st.integers(-3, 26).map(lambda x: x + 0.0137), st.integers(-3, 20).map(lambda y: y + 0.0291))
label = st.sampled_from([0, 1, 2, 1, 2, Special.IGNORE, Special.UNLABELLED])
group = st.sampled_from([None, None, 0, 3])


def polygons(holes: bool = True) -> st.SearchStrategy[Shape]:
    ring = st.lists(corner, min_size=3, max_size=5, unique=True).map(tuple)
    rings = st.lists(ring, max_size=1).map(tuple) if holes else st.just(())
    return st.builds(Shape, st.just("polygon"), label, ring, group=group, holes=rings)


def shapes() -> st.SearchStrategy[Shape]:
    """Shapes of every kind that has an area of its own, corners between pixels."""
    pair = st.tuples(corner, corner).filter(lambda ends: ends[0][0] != ends[1][0] and ends[0][1] != ends[1][1])
    pixels = (
        st.lists(st.booleans(), min_size=12, max_size=12).filter(any).map(lambda bits: np.array(bits).reshape(3, 4))
    )
    patch = st.builds(Patch, st.integers(0, 15), st.integers(0, 12), pixels)
    return st.one_of(
        polygons(),
        st.builds(Shape, st.just("rectangle"), label, pair, group=group),
        st.builds(Shape, st.just("circle"), label, pair),
        st.builds(lambda label, patch: Shape("mask", label, patch=patch), label, patch),
    )


def layer(values: Sequence[int]) -> st.SearchStrategy[np.ndarray | None]:
    """A map of a few flat blocks, or none."""
    blocks = st.lists(st.sampled_from(list(values)), min_size=4, max_size=4)
    grown = blocks.map(lambda four: np.kron(np.array(four, np.uint8).reshape(2, 2), np.ones((9, 12), np.uint8)))
    return st.one_of(st.none(), grown.map(lambda pixels: np.ascontiguousarray(pixels[:HEIGHT, :WIDTH])))


@st.composite
def pictures(draw, *, rules=("labelme", "center"), objects="drawn", masks="index") -> Picture:
    """A picture with shapes, a base map with objects and a paint map, in a project with or without a background."""
    classes = draw(st.sampled_from([CLASSES, WITHOUT_BACKGROUND]))
    unlabelled = draw(st.sampled_from([0, 0, 1, IGNORE]))
    request = WriteRequest(
        classes,
        COLORS,
        unlabelled,
        rule=draw(st.sampled_from(rules)),
        overlap=draw(st.sampled_from(["order", "area"])),
        objects=objects,
        masks=masks,
    )
    base, paint = draw(layer([0, 1, 2, 3, SEE_THROUGH, IGNORE])), draw(layer([SEE_THROUGH, SEE_THROUGH, 1, 2, IGNORE]))
    numbers = draw(layer([0, 0, 1, 7])) if base is not None else None
    legend = (0, 1, 2, Special.UNLABELLED)
    annotation = Annotation(
        WIDTH,
        HEIGHT,
        tuple(draw(st.lists(shapes(), max_size=5))),
        None if base is None else Layer("base", legend),
        None if paint is None else Layer("paint", legend),
        None if numbers is None else "objects",
    )
    numbers = None if numbers is None else numbers.astype(np.uint16)
    return make_picture(annotation, request, base=base, paint=paint, objects=numbers)
