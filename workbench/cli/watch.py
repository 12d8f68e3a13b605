"""A training on screen: a live table on a terminal, a line now and then in a log. Everything goes to stderr."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from training.engine.narrate import duration
from workbench.cli.output import LINE_EVERY_SECONDS, named_progress, note, percent, task_progress

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import RenderableType

    from labeling.progress import Progress
    from training.engine.events import Event

SENTENCES = ("queued", "init", "warning", "thaw", "end")


class Watcher:
    """Turns a run's events into what a person sees."""

    def __init__(
        self,
        refresh: Callable[[RenderableType], None] | None = None,
        tell: Callable[[str], None] = note,
        progress: Progress | None = None,
    ) -> None:
        """Write sentences with `tell`; figures to a live display through `refresh`, or as lines where it is None.

        Args:
            refresh: shows a table of the newest figures.
            tell: writes a line.
            progress: told how far the training is.
        """
        self._refresh = refresh
        self._progress = progress
        self._sentence = tell
        self._figures: dict[str, Any] = {}
        self._validations: list[tuple[int, float | None, bool]] = []
        self._printed = 0.0

    def __call__(self, event: Event) -> None:
        """Take in one event."""
        values = event.values
        if event.kind in SENTENCES:
            sentence = str(values.get("text") or values.get("sentence"))
            self._sentence(sentence)
            if event.kind == "queued" and self._progress is not None:
                self._progress(0, None, sentence)  # it may be hours until there is anything else to tell
        elif event.kind == "started":
            self._sentence(_started(values))
        elif event.kind == "validation":
            self._validations.append((values["step"], values["miou"], values["best"]))
            if self._refresh is None:
                self._sentence(_validated(*self._validations[-1]))
        elif event.kind in ("step", "preparing", "validating"):
            self._figures = {"kind": event.kind, **self._figures, **values} | {"kind": event.kind}
            self._tell()
            if event.kind == "preparing" and not values["total"] and self._refresh is None:
                self._sentence(f"preparing: {values['what']}")

    def _tell(self) -> None:
        if self._progress is not None:
            known = self._figures
            done, total = ("step", "steps") if known["kind"] == "step" else ("done", "total")
            what = {"step": "steps", "validating": "validation images"}.get(known["kind"], known.get("what", ""))
            self._progress(known.get(done, 0), known.get(total), what)
        if self._refresh is not None:
            self._refresh(self._table())
        elif self._figures["kind"] == "step" and time.monotonic() - self._printed >= LINE_EVERY_SECONDS:
            self._printed = time.monotonic()
            self._sentence(", ".join(f"{name} {value}" for name, value in self._rows()))

    def _rows(self) -> list[tuple[str, str]]:
        known = self._figures
        if known["kind"] != "step" and "loss" not in known:
            what = str(known.get("what", known["kind"]))
            return [(what, f"{known['done']} / {known['total']}") if known.get("total") else ("preparing", what)]
        rows = [
            ("step", f"{known['step']} / {known['steps']}"),
            ("loss", f"{known['loss']:.4f}"),
            ("learning rate", f"{known['lr']:.2e}"),
            ("images/s", f"{known['images_per_second']:.1f}"),
            ("waiting for data", f"{percent(known['data_wait_share'])} %"),
            ("ETA", duration(known["eta"])),
            ("train mIoU", f"{percent(known['train_miou'])} %"),
        ]
        if known["kind"] == "validating":
            rows.append(("validating", f"{known['done']} / {known['total']}"))
        return rows

    def _table(self) -> RenderableType:
        from rich.table import Table
        from rich.text import Text

        grid = Table.grid(padding=(0, 2))
        for name, value in self._rows():
            grid.add_row(Text(name, style="dim"), Text(value))
        for validation in self._validations[-8:]:
            grid.add_row(Text(), Text(_validated(*validation)))
        return grid


@contextmanager
def watch_training(which: str = "") -> Iterator[Watcher]:
    """Give a watcher for one training; its live table disappears with the block. A task's progress says `which`."""
    if not sys.stderr.isatty():
        yield Watcher(progress=named_progress(task_progress(), which))
        return
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    with Live(console=Console(stderr=True), refresh_per_second=4, transient=True) as live:
        # Through the display's console, which keeps the table below what is said.
        yield Watcher(live.update, lambda text: live.console.print(Text(text)))


def _started(values: Any) -> str:
    memory = values["peak_memory"] / 2**30
    return (
        f"{values['steps']} steps from step {values['step']}, about {duration(values['seconds'])}, "
        f"{memory:.1f} GiB of memory at its peak"
    )


def _validated(step: int, miou: float | None, best: bool) -> str:
    return f"step {step}: val mIoU {percent(miou)} %{' (best)' if best else ''}"
