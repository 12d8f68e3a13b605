"""From a trace to a drawing as data: boxes for the parts of a network, arrows for the tensors between them.

How deep a network is taken apart is decided by what is observed (`units`). What has no parameters, takes one tensor and
gives it to one box, such as pooling, is written on the arrow.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import replace

from training.drawing.data import Drawing, Edge, Node, ranks_of
from training.drawing.trace import PHOTO, Trace
from training.drawing.units import Flow, Unit, find_units, without_batch, word


def draw(trace: Trace, pretrained: Collection[str] = (), prediction: str = "") -> Drawing:
    """Make a drawing of what was observed.

    Args:
        trace: of one run.
        pretrained: names of the parameters that pretrained weights fill.
        prediction: name of the output that counts; the others are for the loss.
    """
    flow = Flow(trace)
    units = find_units(flow)
    unit_of = {number: place for place, unit in enumerate(units) for number in unit.operations}
    passed = {place for place, unit in enumerate(units) if _is_on_the_way(flow, unit, unit_of)}
    shown = [place for place in range(len(units)) if place not in passed]
    ids = {place: number for number, place in enumerate(shown, 1)}
    outputs = {name: len(ids) + number for number, name in enumerate(trace.outputs, 1)}

    def arrow(source: int, target: int) -> Edge:
        through: tuple[str, ...] = ()
        while source != PHOTO and unit_of[source] in passed:
            unit = units[unit_of[source]]
            through = (*filter(None, (word(trace, number) for number in unit.operations)), *through)
            source = flow.taken(unit.operations)[0]
        place = 0 if source == PHOTO else ids[unit_of[source]]
        return Edge(place, target, without_batch(trace.shape(source)), through, skips=False)

    edges = [arrow(source, ids[place]) for place in shown for source in flow.taken(units[place].operations)]
    edges += [arrow(trace.outputs[name], place) for name, place in outputs.items()]
    edges = list(dict.fromkeys(edges))
    nodes = [
        Node(0, "photo", "photo", "", (without_batch(trace.photo),)),
        *_parts(flow, [units[place] for place in shown], edges, frozenset(pretrained)),
        *(
            Node(n, "output", name, "", (without_batch(trace.shape(trace.outputs[name])),))
            for name, n in outputs.items()
        ),
    ]
    counting = _reaching(edges, {outputs[prediction]} if prediction in outputs else set(outputs.values()))
    ranks = ranks_of(len(nodes), edges)
    return Drawing(
        tuple(replace(node, training_only=node.id not in counting) for node in nodes),
        tuple(replace(edge, skips=ranks[edge.target] - ranks[edge.source] > 1) for edge in edges),
    )


def _reaching(edges: Iterable[Edge], targets: set[int]) -> set[int]:
    found = set(targets)
    for edge in sorted(edges, key=lambda edge: -edge.target):
        if edge.target in found:
            found.add(edge.source)
    return found


def _is_on_the_way(flow: Flow, unit: Unit, unit_of: dict[int, int]) -> bool:
    if unit.inner or flow.parameters(unit.operations) or len(flow.taken(unit.operations)) != 1:
        return False
    takers = flow.takers(unit.operations)
    return len(takers) == 1 or len({unit_of.get(taker) for taker in takers}) == 1


def _parts(flow: Flow, units: list[Unit], edges: list[Edge], pretrained: frozenset[str]) -> list[Node]:
    known: set[str] = set()
    nodes = []
    for number, unit in enumerate(units, 1):
        parameters = flow.parameters(unit.operations)
        nodes.append(
            Node(
                id=number,
                kind="part" if unit.paths else "operation",
                name=_span(unit.paths) if unit.paths else unit.kinds[0],
                modules=_listed(unit),
                shapes=tuple(dict.fromkeys(edge.shape for edge in edges if edge.source == number)),
                parameters=sum(flow.trace.sizes[name] for name in parameters - known),
                again=bool(parameters) and parameters <= known,
                pretrained=bool(parameters) and parameters <= pretrained,
            )
        )
        known |= parameters
    return nodes


def _span(paths: list[str]) -> str:
    """Name modules in a row, what they have in common once: `backbone.conv1 .. relu`."""
    first, last = paths[0].split("."), paths[-1].split(".")
    common = next((n for n, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1]), 0)
    return paths[0] if first == last else f"{paths[0]} .. {'.'.join(last[common:])}"


def _listed(unit: Unit) -> str:
    """Say what a box consists of: `6 x Bottleneck`."""
    kinds = unit.inner if len(unit.kinds) == 1 and unit.inner else unit.kinds
    found = Counter(filter(None, kinds if unit.paths else ()))
    return ", ".join(f"{count} x {name}" if count > 1 else name for name, count in found.items())
