"""Frames of a camera, a tried photo beside other models, and what is taken away of it for labelme."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
import torch
from fastapi.testclient import TestClient
from PIL import Image

from db.schema import Model
from tests.support.scenes import Workspace, blocks, paint, png, workspace
from tests.support.server import serve, visitor
from training.architectures import build
from training.models.bundle import save_bundle
from training.models.spec import ModelSpec

CLASSES = ("sky", "road", "tree", "car")
PHOTO = png(paint(blocks(48, 64, 4)))


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    place = workspace(tmp_path_factory.mktemp("live") / "home", CLASSES)
    for seed, name in enumerate(("first", "second")):
        _add_model(place, name, seed)
    return visitor(serve(place.home))


def _add_model(place: Workspace, name: str, seed: int) -> None:
    torch.manual_seed(seed)
    spec = ModelSpec(architecture="unet", options={"width": 4, "levels": 2}, classes=CLASSES)
    path = place.home.models / f"{name}.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    sha = save_bundle(path, build("unet", 4, width=4, levels=2).eval(), spec)
    with place.database.write() as session:
        relative = path.relative_to(place.home.path).as_posix()
        session.add(
            Model(project_id=1, name=name, sha256=sha, path=relative, source="test", spec=spec.model_dump(mode="json"))
        )


def _pixels(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image)


def test_a_frame_is_answered_by_its_class_map_and_nothing_is_kept(client: TestClient) -> None:
    root = "/api/projects/1/live"
    told = client.get(root, params={"model": "first"}).json()
    assert [each["name"] for each in told["classes"]] == list(CLASSES)
    assert told["classes"][0]["color"].startswith("#")
    answer = client.post(root, params={"model": "first"}, content=PHOTO)
    assert answer.headers["cache-control"] == "no-store"
    assert float(answer.headers["x-seconds"]) > 0
    tried = client.post("/api/projects/1/try?model=first", content=PHOTO).json()
    expected = _pixels(client.get(f"/api/tried/{tried['id']}/map?size=0").content)
    np.testing.assert_array_equal(_pixels(answer.content), expected)
    for model, body, message in (
        ("first", b"no picture", "cannot be read"),
        ("third", PHOTO, "no model 'third'"),
        ("first", png(np.zeros((1500, 1500, 3), np.uint8)), "full HD"),
    ):
        refused = client.post(root, params={"model": model}, content=body)
        assert (refused.status_code, message in refused.json()["error"]) == (400, True)


def test_a_tried_photo_is_looked_at_with_another_model_and_taken_to_labelme(client: TestClient) -> None:
    tried = client.post("/api/projects/1/try?model=first", content=PHOTO).json()
    again = client.post(f"/api/projects/1/tried/{tried['id']}/again", params={"model": "second"}).json()
    direct = client.post("/api/projects/1/try?model=second", content=PHOTO).json()
    assert again["model"] == "second"
    assert again["classes"] == direct["classes"] != tried["classes"]
    assert client.post("/api/projects/1/tried/0123/again", params={"model": "second"}).status_code == 404

    both = {"tried": [tried["id"], again["id"]]}
    beside = client.get("/api/beside", params=both).json()
    expected = list(zip(*[[each["share"] for each in one["classes"]] for one in (tried, again)], strict=True))
    assert [tuple(each["shares"]) for each in beside["classes"]] == expected
    first, second = (_pixels(client.get(f"/api/tried/{one}/map?size=0").content) for one in both["tried"])
    assert beside["agree"] == np.mean(first == second) == beside["pairs"][0]["agree"]
    small = client.post("/api/projects/1/try?model=second", content=png(paint(blocks(24, 32, 4)))).json()
    refused = client.get("/api/beside", params={"tried": [tried["id"], small["id"]]})
    assert (refused.status_code, "one photo" in refused.json()["error"]) == (400, True)

    answer = client.get(f"/api/tried/{tried['id']}/labelme", params={"file": "../my photo.jpg"})
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''my%20photo.json"
    document = json.loads(answer.content)
    assert document["imagePath"] == "my photo.jpg"
    assert (document["imageHeight"], document["imageWidth"]) == (48, 64)
    shown = {each["name"] for each in tried["classes"] if each["share"]}
    assert {(shape["label"], shape["shape_type"]) for shape in document["shapes"]} == {(n, "mask") for n in shown}
