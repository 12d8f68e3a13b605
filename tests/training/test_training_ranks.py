"""Several processes that train one run together end where one alone does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
import torch

from db.errors import UserError
from tests.support.runs import make_run, tiny_recipe
from training.data.sampling import Sampler
from training.data.spec import BatchSpec
from training.engine.events import read_events
from training.engine.place import Place, place_of
from training.engine.rundir import EXIT_FAILED, EXIT_OK, EXIT_RESUME, EXIT_USER, RunDirectory
from training.engine.state import load_checkpoint
from training.numerics import pick_devices
from training.runs.files import describe

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = {
    "steps": "300",
    "checkpoint_every": "50",
    "validation.every_steps": "100",
    "batch": "3",  # shared by two, one has more
    "accumulate": "2",
    "options.batch_norm": "false",  # which sees its own share only
    "loss.class_weights": "median_frequency",
    "optimizer.name": "sgd",
    "optimizer.lr": "0.05",
}


def start(run: RunDirectory, *launcher: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-P", "-m", *(launcher or ("training.engine",)), str(run.path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    with run.log.open("ab") as log:
        return subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)


def train(run: RunDirectory, *launcher: str) -> int:
    return start(run, *launcher).wait(120)


def until(found: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def told(run: RunDirectory, kind: str) -> list[Mapping[str, object]]:
    return [event.values for event in read_events(run.events) if event.kind == kind]


def of_group(leader: int) -> list[int]:
    """Return the other processes of a leader's session, by the kernel's own table."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != leader:
            try:
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(fields[3]) == leader and fields[0] != "Z":
                found.append(int(entry.name))
    return found


def pictures(run: RunDirectory) -> list[Path]:
    return sorted(path.relative_to(run.samples) for path in run.samples.rglob("*.png"))


def weights(run: RunDirectory) -> dict[str, torch.Tensor]:
    found: dict[str, torch.Tensor] = load_checkpoint(run.last)["model"]
    return found


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    """Trained by two processes that nobody disturbed."""
    run = make_run(tmp_path_factory.mktemp("two"), tiny_recipe(**SETTINGS), device="cpu,cpu")
    assert train(run) == EXIT_OK, run.log.read_text()
    return run


def test_two_end_where_one_does(together: RunDirectory, tmp_path: Path) -> None:
    alone = make_run(tmp_path, tiny_recipe(**SETTINGS))
    assert train(alone) == EXIT_OK, alone.log.read_text()
    for name, tensor in weights(alone).items():
        torch.testing.assert_close(weights(together)[name], tensor, rtol=1e-3, atol=1e-4)
    one, two = told(alone, "validation"), told(together, "validation")
    assert [values["step"] for values in two] == [100, 200, 300]
    assert [values["miou"] for values in two] == pytest.approx([values["miou"] for values in one], abs=0.02)
    assert pictures(alone) == pictures(together) != []
    assert len(told(together, "attempt")) == 1
    assert told(together, "started")[0]["ranks"] == 2


@pytest.mark.parametrize("victim", ["leader", "follower"])
def test_a_killed_process_costs_only_what_came_after_the_checkpoint(
    together: RunDirectory, tmp_path: Path, victim: str
) -> None:
    run = make_run(tmp_path, tiny_recipe(**SETTINGS), device="cpu,cpu")
    leader = start(run)
    until(lambda: told(run, "checkpoint"))
    (follower,) = of_group(leader.pid)
    os.kill(leader.pid if victim == "leader" else follower, signal.SIGKILL)
    code = leader.wait(30)
    until(lambda: not of_group(leader.pid), 30)
    state, figures = describe(run.path)
    if victim == "leader":
        assert (code, state) == (-signal.SIGKILL, "interrupted")
    else:
        assert (code, state) == (EXIT_FAILED, "failed")
        assert "process 1 was killed (SIGKILL, perhaps for memory)" in figures["sentence"]
    assert train(run) == EXIT_OK, run.log.read_text()
    one, two = weights(together), weights(run)
    assert [name for name in one if not torch.equal(one[name], two[name])] == []


def test_all_stop_when_asked(tmp_path: Path) -> None:
    # Batch normalisation besides: the statistics kept are the leader's, whoever validates.
    settings = {**SETTINGS, "steps": "100000", "options.batch_norm": "true"}
    run = make_run(tmp_path, tiny_recipe(**settings), device="cpu,cpu")
    leader = start(run)
    until(lambda: told(run, "step"))
    run.stop_flag.touch()
    assert leader.wait(30) == EXIT_RESUME
    assert of_group(leader.pid) == []
    assert describe(run.path)[0] == "stopped"


def test_a_launcher_may_start_them(tmp_path: Path) -> None:
    recipe = tiny_recipe(**{**SETTINGS, "steps": "1", "loss.dice": "0.5"})  # a term that counts by images, too
    run, alone = make_run(tmp_path, recipe), make_run(tmp_path, recipe, name="alone")
    assert train(alone) == EXIT_OK
    torchrun = ["torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m", "training.engine"]
    assert train(run, *torchrun) == EXIT_OK, run.log.read_text()
    assert told(run, "started")[0]["ranks"] == 2
    (one,), (two,) = told(alone, "step"), told(run, "step")
    assert (two["loss"], two["train_miou"]) == pytest.approx((one["loss"], one["train_miou"]), rel=1e-4)
    for name, tensor in weights(alone).items():
        torch.testing.assert_close(weights(run)[name], tensor, rtol=1e-4, atol=1e-6)


def test_a_batch_too_small_to_share_is_the_users_mistake(tmp_path: Path) -> None:
    run = make_run(tmp_path, tiny_recipe(**{**SETTINGS, "batch": "1"}), device="cpu,cpu")
    assert train(run) == EXIT_USER
    assert "A batch of 1 cannot be shared by 2 devices" in describe(run.path)[1]["sentence"]


def test_every_share_has_the_size_of_the_whole_batch() -> None:
    sizes = np.array([[10, 40], [30, 20], [25, 25], [12, 8]])
    shares = [Sampler(sizes, (0, 1, 2, 3), BatchSpec(), 0, 4, rank, 2) for rank in range(2)]
    whole = Sampler(sizes, (0, 1, 2, 3), BatchSpec(), 0, 4)
    assert [share.size(0, share.samples(0)) for share in shares] == [(30, 40), (30, 40)]
    assert whole.samples(0) == shares[0].samples(0) + shares[1].samples(0)


def test_a_place_is_read_from_the_environment() -> None:
    where = {"MASTER_ADDR": "localhost", "MASTER_PORT": "1"}
    told = {"RANK": "5", "WORLD_SIZE": "8", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "4", **where}
    assert place_of(told) == Place(5, 8, 1, 4)
    assert place_of({}) == place_of({"WORLD_SIZE": "1"}) == Place()
    with pytest.raises(UserError, match="LOCAL_RANK, LOCAL_WORLD_SIZE, MASTER_ADDR, MASTER_PORT is not set"):
        place_of({"RANK": "0", "WORLD_SIZE": "2"})


def test_devices_that_train_together_are_alike() -> None:
    assert pick_devices("cpu, cpu") == [torch.device("cpu")] * 2
    with pytest.raises(UserError, match="no device 'tpu'"):
        pick_devices("cpu,tpu")
