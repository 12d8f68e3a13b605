"""Benches by command line: killed in the middle, gone on with, one architecture that cannot be trained."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.support.campus import make_campus
from tests.support.cli import Workbench, answer

pytestmark = pytest.mark.xdist_group("cli-runs")
COMMON = (
    *("--set", "resize=32x32", "--set", "crop=32x32", "--set", "batch=2", "--set", "init=scratch"),
    *("--set", "precision=fp32", "--set", "channels_last=false", "--set", "checkpoint_every=2"),
    *("--set", "unet:options.width=2", "--set", "unet:options.levels=2", "--set", "plainconv:options.width=4"),
    *("--device", "cpu", "--steps", 60),
)


def test_a_bench_that_is_killed_goes_on_and_one_that_cannot_be_trained_does_not_end_the_others(tmp_path: Path) -> None:
    make_campus(tmp_path, 3)
    workbench = Workbench(tmp_path)
    archs = ("--archs", "unet,plainconv,segnet", "--set", "segnet:options.colour=red")
    begun = workbench.start("bench", *archs, "--seeds", 1, *COMMON, "--name", "tiny")
    try:
        workbench.wait_for_run(2, lambda run: run["steps"] > 0)
    finally:
        os.kill(begun.pid, signal.SIGKILL)
        answer(begun)
    half = workbench.ask("benches", "show", "tiny")
    assert half["entries"][0]["state"] == "finished"
    assert half["entries"][1]["measures"] is None

    again = workbench.run("bench", "--name", "tiny", "--json")
    assert again.code == 1, again.err
    found = again.object
    assert (found["state"], len(found["entries"])) == ("failed", 3)
    states = {entry["architecture"]: entry["state"] for entry in found["entries"]}
    assert states == {"unet": "finished", "plainconv": "finished", "segnet": "failed"}
    assert "no such option" in next(row for row in found["rows"] if row["architecture"] == "segnet")["faults"][0]
    # Nothing is done twice: two runs, and the one that was measured before the kill as it was.
    runs = workbench.ask("runs")["runs"]
    assert [run["state"] for run in runs] == ["finished"] * 2
    assert {run["revision"] for run in runs} == {found["plan"]["revision"]}
    assert found["entries"][0] == half["entries"][0]

    # The figures are the evaluation's.
    entry = found["entries"][-2]
    evaluation = workbench.ask("evaluations", "show", entry["measures"]["evaluations"][0])
    assert evaluation["model"] == f"{entry['run']}:best"
    assert (evaluation["on"], evaluation["size"]) == ("val", "32x32")
    assert entry["measures"]["miou"] == evaluation["miou"]
    assert entry["measures"]["iou"] == [each["iou"] for each in evaluation["classes"]]
    assert entry["measures"]["images_per_second"] > 0
    assert entry["measures"]["memory"] > 50 << 20
    assert "| unet | 1 of 1 |" in workbench.run("benches", "show", "tiny", "--as", "markdown").out
