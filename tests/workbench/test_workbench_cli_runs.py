"""Trainings by command line: detached, queued, followed, stopped, resumed, interrupted. Real processes and signals."""

import signal

import pytest

from tests.support.campus import make_campus
from tests.support.cli import TINY, Workbench, answer

pytestmark = pytest.mark.xdist_group("cli-runs")
ENDLESS = ("--steps", "1000000", "--set", "checkpoint_every=1000")
NAME = "Übung [red] <b> 'eins'"


@pytest.fixture
def bench(tmp_path):
    make_campus(tmp_path, 4)
    bench = Workbench(tmp_path)
    yield bench
    for run in bench.ask("runs")["runs"]:  # leave no trainer behind, whatever failed
        if run["state"] in ("running", "queued", "preparing"):
            bench.run("stop", run["run"])


def test_detached_queued_followed_stopped_resumed_interrupted(bench):
    started = bench.ask("train", *TINY, *ENDLESS, "--name", NAME, "--detach")
    assert started["run"] == 1
    assert started["state"] in ("queued", "preparing", "running")
    bench.wait_for_run(1, lambda run: run["state"] == "running")

    # One training a device: the second one waits, and everybody can see for whom.
    second = bench.start("train", *TINY, "--steps", 4, "--json")
    waiting = bench.wait_for_run(2, lambda run: run["state"] == "queued" and run["sentence"])
    assert "run 1" in waiting["sentence"]
    listed = bench.run("runs").out
    assert NAME in listed
    assert "queued" in listed

    stopped = bench.ask("stop", 1)
    assert (stopped["run"], stopped["state"]) == (1, "stopped")
    assert 0 < stopped["steps"] < 1000000
    assert "resume" in stopped["sentence"]
    said = answer(second)
    assert (said.code, said.object["state"], said.object["steps"]) == (0, "finished", 4)
    assert "run 1 has the device" in said.err

    # Ctrl-C in the foreground saves, and says so with the code that means "resume me".
    resumed = bench.start("resume", 1, "--json")
    bench.wait_for_run(1, lambda run: run["state"] == "running" and run["steps"] > stopped["steps"])
    following = bench.start("logs", 1, "--follow")
    assert following.stdout.readline()
    resumed.send_signal(signal.SIGINT)
    said = answer(resumed)
    assert said.code == 75, said.err
    assert (said.object["state"], "Traceback" in said.err) == ("stopped", False)
    assert said.object["steps"] > stopped["steps"]
    log = answer(following)
    assert (log.code, log.err) == (0, "")
    assert "it can be resumed" in log.out

    # What does not fit the state is the user's mistake.
    for arguments in (("stop", 1), ("resume", 2)):
        refused = bench.run(*arguments)
        assert (refused.code, refused.out) == (2, "")
        assert "Traceback" not in refused.err
    finished = bench.run("logs", 2, "-f")
    assert (finished.code, "finished" in finished.out) == (0, True)
