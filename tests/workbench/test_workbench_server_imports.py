"""The steps of the import wizard as routes: looking, classes, preview, the task, its report; and what is refused."""

from __future__ import annotations

import base64
import csv
import io
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from labeling.datasets import list_datasets
from labeling.formats.base import Listing, ReadRequest
from labeling.importing import run as importing
from labeling.importing.request import ImportRequest
from labeling.projects import create_project
from tests.support.labelled_home import Place, make_place
from tests.support.labelme_folder import make_folder, rectangle, write_labels, write_photo
from tests.support.server import serve, visitor
from workbench.cli.app import run
from workbench.cli.commands_import import import_argv
from workbench.server.zipping import zip_folder

NAMES = ("a", "day/b", "c")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    place = make_place(tmp_path / "home")
    with place.database.write() as session:
        create_project(session, "p")
    return place


@pytest.fixture
def client(place: Place, tmp_path: Path) -> TestClient:
    return visitor(serve(place.home, import_root=tmp_path / "root"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_folder(tmp_path / "root" / "dusk", NAMES)


def upload_of(client: TestClient, folder: Path) -> str:
    upload = client.post("/api/uploads").json()["upload"]
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        path = file.relative_to(folder.parent).as_posix()
        assert client.put(f"/api/uploads/{upload}/files", params={"path": path}, content=file.read_bytes()).is_success
    assert client.post(f"/api/uploads/{upload}/finish").is_success
    return str(upload)


def choices(source: dict[str, str], **more: Any) -> dict[str, Any]:
    return {"source": source, "format": "labelme", "dataset": "dusk", "unlabelled": "background"} | more


def ended(client: TestClient, task: int, **query: Any) -> dict[str, Any]:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        found: dict[str, Any] = client.get(f"/api/imports/{task}", params=query).json()
        if found["state"] != "running":
            return found
        time.sleep(0.1)
    raise AssertionError("the import does not end")


def imported(client: TestClient, source: dict[str, str], **more: Any) -> dict[str, Any]:
    started = client.post("/api/projects/1/import", json=choices(source, **more))
    assert started.status_code == 200, started.text
    return ended(client, started.json()["id"])


def test_from_an_upload_to_what_the_command_line_makes_of_the_folder(
    place: Place, client: TestClient, folder: Path, tmp_path: Path
) -> None:
    upload = upload_of(client, folder)
    source = {"upload": upload}
    told = client.post("/api/projects/1/import/look", json={"source": source}).json()
    assert (told["name"], told["photos"], told["datasets"]) == ("dusk", 3, [])
    assert [(each["format"], each["images"], each["labels"]) for each in told["guesses"]] == [("labelme", 3, 3)]
    assert told["guesses"][0]["classes"] == {"road": 3, "car": 1}

    body = {"choices": choices(source), "seen": ["road", "car"]}
    assert client.post("/api/projects/1/import/classes", json=body).json() == {"classes": ["road", "car"]}

    mapped = choices(source, mapping={"car": "vehicle", "road": "road"}, list_name="evening", role="val")
    preview = client.post("/api/projects/1/import/preview?count=3", json=mapped).json()
    assert (preview["total"], [each["name"] for each in preview["classes"]]) == (3, ["background", "road", "vehicle"])
    pixels = [
        np.asarray(Image.open(io.BytesIO(base64.b64decode(each["map"].split(",")[1])))) for each in preview["images"]
    ]
    assert {int(value) for each in pixels for value in np.unique(each)} <= {0, 1, 2}

    report = imported(client, source, mapping=mapped["mapping"], list_name="evening", role="val")
    assert (report["state"], report["report"]["imported"], report["report"]["skipped"]) == ("finished", 3, 0)
    assert report["command"].split(" --home")[0] == (
        "workbench import labelme ./dusk --project=p --dataset=dusk --unlabelled=background --role=val "
        "--map=car=vehicle --list=evening"
    )
    other = make_place(tmp_path / "other")
    with other.database.write() as session:
        create_project(session, "p")
    argv = ["import", "labelme", str(folder), "--project", "p", "--map", "car=vehicle", "--list", "evening"]
    assert run([*argv, "--role", "val", "--home", str(other.home.path)]) == 0
    assert place.everything() == other.everything()
    deadline = time.monotonic() + 120
    while (place.home.path / "uploads" / upload).exists():
        assert time.monotonic() < deadline, "the upload stays though it was imported"
        time.sleep(0.1)


def test_again_into_the_same_dataset_updates_it_and_keeps_its_answers(
    place: Place, client: TestClient, folder: Path
) -> None:
    source = {"path": "dusk"}
    first = imported(client, source, mapping={"car": "vehicle"})
    assert first["command"].startswith(f"workbench import labelme {folder} --project=p")
    make_folder(folder, ["a"], [{"label": "kerb", "shape_type": "rectangle", "points": [[0, 0], [5, 5]]}])
    told = client.post("/api/projects/1/import/look", json={"source": source}).json()
    assert told["datasets"] == [
        {
            "name": "dusk",
            "format": "labelme",
            "images": 3,
            "options": {"unlabelled": "background", "ignore_index": None, "mapping": {"car": "vehicle"}},
        }
    ]
    body = choices(source, mapping={"car": "vehicle", "road": "road", "kerb": "kerb"})
    assert "--map" not in client.post("/api/projects/1/import/command", json=body).json()["command"]
    second = imported(client, source, mapping=body["mapping"])["report"]
    assert [second[count] for count in ("imported", "updated", "unchanged")] == [0, 1, 2]


def test_how_far_the_reading_of_a_source_is(client: TestClient, folder: Path) -> None:
    body = {"source": {"path": str(folder)}}
    told: list[object] = []

    def list_slowly(format: str, request: ReadRequest) -> Listing:
        request.progress(12, 505, "MB of labels listed")
        told.append(client.post("/api/projects/1/import/reading", json=body).json())
        assert client.post("/api/projects/1/import/reading/stop", json=body).status_code == 200
        request.progress(13, 505, "MB of labels listed")
        raise AssertionError("it went on")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("labeling.importing.source_listing.list_source", list_slowly)
        answer = client.post("/api/projects/1/import/preview", json=choices(body["source"]))
    assert (answer.status_code, "was stopped" in answer.text) == (400, True)
    assert told == [{"done": 12, "total": 505, "what": "MB of labels listed"}]
    assert client.post("/api/projects/1/import/reading", json=body).json() is None


def test_a_row_set_back_to_its_own_name_is_set_back(client: TestClient, folder: Path) -> None:
    imported(client, {"path": str(folder)}, mapping={"car": "vehicle"})
    body = choices({"path": str(folder)}, mapping={"car": "car"})
    assert "--map=car=car" in client.post("/api/projects/1/import/command", json=body).json()["command"]


def test_paths_are_taken_below_the_import_root_only(client: TestClient, folder: Path, tmp_path: Path) -> None:
    make_folder(tmp_path / "elsewhere", ["x"])
    (folder / "way_out").symlink_to(tmp_path / "elsewhere")
    for path in (str(tmp_path / "elsewhere"), "../elsewhere", "dusk/way_out", "/etc/passwd", "~nobody-there/x", "a\0b"):
        for route, body in (
            ("look", {"source": {"path": path}}),
            ("preview", choices({"path": path})),
            ("", choices({"path": path})),
        ):
            answer = client.post(f"/api/projects/1/import/{route}".rstrip("/"), json=body)
            assert answer.status_code == 400, (path, route, answer.text)
    assert "is not below" in client.post("/api/projects/1/import/look", json={"source": {"path": "/etc/passwd"}}).text
    missing = client.post("/api/projects/1/import/look", json={"source": {"path": "nothing"}})
    assert (missing.status_code, "There is nothing at" in missing.text) == (404, True)
    beside = choices({"path": "dusk"}, classes_file="../../elsewhere/x.json")
    assert client.post("/api/projects/1/import/command", json=beside).status_code == 400
    assert client.get("/api/tasks").json() == {"tasks": []}


def test_without_an_import_root_no_path_is_taken(place: Place, folder: Path) -> None:
    answer = visitor(serve(place.home)).post("/api/projects/1/import/look", json={"source": {"path": str(folder)}})
    assert (answer.status_code, "--import-root" in answer.text) == (400, True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"link": True}, "cannot be linked"),
        ({"dataset": " "}, "A dataset is named by"),
        ({"mapping": {"car": "a=b"}}, "Rename the class first"),
    ],
)
def test_what_cannot_be_begun_is_said_at_once(client: TestClient, folder: Path, change: Any, message: str) -> None:
    source = {"upload": upload_of(client, folder)}
    answer = client.post("/api/projects/1/import", json=choices(source, **change))
    assert (answer.status_code, message in answer.json()["error"]) == (400, True), answer.text


def test_after_a_failure_the_upload_stays(place: Place, client: TestClient, folder: Path) -> None:
    upload = upload_of(client, folder)
    found = imported(client, {"upload": upload}, format="coco")
    assert (found["state"], found["report"]) == ("failed", None)
    assert found["sentence"].startswith("dusk: none of its 3 JSON files")
    answer = client.post("/api/projects/1/import/preview", json=choices({"upload": upload}, format="coco"))
    assert answer.json()["error"].startswith("dusk: none of its 3 JSON files")
    told = client.post("/api/projects/1/import/look", json={"source": {"upload": upload}})
    assert told.json()["photos"] == 3


def test_files_of_a_report_by_page_and_part_of_a_path(client: TestClient, folder: Path) -> None:
    for name in ("x1", "x2", "y"):
        (folder / f"{name}.json").write_text("{")
    task = client.post("/api/projects/1/import", json=choices({"path": "dusk"})).json()["id"]
    whole = ended(client, task)["report"]
    assert (whole["imported"], whole["skipped"], whole["actions"]) == (3, 3, {"skipped": 3})
    page = ended(client, task, text="X", limit=1, offset=1, action="skipped")["report"]
    assert (page["total"], [each["file"] for each in page["files"]]) == (2, ["x2.json"])
    assert ended(client, task, action="gone")["report"]["total"] == 0


def test_hundreds_of_files_to_look_at_are_a_few_kinds_of_trouble(client: TestClient, folder: Path) -> None:
    for number in range(3):
        write_labels(folder / f"gone {number}.png", [rectangle("road", 0, 0, 5, 5)])
        (folder / f"cut{number}.json").write_text("{" * (number + 1))
    (folder / "=cmd.json").write_text("[]")
    task = client.post("/api/projects/1/import", json=choices({"path": "dusk"})).json()["id"]
    report = ended(client, task)["report"]
    kinds = {(kind["file"], kind["count"]) for kind in report["kinds"]}
    assert kinds == {("gone 0.json", 3), ("cut0.json", 3), ("=cmd.json", 1)}
    missing = next(kind for kind in report["kinds"] if kind["file"] == "gone 0.json")
    page = ended(client, task, kind=missing["key"])["report"]
    assert [file["file"] for file in page["files"]] == [f"gone {number}.json" for number in range(3)]
    table = client.get(f"/api/imports/{task}/files.csv")
    rows = list(csv.reader(table.content.decode("utf-8-sig").splitlines()))
    assert rows[0] == ["file", "what happened", "why"]
    assert len(rows) == 8
    assert "'=cmd.json" in {row[0] for row in rows}


def test_every_answer_reaches_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = ImportRequest(
        format="masks",
        source=tmp_path,
        project="-p",
        dataset="a = b",
        images=tmp_path / "i",
        masks=tmp_path / "m",
        classes_file=tmp_path / "c.txt",
        colors_file=tmp_path / "k.txt",
        unlabelled="sky",
        ignore_index=0,
        overlap="area",
        crowd="class",
        border="ignore",
        void="class",
        raster="center",
        line_width=3,
        point_radius=2,
        mapping={"a=b": "c d", "-x": None, "<b>": "ignore"},
        lists=("-l", "m"),
        role="test",
        link=True,
        on_conflict="theirs",
        known_as="upload:a b",
    )
    asked: list[ImportRequest] = []

    def keep(_home: Any, _database: Any, request: ImportRequest, _progress: Any) -> None:
        asked.append(request)
        raise KeyboardInterrupt

    monkeypatch.setattr(importing, "import_dataset", keep)
    for request in (wanted, replace(wanted, images=None, role=None, ignore_index=None, link=False)):
        run([*import_argv(request), "--home", str(tmp_path / "home")])
        assert asked.pop() == request


def counts(report: dict[str, Any]) -> list[int]:
    return [report[count] for count in ("imported", "updated", "unchanged", "conflicts")]


def test_a_folder_dropped_again_is_the_same_source(place: Place, client: TestClient, folder: Path) -> None:
    (folder / "names.txt").write_text("car\nroad\n")
    first = imported(client, {"upload": upload_of(client, folder)}, classes_file="names.txt")["report"]
    assert counts(first) == [3, 0, 0, 0]
    write_labels(folder / "c.png", [rectangle("kerb", 0, 0, 5, 5)])
    second = imported(client, {"upload": upload_of(client, folder)})["report"]
    assert counts(second) == [0, 1, 2, 0]
    assert not any("last imported from" in note for note in second["notes"])
    assert not any(note.startswith("Option") for note in second["notes"])

    # Another photo under the name is the source's new one, and what is missing is gone: as of a folder on disk.
    write_photo(folder / "a.png", seed=99)
    (folder / "day" / "b.png").unlink()
    (folder / "day" / "b.json").unlink()
    third = imported(client, {"upload": upload_of(client, folder)})["report"]
    assert counts(third) == [0, 1, 1, 0]
    assert [(file["file"], file["action"]) for file in third["files"] if file["action"] == "gone"] == [
        ("day/b.png", "gone")
    ]
    [stored] = list_datasets(place.database, "p")
    assert stored.source == "upload:dusk"
    assert "uploads" not in stored.options.model_dump_json()


def test_a_folder_keeps_its_paths_whatever_lies_beside_them(client: TestClient, tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "campus", ["day/a", "day/b"])
    assert counts(imported(client, {"upload": upload_of(client, folder)})["report"]) == [2, 0, 0, 0]
    make_folder(folder, ["dusk/a"])
    assert counts(imported(client, {"upload": upload_of(client, folder)})["report"]) == [1, 0, 2, 0]


def test_a_zip_dropped_again_is_the_same_source(client: TestClient, folder: Path) -> None:
    def dropped() -> dict[str, str]:
        upload = client.post("/api/uploads").json()["upload"]
        packed = b"".join(zip_folder(folder))
        client.put(f"/api/uploads/{upload}/files", params={"path": "evening.zip"}, content=packed)
        assert client.post(f"/api/uploads/{upload}/finish").json()["name"] == "evening"
        return {"upload": upload}

    first = imported(client, dropped())
    assert first["command"].startswith("workbench import labelme ./evening --project=p")
    write_photo(folder / "a.png", seed=99)
    assert counts(imported(client, dropped())["report"]) == [0, 1, 2, 0]


def test_an_archive_on_this_computer_is_unpacked_as_one_that_was_dropped(
    place: Place, client: TestClient, folder: Path, tmp_path: Path
) -> None:
    packed = tmp_path / "root" / "evening.zip"
    packed.write_bytes(b"".join(zip_folder(folder)))
    upload = client.post("/api/uploads").json()["upload"]
    archive = f"/api/uploads/{upload}/archive"

    assert "is not below" in client.put(archive, json={"path": "/etc/evening.zip"}).text
    assert "is no archive" in client.put(archive, json={"path": "dusk"}).text
    (tmp_path / "root" / "bad.zip").write_text("nonsense")
    assert client.put(archive, json={"path": "bad.zip"}).status_code == 204
    assert "is no archive, whatever its name says" in client.post(f"/api/uploads/{upload}/finish").text
    assert "Nothing was uploaded yet" in client.post(f"/api/uploads/{upload}/finish").text

    assert client.put(archive, json={"path": "evening.zip"}).status_code == 204
    told = client.post(f"/api/uploads/{upload}/finish").json()
    assert (told["name"], told["files"], packed.exists()) == ("evening", 6, True)
    assert counts(imported(client, {"upload": upload})["report"]) == [3, 0, 0, 0]
    again = client.post("/api/uploads").json()["upload"]
    client.put(f"/api/uploads/{again}/files", params={"path": "a.txt"}, content=b"a")
    assert "holds files already" in client.put(f"/api/uploads/{again}/archive", json={"path": "evening.zip"}).text


def test_loose_files_are_never_taken_for_those_dropped_before(client: TestClient, folder: Path) -> None:
    def dropped() -> dict[str, str]:
        upload = client.post("/api/uploads").json()["upload"]
        for name in ("a.png", "a.json", "c.png", "c.json"):
            content = (folder / name).read_bytes()
            client.put(f"/api/uploads/{upload}/files", params={"path": name}, content=content)
        client.post(f"/api/uploads/{upload}/finish")
        return {"upload": upload}

    first = imported(client, dropped())
    assert first["command"].startswith("workbench import labelme ./photos --project=p")
    write_photo(folder / "a.png", seed=99)
    second = imported(client, dropped())["report"]
    assert counts(second) == [0, 0, 1, 1]
    assert second["notes"][-1].startswith("The dataset was last imported from what was dropped;")


def test_no_page_names_the_folder_of_uploads(client: TestClient, place: Place, tmp_path: Path) -> None:
    broken = make_folder(tmp_path / "campus", ["a"])
    (broken / "labels.txt").write_text("road\nroad\n")
    task = client.post("/api/projects/1/import", json=choices({"upload": upload_of(client, broken)})).json()["id"]
    ended(client, task)
    entry = next(entry for entry in client.get("/api/tasks").json()["tasks"] if entry["id"] == task)
    assert entry["sentence"].startswith("campus/labels.txt: lines 1 and 2 both name 'road'.")
    assert entry["command"].startswith("workbench import labelme ./campus --project=p")
    one, log = client.get(f"/api/tasks/{task}"), client.get(f"/api/tasks/{task}/log")
    assert one.json()["argv"][2] == "./campus"
    assert "campus/labels.txt" in log.json()["text"]
    for text in (str(entry), one.text, log.text):
        assert "uploads" not in text
    assert str(place.home.path) not in log.text
