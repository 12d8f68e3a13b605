"""What happens while a photo passes through a network: every operation, whose results it takes, in which module.

Two things watch. Forward hooks tell which module is at work. A torch function mode sees every function of torch that is
called with tensors, and knows its arguments again by identity: so a tensor that is used twice, a skip connection, is
seen for what it is. On torch's `meta` device that costs no memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

from training.drawing.data import Shape

PHOTO = -1
"""Stands for the number of an operation where a tensor comes from none."""

# They only rearrange or cut: what comes out is the tensor that went in.
_REARRANGE = frozenset(
    {"chunk", "contiguous", "detach", "expand", "expand_as", "flatten", "float", "get", "getitem", "movedim", "permute"}
    | {"reshape", "reshape_as", "split", "squeeze", "to", "transpose", "type_as", "unbind", "unflatten", "unsqueeze"}
    | {"view", "view_as"}
)
_REFLECTED = {"radd": "add", "rmul": "mul", "rsub": "sub", "rtruediv": "div", "truediv": "div", "rmatmul": "matmul"}


@dataclass(frozen=True)
class Call:
    """A module at work, once: `number` counts calls from 0, `path` is its name in the network, `kind` its class."""

    number: int
    path: str
    kind: str


@dataclass(frozen=True)
class Operation:
    """A function of torch, called once.

    Attributes:
        number: counts operations from 0.
        name: of the function, `conv2d`.
        calls: numbers of the calls it happens in, the outermost first.
        sources: numbers of the operations whose results it takes, each once; `PHOTO` where that is the photo.
        shape: of its result, of the first where it gives several.
        parameters: names of those it computes with.
    """

    number: int
    name: str
    calls: tuple[int, ...]
    sources: tuple[int, ...]
    shape: Shape
    parameters: frozenset[str]


@dataclass(frozen=True)
class Trace:
    """All that was observed.

    Attributes:
        photo: shape of what went in.
        calls: of modules, in order.
        operations: in order.
        outputs: the operations whose results the network gave, by name.
        sizes: numbers in every parameter, by name.
    """

    photo: Shape
    calls: tuple[Call, ...]
    operations: tuple[Operation, ...]
    outputs: Mapping[str, int]
    sizes: Mapping[str, int]

    def shape(self, source: int) -> Shape:
        """Return the shape of an operation's result, or of the photo."""
        return self.photo if source == PHOTO else self.operations[source].shape


def trace(network: nn.Module, photo: Tensor, run: Callable[[Tensor], Mapping[str, Tensor]]) -> Trace:
    """Watch a network run.

    Args:
        network: whose modules are told apart.
        photo: what goes in.
        run: lets the photo pass through the network and returns its outputs by name.
    """
    watch = _Watch(network, photo)
    with watch.hooked(), watch:
        outputs = run(photo)
    return Trace(
        photo=tuple(photo.shape),
        calls=tuple(watch.calls),
        operations=tuple(watch.operations),
        outputs={name: watch.origin[id(tensor)] for name, tensor in outputs.items()},
        sizes={name: parameter.numel() for name, parameter in network.named_parameters()},
    )


class _Watch(TorchFunctionMode):
    def __init__(self, network: nn.Module, photo: Tensor) -> None:
        super().__init__()
        self.network = network
        self.calls: list[Call] = []
        self.operations: list[Operation] = []
        self.active: list[int] = []
        self.seen: list[Tensor] = [photo]  # kept, so that no identity is given away twice
        self.origin = {id(photo): PHOTO}
        # Of a parameter, and of what is computed from parameters alone: their names.
        self.parameters = {id(parameter): frozenset({name}) for name, parameter in network.named_parameters()}

    @contextmanager
    def hooked(self) -> Iterator[None]:
        """Know of every module when it is at work."""
        handles = []
        for path, module in self.network.named_modules():
            handles.append(module.register_forward_pre_hook(self._entering(path)))
            handles.append(module.register_forward_hook(self._left))
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def __torch_function__(
        self, func: Callable[..., Any], types: Sequence[type], args: Any = (), kwargs: Any = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        self._note(str(func.__name__).strip("_"), _tensors((args, kwargs)), _tensors(result))
        return result

    def _note(self, name: str, taken: list[Tensor], given: list[Tensor]) -> None:
        if not given:  # a size was asked for
            return
        sources = tuple(dict.fromkeys(self.origin[id(tensor)] for tensor in taken if id(tensor) in self.origin))
        parameters = frozenset[str]().union(*(self.parameters.get(id(tensor), frozenset()) for tensor in taken))
        self.seen += given
        if not sources:
            self.parameters |= {id(tensor): parameters for tensor in given}
            return
        if name in _REARRANGE:
            origin = sources[0]
        else:
            origin = len(self.operations)
            name = _REFLECTED.get(name, name)
            shape = tuple(given[0].shape)
            self.operations.append(Operation(origin, name, tuple(self.active), sources, shape, parameters))
        self.origin |= dict.fromkeys(map(id, given), origin)

    def _entering(self, path: str) -> Callable[[nn.Module, Any], None]:
        def enter(module: nn.Module, taken: Any) -> None:
            self.active.append(len(self.calls))
            self.calls.append(Call(len(self.calls), path, type(module).__name__.lstrip("_")))

        return enter

    def _left(self, module: nn.Module, taken: Any, given: Any) -> None:
        self.active.pop()


def _tensors(tree: Any) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, torch.Tensor)]
