"""The tab "Another domain" over the server: what is there, what is missing, and what is begun as tasks."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from starlette.testclient import TestClient

from db.schema import Image
from labeling.roles import set_roles
from labeling.subsets import add_to_subset
from tests.support.scenes import Scene, Workspace, add_dataset, blocks, workspace
from tests.support.server import serve, visitor
from training.architectures import build
from training.evaluation.evaluate import evaluate
from training.models.bundle import encode_bundle, save_bundle
from training.models.keeping import keep_model
from training.models.spec import ModelSpec
from training.survey.survey import survey

CLASSES = ("sky", '<img src=x onerror=alert(1)>${"t"}', "tree")
ROOT = "/api/projects/1/domains"
ASKED: dict[str, Any] = {"model": "tiny", "home": "day:val", "to": ["dusk:all"]}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A model `tiny`, tested by day; at dusk two photos of four have no labels."""
    place = workspace(tmp_path_factory.mktemp("domains") / "home", CLASSES)
    add_dataset(place, "day", [Scene(blocks(24, 32, 3, n), "val", seed=n) for n in range(6)])
    add_dataset(place, "dusk", [Scene(blocks(24, 32, 3, 9 + n), seed=9 + n) for n in range(4)])
    with place.database.write() as session:
        for row in session.query(Image).filter(Image.path < "002", Image.dataset_id == 2):
            row.head_id = None
    torch.manual_seed(0)
    options = {"width": 4, "layers": 2, "batch_norm": False}
    spec = ModelSpec(architecture="plainconv", options=options, classes=CLASSES)
    data = encode_bundle(build("plainconv", 3, **options).state_dict(), spec)
    keep_model(place.home, place.database, "p", "tiny", data, spec, "test")
    evaluate(place.home, place.database, project="p", model="tiny", dataset="day", on="val", device="cpu")
    return place


@pytest.fixture
def client(place: Workspace) -> TestClient:
    return visitor(serve(place.home))


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that were begun as tasks."""
    argvs: list[list[str]] = []

    def start(_: Any, argv: list[str], **__: Any) -> Any:
        argvs.append(argv)
        return SimpleNamespace(id=len(argvs))

    monkeypatch.setattr("workbench.server.routes.shift.start_task", start)
    monkeypatch.setattr("workbench.server.routes.shift.task_entry", lambda _, task: {"id": task.id})
    return argvs


def test_what_is_there_is_shown_and_what_is_missing_is_begun(
    place: Workspace, client: TestClient, begun: list[list[str]]
) -> None:
    choices = client.get(f"{ROOT}/choices").json()
    assert choices["usual"] == {"model": "tiny", "home": "day:val", "to": ["dusk:all"]}
    assert choices["datasets"][1]["parts"] == {
        "all": {"images": 4, "labelled": 2},
        "unlabelled": {"images": 2, "labelled": 0},
    }
    found = client.get(f"{ROOT}/table", params=ASKED).json()
    assert (found["evaluations"], found["missing"]) == ({"day:val": 1, "dusk:all": None}, ["dusk:all"])
    assert client.get(f"{ROOT}/table.csv", params=ASKED).status_code == 400
    assert client.post(f"{ROOT}/evaluate", json=ASKED).json() == {"id": 1}
    assert begun == [["domains", "--model=tiny", "--from=day:val", "--to=dusk:all", "--project=p"]]

    evaluate(place.home, place.database, project="p", model="tiny", dataset="dusk", device="cpu")
    found = client.get(f"{ROOT}/table", params=ASKED).json()
    assert found["missing"] == []
    (target,) = found["table"]["targets"]
    assert (target["evaluation"], target["images"]) == (2, 2)
    assert set(found["classes"]["colors"]) == set(CLASSES)
    rows = [[CLASSES[0], CLASSES[2]], [CLASSES[1], None], [CLASSES[2], CLASSES[2]]]
    assert client.put(f"{ROOT}/mappings", json={"name": "mine", "rows": rows}).status_code == 200
    mapped = client.get(f"{ROOT}/table", params=ASKED | {"mapping": "mine"}).json()
    assert mapped["classes"]["mapping"] == {"name": "mine", "rows": rows}
    assert mapped["evaluations"] == found["evaluations"]  # nothing is predicted again
    page = client.get(f"{ROOT}/report.html", params=ASKED | {"mapping": "mine"})
    assert page.status_code == 200
    assert page.headers["content-disposition"] == 'attachment; filename="another-domain-tiny-dusk.html"'
    assert "<img src=x" not in page.text
    assert "sandbox" in page.headers["content-security-policy"]


def test_of_a_role_or_list_only_labelled_photos_can_be_measured_on(place: Workspace, client: TestClient) -> None:
    """Lists of photos to label next have no labels yet, or a few."""
    add_to_subset(place.database, "p", "dusk", "label-next", ["000.png", "001.png"])
    add_to_subset(place.database, "p", "dusk", "label-next-2", ["001.png", "003.png"])
    set_roles(place.database, "p", "dusk", ["000.png"], "val")
    choices = client.get(f"{ROOT}/choices").json()
    set_roles(place.database, "p", "dusk", ["000.png"], None)
    assert choices["datasets"][1]["parts"] == {
        "val": {"images": 1, "labelled": 0},
        "label-next": {"images": 2, "labelled": 0},
        "label-next-2": {"images": 2, "labelled": 1},
        "all": {"images": 4, "labelled": 2},
        "unlabelled": {"images": 2, "labelled": 0},
    }
    assert choices["usual"]["home"] == "day:val"


def test_remedies_are_begun_by_name(client: TestClient, begun: list[list[str]]) -> None:
    rows = {each["remedy"]: each for each in client.get(f"{ROOT}/remedies", params=ASKED).json()["remedies"]}
    assert "no batch normalisation" in rows["adabn"]["refused"]
    client.post(f"{ROOT}/remedies", json=ASKED | {"only": ["crf"]})
    assert begun == [
        ["remedies", "--dataset=dusk", "--on=all", "--from=day:val", "--only=crf", "--project=p", "--", "tiny"]
    ]
    assert client.post(f"{ROOT}/remedies", json=ASKED | {"only": ["--home=/"]}).status_code == 400


def test_photos_to_label_next_become_a_list(place: Workspace, client: TestClient, begun: list[list[str]]) -> None:
    asked: dict[str, Any] = {"model": "tiny", "on": "dusk:unlabelled", "evaluation": 1}
    assert client.get(f"{ROOT}/surveys", params=asked).json() == {"survey": None, "estimate": None}
    client.post(f"{ROOT}/surveys", json={"model": "tiny", "on": "dusk:unlabelled"})
    command = ["survey", "--dataset=dusk", "--on=unlabelled", "--size=original", "--project=p", "--", "tiny"]
    assert begun == [command]
    survey(place.home, place.database, project="p", model="tiny", dataset="dusk", on="unlabelled", device="cpu")
    found = client.get(f"{ROOT}/surveys", params=asked).json()
    assert (found["survey"]["unlabelled"], found["survey"]["missing"]) == (2, 0)
    assert 0 <= found["estimate"]["expected"]["atc"] <= 1
    wider = client.get(f"{ROOT}/surveys", params=asked | {"on": "dusk:all"}).json()  # two of its four photos are known
    assert wider == {"survey": found["survey"] | {"missing": 2}, "estimate": found["estimate"]}
    add_to_subset(place.database, "p", "dusk", "one", ["000.png"])
    survey(place.home, place.database, project="p", model="tiny", dataset="dusk", device="cpu")
    (whole, part) = (client.get(f"{ROOT}/surveys", params=asked | {"on": on}).json() for on in ("dusk", "dusk:one"))
    assert (whole["survey"]["images"], whole["survey"]["missing"]) == (4, 0)
    assert (part["survey"]["name"], part["survey"]["images"]) == (whole["survey"]["name"], 1)
    assert part["estimate"]["expected"] != whole["estimate"]["expected"]  # of that photo alone
    (photo,) = client.post(f"{ROOT}/suggestions", json={"survey": part["survey"]["name"], "on": "dusk:one"}).json()[
        "photos"
    ]
    assert photo["path"] == "000.png"
    assert client.get(f"{ROOT}/surveys", params=asked | {"on": "dusk:gone"}).status_code == 400
    wanted = {"survey": found["survey"]["name"], "on": "dusk:unlabelled", "count": 1}
    (photo,) = client.post(f"{ROOT}/suggestions", json=wanted).json()["photos"]
    assert client.get(f"/api/projects/1/images/{photo['id']}/photo").status_code == 200
    client.post(f"{ROOT}/suggestions", json=wanted | {"subset": "next"})
    listed = client.get("/api/projects/1/gallery?dataset=dusk&subset=next").json()
    assert [each["path"] for each in listed["images"]] == [photo["path"]]


def test_a_browser_names_no_file_of_the_server(client: TestClient, tmp_path: Path) -> None:
    bundle = tmp_path / "elsewhere.safetensors"
    options = {"width": 4, "layers": 1}
    save_bundle(
        bundle, build("plainconv", 3, **options), ModelSpec(architecture="plainconv", options=options, classes=CLASSES)
    )
    for path in ("table", "remedies"):
        answer = client.get(f"{ROOT}/{path}", params=ASKED | {"model": str(bundle)})
        assert (answer.status_code, "There is no model" in answer.json()["error"]) == (400, True)
    assert client.get(f"{ROOT}/table", params=ASKED | {"home": ":"}).status_code == 400
