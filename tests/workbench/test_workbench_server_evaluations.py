"""Evaluations and tried photos over the server: figures, galleries and pictures, by number only."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image
from starlette.testclient import TestClient

from db.schema import Evaluation, Model, utc_now
from db.store import Store
from labeling.map_store import load_map
from labeling.maps import read_map_png
from labeling.photos import fit_size
from tests.support.scenes import COLORS, Scene, Workspace, add_dataset, blocks, paint, png, workspace
from tests.support.server import serve, visitor
from tests.support.tiles import unpack
from tests.support.tiny_models import PLAIN, ColorNet, loaded
from training.architectures import build
from training.evaluation.evaluate import EvaluationRequest, evaluate, evaluate_loaded
from training.evaluation.lit import reduce_lit
from training.evaluation.mapping import read_mapping_file, save_mapping
from training.evaluation.opened import open_evaluation
from training.models.bundle import save_bundle
from training.models.find import load_model
from training.models.spec import ModelSpec
from training.prediction.inference import Predictor
from workbench.cli.app import run
from workbench.server.routes import evaluation_reading

CLASSES = ("sky", "road", '<img src=x onerror=alert(1)>${"t"}', "car")
MODEL_CLASSES = ("sky", CLASSES[2], "road", "lamp")


@pytest.fixture
def place(tmp_path: Path) -> Workspace:
    place = workspace(tmp_path / "home", CLASSES)
    add_dataset(place, "campus", [Scene(blocks(200, 400, 4, number), seed=number) for number in range(3)])
    return place


@pytest.fixture
def client(place: Workspace) -> TestClient:
    return visitor(serve(place.home))


def _evaluate(place: Workspace, names: tuple[str, ...] = MODEL_CLASSES, **choices: Any) -> int:
    model = loaded(ColorNet(COLORS[:4]), names, preprocessing=PLAIN)
    predictor = Predictor(model, torch.device("cpu"), "fp32")
    return evaluate_loaded(place.home, place.database, predictor, EvaluationRequest("p", "campus", **choices)).id


def _pixels(answer: Any) -> np.ndarray:
    assert answer.status_code == 200, answer.text
    with Image.open(io.BytesIO(answer.content)) as image:
        return np.asarray(image)


def test_classes_by_confusion_and_what_is_not_counted_yet_as_a_task(
    place: Workspace, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = _evaluate(place)
    order = client.get(f"/api/evaluations/{number}/alike").json()["classes"]
    assert sorted(order) == [0, 1, 2, 3]
    assert abs(order.index(1) - order.index(2)) == 1  # the two are taken for one another
    begin = Mock(return_value=Mock(id=7))
    monkeypatch.setattr(evaluation_reading, "start_task", begin)
    assert client.post(f"/api/evaluations/{number}/boundary").json() == {"task": 7}
    assert client.get(f"/api/evaluations/{number}").json()["boundary"] is None
    assert run([*begin.call_args.args[1], f"--home={place.home.path}", "--json"]) == 0
    assert client.get(f"/api/evaluations/{number}").json()["boundary"]["f1"] > 0


def test_all_figures_and_no_folder_of_the_server(place: Workspace, client: TestClient) -> None:
    number = _evaluate(place)
    answer = client.get(f"/api/evaluations/{number}")
    found = answer.json()
    assert found["project"] == 1
    assert found["axes"]["truth"] == list(CLASSES)
    assert len(found["axes"]["colors"]) == len(found["axes"]["predicted"]) == len(CLASSES) + 1
    assert np.array(found["confusion"]).shape == (4, 5)
    assert found["classes"][3]["iou"] == 0
    assert str(place.home.path) not in answer.text
    assert [one["evaluation"] for one in client.get("/api/projects/1/evaluations").json()["evaluations"]] == [number]


def test_a_mapping_is_suggested_from_where_the_models_classes_lie(
    place: Workspace, client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = _evaluate(place)
    found = client.get(f"/api/evaluations/{number}/where-classes-lie").json()
    counts = np.array(client.get(f"/api/evaluations/{number}", params={"mapping": "by-name"}).json()["confusion"])
    classes = {each["model_class"]: each for each in found["classes"]}
    assert (classes["sky"]["mostly"], classes["sky"]["pixels"]) == ("sky", counts[:, 0].sum())
    assert (classes["lamp"]["mostly"], classes["lamp"]["share"]) == ("car", 1)  # the fourth colour, the fourth class
    rows = dict(found["rows"])
    assert (rows["road"], rows["lamp"]) == ("road", "car")  # the name goes before the place
    assert client.get("/api/evaluations/99/where-classes-lie").status_code == 404

    monkeypatch.setenv("WORKBENCH_HOME", str(place.home.path))
    path = tmp_path / "mapping.yaml"
    assert run(["mapping", "suggest", str(number), "--to", str(path)]) == 0
    assert dict(read_mapping_file(path)) == rows
    assert run(["mapping", "suggest", str(number), "--to", str(path)]) == 2


def test_curves_and_reliability_of_a_class(place: Workspace, client: TestClient) -> None:
    root = f"/api/evaluations/{_evaluate(place)}"
    whole = client.get(root).json()
    assert whole["calibration"]["ece"] == pytest.approx(1 - whole["pa"], abs=0.01)  # it is always sure
    assert sum(each["pixels"] for each in whole["calibration"]["bins"]) == sum(map(sum, whole["confusion"]))
    found = client.get(f"{root}/curves").json()
    assert [each["auc"] for each in found["classes"]][::3] == [1, None]  # the sky; to the car nothing leads
    assert found["classes"][1]["auc"] < 0.5
    sky = client.get(f"{root}/curves", params={"class": "sky"}).json()
    assert (len(sky["points"]), sky["points"][1]["recall"]) == (101, 1)
    assert sky["working_point"] == {"recall": 1, "false_positive_rate": 0, "precision": 1}
    road = client.get(f"{root}/calibration", params={"class": "road"}).json()
    assert road["ece"] == whole["classes"][1]["ece"] > 0.9
    assert "no class 'boat'" in client.get(f"{root}/curves", params={"class": "boat"}).json()["error"]


def test_the_gallery_by_score_by_cell_and_by_class(place: Workspace, client: TestClient) -> None:
    address = f"/api/evaluations/{_evaluate(place)}/gallery"
    worst = client.get(address, params={"sort": "miou", "limit": 2}).json()
    assert worst["total"] == 3
    assert [image["score"] for image in worst["images"]] == sorted(image["score"] for image in worst["images"])
    assert worst["images"][0].keys() == {
        *("number", "dataset", "path", "width", "height", "score", "score_name", "pixels_in_cell"),
        *("entropy", "confidence"),
    }
    cell = client.get(address, params={"cell": "1,2"}).json()
    assert all(image["pixels_in_cell"] > 0 for image in cell["images"])
    by_class = client.get(address, params={"sort": f"class:{CLASSES[2]}", "class": CLASSES[2]}).json()
    assert {image["score_name"] for image in by_class["images"]} == {CLASSES[2]}
    least_sure = client.get(address, params={"sort": "-entropy", "on": "all", "min_score": 0, "max_score": 1}).json()
    entropies = [image["entropy"] for image in least_sure["images"]]
    assert entropies == sorted(entropies, reverse=True)
    assert client.get(address, params={"max_score": 0}).json()["total"] == 0
    assert client.get(address.replace("gallery", "parts")).json() == {"parts": {"all": 3}}
    assert client.get(address, params={"on": "night"}).json()["error"].startswith("No image of campus")
    assert client.get(f"{address}/numbers", params={"cell": "1,2"}).json() == {
        "images": [image["number"] for image in cell["images"]]
    }
    assert client.get(address, params={"cell": "sky"}).status_code == 400
    assert client.get(address, params={"sort": "newest"}).json()["error"].startswith("Images are sorted by")


@pytest.mark.parametrize("size", [0, 256])
def test_all_pictures_of_an_image_lie_over_each_other(place: Workspace, client: TestClient, size: int) -> None:
    number = _evaluate(place)
    found = open_evaluation(place.database, number)
    pictures = {
        layer: _pixels(client.get(f"/api/evaluations/{number}/images/1/{layer}?size={size}"))
        for layer in ("photo", "truth", "prediction", "confidence")
    }
    assert {image.shape[:2] for image in pictures.values()} == {(200, 400) if size == 0 else (128, 256)}
    assert {pictures[layer].dtype for layer in ("truth", "prediction", "confidence")} == {np.dtype(np.uint8)}
    if size == 0:
        truth = load_map(Store(place.home.store), found.record.images[1].map_sha256)
        index = read_map_png(found.directory / "index" / "000001.png")
        np.testing.assert_array_equal(pictures["truth"], truth)
        np.testing.assert_array_equal(pictures["prediction"], np.array([0, 2, 1, 4], np.uint8)[index])  # 4: other


def test_the_pixels_of_a_cell_are_lit_and_none_is_lost_where_the_picture_is_small(
    place: Workspace, client: TestClient
) -> None:
    number = _evaluate(place)
    root = f"/api/evaluations/{number}"
    truth, predicted = (_pixels(client.get(f"{root}/images/1/{layer}?size=0")) for layer in ("truth", "prediction"))
    for t, m in [(0, 0), (1, 2), (3, 4)]:  # right, wrong, `other`
        page = client.get(f"{root}/gallery", params={"cell": f"{t},{m}"}).json()
        lit = _pixels(client.get(f"{root}/images/1/lit?size=0&cell={t},{m}"))
        np.testing.assert_array_equal(lit, (truth == t) & (predicted == m))
        assert lit.sum() == sum(image["pixels_in_cell"] for image in page["images"] if image["number"] == 1)
        small = _pixels(client.get(f"{root}/images/1/lit?size=256&cell={t},{m}"))
        assert small.shape == (128, 256)
        assert small.any() == lit.any()
    assert client.get(f"{root}/images/1/lit?cell=9,9").status_code == 400
    assert client.get(f"{root}/images/9/lit?cell=0,0").status_code == 404


def test_maps_of_many_images_are_those_of_each(place: Workspace, client: TestClient) -> None:
    root = f"/api/evaluations/{_evaluate(place)}"
    for layer in ("truth", "prediction", "confidence", "lit"):
        more = {"size": "256", "cell": "1,2"} if layer == "lit" else {"size": "256", "mapping": "by-name"}
        many = client.get(f"{root}/maps/{layer}", params={**more, "images": "2,0,9"})
        assert (many.status_code, many.headers["cache-control"]) == (200, "private, no-store")
        *found, missing = unpack(many.content)
        assert missing.shape == (0, 0)
        for number, pixels in zip((2, 0), found, strict=True):
            alone = _pixels(client.get(f"{root}/images/{number}/{layer}", params=more))
            np.testing.assert_array_equal(pixels, alone)
    wrong = ("truth?images=", "truth?images=a", "truth?images=1&size=0", "photo?images=1", "lit?images=1&cell=boat,sky")
    assert {client.get(f"{root}/maps/{each}").status_code for each in wrong} == {400}
    assert client.get("/api/evaluations/99/maps/truth?images=1").status_code == 404


@given(hnp.arrays(np.bool_, st.tuples(st.integers(1, 40), st.integers(200, 600))))
@settings(max_examples=20, deadline=None)
def test_a_lit_pixel_stays_lit_in_the_block_it_falls_into(lit: np.ndarray) -> None:
    small = reduce_lit(lit, 256)
    height, width = lit.shape
    assert small.shape[::-1] == fit_size(width, height, 256)
    rows, columns = small.shape
    for y, x in np.argwhere(small):
        ys, xs = (
            slice(i * n // m, max(i * n // m + 1, (i + 1) * n // m))
            for i, n, m in [(y, height, rows), (x, width, columns)]
        )
        assert lit[ys, xs].any()
    assert small.sum() <= lit.sum()
    assert small.any() == lit.any()


def test_a_picture_is_asked_for_again_only_when_it_may_have_changed(place: Workspace, client: TestClient) -> None:
    number = _evaluate(place)
    version = client.get(f"/api/evaluations/{number}").json()["version"]
    address = f"/api/evaluations/{number}/images/0/prediction?size=256"
    first = client.get(address)
    assert first.headers["cache-control"] == "private, no-cache"
    assert client.get(address, headers={"If-None-Match": first.headers["etag"]}).status_code == 304
    assert "immutable" in client.get(f"{address}&v={version}").headers["cache-control"]
    save_mapping(place.database, "p", "right", list(zip(MODEL_CLASSES, CLASSES, strict=True)))
    mapped = client.get(f"{address}&mapping=right&v={version}")
    assert mapped.headers["etag"] != first.headers["etag"]
    assert mapped.headers["cache-control"] == "private, no-cache"  # the version is that of another mapping
    np.testing.assert_array_equal(np.unique(_pixels(mapped)), np.arange(4))


def _add_model(place: Workspace, name: str = "tiny", seed: int = 0) -> None:
    """Register a model of random weights under a name, in place of what was there."""
    torch.manual_seed(seed)
    module = build("unet", 4, width=4, levels=2).eval()
    spec = ModelSpec(architecture="unet", options={"width": 4, "levels": 2}, classes=CLASSES)
    path = place.home.models / f"{name}.safetensors"
    sha = save_bundle(path, module, spec)
    with place.database.write() as session:
        session.query(Model).filter(Model.name == name).delete()
        relative = path.relative_to(place.home.path).as_posix()
        session.add(Model(project_id=1, name=name, sha256=sha, path=relative, source="test", spec={}))


def test_predictions_that_were_not_stored_are_made_when_asked_for(place: Workspace, client: TestClient) -> None:
    _add_model(place)
    request: dict[str, Any] = {
        "project": "p",
        "model": "tiny",
        "dataset": "campus",
        "device": "cpu",
        "precision": "fp32",
    }
    stored, bare = (
        evaluate(place.home, place.database, predictions=predictions, **request).id for predictions in (True, False)
    )
    for layer in ("prediction", "confidence"):
        there, made = (
            _pixels(client.get(f"/api/evaluations/{number}/images/2/{layer}?size=0")) for number in (stored, bare)
        )
        np.testing.assert_array_equal(there, made)
    _add_model(place, seed=1)
    answer = client.get(f"/api/evaluations/{bare}/images/1/prediction?size=0")
    assert answer.status_code == 400
    assert "has changed since" in answer.json()["error"]


def test_what_is_not_there_is_not_found(place: Workspace, client: TestClient) -> None:
    number = _evaluate(place)
    root = f"/api/evaluations/{number}"
    addresses = [root, f"{root}/gallery", f"{root}/images/0/photo"]
    assert [client.get(address).status_code for address in addresses] == [200] * 3
    assert client.get(f"{root}/images/3/truth").status_code == 404
    assert client.get(f"{root}/images/0/secrets").status_code == 400
    assert client.get(f"{root}/images/0/photo?size=333").status_code == 400
    with place.database.write() as session:
        session.get_one(Evaluation, number).deleted_at = utc_now()
    assert [client.get(address).status_code for address in addresses] == [404] * 3


def test_a_model_is_tried_on_a_photo(place: Workspace, client: TestClient) -> None:
    _add_model(place)
    photo = png(paint(blocks(90, 300, 4)))
    answer = client.post("/api/projects/1/try?model=tiny&size=long 96", content=photo)
    assert answer.status_code == 200, answer.text
    tried = answer.json()
    assert (tried["width"], tried["height"], tried["model"]) == (300, 90, "tiny")
    assert [one["name"] for one in tried["classes"]] == list(CLASSES)
    assert sum(one["share"] for one in tried["classes"]) == pytest.approx(1)
    root = f"/api/tried/{tried['id']}"
    assert client.get(root).json() == tried
    indices = _pixels(client.get(f"{root}/map?size=0"))
    assert np.bincount(indices.reshape(-1), minlength=4).tolist() == [
        round(one["share"] * 300 * 90) for one in tried["classes"]
    ]
    for layer in ("photo", "map", "confidence"):
        assert _pixels(client.get(f"{root}/{layer}?size=256")).shape[:2] == (77, 256)
    with Image.open(io.BytesIO(client.get(f"{root}/index").content)) as image:
        assert image.mode == "P"
        np.testing.assert_array_equal(np.asarray(image), indices)
    overlay = client.get(f"{root}/overlay")
    assert overlay.headers["content-disposition"] == "attachment; filename*=UTF-8''photo_overlay.png"
    assert _pixels(overlay).shape == (90, 300, 3)


def test_a_tried_photo_is_refined_step_by_step(place: Workspace, client: TestClient) -> None:
    _add_model(place)
    photo = png(paint(blocks(45, 60, 4)))
    tried = client.post("/api/projects/1/try?model=tiny&crf=true", content=photo).json()
    assert tried["steps"] == [1, 2, 10]
    root = f"/api/tried/{tried['id']}"
    maps = [_pixels(client.get(f"{root}/map?size=0&crf={iterations}")) for iterations in (0, 1, 2, 10)]
    plain = client.post("/api/projects/1/try?model=tiny", content=photo).json()
    assert plain["steps"] == []
    np.testing.assert_array_equal(maps[0], _pixels(client.get(f"/api/tried/{plain['id']}/map?size=0")))
    assert any((refined != maps[0]).any() for refined in maps[1:])
    index = client.get(f"{root}/index?crf=10")
    assert index.headers["content-disposition"] == "attachment; filename*=UTF-8''photo_crf10_index.png"
    with Image.open(io.BytesIO(index.content)) as image:
        np.testing.assert_array_equal(np.asarray(image), maps[3])
    assert _pixels(client.get(f"{root}/overlay?crf=10")).shape == (45, 60, 3)
    assert client.get(f"{root}/map?crf=3").status_code == 404
    assert _pixels(client.get(f"{root}/affinity?crf=2")).shape == (24 * 18, 2 * 24 * 18 + 4, 3)


def test_what_cannot_be_tried_is_said(place: Workspace, client: TestClient, tmp_path: Path) -> None:
    _add_model(place)
    photo = png(paint(blocks(90, 300, 4)))
    elsewhere = tmp_path / "model.safetensors"
    elsewhere.write_bytes((place.home.models / "tiny.safetensors").read_bytes())
    assert load_model(place.home, place.database, "p", str(elsewhere)).spec.classes == CLASSES
    for query, body, message in (
        ("model=tiny", b"<html>", "cannot be used as a photo"),
        ("model=tiny&size=9000x9000", photo, "Choose a size"),
        ("model=none", photo, "no model 'none'"),
        (f"model={elsewhere}", photo, "no model"),  # a file of the server is nothing a browser may name
    ):
        answer = client.post(f"/api/projects/1/try?{query}", content=body)
        assert (answer.status_code, message in answer.json()["error"]) == (400, True), answer.text
    assert client.post("/api/projects/2/try?model=tiny", content=photo).status_code == 404


def test_what_was_tried_is_kept_for_a_day(place: Workspace, client: TestClient) -> None:
    _add_model(place)
    photo = png(paint(blocks(32, 32, 4)))
    first, second = (client.post("/api/projects/1/try?model=tiny", content=photo).json()["id"] for _ in range(2))
    folder = place.home.path / "cache" / "tried" / first
    yesterday = time.time() - 25 * 3600
    os.utime(folder, (yesterday, yesterday))
    client.post("/api/projects/1/try?model=tiny", content=photo)
    assert client.get(f"/api/tried/{first}").status_code == 404
    assert client.get(f"/api/tried/{second}").status_code == 200
    assert client.get("/api/tried/..%2F..%2Fworkbench.db/photo").status_code == 404


def test_the_server_answers_before_torch_is_loaded() -> None:
    code = "import sys, workbench.server.app; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
