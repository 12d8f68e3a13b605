"""The command line is a contract: one walk from a folder of photos to a tested model, each command's keys checked."""

import json
import os
import subprocess
import sys
import time
import zipfile
from collections import Counter
from pathlib import PurePosixPath
from typing import Any

import pytest
from safetensors import safe_open

from tests.support.cli import ROOT, TINY, Workbench
from workbench.demo.sample import write_sample

pytestmark = pytest.mark.xdist_group("cli")  # one walk for all of them

FIGURES = ("pa", "ma", "miou", "fwiou", "precision", "recall", "f1")
RUN = ("run", "state", "steps", "images_per_second", "data_wait_share", "best", "checkpoint", "init")


@pytest.fixture(scope="module")
def walk(tmp_path_factory):
    """What every command of the path answered, by its name."""
    folder = tmp_path_factory.mktemp("walk")
    bench = Workbench(folder)
    write_sample(folder / "photos" / "day", "day", 8, seed=0)
    write_sample(folder / "photos" / "dusk", "dusk", 3, seed=0)
    ask = bench.ask
    said: dict[str, Any] = {"bench": bench}
    said["import"] = ask("import", "labelme", "photos/day", "--list", "first week")
    said["import again"] = ask("import", "labelme", "photos/day")
    said["import dusk"] = ask("import", "labelme", "photos/dusk", "--role", "test")
    for command in ("projects", "classes", "datasets", "stats"):
        said[command] = ask(command)
    said["use"] = ask("use", "day")
    said["roles"] = ask("roles", "--dataset", "day", "--val", "0.25", "--seed", "1")
    said["freeze"] = ask("freeze")
    said["revisions"] = ask("revisions")
    said["export masks"] = ask("export", "masks", "--dataset", "day", "--to", "masks")
    said["train"] = ask("train", *TINY, "--dataset", "day", "--steps", "4")
    for line in (("runs",), ("logs", "1"), ("models",)):
        said[line[0]] = ask(*line)
    said["evaluate"] = ask("evaluate", 1, "--dataset", "day", "--on", "val")
    said["label-curve"] = ask("label-curve", "--on", "val")
    said["export weights"] = ask("export", "weights", "1:last", "--format", "safetensors", "--to", "w.safetensors")
    names = "\n".join([*said["freeze"]["classes"][:-1], "vehicle"])
    (folder / "names.txt").write_text(names)
    fit = ("--set", "width=4", "--set", "levels=2")
    said["models import"] = ask("models", "import", "w.safetensors", "--arch", "unet", "--classes", "names.txt", *fit)
    (folder / "rows.yaml").write_text("\n".join(f"{name}: {name}" for name in names.split()[:-1]) + "\nvehicle: car\n")
    said["mapping set"] = ask("mapping", "set", "vehicles", "rows.yaml")
    said["mapping list"] = ask("mapping", "list")
    mapped = ("--mapping", "vehicles", "--size", "long 64", "--no-predictions")
    said["evaluate imported"] = ask("evaluate", "w", "--dataset", "dusk", *mapped)
    said["evaluations"] = ask("evaluations")
    said["compare"] = ask("compare", 1, 2, "--models")
    beside = ("--beside", "1:last", "--to", "both.zip", "--no-overlay")
    said["predict"] = ask("predict", "w", "photos/dusk", *beside, "--size", "long 64")
    said["weights list"] = ask("weights", "list")
    return said


@pytest.mark.parametrize(
    ("command", "keys"),
    [
        ("import", "project dataset imported updated unchanged conflicts repaired skipped files classes subsets notes"),
        ("projects", "projects"),
        ("use", "project"),
        ("classes", "classes"),
        ("datasets", "datasets"),
        ("stats", "images labelled classes pixels ignored_pixels sizes"),
        ("roles", "dataset roles"),
        ("freeze", "revision images classes"),
        ("revisions", "revisions"),
        ("export masks", "to images"),
        ("train", " ".join(RUN)),
        ("runs", "runs"),
        ("logs", "run state steps log"),
        ("models", "models"),
        ("evaluate", "evaluation revision images size classes axes confusion leaks " + " ".join(FIGURES)),
        ("evaluations", "evaluations"),
        ("compare", "a b metrics classes notes"),
        ("mapping set", "mapping rows"),
        ("mapping list", "mappings"),
        ("models import", "name architecture classes sha256 notes"),
        ("export weights", "path sha256 max_abs_difference argmax_agreement images_checked"),
        ("predict", "images images_per_second to skipped models beside"),
        ("weights list", "weights"),
    ],
)
def test_a_command_answers_with_its_keys(walk, command, keys):
    assert set(keys.split()) <= walk[command].keys()


def test_import_counts_and_names(walk):
    first, again, dusk = walk["import"], walk["import again"], walk["import dusk"]
    assert (first["project"], first["dataset"], first["imported"], first["files"]) == ("day", "day", 8, [])
    assert (again["imported"], again["unchanged"]) == (0, 8)
    assert first["classes"][0] == "background"
    assert first["subsets"] == {"first week": 8}
    assert (dusk["project"], dusk["dataset"], dusk["imported"]) == ("day", "dusk", 3)


def test_lists_hold_what_was_made(walk):
    assert [c["name"] for c in walk["classes"]["classes"]] == walk["freeze"]["classes"]
    day, dusk = walk["datasets"]["datasets"]
    assert (day["name"], day["images"], day["labelled"], dusk["roles"]["test"]) == ("day", 8, 8, 3)
    assert walk["projects"]["projects"][0]["current"] is True
    for row in walk["stats"]["classes"]:
        assert {"name", "images", "pixels", "share"} <= row.keys()
    assert sum(row["share"] for row in walk["stats"]["classes"]) == pytest.approx(1)
    [revision] = walk["revisions"]["revisions"]
    assert revision["revision"] == walk["freeze"]["revision"]
    assert len(walk["weights list"]["weights"]) > 4


def test_roles_and_freeze_count_images(walk):
    assert walk["roles"] == {"dataset": "day", "roles": {"train": 6, "val": 2}}
    assert walk["freeze"]["images"] == {"day": {"train": 6, "val": 2}, "dusk": {"test": 3}}


def test_a_training_says_how_it_went(walk):
    trained = walk["train"]
    assert (trained["run"], trained["state"], trained["steps"]) == (1, "finished", 4)
    assert trained["best"].keys() == {"step", "miou"}
    assert trained["images_per_second"] > 0
    assert 0 <= trained["data_wait_share"] <= 1
    assert "scratch" in trained["init"]
    assert trained["checkpoint"].endswith(".pt")
    [listed] = walk["runs"]["runs"]
    assert listed.keys() >= set(RUN)
    assert any("finished" in line for line in walk["logs"]["log"])
    assert {m["reference"] for m in walk["models"]["models"]} == {"1:best", "1:last"}


def test_an_evaluation_is_exact(walk):
    found = walk["evaluate"]
    assert found["model"] == "1:best"  # which checkpoint `1` meant then: later it may be another
    assert (found["images"], found["size"], found["leaks"]["count"]) == (2, "original", 0)
    for row in found["classes"]:
        assert row.keys() >= {"name", "iou", "precision", "recall", "f1", "pixels"}
    assert found["axes"]["truth"] == walk["freeze"]["classes"]
    assert found["axes"]["predicted"] == [*found["axes"]["truth"], "other"]
    rows = found["confusion"]
    assert all(isinstance(cell, int) for row in rows for cell in row)
    assert [sum(row) for row in rows] == [row["pixels"] for row in found["classes"]]
    assert found["pa"] == pytest.approx(sum(row[i] for i, row in enumerate(rows)) / sum(map(sum, rows)))
    background = found["classes"][0]  # painted nowhere: n/a where it is not predicted either, else IoU 0
    assert background["iou"] == (None if sum(row[0] for row in rows) == 0 else 0)


def test_what_labels_bought_knows_what_a_run_was_trained_on(walk):
    (curve,) = walk["label-curve"]["curves"]
    (point,) = curve["points"]
    assert (curve["dataset"], curve["on"], curve["images"], curve["tells"]) == ("day", "val", 2, False)
    assert (point["evaluation"], point["run"], point["labelled"]) == (1, 1, 6)
    assert point["miou"] == walk["evaluate"]["miou"]


def test_an_imported_model_is_evaluated_through_a_mapping(walk):
    assert walk["models import"]["name"] == "w"
    assert walk["models import"]["classes"][-1] == "vehicle"
    found = walk["evaluate imported"]
    assert (found["model"], found["images"], found["size"]) == ("w", 3, "long 64")
    assert ["vehicle", "car"] in found["mapping"]["rows"]
    assert walk["mapping list"]["mappings"] == [walk["mapping set"]]
    assert [e["evaluation"] for e in walk["evaluations"]["evaluations"]] == [2, 1]


def test_a_comparison_is_the_difference(walk):
    for name in FIGURES:
        pair = walk["compare"]["metrics"][name]
        assert pair["a"] == walk["evaluate"][name]
        assert pair["b"] == walk["evaluate imported"][name]
        assert pair["difference"] == pytest.approx(pair["b"] - pair["a"])
    assert walk["compare"]["classes"][0].keys() == {"name", "iou", "precision", "recall", "f1"}


def test_the_models_behind_a_comparison(walk):
    found = walk["compare"]["models"]
    trained, imported = found["models"]
    assert (trained["run"], imported["run"], found["runs"]) == (1, None, [1])
    assert trained["parameters"] == imported["parameters"] > 0
    assert "no run of it here" in imported["note"]
    assert [trained["speeds"][0][key] for key in ("by", "device")] == ["evaluation", "cpu"]
    told = {row["name"]: row["values"] for row in found["settings"]}
    assert (told["architecture"], told["steps done"]) == (["unet"], [str(walk["train"]["steps"])])


def test_what_is_exported_is_there(walk):
    folder = walk["bench"].folder
    masks = sorted(path.stem for path in (folder / "masks").rglob("*.png"))
    assert masks == [f"day_{i:04}" for i in range(8)]
    assert walk["export masks"]["images"] == 8
    assert walk["predict"]["images"] == 3
    assert walk["predict"]["to"] == "both.zip"
    assert [each["folder"] for each in walk["predict"]["models"]] == ["w", "1_last"]
    beside = walk["predict"]["beside"]
    assert beside["unmatched"] == {"vehicle": ["w"], walk["freeze"]["classes"][-1]: ["1:last"]}
    assert (len(beside["photos"]), 0 <= beside["said"]["agree"] <= 1) == (3, True)
    with zipfile.ZipFile(folder / "both.zip") as archive:
        folders = Counter(PurePosixPath(name).parts[0] for name in archive.namelist())
    assert folders == {"w": 4, "1_last": 4, "beside": 3, "shares.csv": 1, "agreement.csv": 1}
    exported = walk["export weights"]
    assert (exported["max_abs_difference"], exported["argmax_agreement"]) == (0, 1)
    with safe_open(folder / "w.safetensors", "pt") as weights:
        assert weights.keys()


@pytest.mark.parametrize("command", ["evaluations", "classes", "runs", "compare 1 2", "mapping list", "datasets"])
def test_a_person_gets_a_table(walk, command):
    said = walk["bench"].run(*command.split())
    assert (said.code, said.err) == (0, "")
    assert len(said.out.splitlines()) >= 2
    with pytest.raises(json.JSONDecodeError):
        json.loads(said.out)


@pytest.mark.parametrize("arguments", [["classes"], ["classes", "--json"], ["--help"]])
def test_a_reader_that_has_gone_is_no_news(walk, arguments):
    process = walk["bench"].start(*arguments)
    process.stdout.close()
    assert process.wait(60) != 0
    assert process.stderr.read() == ""
    process.stderr.close()


def test_a_name_that_is_no_text_is_printed_all_the_same(tmp_path):
    bench = Workbench(tmp_path)
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / os.fsdecode(b"caf\xe9.json")).write_text("{}")
    told = bench.run("import", "labelme", tmp_path / "photos")
    assert (told.code, r"caf\udce9.json  skipped" in told.out) == (0, True)


def test_help_is_quick_and_loads_nothing_heavy(tmp_path):
    code = (
        "import sys; sys.argv[1:] = ['--help']\n"
        "from workbench.cli import main\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code\n"
        "heavy = {'torch', 'gradio', 'sqlalchemy', 'numpy', 'pydantic', 'yaml', 'cv2'} & set(sys.modules)\n"
        "sys.exit(', '.join(heavy) or 0)"
    )
    bench = Workbench(tmp_path)
    command = [sys.executable, "-P", "-c", code]
    started = time.perf_counter()
    said = subprocess.run(command, cwd=ROOT, env=bench.environment, capture_output=True, text=True, check=False)
    print(f"workbench --help: {time.perf_counter() - started:.2f} s")
    assert (said.returncode, said.stderr) == (0, "")
    assert "evaluate" in said.stdout
    assert not (tmp_path / "home").exists()
