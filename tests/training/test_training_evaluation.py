"""Evaluations from end to end on painted photos, whose right answer a one-layer network knows."""

from __future__ import annotations

import io
import json
import os
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from db.errors import UserError
from db.schema import Evaluation
from db.store import Store
from labeling.classes import add_class
from labeling.map_store import load_map
from labeling.maps import read_map_png
from labeling.photos import read_photo
from labeling.progress import Progress, silent
from labeling.revisions import freeze, list_revisions, load_manifest
from labeling.subsets import rename_subset
from tests.support.scenes import COLORS, Scene, Workspace, add_dataset, blocks, jpeg, paint, png, workspace
from tests.support.tiny_models import PLAIN, ColorNet, loaded
from training.architectures import build
from training.crf.parameters import CrfParameters
from training.evaluation import evaluate as evaluation
from training.evaluation.compare import compare_reports
from training.evaluation.counting import count
from training.evaluation.evaluate import EvaluationRequest, evaluate, evaluate_loaded, list_evaluations, read_evaluation
from training.evaluation.mapping import apply, rows_by_name, save_mapping, targets
from training.evaluation.metrics import metrics
from training.evaluation.opened import open_evaluation
from training.evaluation.report import CLASS_COLUMNS, EvaluationReport
from training.evaluation.store import read_cells, read_counts, read_histograms, read_record
from training.models.bundle import save_bundle
from training.models.loaded import LoadedModel
from training.models.spec import Ancestor, ModelSpec
from training.prediction.inference import Predictor, predict_pixels
from training.prediction.refinement import NONE, Refinement
from training.prediction.size import Size

CLASSES = ("sky", "road", "tree", "car")
CPU = torch.device("cpu")


@pytest.fixture
def place(tmp_path: Path) -> Workspace:
    """A project with ten photos of two sizes: six train, four val, two of these dusk."""
    place = workspace(tmp_path, CLASSES)
    roles = ["train"] * 6 + ["val"] * 4
    scenes = [
        Scene(blocks(40, 56 if number % 3 else 64, 4, number), role, ("dusk",) if number > 7 else (), number)
        for number, role in enumerate(roles)
    ]
    add_dataset(place, "campus", scenes)
    return place


def _knowing(classes: int = 4, names: tuple[str, ...] = CLASSES, **spec: Any) -> LoadedModel:
    return loaded(ColorNet(COLORS[:classes]), names, preprocessing=PLAIN, **spec)


def _run(
    place: Workspace, model: LoadedModel, *, progress: Progress = silent, dataset: str = "campus", **choices: Any
) -> EvaluationReport:
    predictor = Predictor(model, CPU, "fp32")
    request = EvaluationRequest("p", dataset, **choices)
    return evaluate_loaded(place.home, place.database, predictor, request, progress)


def test_a_network_that_knows_the_colours_is_right_everywhere(place: Workspace) -> None:
    report = _run(place, _knowing(), on="val")
    assert report.metrics.pa == report.metrics.miou == report.metrics.fwiou == 1
    assert len(report.record.images) == 4
    ignored = 3 * 4
    assert report.metrics.pixels == sum(image.height * image.width for image in report.record.images) - ignored


def test_what_is_stored_recomputes_to_what_was_reported(place: Workspace) -> None:
    model = _knowing(4, ("tree", "sky", "road", "car"))  # wrong names: every figure is in play
    report = _run(place, model)
    store, record = Store(place.home.store), report.record
    counts = read_counts(report.directory, record).toarray()
    manifest = load_manifest(store, record.revision)
    total = np.zeros((4, 4), np.int64)
    for number, image in enumerate(manifest.images):
        truth = load_map(store, image.map_sha256)
        index = read_map_png(report.directory / "index" / f"{number:06d}.png")
        assert index.shape == truth.shape == (record.images[number].height, record.images[number].width)
        table = count(truth, index, 4, 4)
        np.testing.assert_array_equal(counts[number].reshape(4, 4), table)
        total += table
    np.testing.assert_array_equal(read_cells(report.directory, record).toarray(), counts.T)
    columns = targets(rows_by_name(record.model_classes, record.truth_classes), record.model_classes, CLASSES)
    np.testing.assert_array_equal(report.confusion, apply(total, columns))
    assert report.metrics == metrics(report.confusion)
    again = read_evaluation(place.home, place.database, "p", report.id)
    assert again.to_json() == report.to_json()


def test_a_class_is_told_with_the_images_it_is_in(place: Workspace) -> None:
    report = _run(place, _knowing(4, ("tree", "sky", "lamp", "car")))
    store, columns = Store(place.home.store), np.array([2, 0, 4, 3])
    truths = [load_map(store, image.map_sha256) for image in report.record.images]
    indices = [columns[read_map_png(report.directory / "index" / f"{n:06d}.png")] for n in range(len(truths))]
    for number, row in enumerate(report.to_json()["classes"]):
        predicted = [(index == number) & (truth != 255) for truth, index in zip(truths, indices, strict=True)]
        assert row["images"] == sum((truth == number).any() for truth in truths)
        assert row["images_predicted"] == sum(where.any() for where in predicted)
        assert row["predicted"] == sum(where.sum() for where in predicted)


def test_what_an_evaluation_was_made_with_stands_beside_it(place: Workspace) -> None:
    refinement = Refinement(flip=True, crf=CrfParameters(iterations=2))
    predictor = Predictor(_knowing(), CPU, "fp32", refinement)
    refined = evaluate_loaded(place.home, place.database, predictor, EvaluationRequest("p", "campus", "val"))
    plain = _run(place, _knowing(), on="val")
    assert read_evaluation(place.home, place.database, "p", refined.id).record.refinement == refinement
    assert refined.to_json()["refinement"] == "flipped; mean; CRF 2"
    assert [each.refinement for each in list_evaluations(place.database, "p")] == ["", "flipped; mean; CRF 2"]
    notes = compare_reports(plain, refined).notes
    assert "Refined by: a = nothing, b = flipped; mean; CRF 2." in notes


def test_an_evaluation_older_than_refinements_had_none(place: Workspace) -> None:
    report = _run(place, _knowing(), on="val")
    path = report.directory / "evaluation.json"
    path.write_text(
        json.dumps({key: value for key, value in json.loads(path.read_text()).items() if key != "refinement"})
    )
    assert read_record(report.directory).refinement == NONE


def test_the_networks_doubt_is_told_by_image(place: Workspace) -> None:
    network = ColorNet(COLORS[:4])
    for parameter in network.parameters():
        parameter.data /= 4000  # so that it doubts
    model = loaded(network, CLASSES, preprocessing=PLAIN)
    report = _run(place, model, on="val")
    store = Store(place.home.store)
    by_path = {image.path: image for image in load_manifest(store, report.record.revision).images}
    for number, image in enumerate(report.record.images):
        pixels = torch.from_numpy(read_photo(store.read(by_path[image.path].image_sha256))).permute(2, 0, 1)[None]
        with torch.inference_mode():
            shares = network(pixels.float())[0].double().softmax(dim=0)
        entropy = -(shares * shares.log()).sum(dim=0).mean() / np.log(4)
        assert image.entropy == pytest.approx(float(entropy), rel=1e-4)
        confidence = read_map_png(report.directory / "confidence" / f"{number:06d}.png").mean() / 255
        assert image.confidence == pytest.approx(float(shares.max(dim=0).values.mean()), abs=0.002)
        assert image.confidence == pytest.approx(confidence)
        assert 0.05 < float(entropy) < 0.95


def test_histograms_hold_every_pixel_under_its_confidence(place: Workspace) -> None:
    report = _run(place, _knowing())
    histograms = read_histograms(report.directory, report.record)
    assert histograms.calibration.sum() == histograms.confidence.sum() == report.metrics.pixels
    np.testing.assert_array_equal(
        histograms.calibration.sum(axis=0).sum(), read_counts(report.directory, report.record).sum()
    )
    assert histograms.winners is not None
    np.testing.assert_array_equal(histograms.winners.sum(axis=1), histograms.confidence)
    np.testing.assert_array_equal(histograms.winners.sum(axis=0), histograms.calibration.sum(axis=(0, 1)))
    confidence = read_map_png(report.directory / "confidence" / "000000.png")
    assert confidence.min() > 250  # colours far apart: the network is sure
    # Small photos are sampled at every pixel, and every class has a score there.
    assert (histograms.scores.sum(axis=(1, 2)) == report.metrics.pixels).all()
    assert histograms.scores[1, 1, -1] == report.metrics.classes[1].pixels


def test_the_report_has_the_contracts_keys(place: Workspace) -> None:
    values = _run(place, _knowing(), on="dusk").to_json()
    expected = {"evaluation", "revision", "images", "size", "pa", "ma", "miou", "fwiou", "precision", "recall", "f1"}
    assert expected | {"classes", "axes", "confusion", "leaks"} <= values.keys()
    assert values["images"] == 2
    assert values["axes"] == {"truth": list(CLASSES), "predicted": [*CLASSES, "other"]}
    assert {"name", *CLASS_COLUMNS} == values["classes"][0].keys()
    assert np.array(values["confusion"]).shape == (4, 5)


def test_many_classes_on_few_through_a_mapping_without_inference(tmp_path: Path) -> None:
    truth_names = tuple(f"place {index}" for index in range(9))
    place = workspace(tmp_path, truth_names)
    add_dataset(place, "campus", [Scene(blocks(64, 64, 9, seed), seed=seed) for seed in range(3)])
    model_names = tuple(f"thing {index}" for index in range(21))
    report = _run(place, _knowing(21, model_names))
    assert report.metrics.pa == 0  # no name in common: everything is an error in `other`
    assert report.confusion[:, -1].sum() == report.metrics.pixels
    assert any("No class of the model leads to" in note for note in report.notes)
    shutil.rmtree(report.directory / "index")  # nothing but the counts is needed
    rows = [(name, truth_names[index % 9]) for index, name in enumerate(model_names)]
    save_mapping(place.database, "p", "things", rows)
    mapped = read_evaluation(place.home, place.database, "p", report.id, "things")
    assert mapped.metrics.pa == mapped.metrics.miou == 1
    save_mapping(place.database, "p", "things", [(name, t if t != "place 0" else None) for name, t in rows])
    edited = read_evaluation(place.home, place.database, "p", report.id, "things")
    assert edited.metrics.classes[0].iou == 0
    assert edited.metrics.classes[0].precision is None
    assert edited.confusion[0, -1] == edited.metrics.classes[0].pixels


def test_lists_follow_an_edited_mapping(place: Workspace) -> None:
    rows = [(name, name) for name in CLASSES]
    save_mapping(place.database, "p", "same", rows)
    made = _run(place, _knowing(), mapping="same")
    assert [found.miou for found in list_evaluations(place.database, "p")] == [1]
    opened = open_evaluation(place.database, made.id)
    assert open_evaluation(place.database, made.id) is opened
    save_mapping(place.database, "p", "same", [("sky", "road"), ("road", "sky")])
    assert open_evaluation(place.database, made.id).version != opened.version
    (listed,) = list_evaluations(place.database, "p")
    assert listed.miou == read_evaluation(place.home, place.database, "p", made.id).metrics.miou == 0


def test_a_renamed_list_goes_by_its_name_of_the_revision(place: Workspace) -> None:
    made = _run(place, _knowing(), on="dusk")
    rename_subset(place.database, "p", "campus", "dusk", "night")
    assert _run(place, _knowing(), on="night").metrics == made.metrics
    assert _run(place, _knowing(), on="dusk", revision=made.record.revision).metrics == made.metrics
    with pytest.raises(UserError, match=r"'dusk'\. There are: .*night"):
        _run(place, _knowing(), on="dusk")
    with pytest.raises(UserError, match=r"'night'\. There are: .*dusk"):
        _run(place, _knowing(), on="night", revision=made.record.revision)


def test_by_name_undoes_the_mapping_it_was_made_with(place: Workspace) -> None:
    save_mapping(place.database, "p", "turned", [("sky", "road"), ("road", "sky")])
    made = _run(place, _knowing(), mapping="turned")
    by_name = read_evaluation(place.home, place.database, "p", made.id, "by-name")
    assert by_name.mapping is None
    assert by_name.metrics == _run(place, _knowing(), mapping="by-name").metrics != made.metrics
    assert read_evaluation(place.home, place.database, "p", made.id).metrics == made.metrics


def test_a_mapping_that_no_longer_fits_leaves_the_rest_of_the_list(place: Workspace) -> None:
    save_mapping(place.database, "p", "same", [(name, name) for name in CLASSES])
    made, other = _run(place, _knowing(), mapping="same", on="dusk"), _run(place, _knowing(), on="dusk")
    save_mapping(place.database, "p", "same", [("dog", "sky")])
    listed = {found.id: found for found in list_evaluations(place.database, "p")}
    assert (listed[other.id].miou, listed[other.id].note) == (other.metrics.miou, None)
    assert (listed[made.id].miou, listed[made.id].images) == (None, 2)
    assert "'dog', which the model does not predict" in str(listed[made.id].note)


def test_a_mapping_that_does_not_fit_is_refused_before_any_work(place: Workspace) -> None:
    save_mapping(place.database, "p", "foreign", [("dog", "sky")])
    with pytest.raises(UserError, match="'dog', which the model does not predict"):
        _run(place, _knowing(), mapping="foreign")
    assert list(place.home.evaluations.iterdir()) == []


def test_the_models_revision_is_used_while_it_holds_the_dataset_unchanged(place: Workspace) -> None:
    add_dataset(place, "dusk", [Scene(blocks(40, 40, 4, 50), "val")])
    both = freeze(place.home, place.database, project="p").digest
    model = _knowing(revision=both)
    before = list_revisions(place.database, "p")
    assert _run(place, model).record.revision == both
    assert list_revisions(place.database, "p") == before  # nothing was frozen for it, nor is any newer now
    add_class(place.database, "p", "person")
    changed = _run(place, model)
    assert changed.record.revision not in (both, None)
    assert changed.record.truth_classes == (*CLASSES, "person")
    assert changed.metrics.classes[4].iou is None
    assert changed.metrics.miou == 1
    assert _run(place, model, revision=both[:10]).record.revision == both
    assert _run(place, _knowing(revision="../../etc")).record.revision == changed.record.revision


@pytest.mark.parametrize(("on", "images"), [("all", 10), ("train", 6), ("val", 4), ("dusk", 2)])
def test_roles_and_subsets_choose_images(place: Workspace, on: str, images: int) -> None:
    assert len(_run(place, _knowing(), on=on, predictions=False).record.images) == images


def test_an_unknown_role_or_dataset_says_what_there_is(place: Workspace) -> None:
    with pytest.raises(UserError, match=r"'night'. There are: all, dusk, train, val"):
        _run(place, _knowing(), on="night")
    with pytest.raises(UserError, match="moon"):
        _run(place, _knowing(), dataset="moon")


def test_leaks_are_found_by_bytes_and_by_looks_in_the_whole_lineage(place: Workspace) -> None:
    old = freeze(place.home, place.database, project="p").digest
    natural = [_texture(seed) for seed in range(3)]
    truth = blocks(96, 96, 4)
    add_dataset(place, "first", [Scene(truth, "train") for _ in natural], [png(photo) for photo in natural])
    first = freeze(place.home, place.database, project="p", datasets=["first"]).digest
    copies = [png(natural[0]), jpeg(natural[1], 60), png(_texture(9))]
    add_dataset(place, "test", [Scene(truth, "test") for _ in copies], copies)
    lineage = (Ancestor(revision=first, on="train"), Ancestor(revision=old, datasets=("campus",), on="train"))
    report = _run(place, _knowing(lineage=lineage), dataset="test")
    leaks = report.record.leaks
    assert (leaks.count, leaks.same, leaks.alike, leaks.unknown) == (2, 1, 1, ())
    assert [(leak.image, leak.trained_on, leak.kind) for leak in leaks.examples] == [
        ("test/000.png", "first/000.png", "same"),
        ("test/001.png", "first/001.png", "alike"),
    ]
    assert "2 of 3 images were in the model's training" in report.notes[0]
    assert _run(place, _knowing(lineage=lineage), on="val").record.leaks.count == 0
    assert _run(place, _knowing(lineage=lineage), on="train").record.leaks.count == 6


def test_what_cannot_be_checked_for_leaks_is_said(place: Workspace) -> None:
    assert "does not say what it was trained on" in _run(place, _knowing()).record.leaks.unknown[0]
    lost = _knowing(lineage=(Ancestor(revision="f" * 64), Ancestor(revision="../../etc/passwd")))
    assert len(_run(place, lost).record.leaks.unknown) == 2


def test_without_predictions_only_counts_stay(place: Workspace) -> None:
    report = _run(place, _knowing(), predictions=False)
    assert sorted(path.name for path in report.directory.iterdir()) == [
        "cells.npz",
        "counts.npz",
        "evaluation.json",
        "histograms.npz",
    ]
    assert report.metrics.miou == 1


def test_a_damaged_evaluation_is_named(place: Workspace) -> None:
    report = _run(place, _knowing())
    path = report.directory / "counts.npz"
    path.write_bytes(path.read_bytes()[:-9] + b"corrupted")
    with pytest.raises(UserError, match=r"counts\.npz is not what was written"):
        read_evaluation(place.home, place.database, "p", report.id)


def test_a_failed_evaluation_leaves_nothing(place: Workspace) -> None:
    digest = freeze(place.home, place.database, project="p").digest
    store = Store(place.home.store)
    store.path(load_manifest(store, digest).images[7].image_sha256).unlink()
    with pytest.raises(UserError, match=r"campus.* is not in the content store"):
        _run(place, _knowing())
    assert list(place.home.evaluations.iterdir()) == []
    with place.database.read() as session:
        assert session.query(Evaluation).count() == 0


def test_what_a_killed_evaluation_left_is_removed_a_day_later(place: Workspace) -> None:
    old, young = (place.home.evaluations / f".incoming-{name}" for name in ("old", "young"))
    old.mkdir()
    young.mkdir()
    os.utime(old, (0, 0))
    report = _run(place, _knowing(), on="dusk")
    assert sorted(place.home.evaluations.iterdir()) == sorted([young, report.directory])


@pytest.mark.parametrize("mapping", [None, "turned"])
def test_an_evaluation_killed_before_it_had_a_row_is_listed(
    place: Workspace, monkeypatch: pytest.MonkeyPatch, mapping: str | None
) -> None:
    save_mapping(place.database, "p", "turned", [("sky", "road"), ("road", "sky")])
    with monkeypatch.context() as patched:
        patched.setattr(evaluation, "register", _killed)
        with pytest.raises(KeyboardInterrupt):
            _run(place, _knowing(), on="dusk", mapping=mapping)
    whole = _run(place, _knowing(), on="dusk", mapping=mapping)
    listed = list_evaluations(place.database, "p")
    assert [(found.id, found.miou) for found in listed] == [
        (number, whole.metrics.miou) for number in (whole.id + 1, whole.id)
    ]
    assert read_evaluation(place.home, place.database, "p", whole.id + 1).metrics == whole.metrics
    assert list_evaluations(place.database, "p") == listed


def _killed(*_: object) -> int:
    raise KeyboardInterrupt


def test_a_model_with_more_outputs_than_names_cannot_be_counted(place: Workspace) -> None:
    model = _knowing()
    wide = LoadedModel(ColorNet(COLORS[:6]).eval(), model.spec, model.sha256, model.reference)
    wide.module.layer.bias.data[5] = 1e9  # type: ignore[operator, union-attr]
    with pytest.raises(UserError, match=r"campus/000.*expected predicted values below 4, found \[5\]"):
        _run(place, wide)


def test_sizes_change_what_the_network_sees_and_not_what_is_scored(place: Workspace) -> None:
    original, half = _run(place, _knowing()), _run(place, _knowing(), size=Size.parse("20x28"))
    assert half.record.size == "20x28"
    assert half.metrics.pixels == original.metrics.pixels
    assert half.metrics.miou is not None
    assert 0.5 < half.metrics.miou < 1


def test_exif_rotated_photos_are_scored_upright(tmp_path: Path) -> None:
    place = workspace(tmp_path, CLASSES)
    truth = blocks(48, 80, 4, 3)
    lying = np.ascontiguousarray(np.rot90(paint(truth)))  # orientation 6 turns it back by 90 degrees clockwise
    add_dataset(place, "campus", [Scene(truth)], [_with_orientation(lying, 6)])
    assert _run(place, _knowing()).metrics.pa == 1


def test_progress_counts_images(place: Workspace) -> None:
    seen: list[tuple[int, int | None]] = []
    _run(place, _knowing(), progress=lambda done, total, what: seen.append((done, total)) if "image" in what else None)
    assert seen == [(number, 10) for number in range(1, 11)]


def test_a_bundle_is_evaluated_by_its_path(place: Workspace, tmp_path: Path) -> None:
    options = {"width": 2, "levels": 1}
    spec = ModelSpec(architecture="unet", options=options, classes=CLASSES)
    module = build("unet", 4, **options).eval()
    path = tmp_path / "tiny.safetensors"
    save_bundle(path, module, spec)
    report = evaluate(
        place.home, place.database, project="p", model=str(path), dataset="campus", on="val", device="cpu"
    )
    assert report.record.model == str(path)
    store = Store(place.home.store)
    first = load_manifest(store, report.record.revision).images[6]
    photo = read_photo(store.path(first.image_sha256))
    expected = predict_pixels(LoadedModel(module, spec, "", ""), photo, device=CPU)
    index = read_map_png(report.directory / "index" / "000000.png")
    assert (index == expected.index).mean() > 0.98  # the precision was chosen twice


def _texture(seed: int) -> np.ndarray:
    small = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), np.uint8)
    return np.asarray(cv2.resize(small, (96, 96), interpolation=cv2.INTER_CUBIC), np.uint8)


def _with_orientation(rgb: np.ndarray, orientation: int) -> bytes:
    buffer, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(rgb).save(buffer, "PNG", exif=exif)
    return buffer.getvalue()


@pytest.mark.parametrize("before", ["bf16", "fp32"])
def test_a_second_evaluation_computes_in_what_the_first_did(place: Workspace, tmp_path: Path, before: Any) -> None:
    options = {"width": 2, "levels": 1}
    path = tmp_path / "tiny.safetensors"
    save_bundle(
        path, build("unet", 4, **options).eval(), ModelSpec(architecture="unet", options=options, classes=CLASSES)
    )
    choices: dict[str, Any] = {"project": "p", "model": str(path), "dataset": "campus", "on": "val", "device": "cpu"}
    for precision in ("bf16", "fp32") if before == "fp32" else ("fp32", "bf16"):
        evaluate(place.home, place.database, **choices, precision=precision)
    assert evaluate(place.home, place.database, **choices).record.precision == before
