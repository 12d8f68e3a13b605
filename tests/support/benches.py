"""A bench as it is written down, with figures that one can add up in one's head."""

from __future__ import annotations

from typing import Any

from training.bench.document import Bench, BenchPlan, Entry, Measures

CLASSES = ("sky", "road|path")


def measures(iou: tuple[float | None, ...], **other: Any) -> Measures:
    """Return what a training measured; its mIoU is the mean of the classes that have one."""
    known = [value for value in iou if value is not None]
    usual: dict[str, Any] = {
        **{"evaluations": (1,), "images": 4, "miou": sum(known) / len(known) if known else None, "iou": iou},
        **{"parameters": 2_000_000, "images_per_second": 10.0, "height": 120, "width": 160},
        **{"device": "A <processor>, 1 threads", "memory": 2**30, "memory_of": "memory of the process"},
        **{"steps": 100, "seconds": 90.0},
    }
    return Measures(**usual | other)


def bench(*entries: Entry, **plan: Any) -> Bench:
    """Return a bench of some entries."""
    usual: dict[str, Any] = {"revision": "ab" * 32, "classes": CLASSES}
    return Bench(name="a *bench*", created_at=0.0, plan=BenchPlan(**usual | plan), entries=entries)


def sample_bench() -> Bench:
    """Return a bench of three architectures: two seeds, one seed and one that failed."""
    return bench(
        Entry(architecture="unet", seed=0, run=1, measures=measures((0.5, 0.3), seconds=60.0, steps=100)),
        Entry(architecture="fpn", seed=0, run=2, measures=measures((0.9, None), parameters=5_000_000, memory=None)),
        Entry(architecture="segnet", seed=0, fault="=too much | memory"),
        Entry(architecture="unet", seed=1, run=3, measures=measures((0.7, 0.5), seconds=120.0, memory=3 * 2**30)),
        Entry(architecture="fpn", seed=1),
        Entry(architecture="segnet", seed=1, fault="as well"),
        settings={"steps": "100", "unet:batch": "2"},
    )
