"""How deep a network is taken apart, decided by what is observed, by the same rules for all.

A module is opened where that shows something: its parts give maps of several new sizes (an encoder), or join maps of
three sizes or more (a decoder), or one map goes through three branches or more (ASPP), or a map becomes something that
is none (an encoding layer). Otherwise it is one unit: a ResNet's `layer3`, a level of a U-Net. Within an opened module,
a chain of layers at one size is one unit as well, as a level of VGG is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from training.drawing.data import Shape
from training.drawing.trace import PHOTO, Trace

MOST = 24
"""Units that opening a module may give, the network itself aside: with more one sees less."""
_BRANCHES = 3
_SIZES = 3
_OUTSIDE = -2  # stands for who takes an output of the network
_WORDS = {
    "adaptive_avg_pool2d": "average pool",
    "avg_pool2d": "average pool",
    "cat": "concatenate",
    "dropout2d": "dropout",
    "interpolate": "resize",
    "matmul": "matrix product",
    "max_pool2d": "max pool",
    "max_pool2d_with_indices": "max pool",
    "max_unpool2d": "max unpool",
    "mul": "multiply",
    "pad": "",  # a rim of zeros, not worth a word
}


@dataclass
class Unit:
    """Operations that are drawn as one.

    Attributes:
        operations: their numbers.
        paths: of the modules among them; none where they are functions.
        kinds: classes of those modules and names of those functions, in a row.
        inner: what there is in a single module, in the same words; empty for a layer.
        parent: path of the opened module that it is in.
    """

    operations: list[int]
    paths: list[str]
    kinds: list[str]
    inner: list[str]
    parent: str


class Flow:
    """What goes into and out of any group of operations of a trace."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.users: list[list[int]] = [[] for _ in trace.operations]
        for operation in trace.operations:
            for source in operation.sources:
                if source != PHOTO:
                    self.users[source].append(operation.number)
        for source in trace.outputs.values():
            self.users[source].append(_OUTSIDE)

    def taken(self, numbers: Sequence[int]) -> list[int]:
        """Return whose results a group takes, each once."""
        inside = set(numbers)
        found = (source for number in numbers for source in self.trace.operations[number].sources)
        return list(dict.fromkeys(source for source in found if source not in inside))

    def given(self, numbers: Sequence[int]) -> list[int]:
        """Return which of a group are taken by others."""
        inside = set(numbers)
        return [number for number in numbers if any(user not in inside for user in self.users[number])]

    def takers(self, numbers: Sequence[int]) -> list[int]:
        """Return who takes a group's results."""
        inside = set(numbers)
        return [user for number in numbers for user in self.users[number] if user not in inside]

    def parameters(self, numbers: Sequence[int]) -> frozenset[str]:
        """Return the names of the parameters that a group computes with."""
        return frozenset[str]().union(*(self.trace.operations[number].parameters for number in numbers))

    def sizes(self, sources: Sequence[int]) -> set[tuple[int, int] | None]:
        """Return the sizes of maps, None among them where one is no map."""
        return {map_size(self.trace.shape(source)) for source in sources}


def map_size(shape: Shape) -> tuple[int, int] | None:
    """Return height and width of a map (1, C, H, W) or (1, H, W, C) of a square photo; None for what is no map."""
    if len(shape) != 4:
        return None
    if shape[2] == shape[3]:
        return shape[2], shape[3]
    return (shape[1], shape[2]) if shape[1] == shape[2] else None


def without_batch(shape: Shape) -> Shape:
    """Return channels, height and width of a map, the shape without its first number of anything else."""
    if len(shape) == 4 and shape[2] != shape[3] and shape[1] == shape[2]:
        return shape[3], shape[1], shape[2]
    return shape[1:]


def word(trace: Trace, number: int) -> str:
    """Return what an operation does; nothing where it changes nothing."""
    operation = trace.operations[number]
    if operation.name == "interpolate" and operation.shape == trace.shape(operation.sources[0]):
        return ""
    return _WORDS.get(operation.name, operation.name.replace("_", " "))


def find_units(flow: Flow) -> list[Unit]:
    """Return what is drawn as one, in the order of work; every operation is in exactly one."""
    return _Opener(flow).expand(range(len(flow.trace.operations)), 0, "")


class _Opener:
    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self.calls = flow.trace.calls
        self.opened: set[str] = set()

    def expand(self, numbers: Sequence[int], depth: int, parent: str) -> list[Unit]:
        """Return the units of the operations in one call, whose own parts are calls at `depth`."""
        units: list[Unit] = []
        for part in self.parts(numbers, depth):
            for unit in self.open(part, depth) or [self.close(part, depth, parent)]:
                if units and self.continues(units[-1], unit):
                    _join(units[-1], unit)
                else:
                    units.append(unit)
        return units

    def call(self, number: int, depth: int) -> int | None:
        """Return the call at `depth` that an operation happens in; None where it happens above."""
        calls = self.flow.trace.operations[number].calls
        return calls[depth] if len(calls) > depth else None

    def parts(self, numbers: Sequence[int], depth: int) -> list[list[int]]:
        """Split the operations of a call into those of the calls in it; one by itself where it is in none."""
        parts: list[list[int]] = []
        last: int | None = None
        for number in numbers:
            call = self.call(number, depth)
            if call is None or call != last:
                parts.append([])
            parts[-1].append(number)
            last = call
        return parts

    def open(self, numbers: list[int], depth: int) -> list[Unit]:
        """Return the units of a call where it is worth opening; none where not."""
        call = self.call(numbers[0], depth)
        if call is None or not self.is_worth_opening(numbers, depth + 1):
            return []
        path = self.calls[call].path
        if path in self.opened:  # met again: one drawing of what is in it is enough
            return []
        units = self.expand(numbers, depth + 1, path)
        if len(units) > MOST:
            return []
        self.opened.add(path)
        return units

    def is_worth_opening(self, numbers: Sequence[int], depth: int) -> bool:
        """Tell whether a call whose own parts are at `depth`, or one in it, shows something when opened."""
        flow, parts = self.flow, self.parts(numbers, depth)
        modules = [part for part in parts if self.call(part[0], depth) is not None]
        if len(parts) > 1 and modules:
            came, gave = flow.sizes(flow.taken(numbers)), flow.sizes(flow.given(numbers))
            sizes = [flow.sizes(flow.given(part)) for part in parts]
            if len(set().union(*sizes) - came - {None}) > 1 or (len(came) >= _SIZES and len(gave) == 1):
                return True
            if None not in came and gave == {None} and not self.is_map_in_disguise(numbers, came):
                return True
            branches = Counter(
                source
                for part, gives in zip(parts, sizes, strict=True)
                if None not in gives and self.convolves(part)  # what attention makes of a map is no branch
                for source in flow.taken(part)
            )
            if max(branches.values(), default=0) >= _BRANCHES:
                return True
        return any(self.is_worth_opening(part, depth + 1) for part in modules)

    def is_map_in_disguise(self, numbers: Sequence[int], sizes: set[tuple[int, int] | None]) -> bool:
        """Tell whether results hold as many places as a map of one of the sizes: the tokens of a transformer."""
        places = {size[0] * size[1] for size in sizes if size is not None}
        return any(places & set(self.flow.trace.shape(number)) for number in self.flow.given(numbers))

    def close(self, numbers: list[int], depth: int, parent: str) -> Unit:
        """Return one unit for a part."""
        call = self.call(numbers[0], depth)
        if call is None:
            return Unit(numbers, [], [word(self.flow.trace, numbers[0])], [], parent)
        opened = any(self.call(number, depth + 1) is not None for number in numbers)
        inner = self.kinds(numbers, depth + 1) if opened else []
        return Unit(numbers, [self.calls[call].path], [self.calls[call].kind], inner, parent)

    def kinds(self, numbers: Sequence[int], depth: int) -> list[str]:
        """Return what a call consists of; a Sequential is what is in it."""
        kinds: list[str] = []
        for part in self.parts(numbers, depth):
            call = self.call(part[0], depth)
            if call is not None and self.calls[call].kind == "Sequential":
                kinds += self.kinds(part, depth + 1)
            else:
                kinds.append(word(self.flow.trace, part[0]) if call is None else self.calls[call].kind)
        return kinds

    def continues(self, before: Unit, unit: Unit) -> bool:
        """Tell whether two units in a row are one: layers at one size, or modules of one kind."""
        flow = self.flow
        taken, given = flow.taken(unit.operations), flow.given(unit.operations)
        if before.parent != unit.parent or not flow.parameters(before.operations) or not given:
            return False
        if not set(taken) <= set(before.operations) or not set(flow.takers(before.operations)) <= set(unit.operations):
            return False
        came, gave = ({without_batch(flow.trace.shape(source)) for source in sources} for sources in (taken, given))
        if {shape[1:] for shape in came} != {shape[1:] for shape in gave}:
            return False
        if not unit.inner and not self.computes(unit.operations):
            return not before.inner or came == gave
        if not unit.inner:
            return not before.inner and _folder(before) == _folder(unit)
        return unit.kinds != ["Sequential"] and before.kinds[-1:] == unit.kinds

    def computes(self, numbers: Sequence[int]) -> bool:
        """Tell whether it is more than a normalisation, an activation and the like."""
        return self.convolves(numbers) or any(self.flow.trace.operations[number].name == "linear" for number in numbers)

    def convolves(self, numbers: Sequence[int]) -> bool:
        """Tell whether a convolution is among them."""
        return any(self.flow.trace.operations[number].name.startswith("conv") for number in numbers)


def _folder(unit: Unit) -> str:
    return unit.paths[-1].rpartition(".")[0] if unit.paths else ""


def _join(before: Unit, unit: Unit) -> None:
    before.operations += unit.operations
    before.paths += unit.paths
    before.kinds += unit.kinds
    before.inner += unit.inner
