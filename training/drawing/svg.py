"""A drawing as SVG, readable on light and dark: lines and letters are in the colour of the text around."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from xml.etree.ElementTree import Element, SubElement, tostring

from training.drawing.data import Drawing, Node, Shape
from training.drawing.layout import COLUMN, MARGIN, Arrow, Box, Layout, arrange

_PRETRAINED, _OWN, _OTHER, _AGAIN = "#3b82f6", "#f59e0b", "#8b8f98", "#10b981"
_FONT = "ui-sans-serif, system-ui, sans-serif"
_LETTERS = 14  # of a label that fits into a column
_ROUND = 7.0  # radius of corners, pixels
_LEGEND = 46.0
_FALL = 30.0


def to_svg(drawing: Drawing, title: str) -> str:
    """Return a drawing as an SVG document; texts are escaped.

    Args:
        drawing: to show.
        title: what it is of, for those who cannot see it.
    """
    layout = arrange(drawing)
    width, height = max(layout.width, 620.0), layout.height + _LEGEND
    size = {"viewBox": f"0 0 {width:.0f} {height:.0f}", "width": f"{width:.0f}", "height": f"{height:.0f}"}
    look = {"fill": "currentColor", "font-family": _FONT, "font-size": "11", "role": "img"}
    root = Element("svg", {"xmlns": "http://www.w3.org/2000/svg", **size, **look})
    SubElement(root, "title").text = title
    _define_arrowheads(root)
    for arrow in sorted(layout.arrows, key=lambda arrow: arrow.edge.skips):
        _draw_arrow(root, arrow)
    _draw_words(root, (arrow for arrow in layout.arrows if arrow.edge.through))
    _draw_bars(root, layout)
    named: set[int] = set()
    for box in sorted(layout.boxes, key=lambda box: box.y):
        _draw_box(root, box, first=box.node.id not in named)
        named.add(box.node.id)
    _draw_legend(root, drawing, layout.height)
    return tostring(root, encoding="unicode")


def shape_text(shape: Shape) -> str:
    """Write a shape: `64 × 128 × 128`."""
    return " × ".join(map(str, shape))


def count_text(count: int) -> str:
    """Write a number of parameters: `38.8 k`."""
    for size, unit in ((10**6, "M"), (10**3, "k")):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return str(count)


def _define_arrowheads(root: Element) -> None:
    definitions = SubElement(root, "defs")
    for name, colour in (("wb-head", "currentColor"), ("wb-head-again", _AGAIN)):
        box = {
            "viewBox": "0 0 8 8",
            "refX": "7",
            "refY": "4",
            "markerWidth": "7",
            "markerHeight": "7",
            "orient": "auto",
        }
        marker = SubElement(definitions, "marker", {"id": name, **box})
        SubElement(marker, "path", {"d": "M0 0 8 4 0 8z", "fill": colour})


def _draw_arrow(root: Element, arrow: Arrow) -> None:
    again = arrow.edge.skips
    first, last = arrow.turns
    start, end = (arrow.start.x + arrow.start.width, arrow.start.middle), (arrow.end.x - 2, arrow.end.middle)
    points = [start, (first, start[1]), (first, arrow.lane)]
    points += [(last, arrow.lane), (last, end[1]), end] if again else [end]
    line = SubElement(
        root,
        "path",
        {
            "d": _path(points),
            "fill": "none",
            "stroke": _AGAIN if again else "currentColor",
            "stroke-width": "2" if again else "1.2",
            "stroke-opacity": "1" if again else "0.6",
            "marker-end": f"url(#{'wb-head-again' if again else 'wb-head'})",
            **({"stroke-dasharray": "4 3"} if arrow.end.node.training_only else {}),
        },
    )
    words = ", ".join(arrow.edge.through)
    SubElement(line, "title").text = shape_text(arrow.edge.shape) + (f", {words}" if words else "")


def _draw_words(root: Element, arrows: Iterable[Arrow]) -> None:
    """Write what tensors pass on their way; where several arrive in one place by the same, once."""
    places: set[tuple[float, float, str]] = set()
    for arrow in arrows:
        start, end = arrow.start.middle, arrow.end.middle
        falls = end - start > _FALL and not arrow.edge.skips  # beside the way down it is free, above the end anyway
        x = arrow.turns[0] if falls else arrow.end.x + (arrow.end.width - COLUMN) / 2 + 4
        places.add((x + 4, (start + end) / 2 if falls else end - 5, ", ".join(arrow.edge.through)))
    for x, y, words in sorted(places):
        _text(root, x, y, words, {"text-anchor": "start", "font-size": "10", "font-style": "italic"})


def _path(points: list[tuple[float, float]]) -> str:
    """Return a line through points, its corners rounded; sides are horizontal or vertical."""
    steps = [points[0]]
    steps += [point for before, point in itertools.pairwise(points) if before != point]
    parts = [f"M{steps[0][0]:.1f} {steps[0][1]:.1f}"]
    for before, corner, after in zip(steps, steps[1:], steps[2:], strict=False):
        into, out = (_near(corner, other) for other in (before, after))
        parts.append(f"L{into[0]:.1f} {into[1]:.1f}Q{corner[0]:.1f} {corner[1]:.1f} {out[0]:.1f} {out[1]:.1f}")
    return "".join([*parts, f"L{steps[-1][0]:.1f} {steps[-1][1]:.1f}"])


def _near(corner: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    length = abs(other[0] - corner[0]) + abs(other[1] - corner[1])
    share = min(_ROUND, length / 2) / length
    return corner[0] + (other[0] - corner[0]) * share, corner[1] + (other[1] - corner[1]) * share


def _draw_bars(root: Element, layout: Layout) -> None:
    """Join the boxes of a part that gives several maps."""
    found: dict[int, list[Box]] = {}
    for box in layout.boxes:
        found.setdefault(box.node.id, []).append(box)
    for boxes in found.values():
        if len(boxes) > 1:
            top, bottom = min(box.y for box in boxes), max(box.y + box.height for box in boxes)
            x = boxes[0].x + boxes[0].width / 2
            bar = {"x": f"{x - 4:.1f}", "y": f"{top:.1f}", "width": "8", "height": f"{bottom - top:.1f}"}
            SubElement(root, "rect", {**bar, "fill": _colour(boxes[0].node), "fill-opacity": "0.25"})


def _draw_box(root: Element, box: Box, *, first: bool) -> None:
    node = box.node
    group = SubElement(root, "g")
    SubElement(group, "title").text = _told(node)
    colour = _colour(node)
    SubElement(
        group,
        "rect",
        {
            "x": f"{box.x:.1f}",
            "y": f"{box.y:.1f}",
            "width": f"{box.width:.1f}",
            "height": f"{box.height:.1f}",
            "rx": "9" if node.kind == "operation" else "2",
            "fill": colour,
            "fill-opacity": "0.35" if node.training_only or node.again else "0.8",
            "stroke": colour,
            **({"stroke-dasharray": "4 3"} if node.training_only else {}),
        },
    )
    size = "same weights" if node.again else count_text(node.parameters) if node.parameters else ""
    lines = [_short(node.name), shape_text(box.shape), size] if first else [shape_text(box.shape)]
    for number, line in enumerate(filter(None, lines)):
        weight = {"font-weight": "600"} if line == _short(node.name) else {"fill-opacity": "0.75", "font-size": "10"}
        _text(group, box.x + box.width / 2, box.y + box.height + 12 * (number + 1), line, weight)


def _draw_legend(root: Element, drawing: Drawing, y: float) -> None:
    nodes = drawing.nodes
    entries = [(_PRETRAINED, "encoder"), (_OWN, "decoder and head"), (_OTHER, "without weights of its own")]
    x = MARGIN
    for colour, name in entries:
        if not any(_colour(node) == colour for node in nodes):
            continue
        SubElement(root, "rect", {"x": f"{x:.0f}", "y": f"{y:.0f}", "width": "11", "height": "11", "fill": colour})
        _text(root, x + 16, y + 10, name, {"text-anchor": "start"})
        x += 34 + 6.2 * len(name)
    if any(edge.skips for edge in drawing.edges):
        line = {"x1": f"{x:.0f}", "y1": f"{y + 6:.0f}", "x2": f"{x + 22:.0f}", "y2": f"{y + 6:.0f}"}
        SubElement(root, "line", {**line, "stroke": _AGAIN, "stroke-width": "2"})
        _text(root, x + 28, y + 10, "kept for later", {"text-anchor": "start"})
        x += 140
    told = "Width: channels. Height and row: size of the map."
    if any(node.training_only for node in nodes):
        told += " Dashed: only in training."
    _text(root, MARGIN, y + 30, told, {"text-anchor": "start", "fill-opacity": "0.75"})


def _text(root: Element, x: float, y: float, text: str, extra: dict[str, str]) -> None:
    attributes = {"x": f"{x:.1f}", "y": f"{y:.1f}", "text-anchor": "middle", **extra}
    SubElement(root, "text", attributes).text = text


def _colour(node: Node) -> str:
    if node.kind != "part" or not (node.parameters or node.again):
        return _OTHER
    return _PRETRAINED if node.pretrained else _OWN


def _short(name: str) -> str:
    """Return as much of a name as fits: of modules, the last of their path."""
    first, _, last = name.partition(" .. ")
    parts = first.split(".")
    while len(parts) > 1 and len(".".join(parts) + (f" .. {last}" if last else "")) > _LETTERS:
        del parts[0]
    text = ".".join(parts) + (f" .. {last}" if last else "")
    if len(text) > _LETTERS and last:
        text = ".".join(parts)
    return text if len(text) <= _LETTERS else f"{text[: _LETTERS - 1]}…"


def _told(node: Node) -> str:
    lines = [node.name, node.modules, *map(shape_text, node.shapes)]
    if node.parameters:
        lines.append(f"{node.parameters:,} parameters")
    if node.again:
        lines.append("the same weights as before")
    if node.training_only:
        lines.append("only in training")
    return "\n".join(filter(None, lines))
