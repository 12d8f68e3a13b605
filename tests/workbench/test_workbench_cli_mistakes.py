"""A user's mistake is one sentence and exit code 2, never a traceback; `--json` says it too.

The command line runs in this process here, which spares each of these an interpreter.
"""

import json
import re
import sys
from pathlib import Path

import pytest
import typer

from tests.support.campus import make_campus
from tests.support.cli import ROOT, TINY
from workbench.cli import app, main

pytestmark = pytest.mark.xdist_group("cli-mistakes")
PROJECTS = {"projects", *(f"projects {change}" for change in ("create", "rename"))}
TASKS = {"tasks", *(f"tasks {what}" for what in ("show", "cancel", "log"))}
CARE = {"doctor", "du", "gc", "backup", "restore"}
USERS = {f"users {what}" for what in ("list", "add", "remove")}
OUTSIDE_HOMES = {"archs", "settings"}
OUTSIDE_PROJECTS = {
    *(*PROJECTS, *TASKS, *USERS, *CARE, *OUTSIDE_HOMES),
    *("label", "use", "demo", "weights list", "weights fetch", "weights add", "weights check", "recognise"),
}
SHARED = {"--home", "--project", "--json", "--help", "-h", "-d"}


def commands(node=None, path=()):
    """Yield (name, command) for everything that can be run."""
    node = node or typer.main.get_command(app.app)
    if not hasattr(node, "commands") or (node.invoke_without_command and path):
        yield " ".join(path), node
    for name, child in getattr(node, "commands", {}).items():
        yield from commands(child, (*path, name))


def options(command):
    return {flag for parameter in command.params for flag in parameter.opts if flag.startswith("-")}


COMMANDS = list(commands())


@pytest.fixture
def say(monkeypatch, capfd):
    """Run the command line; returns exit code, stdout and stderr."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["workbench", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        return end.value.code or 0, *capfd.readouterr()

    return run


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A home with one dataset, `day`, and files that nobody should want to read."""
    folder = tmp_path_factory.mktemp("mistakes")
    make_campus(folder, 3)
    for name in ("empty", "full"):
        (folder / name).mkdir()
    files = {
        "full/mine.txt": "mine",
        "blank.txt": "sky\n\nlawn\n",
        "broken.json": "{",
        "broken.yaml": "- just\n- a list\n",
        "twice.yaml": "sky: sky\nsky: lawn\n",
        "recipe.yaml": "steps: 5\nnonsense: 1\n",
        "broken.safetensors": "x",
        "broken.pth": "x",
        "two\nlines.txt": "",
    }
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def here(folder, monkeypatch):
    monkeypatch.chdir(folder)
    monkeypatch.setenv("WORKBENCH_HOME", str(folder / "home"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


MISTAKES = [
    ("nosuch", "No such command"),
    ("clases", "classes"),
    ("train", "--arch"),
    ("train --arch unet --precision fp3", "bf16"),
    ("train --arch unet --steps many", "many|integer"),
    ("train --arch unet --set options.width=1", "width: .*2, found 1$"),
    ("train --arch unet --nosuch 1", "--nosuch"),
    ("compare one two", "integer"),
    ("classes --project nosuch", "nosuch.*campus"),
    ("classes --home blank.txt", "blank.txt"),
    ("use nosuch", "campus"),
    ("import labelme nowhere", "nowhere"),
    ("import labelme empty", "empty"),
    ("import coco broken.json", "broken.json"),
    ("import pascal photos/day", "voc"),
    ("import labelme photos/day --dataset new --classes blank.txt", "line 2"),
    ("import labelme photos/day --dataset new --classes gone.txt", "gone.txt"),
    ("import labelme photos/day --map sky", "SOURCE=CLASS"),
    ("import coco photos/day --dataset day", "."),
    ("stats --dataset nosuch", "day"),
    ("roles --dataset nosuch", "day"),
    ("roles --dataset day --val 1.5", "--val"),
    ("roles --dataset day --val 0.8 --test 0.8", "0.8"),
    ("freeze --dataset nosuch", "day"),
    ("export masks --dataset day --to full", "--overwrite"),
    ("export masks --dataset day --to photos/day --overwrite", "photos/day"),
    ("train --arch nosuch", "unet"),
    ("train --arch unet --recipe nosuch", "default"),
    ("train --arch unet --recipe recipe.yaml", "nonsense"),
    ("train --arch unet --set optimizer.lr=fast", "optimizer.lr"),
    ("train --arch unet --set nothing", "key=value"),
    ("train --arch unet --crop big", "crop"),
    ("train --arch unet --steps 5 --epochs 5", "steps and epochs"),
    ("train --arch unet --set options.nosuch=1", "nosuch: no such option; .*width=64"),
    ("train --arch unet --on nosuch", "train, val"),
    ("train --arch unet --dataset nosuch", "day"),
    ("train --arch unet --revision abcdef", "abcdef"),
    ("train --arch unet --init 77", "77"),
    ("resume 77", "workbench runs"),
    ("discard image day/nosuch.jpg", "DATASET/PATH"),
    ("discard dataset nosuch", "day"),
    ("discard evaluation one", "number"),
    ("trash restore image day/nosuch.jpg", "workbench trash"),
    ("doctor --home nowhere", "nowhere"),
    ("backup full", "full"),
    ("backup nowhere/backup.tar", "nowhere"),
    ("backup blank.txt", "--overwrite"),
    ("backup home/store/backup.tar", "elsewhere"),
    ("restore nowhere.tar --home new", "nowhere.tar"),
    ("restore broken.json --home new", "no whole backup"),
    ("restore blank.txt --home full", "not empty"),
    ("stop nosuch", "workbench runs"),
    ("logs 77", "workbench runs"),
    ("evaluate 77 --dataset day", "workbench runs"),
    ("evaluate broken.safetensors --dataset day", "broken.safetensors"),
    ("compare 1 2", "workbench evaluations"),
    ("mapping set m broken.yaml", "model class: dataset class"),
    ("mapping set m twice.yaml", "sky"),
    ("mapping set m gone.yaml", "gone.yaml"),
    ("models import gone.pth", "gone.pth"),
    ("models import broken.pth --arch unet --classes blank.txt", "broken.pth"),
    ("models import broken.safetensors", "broken.safetensors"),
    ("export weights 77 --format onnx --to w.onnx", "77"),
    ("predict 77 empty --to out", "empty"),
    ("predict 77 photos/day --to full", "--overwrite"),
    ("predict 77 photos/day --to photos/day/out.zip", "never mix"),
    ("predict 77 blank.txt --to blank.txt --overwrite", "blank.txt is what is to be predicted"),
    ("weights fetch nosuch", "weights list"),
]


@pytest.mark.parametrize(("line", "words"), MISTAKES, ids=[line for line, _ in MISTAKES])
def test_a_mistake_is_answered_with_what_to_do(here, say, line, words):
    code, out, err = say(*line.split(), "--json")
    assert code == 2, err
    assert "Traceback" not in err
    assert err.count("Error: ") == 1
    answer = json.loads(out)
    assert answer.keys() == {"error"}
    assert f"Error: {answer['error']}" in err
    assert re.search(words, answer["error"], re.DOTALL), answer["error"]
    assert len(answer["error"]) > 20


def test_without_json_stdout_stays_empty(here, say):
    assert say("classes", "--project", "nosuch")[:2] == (2, "")
    assert say("train")[:2] == (2, "")


def test_what_only_the_trainer_can_know_is_a_mistake_too(here, say):
    code, out, err = say("train", *TINY, "--device", "tpu", "--steps", "2", "--json")
    assert code == 2, err
    assert "no device 'tpu'" in json.loads(out)["error"]


def test_without_a_command_the_commands_are_listed(say):
    for arguments in ((), ("export",)):
        code, out, err = say(*arguments)
        assert (code, out) == (2, "")
        assert "Commands:" in err


def test_a_fault_of_ours_is_1_and_told_in_json(here, say, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError("of ours")

    monkeypatch.setattr("labeling.project_cards.project_cards", broken)
    code, out, err = say("projects", "--json")
    assert code == 1
    assert "Traceback" in err
    assert "of ours" in json.loads(out)["error"]


def test_control_c_is_130_without_a_traceback(here, say, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("labeling.project_cards.project_cards", interrupted)
    code, out, err = say("projects", "--json")
    assert (code, json.loads(out)) == (130, {"error": "Interrupted."})
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("to", "words"), [("out", "with --overwrite does all photos again"), ("out.zip", "begins anew")]
)
def test_a_prediction_that_is_broken_off_says_how_to_go_on(here, say, monkeypatch, to, words):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("training.prediction.predict.predict_folder", interrupted)
    code, out, err = say("predict", "77", "photos/day", "--to", to, "--json")
    assert (code, json.loads(out)) == (130, {"error": "Interrupted."})
    assert words in err


@pytest.mark.parametrize(("name", "command"), COMMANDS, ids=[name for name, _ in COMMANDS])
def test_every_command_explains_itself(say, name, command):
    code, out, err = say(*name.split(), "--help")
    assert (code, err) == (0, "")
    example = re.search(r"Example: (.*)", out, re.DOTALL)
    assert example
    assert example[1].split()[: 1 + len(name.split())] == ["workbench", *name.split()]
    expected = {"--json"} | (set() if name in OUTSIDE_HOMES else {"--home"})
    expected |= set() if name in OUTSIDE_PROJECTS else {"--project"}
    assert expected <= options(command)
    assert all(parameter.help for parameter in command.params)


@pytest.mark.parametrize(("name", "command"), COMMANDS, ids=[name for name, _ in COMMANDS])
def test_every_command_and_option_is_documented(name, command):
    text = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if re.match(rf"\|.*`{name}[ `]", line)]
    assert rows, f"docs/cli.md has no row for `{name}`"
    documented = set(re.findall(r"--?[a-z][-a-z]*", " ".join(rows)))
    for parameter in command.params:
        flags = {*parameter.opts, *parameter.secondary_opts}
        if parameter.opts[0].startswith("-") and not flags & SHARED:
            assert flags & documented, f"docs/cli.md does not name {flags} of `{name}`"


NAMES = ["Fläche 草 ž", "<script>", "[red]bold[reset]", 'say "hi"', "it's"]


@pytest.mark.parametrize("name", NAMES)
def test_names_are_printed_as_they_are(here, say, name):
    Path("names.yaml").write_text(json.dumps({name: None}), encoding="utf-8")
    assert say("mapping", "set", name, "names.yaml")[0] == 0
    _, out, _ = say("mapping", "list")
    assert out.count(name) == 2
    _, out, _ = say("mapping", "list", "--json")
    assert {"mapping": name, "rows": [[name, None]]} in json.loads(out)["mappings"]
