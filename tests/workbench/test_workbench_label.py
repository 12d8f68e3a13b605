"""labelme is started as a program of its own, and its absence is a sentence."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


def workbench(arguments: list[str], path: str) -> subprocess.CompletedProcess[str]:
    """Run the command line with an interpreter that has no labelme beside it."""
    script = (
        "import sys, pathlib; sys.executable = '/nowhere/python'; sys.argv[0] = 'workbench';"
        "from workbench.cli import main; main()"
    )
    environment = os.environ | {"PATH": path, "PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, env=environment, check=False
    )


@pytest.fixture
def fake(tmp_path: Path) -> Path:
    """A labelme that writes down what it was asked."""
    program = tmp_path / "bin" / "labelme"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > "{tmp_path}/asked"\nexit ${{CODE:-0}}\n')
    program.chmod(0o755)
    return program.parent


def test_without_labelme_a_sentence_says_how_to_get_it(tmp_path: Path) -> None:
    done = workbench(["label", str(tmp_path)], path=str(tmp_path))
    assert done.returncode == 2
    assert "pip install 'segmentation-workbench[desktop]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_folder_and_the_classes_are_handed_over(tmp_path: Path, fake: Path) -> None:
    photos = tmp_path / "my photos"
    photos.mkdir()
    labels = tmp_path / "labels.txt"
    labels.write_text("tree\n")
    done = workbench(["label", str(photos), "--classes", str(labels)], path=f"{fake}:/bin:/usr/bin")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "asked").read_text().splitlines() == [str(photos), "--labels", str(labels)]


def test_a_labelme_that_fails_is_said_so(tmp_path: Path, fake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODE", "3")
    done = workbench(["label", str(tmp_path)], path=f"{fake}:/bin:/usr/bin")
    assert done.returncode == 2
    assert "ended with code 3" in done.stderr


def test_a_folder_that_is_not_there(tmp_path: Path, fake: Path) -> None:
    done = workbench(["label", str(tmp_path / "none")], path=f"{fake}:/bin:/usr/bin")
    assert done.returncode == 2
    assert "is not a folder" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["label"], "Give one folder of photos, or --desktop"),
        (["label", "a", "b"], "Give one folder of photos, or --desktop"),
        (["label", "a", "--on", "val"], "--on is about images of the project: add --desktop"),
        (["label", "--collect"], "--collect is about images of the project: add --desktop"),
        (["label", "--desktop", "--classes", "labels.txt"], "leave out --classes"),
        (["label", "--desktop", "--collect"], "There is no current project"),
    ],
)
def test_words_that_do_not_go_together(tmp_path: Path, arguments: list[str], says: str) -> None:
    done = workbench([*arguments, "--home", str(tmp_path / "home")], path=str(tmp_path))
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr
