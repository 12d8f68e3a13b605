"""Events as lines for people, in logs and where there is no terminal."""

from __future__ import annotations

import time
from typing import Any

from training.engine.events import Event


def sentence(event: Event) -> str:
    """Return an event as one line."""
    clock = time.strftime("%H:%M:%S", time.localtime(event.time))
    return f"{clock}  {body(event.kind, event.values)}"


def body(kind: str, values: Any) -> str:
    """Return what an event says, without when."""
    match kind:
        case "attempt":
            return f"trainer {values['pid']} on {values['host']}"
        case "preparing":
            counted = f"{values['done']} of {values['total']} " if values["total"] else ""
            return f"preparing: {counted}{values['what']}"
        case "init":
            return f"init: {values['text']}"
        case "started":
            return (
                f"step {values['step']} of {values['steps']}, {values['images']} images, {values['validation_images']} "
                f"to validate on; {values['device']}, {values['precision']}"
                f"{', channels_last' if values['channels_last'] else ''}, {values['threads']} threads; "
                f"{duration(values['seconds'])} in all, {values['peak_memory'] / 2**30:.1f} GiB. {values['data']}"
            )
        case "step":
            return (
                f"step {values['step']}/{values['steps']}  loss {_number(values['loss'])}  lr {values['lr']:.3g}  "
                f"{_number(values['images_per_second'], 1)} images/s  waits {_percent(values['data_wait_share'])}  "
                f"train mIoU {_percent(values['train_miou'])}  {duration(values['eta'])} left"
            )
        case "validating":
            return f"validating: {values['done']} of {values['total']} images"
        case "validation":
            best = ", the best so far" if values["best"] else ""
            return f"step {values['step']}: val mIoU {_percent(values['miou'])}{best}"
        case "thaw":
            return str(values["text"])
        case "checkpoint":
            return f"step {values['step']}: saved"
        case "end":
            return f"{values['state']}: {values['sentence']}"
        case _:
            return f"{kind}: {values.get('text', '')}"


def duration(seconds: float | None) -> str:
    """Return seconds for people: `45 s`, `12 min`, `3 h 20 min`."""
    if seconds is None:
        return "unknown time"
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def _number(value: float | None, digits: int = 4) -> str:
    return "n/a" if value is None else f"{value:.{digits}f}"


def _percent(value: float | None) -> str:
    return "n/a" if value is None else f"{100 * value:.1f} %"
