"""History, trash, doctor, gc, du, backup and restore by command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from db import check
from tests.support.labelme_folder import make_folder, rectangle, write_labels
from workbench.cli.app import run

Ask = Callable[..., tuple[int, Any]]

LISTINGS = (
    ("projects",),
    ("datasets",),
    ("images",),
    ("classes",),
    ("subsets", "list", "--dataset", "day"),
    ("stats",),
    ("revisions",),
    ("runs",),
    ("models",),
    ("evaluations",),
    ("tasks",),
    ("trash",),
    ("history", "day/a.png"),
)


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ask:
    """Run a command with --json in the home `home` unless told otherwise; returns its exit code and its object."""
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(check, "LEAST_FREE_BYTES", 0)
    capsys.readouterr()

    def ask(*arguments: object) -> tuple[int, Any]:
        code = run([*map(str, arguments), "--json"])
        return code, json.loads(capsys.readouterr().out)

    return ask


@pytest.fixture
def folder(ask: Ask, tmp_path: Path) -> Path:
    """`day` with a.png in two versions, b.png, and c.png in the trash; a revision of all."""
    folder = make_folder(tmp_path / "day", ["a", "b", "c"])
    ask("import", "labelme", folder, "--project", "p", "--list", "wet")
    ask("freeze")
    write_labels(folder / "a.png", [rectangle("car", 3, 3, 20, 20)])
    ask("import", "labelme", folder)
    ask("discard", "image", "day/c.png")
    return folder


def test_history_tells_draws_and_goes_back(ask: Ask, folder: Path, tmp_path: Path) -> None:
    newest, first = ask("history", "day/a.png")[1]["versions"]
    assert [(v["number"], v["current"], v["shapes"]) for v in (first, newest)] == [(1, False, 1), (2, True, 1)]
    code, found = ask("history", "diff", "day/a.png", 1, "--to", tmp_path / "d.png")
    assert (code, found["changed"], found["b"]) == (0, newest["changed"], 2)
    assert sum(move["pixels"] for move in found["moves"]) == found["changed"]
    assert (tmp_path / "d.png").read_bytes().startswith(b"\x89PNG")
    assert ask("history", "diff", "day/a.png", 1, "--to", tmp_path / "d.png")[0] == 2
    assert ask("history", "restore", "day/a.png", 1)[1] == {"image": "day/a.png", "restored": 1, "version": 3}
    assert ask("history", "diff", "day/a.png", 1, 3)[1]["changed"] == 0
    assert ask("history", "restore", "day/a.png", 7)[0] == 2


def test_a_restored_home_lists_the_same(ask: Ask, folder: Path, tmp_path: Path) -> None:
    before = {listing: ask(*listing) for listing in LISTINGS}
    assert all(code == 0 for code, _ in before.values())
    assert [item["name"] for item in before["trash",][1]["items"]] == ["day/c.png"]
    assert ask("backup", tmp_path / "b.tar")[0] == 0
    code, report = ask("restore", tmp_path / "b.tar", "--home", tmp_path / "new")
    assert (code, report["of"]) == (0, str(tmp_path / "home"))
    (tmp_path / "home").rename(tmp_path / "lost")
    assert {listing: ask(*listing, "--home", tmp_path / "new") for listing in LISTINGS} == before
    assert ask("doctor", "--full", "--home", tmp_path / "new")[0] == 0


def test_doctor_says_by_its_exit_code_whether_something_needs_to_be_done(
    ask: Ask, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, report = ask("doctor")
    assert (code, report["clean"]) == (0, True)
    photo = next(path for path in (tmp_path / "home/store").rglob("*") if path.is_file())
    photo.unlink()
    code, report = ask("doctor")
    assert (code, report["clean"], report["findings"][0]["severity"]) == (1, False, "error")
    assert photo.name in report["findings"][0]["what"]
    assert run(["doctor"]) == 1
    assert report["findings"][0]["remedy"] in capsys.readouterr().out


def test_gc_lists_before_it_deletes_and_du_adds_up(ask: Ask, folder: Path) -> None:
    assert ask("gc")[1]["deleted"] is False
    assert ask("gc", "--delete")[1]["deleted"] is True
    shares = ask("du")[1]
    assert shares["bytes"] == sum(share["bytes"] for share in shares["shares"])
    assert {share["project"] for share in shares["shares"]} == {"p", None}
