"""Asking for a bench, and what is measured of a training, without training."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from db.errors import NotFoundError, UserError
from tests.support.campus import Campus, make_campus
from tests.support.runs import make_run, tiny_recipe
from training.bench.document import BenchPlan, bench_folder
from training.bench.listing import find_bench, list_benches
from training.bench.measure import training_took
from training.bench.method import images_per_second
from training.bench.opening import BenchRequest, open_bench, read_seeds
from training.engine.events import EventWriter


@pytest.fixture(scope="module")
def campus(tmp_path_factory: pytest.TempPathFactory) -> Campus:
    return make_campus(tmp_path_factory.mktemp("bench"), 3)


def opened(campus: Campus, **asked: Any) -> Any:
    return open_bench(campus.home, campus.database, BenchRequest(project="campus", **asked))[1]


def test_seeds_are_a_number_or_a_list() -> None:
    assert (read_seeds("2"), read_seeds("7,"), read_seeds("3, 1,3")) == ((0, 1), (7,), (3, 1))
    for text in ("0", "101", "", "a", "-1", "1.5", ","):
        with pytest.raises(UserError, match="seeds"):
            read_seeds(text)


def test_a_bench_looks_at_every_architecture_once_before_a_second_seed(campus: Campus) -> None:
    bench = opened(campus, name="order", architectures=["unet", "fpn", "unet"], seeds=(0, 1))
    assert [(entry.architecture, entry.seed) for entry in bench.entries] == [
        *(("unet", 0), ("fpn", 0), ("unet", 1), ("fpn", 1))
    ]


def test_what_all_trainings_have_in_common_stays_and_architectures_may_be_added(campus: Campus) -> None:
    first = opened(campus, name="grows", architectures=["unet"], seeds=(0,), settings={"resize": "long 64"})
    assert first.plan.size == "long 64"
    assert len(first.plan.revision) == 64
    assert opened(campus, name="grows") == first
    grown = opened(campus, name="grows", architectures=["fpn"], revision=first.plan.revision[:8])
    assert grown.plan == first.plan
    assert grown.architectures == ("unet", "fpn")
    for other in ({"settings": {"batch": "2"}}, {"on": "train"}, {"recipe": "scratch"}, {"revision": "0000"}):
        with pytest.raises(UserError, match="begun"):
            opened(campus, name="grows", **other)
    view = find_bench(campus.home, campus.database, "campus", "grows")
    assert (view.state, [each.state for each in view.entries]) == ("stopped", ["waiting", "waiting"])
    assert "grows" in [each.bench.name for each in list_benches(campus.home, campus.database, "campus")]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"architectures": ["unet", "unett"]}, "no architecture 'unett'"),
        ({"architectures": []}, "--archs all"),
        ({"architectures": ["unet"], "name": "../up"}, "named by letters"),
        ({"architectures": ["unet"], "settings": {"batches": "2"}}, "batches"),
        ({"architectures": ["unet"], "settings": {"fpn:batch": "2"}}, "has no architecture 'fpn'"),
        ({"architectures": ["unet"], "settings": {"unet:batch": "none"}}, "batch"),
        ({"architectures": ["unet"], "size": "huge"}, "size"),
    ],
)
def test_a_slip_is_told_before_anything_is_trained(campus: Campus, asked: dict[str, Any], words: str) -> None:
    before = [each.bench.name for each in list_benches(campus.home, campus.database, "campus")]
    with pytest.raises(UserError, match=words):
        opened(campus, **asked)
    assert [each.bench.name for each in list_benches(campus.home, campus.database, "campus")] == before


def test_a_bench_without_a_name_gets_the_next_free_one(campus: Campus) -> None:
    names = [opened(campus, architectures=["unet"], seeds=(0,)).name for _ in range(2)]
    assert names == ["bench-1", "bench-2"]
    with pytest.raises(NotFoundError, match="workbench benches"):
        bench_folder(campus.home, 1, "bench-3").read()


def test_settings_of_one_architecture_go_before_those_of_all() -> None:
    plan = BenchPlan(revision="", classes=(), settings={"unet:batch": "2", "batch": "8", "fpn:steps": "1"})
    assert plan.settings_of("unet", 4) == {"batch": "2", "seed": "4"}


def test_speed_is_the_median_of_the_passes_after_the_warm_up() -> None:
    # Of every pass: when it begins, when it ends, and a look whether the time is up. 1 s, 1 s, 4 s.
    times = iter([0.0, 0.0, 1.0, 1.0, 2.0, 2.0, 6.0, 6.0])
    calls = itertools.count(1)
    assert images_per_second(lambda: next(calls), seconds=5.0, clock=lambda: next(times)) == 1.0
    assert next(calls) == 2 + 3 + 1


def test_pauses_between_attempts_are_no_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run(tmp_path, tiny_recipe(), train=1, val=0)
    now = itertools.chain([100.0, 110.0, 120.0, 500.0, 510.0, 517.0])
    monkeypatch.setattr("training.engine.events.time.time", lambda: next(now))
    for step, memory in ((5, 300), (9, 200)):
        with EventWriter(run.events) as events:
            events.write("attempt", pid=1)
            events.write("started", step=0)
            events.write("step", step=step, memory=memory)
    assert training_took(run.path) == (9, 10.0 + 7.0, 300)


def test_memory_is_a_process_s_own_not_its_parent_s() -> None:
    alone = memory_of_a_child()
    ballast = bytearray(alone + (200 << 20))
    assert memory_of_a_child() < len(ballast)


def memory_of_a_child() -> int:
    """What a process that loads torch and does nothing held at most, by its own account."""
    code = "import torch; from training.engine.meter import peak_memory; print(peak_memory(torch.device('cpu')))"
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    return int(done.stdout)
