"""Using models over the server: which there are, folders predicted by a task, a model brought from elsewhere."""

from __future__ import annotations

import io
import os
import time
import zipfile
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch
from PIL import Image
from starlette.testclient import TestClient

from tests.support.labelme_folder import write_photo
from tests.support.scenes import Workspace, workspace
from tests.support.server import serve, visitor
from tests.support.videos import write_video
from training.architectures import build
from training.models.bundle import encode_bundle
from training.models.spec import ModelSpec
from workbench.server.zipping import zip_folder

CLASSES = ("sky", "road", "car")


@pytest.fixture
def place(tmp_path: Path) -> Workspace:
    return workspace(tmp_path / "home", CLASSES)


@pytest.fixture
def client(place: Workspace, tmp_path: Path) -> TestClient:
    (tmp_path / "root").mkdir()
    return visitor(serve(place.home, import_root=tmp_path / "root"))


def tiny() -> tuple[torch.nn.Module, ModelSpec]:
    torch.manual_seed(0)
    options = {"width": 4, "levels": 2}
    return build("unet", len(CLASSES), **options), ModelSpec(architecture="unet", options=options, classes=CLASSES)


def upload_of(client: TestClient, name: str, content: bytes) -> str:
    upload = client.post("/api/uploads").json()["upload"]
    assert client.put(f"/api/uploads/{upload}/files", params={"path": name}, content=content).is_success
    assert client.post(f"/api/uploads/{upload}/finish").is_success
    return str(upload)


def ended(client: TestClient, task: int) -> dict[str, Any]:
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        found: dict[str, Any] = client.get(f"/api/tasks/{task}").json()
        if found["state"] != "running":
            return found
        time.sleep(0.1)
    raise AssertionError("the task does not end")


def bring_bundle(client: TestClient, name: str) -> None:
    module, spec = tiny()
    upload = upload_of(client, "tiny.safetensors", encode_bundle(module.state_dict(), spec))
    told = client.post("/api/projects/1/models/look", json={"upload": upload}).json()
    assert (told["name"], told["bundle"]) == ("tiny", {"architecture": "unet", "classes": list(CLASSES)})
    answer = client.post("/api/projects/1/models", json={"upload": upload, "name": name})
    assert answer.status_code == 200, answer.text
    found = ended(client, answer.json()["id"])
    assert found["state"] == "finished", found["sentence"]


def test_a_bundle_is_brought_a_folder_predicted_and_the_result_taken_away(
    place: Workspace, client: TestClient, tmp_path: Path
) -> None:
    bring_bundle(client, "-evening")
    [model] = client.get("/api/projects/1/models").json()["models"]
    assert (model["reference"], model["architecture"], model["miou"]) == ("-evening", "unet", None)

    write_photo(tmp_path / "root" / "new" / "day" / "a.png", 0)
    write_photo(tmp_path / "root" / "new" / "b.png", 1)
    (tmp_path / "root" / "new" / "broken.jpg").write_bytes(b"no photo")
    wanted: dict[str, Any] = {"source": {"path": "new"}, "model": "-evening", "size": "long 64"}
    mistaken = client.post("/api/projects/1/predictions", json=wanted | {"scales": "large"})
    assert (mistaken.status_code, "Scales are" in mistaken.text) == (400, True)
    wanted |= {"scales": "0.5, 1", "flip": True, "combine": "max", "window": 32, "crf": 2}
    answer = client.post("/api/projects/1/predictions", json=wanted)
    assert answer.status_code == 200, answer.text
    assert answer.json()["link"] == "/use?project=1&prediction=1"
    found = ended(client, answer.json()["id"])
    assert found["state"] == "finished", found["sentence"]
    listed = client.get("/api/projects/1/predictions")
    [prediction] = listed.json()["predictions"]
    assert (prediction["id"], prediction["source"], prediction["images"]) == (1, "new", 2)
    assert prediction["refinement"] == "scales 0.5, 1; flipped; max; windows of 32; CRF 2"
    assert [each["file"] for each in prediction["skipped"]] == ["broken.jpg"]
    assert str(place.home.path) not in listed.text

    download = client.get("/api/projects/1/predictions/1/zip")
    assert download.headers["content-disposition"] == 'attachment; filename="prediction-1.zip"'
    with zipfile.ZipFile(io.BytesIO(download.content)) as archive:
        assert archive.testzip() is None
        pictures = ["index/b.png", "index/day/a.png", "overlay/b.jpg", "overlay/day/a.jpg"]
        assert sorted(archive.namelist()) == ["classes.csv", *pictures, "shares.csv"]
        index = np.asarray(Image.open(io.BytesIO(archive.read("index/b.png"))))
    assert (index.shape, index.max() < len(CLASSES)) == ((30, 40), True)

    assert client.get("/api/projects/2/predictions/1/zip").status_code == 404
    assert client.delete("/api/projects/1/predictions/1").status_code == 204
    assert client.get("/api/projects/1/predictions").json() == {"predictions": []}
    assert client.get("/api/projects/1/predictions/1/zip").status_code == 404
    assert not (place.home.path / "predictions" / "1" / "1").exists()


def test_what_the_project_does_not_have_cannot_be_predicted_with(
    place: Workspace, client: TestClient, tmp_path: Path
) -> None:
    write_photo(tmp_path / "root" / "a.png", 0)
    bundle = tmp_path / "root" / "elsewhere.safetensors"
    module, spec = tiny()
    bundle.write_bytes(encode_bundle(module.state_dict(), spec))
    for model in ("7:best", str(bundle)):  # a file of the server is nothing a browser may name
        body = {"source": {"path": "a.png"}, "model": model}
        answer = client.post("/api/projects/1/predictions", json=body)
        assert (answer.status_code, "no model" in answer.text) == (400, True)
    assert not (place.home.path / "predictions").exists()


def test_a_zip_names_its_files_in_utf_8(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"caf\xe9.png")).write_bytes(b"map")
    with zipfile.ZipFile(io.BytesIO(b"".join(zip_folder(tmp_path)))) as packed:
        assert (packed.namelist(), packed.testzip()) == ([r"caf\udce9.png"], None)


def test_a_damaged_prediction_hides_no_other(place: Workspace, client: TestClient) -> None:
    for number, text in ((1, '{"model": "a"'), (2, '{"model": "a", "source": "b", "task": 1, "started_at": 1}')):
        folder = place.home.path / "predictions" / "1" / str(number)
        folder.mkdir(parents=True)
        (folder / "prediction.json").write_text(text)
    assert [each["id"] for each in client.get("/api/projects/1/predictions").json()["predictions"]] == [2]
    assert "damaged" in client.get("/api/projects/1/predictions/1/zip").json()["error"]


def test_weights_alone_need_their_architecture_and_classes(place: Workspace, client: TestClient) -> None:
    module = build("unet", len(CLASSES))
    buffer = io.BytesIO()
    torch.save(module.state_dict(), buffer)
    upload = upload_of(client, "weights.pth", buffer.getvalue())
    told = client.post("/api/projects/1/models/look", json={"upload": upload}).json()
    assert (told["bundle"], "unet" in told["architectures"]) == (None, True)
    body = {"upload": upload, "name": "public", "architecture": "unet", "classes": "sky\nroad"}
    failed = ended(client, client.post("/api/projects/1/models", json=body).json()["id"])
    assert (failed["state"], "3 outputs" in failed["sentence"]) == ("failed", True)
    # The file is still there to try again with.
    task = client.post("/api/projects/1/models", json=body | {"classes": "\n".join(CLASSES)}).json()["id"]
    assert ended(client, task)["result"]["classes"] == list(CLASSES)
    assert [each["reference"] for each in client.get("/api/projects/1/models").json()["models"]] == ["public"]


def test_one_file_is_a_model_two_are_not(client: TestClient) -> None:
    upload = client.post("/api/uploads").json()["upload"]
    for name in ("a.pth", "b.pth"):
        client.put(f"/api/uploads/{upload}/files", params={"path": name}, content=b"x")
    client.post(f"/api/uploads/{upload}/finish")
    answer = client.post("/api/projects/1/models/look", json={"upload": upload})
    assert (answer.status_code, "found 2" in answer.text) == (400, True)


def test_a_video_is_predicted_gone_on_with_watched_in_pieces_and_deleted(
    place: Workspace, client: TestClient, tmp_path: Path
) -> None:
    bring_bundle(client, "tiny")
    source = write_video(tmp_path / "walk <b>.mp4", 30, audio="aac")
    wanted: dict[str, Any] = {"model": "tiny", "size": "long 32", "smooth": 0.5, "opacity": 0.4, "legend": True}
    refused = client.post("/api/projects/1/videos", json=wanted | {"source": {"path": "."}})
    assert (refused.status_code, "a video, found 0" in refused.text) == (400, True)
    text = {"upload": upload_of(client, "text.mp4", b"no video")}
    refused = client.post("/api/projects/1/videos", json=wanted | {"source": text})
    assert (refused.status_code, "text.mp4 is no video" in refused.text) == (400, True)
    assert str(place.home.path) not in refused.text

    sent = {"upload": upload_of(client, source.name, source.read_bytes())}
    answer = client.post("/api/projects/1/videos", json=wanted | {"source": sent})
    assert answer.status_code == 200, answer.text
    assert client.post(f"/api/tasks/{answer.json()['id']}/cancel").is_success
    assert ended(client, answer.json()["id"])["state"] == "cancelled"
    assert client.get("/api/projects/1/predictions/1/video").status_code == 400
    again = client.post("/api/projects/1/predictions/1/resume")
    assert again.status_code == 200, again.text
    found = ended(client, again.json()["id"])
    assert found["state"] == "finished", found["sentence"]
    assert client.post("/api/projects/1/predictions/1/resume").status_code == 400
    [prediction] = client.get("/api/projects/1/predictions").json()["predictions"]
    assert (prediction["kind"], prediction["source"], prediction["images"]) == ("video", "walk <b>.mp4", 30)

    whole = client.get("/api/projects/1/predictions/1/video")
    assert (whole.headers["content-type"], whole.headers["accept-ranges"]) == ("video/mp4", "bytes")
    piece = client.get("/api/projects/1/predictions/1/video", headers={"Range": "bytes=4-11"})
    assert (piece.status_code, piece.content) == (206, whole.content[4:12])
    assert piece.content[:4] == b"ftyp"
    taken = client.get("/api/projects/1/predictions/1/video", params={"download": True})
    assert taken.headers["content-disposition"] == 'attachment; filename="prediction-1.mp4"'
    (tmp_path / "out.mp4").write_bytes(whole.content)
    with av.open(tmp_path / "out.mp4") as film:
        assert [stream.codec_context.name for stream in film.streams] == ["h264", "aac"]
        assert sum(1 for _ in film.decode(video=0)) == 30
    assert client.delete("/api/projects/1/predictions/1").status_code == 204
    assert client.get("/api/projects/1/predictions/1/video").status_code == 404
