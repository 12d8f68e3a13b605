"""Where boxes and arrows of a drawing lie: a row for every size of map, fine ones above, a column for every step.

So a network that goes down to coarse maps and back up is a U, and what is kept fine stays above. A tensor that is used
later again runs straight to there, in a lane of its own where boxes are in its way.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from training.drawing.data import Drawing, Edge, Node, Shape, ranks_of

COLUMN = 108.0  # from one step to the next, in pixels
LABEL = 40.0  # three lines below a box
MARGIN = 12.0
GAP = 14.0  # between rows, and between lanes of one
FLAT = 0
"""Height of what is no map, as the rows are named."""


@dataclass(frozen=True)
class Box:
    """A rectangle for one of the shapes that leave a node: its left upper corner and its sides, in pixels."""

    node: Node
    shape: Shape
    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        """Height of the arrows that come and go."""
        return self.y + self.height / 2


@dataclass(frozen=True)
class Arrow:
    """An edge: from `start` to `end`, between the two columns' gutters at height `lane`."""

    edge: Edge
    start: Box
    end: Box
    lane: float
    turns: tuple[float, float]  # x of the way from the start to the lane, and from there to the end


@dataclass(frozen=True)
class Layout:
    """Everything in its place, and the room it takes, in pixels."""

    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    width: float
    height: float


def arrange(drawing: Drawing) -> Layout:
    """Put boxes and arrows in their places."""
    return _Table(drawing).layout()


class _Table:
    def __init__(self, drawing: Drawing) -> None:
        self.drawing = drawing
        self.ranks = ranks_of(len(drawing.nodes), drawing.edges)
        self.rows = sorted({_side(shape) for node in drawing.nodes for shape in node.shapes}, reverse=True)
        self.taken: set[tuple[int, int, int]] = set()  # row (its side), column, lane
        self.lanes: dict[tuple[int, Shape], int] = {}
        self.ways: dict[tuple[int, Shape], set[int]] = {}  # columns that a tensor passes on its way
        self.way_lanes: dict[tuple[int, Shape], int] = {}
        self.place()

    def place(self) -> None:
        # What leads furthest is in the first lane, so that the way to the prediction is straight.
        onward = _onward(len(self.drawing.nodes), self.drawing.edges)
        order = sorted(self.drawing.nodes, key=lambda n: (n.training_only, self.ranks[n.id], -onward[n.id], n.id))
        for node in order:
            for shape in node.shapes:
                row, column = _side(shape), self.ranks[node.id]
                self.lanes[node.id, shape] = self.free(row, [column])
        for edge in self.drawing.edges:  # whoever takes the same tensor later takes it from one line
            between = set(range(self.ranks[edge.source] + 1, self.ranks[edge.target]))
            if between:
                self.ways.setdefault((edge.source, edge.shape), set()).update(between)
        for tensor in sorted(self.ways, key=lambda tensor: len(self.ways[tensor])):
            self.way_lanes[tensor] = self.free(_side(tensor[1]), self.ways[tensor], self.lanes[tensor])

    def free(self, row: int, columns: Iterable[int], first: int = 0) -> int:
        lane = first
        while any((row, column, lane) in self.taken for column in columns):
            lane += 1
        self.taken |= {(row, column, lane) for column in columns}
        return lane

    def layout(self) -> Layout:
        tops: dict[int, float] = {}
        y = MARGIN
        for row in self.rows:
            tops[row] = y
            lanes = 1 + max(lane for side, _, lane in self.taken if side == row)
            y += lanes * self.step(row)
        boxes = {
            (node.id, shape): self.box(node, shape, tops[_side(shape)])
            for node in self.drawing.nodes
            for shape in node.shapes
        }
        arrows = tuple(self.arrow(edge, boxes, tops) for edge in self.drawing.edges)
        width = MARGIN * 2 + COLUMN * (max(self.ranks) + 1)
        return Layout(tuple(boxes.values()), arrows, width, y + MARGIN)

    def step(self, row: int) -> float:
        return self.tall(row) + LABEL + GAP

    def tall(self, side: int) -> float:
        """Return the height of a box: by the root of the map's side, as sides go down by halves."""
        return 12.0 if side == FLAT else max(12.0, 92 * (side / max(self.rows)) ** 0.5)

    def box(self, node: Node, shape: Shape, top: float) -> Box:
        side = _side(shape)
        width = 22.0 if node.kind == "operation" else 8 + 1.1 * shape[0] ** 0.5
        height = self.tall(side)
        x = MARGIN + COLUMN * (self.ranks[node.id] + 0.5) - width / 2
        return Box(node, shape, x, top + self.lanes[node.id, shape] * self.step(side), width, height)

    def arrow(self, edge: Edge, boxes: dict[tuple[int, Shape], Box], tops: dict[int, float]) -> Arrow:
        start = boxes[edge.source, edge.shape]
        ends = [box for (node, _), box in boxes.items() if node == edge.target]
        end = min(ends, key=lambda box: (_side(box.shape) != _side(edge.shape), box.y))
        first, last = self.ranks[edge.source], self.ranks[edge.target]
        shift = 4.0 * (edge.source % 5 - 2)  # so that ways from different boxes do not fall into one
        turns = (MARGIN + COLUMN * (first + 1) + shift, MARGIN + COLUMN * last + shift)
        if last - first == 1:
            return Arrow(edge, start, end, end.middle, turns)
        row = _side(edge.shape)
        lane = tops[row] + self.way_lanes[edge.source, edge.shape] * self.step(row) + self.tall(row) / 2
        return Arrow(edge, start, end, lane, turns)


def _side(shape: Shape) -> int:
    return shape[1] if len(shape) == 3 else FLAT


def _onward(count: int, edges: Iterable[Edge]) -> list[int]:
    """Return of each box how many there are after it on the longest way."""
    found = [0] * count
    for edge in sorted(edges, key=lambda edge: -edge.source):
        found[edge.source] = max(found[edge.source], found[edge.target] + 1)
    return found
