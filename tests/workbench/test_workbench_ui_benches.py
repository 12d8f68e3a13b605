"""Benches and curves of several runs as their pages ask for them."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.support.benches import sample_bench
from tests.support.campus import Campus, make_campus
from tests.support.runs import make_run, run_row, tiny_recipe
from tests.support.server import serve, visitor
from training.bench.document import bench_folder
from training.engine.attempt import attempt


@pytest.fixture(scope="module")
def campus(tmp_path_factory: pytest.TempPathFactory) -> Campus:
    """A project with two runs, one of them trained, and a bench."""
    campus = make_campus(tmp_path_factory.mktemp("benches"), 3)
    for number, rate in ((1, "0.01"), (2, "0.001")):
        make_run(campus.home.path, tiny_recipe(steps="4", **{"optimizer.lr": rate}), train=2, val=1, name=str(number))
        with campus.database.write() as session:
            session.add(run_row(number, f"run {number}", 1))
    assert attempt(campus.home.runs / "1") == 0
    bench_folder(campus.home, 1, "a bench").write(sample_bench().model_copy(update={"name": "a bench"}))
    return campus


@pytest.fixture
def client(campus: Campus) -> TestClient:
    return visitor(serve(campus.home))


def test_curves_of_some_runs_and_their_files(client: TestClient) -> None:
    first, second = client.get("/api/projects/1/curves?runs=1,2").json()["runs"]
    assert (first["differences"], second["differences"]) == (["lr 0.01"], ["lr 0.001"])
    assert first["loss"]["step"][-1] == 4
    assert len(first["loss"]["minutes"]) == len(first["loss"]["value"]) > 0
    assert first["miou"]["step"] == [4]
    assert second["loss"]["step"] == []
    for kind, begin in (("svg", b"<svg"), ("png", b"\x89PNG"), ("csv", b"run,name")):
        answer = client.get(f"/api/projects/1/curves/file/{kind}?runs=1,2&x=minutes")
        assert answer.content.startswith(begin)
        assert "attachment" in answer.headers["content-disposition"]
    assert client.get("/api/projects/1/curves?runs=9").status_code == 404
    for runs in ("", "a", "1;2", ",".join(map(str, range(1, 30)))):
        assert client.get("/api/projects/1/curves", params={"runs": runs}).status_code == 400


def test_a_bench_with_its_table_its_frontier_and_its_files(client: TestClient, campus: Campus) -> None:
    (listed,) = client.get("/api/projects/1/benches").json()["benches"]
    found = client.get("/api/projects/1/benches/a bench").json()
    assert (listed["bench"], listed["state"], found["state"]) == ("a bench", "stopped", "stopped")
    fpn, unet, segnet = found["rows"]
    assert (fpn["miou"], fpn["frontier"]) == ({"mean": 0.9, "deviation": None}, ["images_per_second", "parameters"])
    assert (unet["frontier"], segnet["miou"]) == (["parameters"], None)
    states = [(entry["architecture"], entry["seed"], entry["state"]) for entry in found["entries"]]
    assert states[2:] == [
        ("segnet", 0, "failed"),
        ("unet", 1, "finished"),
        ("fpn", 1, "waiting"),
        ("segnet", 1, "failed"),
    ]
    words = shlex.split(found["command"])
    assert words[:4] == ["workbench", "bench", "--project=campus", "--name=a bench"]
    assert client.get("/api/projects/1/benches/a bench/table/csv").text.startswith("architecture,seeds")
    assert "| fpn | 1 of 2 |" in client.get("/api/projects/1/benches/a bench/table/markdown").text
    assert client.get("/api/projects/1/benches/other").status_code == 404
    assert client.get("/api/projects/1/benches/..%2f..%2fruns").status_code in (400, 404)
    folder = bench_folder(campus.home, 1, "damaged")
    folder.path.mkdir()
    folder.document.write_text("{}")
    assert len(client.get("/api/projects/1/benches").json()["benches"]) == 1
    assert "damaged" in client.get("/api/projects/1/benches/damaged").json()["error"]


FORM = {"architectures": ["unet", "fpn"], "seeds": "0,7", "length": "minutes", "amount": 1.5, "name": "new one"}


def test_the_form_is_a_command_and_says_what_stands_in_its_way(client: TestClient) -> None:
    settings = {"resize": "64x64", "unet:options.width": "4"}
    told = client.post("/api/projects/1/benches/plan", json={**FORM, "settings": settings}).json()
    assert told["obstacle"] is None
    words = set(shlex.split(told["command"]))
    assert {"bench", "--archs=unet,fpn", "--seeds=0,7", "--minutes=1.5", "--name=new one"} <= words
    assert {"--set=resize=64x64", "--set=unet:options.width=4"} <= words
    wrong: tuple[tuple[dict[str, Any], str], ...] = (
        ({"seeds": "many"}, "seeds"),
        ({"architectures": []}, "Which architectures"),
        ({"settings": {"nonsense": "1"}}, "nonsense"),
        ({"name": "a bench", "on": "test"}, "another --name"),
    )
    for change, words_of_it in wrong:
        told = client.post("/api/projects/1/benches/plan", json=FORM | change).json()
        assert words_of_it in told["obstacle"]
        assert client.post("/api/projects/1/benches/start", json=FORM | change).status_code == 400
    for refused in ({"recipe": "/etc/passwd"}, {"settings": {"unet:init": "/etc/passwd"}}):
        assert client.post("/api/projects/1/benches/plan", json=FORM | refused).status_code == 400


def test_a_bench_is_started_and_gone_on_with_as_a_task(
    client: TestClient, campus: Campus, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []
    monkeypatch.setattr(
        "training.tasks.lifecycle._launch", lambda directory, command: _begun(directory, command, asked)
    )
    begun = client.post("/api/projects/1/benches/start", json=FORM | {"name": ""}).json()
    assert (begun["bench"], begun["link"]) == ("bench-1", "/runs?project=1&bench=bench-1")
    assert "--name=bench-1" in asked[0]
    again = client.post("/api/projects/1/benches/a bench/go-on").json()
    assert again["link"] == "/runs?project=1&bench=a+bench"
    assert asked[1] == ["bench", "--project=campus", "--name=a bench"]


def _begun(directory: Any, command: Any, asked: list[list[str]]) -> Any:
    asked.append(list(command.argv))
    Path(directory.command_file).write_bytes(command.model_dump_json().encode())

    class Child:
        def wait(self) -> int:
            return 0

    return Child()
