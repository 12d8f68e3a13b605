"""A run's curves: loss, learning rate, mIoU and speed by step, as far as they are known, and then what is new."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from training.engine.events import Event, follow
from training.engine.narrate import body
from training.engine.rundir import RunDirectory
from training.runs.files import describe

POINTS = 1000
MESSAGES = ("queued", "init", "warning", "started", "thaw", "end")


@dataclass(frozen=True)
class Message:
    """A sentence of the trainer's: `kind` is queued, init, warning, started, thaw or end; `time` seconds since 1970."""

    time: float
    kind: str
    text: str


@dataclass(frozen=True)
class StepPoint:
    """What was reported at a step: means since the report before it.

    Attributes:
        seconds: of training since the first step, pauses left out; None where reading began in the middle.
    """

    step: int
    loss: float | None
    lr: float | None
    train_miou: float | None
    images_per_second: float | None
    seconds: float | None = None


@dataclass(frozen=True)
class ValidationPoint:
    """What a validation found.

    Attributes:
        iou: by class, in index order, None where a class does not occur.
        seconds: as of a `StepPoint`.
    """

    step: int
    miou: float | None
    pa: float | None
    iou: tuple[float | None, ...]
    best: bool
    seconds: float | None = None


@dataclass(frozen=True)
class Series:
    """What is new of a run's curves.

    Attributes:
        position: where to go on from next time.
        state: of the run, as `RunInfo.state`.
        figures: of the run, as `RunInfo.figures`.
        rewind: a resumed trainer went back to this step: whatever was known beyond it is superseded by what is here.
            None where nothing is.
        steps: in order of the step.
        validations: likewise.
        messages: in order of time, of all attempts.
    """

    position: int
    state: str
    figures: dict[str, Any]
    rewind: int | None
    steps: list[StepPoint]
    validations: list[ValidationPoint]
    messages: list[Message]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values: `steps` by column, as there are many."""
        columns = ("step", "loss", "lr", "train_miou", "images_per_second")
        return {
            "position": self.position,
            "state": self.state,
            "figures": self.figures,
            "rewind": self.rewind,
            "steps": {name: [getattr(point, name) for point in self.steps] for name in columns},
            "validations": [vars(point) | {"iou": list(point.iou)} for point in self.validations],
            "messages": [vars(message) for message in self.messages],
        }


def run_series(directory: Path, after: int = 0, points: int = POINTS) -> Series:
    """Read what is new of a run's curves since byte `after` of its events.

    A trainer that was killed and resumed repeats the steps since its last checkpoint; what the later attempt says of
    them counts. More points than asked for are thinned: the steps are cut into equal stretches, and of each the points
    with the lowest and with the highest loss are kept, and so are the first and the last of all. So the curve of the
    loss touches every valley and peak it had; the other curves show what they were at those very steps.

    Args:
        directory: of the run.
        after: 0, or the position that an earlier call gave.
        points: at most about so many steps.
    """
    # Before the events are read: an end that is known by then is among them.
    state, figures = describe(directory)
    events, position = follow(RunDirectory(directory).events, after)
    curves = _Curves()
    for event in events:
        with suppress(KeyError):  # another version may tell it otherwise
            curves.add(event)
    return Series(
        position=position,
        state=state,
        figures=figures,
        rewind=curves.rewind,
        steps=thin(curves.steps, points),
        validations=curves.validations,
        messages=curves.messages,
    )


@dataclass
class _Curves:
    rewind: int | None = None
    steps: list[StepPoint] = field(default_factory=list)
    validations: list[ValidationPoint] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    zero: float | None = None  # when the first step would have been, had there been no pause

    def add(self, event: Event) -> None:
        values = event.values
        if event.kind in MESSAGES:
            self.messages.append(Message(event.time, event.kind, body(event.kind, values)))
        if event.kind == "started":
            self._go_back_to(values["step"])
            self.zero = event.time - self._seconds_so_far()
        elif event.kind == "step":
            known = ("step", "loss", "lr", "train_miou", "images_per_second")
            seconds = self._seconds(event)
            self.steps.append(StepPoint(**{name: values[name] for name in known}, seconds=seconds))
        elif event.kind == "validation":
            found = (values["step"], values["miou"], values["pa"], tuple(values["iou"]), values["best"])
            self.validations.append(ValidationPoint(*found, seconds=self._seconds(event)))

    def _seconds(self, event: Event) -> float | None:
        return None if self.zero is None else event.time - self.zero

    def _seconds_so_far(self) -> float:
        """Return the seconds at the last point that counts: what a killed trainer did beyond it is done again."""
        last = [each[-1].seconds for each in (self.steps, self.validations) if each]
        return max((seconds or 0.0 for seconds in last), default=0.0)

    def _go_back_to(self, step: int) -> None:
        self.rewind = step if self.rewind is None else min(step, self.rewind)
        self.steps = [point for point in self.steps if point.step <= step]
        self.validations = [point for point in self.validations if point.step <= step]


def thin(points: Sequence[StepPoint], count: int) -> list[StepPoint]:
    """Keep about `count` points; see `run_series`."""
    if len(points) <= count:
        return list(points)
    first, last = points[0].step, points[-1].step
    stretches: dict[int, list[StepPoint]] = {}
    for point in points:
        stretches.setdefault((point.step - first) * (count // 2) // (last - first + 1), []).append(point)
    kept = {points[0].step: points[0], points[-1].step: points[-1]}
    for stretch in stretches.values():
        for point in _extremes(stretch):
            kept[point.step] = point
    return [kept[step] for step in sorted(kept)]


def _extremes(stretch: Iterable[StepPoint]) -> tuple[StepPoint, ...]:
    known = [point for point in stretch if point.loss is not None]
    if not known:
        return ()
    return min(known, key=_loss), max(known, key=_loss)


def _loss(point: StepPoint) -> float:
    assert point.loss is not None
    return point.loss
