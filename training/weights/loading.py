"""Fitting the tensors of a file to those of a network, and saying in plain words what does not fit."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from torch import Size, Tensor, nn

from db.errors import UserError
from training.architectures.contract import Architecture

# What wrappers put before every key: DataParallel, torch.compile, training scripts, DeepLab's multi-scale wrapper.
_WRAPPERS = ("module.", "_orig_mod.", "model.", "network.", "net.", "scale.", "base.")
# Bookkeeping of batch normalisation that decides nothing here and that files written before torch 0.4.1 lack.
_COUNTER = "num_batches_tracked"
_SHOWN = 5


@dataclass(frozen=True)
class Reshaped:
    """A tensor that file and network have in different shapes."""

    key: str
    expected: tuple[int, ...]
    found: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.key} (the network has {_times(self.expected)}, the file {_times(self.found)})"


@dataclass(frozen=True)
class LoadReport:
    """How a file's tensors and a network's go together; keys are the network's.

    Attributes:
        loaded: number of tensors taken from the file.
        missing: the network has them, the file does not.
        unexpected: the file has them, the network does not.
        reshaped: both have them, in different shapes.
        fresh: of the missing and reshaped: those that keep their initial values, because they belong to the head.
    """

    loaded: int
    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    reshaped: tuple[Reshaped, ...] = ()
    fresh: tuple[str, ...] = ()

    @property
    def exact(self) -> bool:
        """Whether every tensor of either side has its counterpart."""
        return not (self.missing or self.unexpected or self.reshaped)

    @property
    def sentence(self) -> str:
        """What a start took and what not, with counts, in half a sentence."""
        left_out = (*self.unexpected, *(item.key for item in self.reshaped))
        parts = [f"{self.loaded} tensors taken"]
        if self.fresh:
            parts.append(f"{_counted(self.fresh)} of this network begin anew")
        if left_out:
            parts.append(f"{_counted(left_out)} left out")
        return ", ".join(parts) + "."

    @property
    def text(self) -> str:
        """The report in sentences, one a line."""
        lines = [f"{self.loaded} tensors fit."]
        for words, items in (
            ("Missing, in the network but not in the file", self.missing),
            ("Unexpected, in the file but not in the network", self.unexpected),
            ("Of another shape", self.reshaped),
            ("Freshly initialised", self.fresh),
        ):
            if items:
                lines.append(f"{words}: {_some(items)}.")
        return "\n".join(lines)


def load_model(module: nn.Module, state: Mapping[str, Tensor], source: str) -> LoadReport:
    """Fill a whole network from a file's tensors; every one must fit. Prefixes that wrappers add are seen through.

    Args:
        module: gets the values; unchanged when something does not fit.
        state: the tensors, as `read_state_dict` gives them.
        source: what to call the file in an error.

    Raises:
        UserError: says which tensors are missing, unexpected or of another shape.
    """
    expected = module.state_dict()
    state = _best_alignment(state, expected)
    report = _compare(expected, state)
    if not report.exact:
        raise UserError(
            f"{source} does not fit this network.\n{report.text}\n"
            "Check the architecture, its options and the number of classes."
        )
    _copy(module, state)
    return report


def load_start(
    module: Architecture, state: Mapping[str, Tensor], source: str, *, encoder_only: bool = False
) -> tuple[LoadReport, bool]:
    """Fill a network as the start of a training: from a model of the same kind, or from a backbone's checkpoint.

    The encoder must fit wholly. What the head lacks or has in another shape, as with another number of classes, keeps
    its initial values and is reported as fresh.

    Args:
        module: gets the values.
        state: the tensors, as `read_state_dict` gives them.
        source: what to call the file in an error.
        encoder_only: leave the head of a model of the same kind where it is.

    Returns:
        The report, and whether the file was a backbone's.

    Raises:
        UserError: nothing fits, or the encoder does not; says which tensors.
    """
    names, within = module.state_dict(), module.encoder().state_dict()
    whole = _best_alignment(state, names)
    backbone = max(
        (_translated(module, candidate) for candidate in _alignments(state, ())), key=lambda c: len(c.keys() & within)
    )
    inside = encoder_names(module)
    if len(backbone.keys() & within) > len(whole.keys() & inside):
        report = _compare(within, backbone)
        if not report.exact:
            raise _unfit_encoder(source, report)
        _copy(module.encoder(), backbone)
        return report, True
    found = _compare(names, whole)
    if found.loaded == 0:
        raise UserError(f"{source} has no tensor in common with {module.name}: {_some(tuple(state))}.")
    blocking = _blocking(found, inside)
    if not blocking.exact:
        raise _unfit_encoder(source, blocking)
    taken = {key: value for key, value in whole.items() if key in inside} if encoder_only else whole
    report = _with_fresh_head(_compare(names, taken), inside)
    _copy(module, {key: value for key, value in taken.items() if key in names and key not in report.fresh})
    return replace(report, unexpected=tuple(sorted({*report.unexpected, *(whole.keys() - taken.keys())}))), False


def load_encoder(module: Architecture, encoder: Mapping[str, Tensor], source: str) -> LoadReport:
    """Fill a network's encoder with that of another network, which may be of another architecture.

    Args:
        module: whose encoder must be the same; unchanged when it is not.
        encoder: tensors by the names they have in the other encoder; those that ImageNet checkpoints have are known,
            too.
        source: what to call the other in an error.

    Raises:
        UserError: the encoders differ; says in which tensors.
    """
    within = module.encoder().state_dict()
    candidates = [_best_alignment(encoder, within)]
    if module.imagenet is not None:  # else the same names and shapes may mean another function
        candidates.append(_translated(module, encoder))
    fitting = max(candidates, key=lambda candidate: len(candidate.keys() & within))
    report = _compare(within, fitting)
    if not report.exact:
        raise _unfit_encoder(source, report)
    _copy(module.encoder(), fitting)
    return LoadReport(report.loaded, fresh=tuple(module.state_dict().keys() - encoder_names(module)))


def encoder_state(module: Architecture, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the encoder's part of a network's state, by the encoder's own names."""
    names = {id(tensor): name for name, tensor in module.state_dict(keep_vars=True).items()}
    return {key: state[names[id(tensor)]] for key, tensor in module.encoder().state_dict(keep_vars=True).items()}


def count_classes(architecture: type[Architecture], state: Mapping[str, Tensor]) -> int | None:
    """Return how many classes a file's head predicts, None where it has no such head."""
    wanted = architecture.head_key
    for key, value in state.items():
        if f".{key}".endswith(f".{wanted}") or f".{wanted}".endswith(f".{key}"):
            return int(value.shape[0]) if value.dim() else None
    return None


def _alignments(state: Mapping[str, Tensor], common: Collection[str]) -> Iterator[dict[str, Tensor]]:
    """Yield the state as it is, then with one wrapper after the other taken off, each also with `common` put before."""
    current = dict(state)
    while True:
        yield current
        for prefix in common:
            yield {prefix + key: value for key, value in current.items()}
        worn = next((w for w in _WRAPPERS if current and all(key.startswith(w) for key in current)), None)
        if worn is None:
            return
        current = {key.removeprefix(worn): value for key, value in current.items()}


def _best_alignment(state: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> dict[str, Tensor]:
    first = {key.split(".")[0] + "." for key in expected}
    common = first if len(first) == 1 else ()
    # The first of equals, so that a file that fits as it is stays as it is.
    return max(_alignments(state, common), key=lambda candidate: len(candidate.keys() & expected))


def _compare(expected: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> LoadReport:
    shared = expected.keys() & state.keys()
    reshaped = tuple(
        Reshaped(key, tuple(expected[key].shape), tuple(state[key].shape))
        for key in expected
        if key in shared and expected[key].shape != state[key].shape
    )
    return LoadReport(
        loaded=len(shared) - len(reshaped),
        missing=tuple(key for key in expected if key not in shared and not key.endswith(_COUNTER)),
        unexpected=tuple(key for key in state if key not in shared and not key.endswith(_COUNTER)),
        reshaped=reshaped,
    )


def encoder_names(module: Architecture) -> set[str]:
    """Return the encoder's keys as the whole network calls them."""
    inside = {id(tensor) for tensor in module.encoder().state_dict(keep_vars=True).values()}
    return {name for name, tensor in module.state_dict(keep_vars=True).items() if id(tensor) in inside}


def _translated(module: Architecture, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    named = ((module.imagenet_key(key), value) for key, value in state.items())
    return {key: value for key, value in named if key is not None}


def _with_fresh_head(report: LoadReport, inside: Collection[str]) -> LoadReport:
    lacking = (*report.missing, *(item.key for item in report.reshaped))
    fresh = tuple(key for key in lacking if key not in inside)
    return LoadReport(report.loaded, report.missing, report.unexpected, report.reshaped, fresh)


def _blocking(report: LoadReport, inside: Collection[str]) -> LoadReport:
    """Keep of a report what concerns the encoder. A further head in the file, such as an auxiliary one, does not."""
    roots = {key.split(".")[0] for key in inside}
    return LoadReport(
        report.loaded,
        tuple(key for key in report.missing if key in inside),
        tuple(key for key in report.unexpected if key.split(".")[0] in roots),
        tuple(item for item in report.reshaped if item.key in inside),
    )


def _copy(module: nn.Module, state: Mapping[str, Tensor]) -> None:
    known = module.state_dict()
    module.load_state_dict({key: value for key, value in state.items() if key in known}, strict=False)


def _unfit_encoder(source: str, report: LoadReport) -> UserError:
    return UserError(
        f"{source} does not fit the encoder of this network.\n{report.text}\nCheck the architecture and its options."
    )


def _counted(names: Collection[str]) -> str:
    """Return how many, and which where they are few."""
    return f"{len(names)} ({', '.join(names)})" if len(names) < _SHOWN else str(len(names))


def _times(shape: tuple[int, ...] | Size) -> str:
    return "x".join(map(str, shape)) or "one number"


def _some(items: Collection[object]) -> str:
    shown = ", ".join(str(item) for item in list(items)[:_SHOWN])
    return f"{shown} and {len(items) - _SHOWN} more" if len(items) > _SHOWN else shown
