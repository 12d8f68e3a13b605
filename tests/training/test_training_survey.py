"""Surveys: how sure a model is of photos without labels, what to expect of it there, and what to label next."""

from __future__ import annotations

import tarfile
from datetime import timedelta
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from db.backup import write_backup
from db.errors import NotFoundError, UserError
from db.schema import Dataset, Image, utc_now
from labeling.classes import list_classes
from labeling.images import photos_of
from labeling.progress import silent
from labeling.project_trash import sweep_trash
from labeling.projects import trash_project
from labeling.subsets import subset_paths
from tests.support.scenes import COLORS, Scene, Workspace, add_dataset, blocks, paint, png, workspace
from tests.support.server import serve, visitor
from tests.support.tiny_models import PLAIN, ColorNet
from training.architectures import build
from training.care.check import check_outcomes
from training.care.usage import usage
from training.evaluation.evaluate import evaluate
from training.evaluation.gallery import evaluation_page
from training.evaluation.opened import open_evaluation
from training.kept import ARRAYS
from training.models.bundle import save_bundle
from training.models.spec import ModelSpec
from training.prediction.embedding import Embedder
from training.prediction.refinement import Refinement
from training.shift.page import shift_html
from training.shift.store import list_shifts, open_shift
from training.shift.subject import Domain
from training.shift.table import shift_table
from training.shift.why import explain
from training.survey.estimate import Check, Estimate, estimate
from training.survey.expected import Expected, Known, expected_accuracy, no_line
from training.survey.ranking import WAYS, By, rank
from training.survey.store import list_surveys, open_survey
from training.survey.suggest import suggest
from training.survey.survey import survey

CLASSES = ("sky", "road", "tree")


@pytest.fixture
def place(tmp_path: Path) -> Workspace:
    place = workspace(tmp_path / "home", CLASSES)
    scenes = [Scene(blocks(24, 32 + 8 * (number % 2), 3, number)) for number in range(6)]
    for name, contrast in (("day", 1.0), ("dusk", 0.4)):
        photos = [png(_seen(scene.truth, number, contrast)) for number, scene in enumerate(scenes)]
        chosen = [
            Scene(scene.truth, "val" if name == "day" else None, ("rain",) * (n < 2)) for n, scene in enumerate(scenes)
        ]
        add_dataset(place, name, chosen, photos)
    return place


@pytest.fixture
def model(tmp_path: Path) -> str:
    """A bundle that knows the painted colours: a network of one layer in a family's clothes."""
    path = tmp_path / "model.safetensors"
    torch.manual_seed(0)
    module = build("plainconv", 3, width=4, layers=1)
    _paint_by_color(module)
    options = {"width": 4, "layers": 1}
    spec = ModelSpec(architecture="plainconv", options=options, classes=CLASSES, preprocessing=PLAIN)
    save_bundle(path, module, spec)
    return str(path)


def _paint_by_color(module: nn.Module) -> None:
    """Make the first convolution copy R, G and B, and the last one measure how near they are to the colours."""
    convolutions = [each for each in module.modules() if isinstance(each, nn.Conv2d)]
    first, last = convolutions[0], convolutions[-1]
    color = ColorNet(COLORS[:3])
    with torch.no_grad():
        first.weight.zero_()
        middle = first.kernel_size[0] // 2
        for channel in range(3):
            first.weight[channel, channel, middle, middle] = 1
        last.weight.zero_()
        last.weight[:, :3] = color.layer.weight * 3e-3
        assert last.bias is not None
        assert color.layer.bias is not None
        last.bias.copy_(color.layer.bias * 3e-3)


def _seen(truth: np.ndarray, seed: int, contrast: float) -> np.ndarray:
    """Paint a scene with noise, and less of it than of the noise the less contrast there is."""
    middle = np.mean(COLORS[:3], axis=0)
    noise = np.random.default_rng(seed).integers(-60, 61, (*truth.shape, 3))
    return np.clip((paint(truth, seed) - middle) * contrast + middle + noise, 0, 255).astype(np.uint8)


def test_a_survey_needs_no_labels(place: Workspace, model: str) -> None:
    with place.database.write() as session:
        for row in session.query(Image).filter(Image.path == "000.png"):
            row.head_id = None
    made = survey(place.home, place.database, project="p", model=model, dataset="dusk", on="unlabelled", device="cpu")
    (image,) = made.record.images
    assert (image.path, image.labelled, image.height, image.width) == ("000.png", False, 24, 32)
    arrays = made.arrays()
    assert arrays.confidence.sum(axis=1).tolist() == [24 * 32]
    assert arrays.shares.sum(axis=1) == pytest.approx([1])
    assert arrays.vectors.shape[0] == 1


def test_it_is_listed_and_found_by_its_name(place: Workspace, model: str) -> None:
    first, second = (
        survey(place.home, place.database, project="p", model=model, dataset=name, device="cpu")
        for name in ("day", "dusk")
    )
    project = first.record.project_id
    assert {each.name for each in list_surveys(place.home, project)} == {first.name, second.name}
    assert open_survey(place.home, project, first.name).record == first.record
    assert open_survey(place.home, project, "last").name == second.name
    assert list_surveys(place.home, project + 1) == []
    with pytest.raises(NotFoundError, match="no survey 'x'"):
        open_survey(place.home, project, "x")


def test_it_is_cared_for_and_goes_with_its_project(place: Workspace, model: str, tmp_path: Path) -> None:
    made = survey(place.home, place.database, project="p", model=model, dataset="dusk", device="cpu")
    shares = usage(place.home, place.database).shares
    assert ("p", "surveys", 2) in {(each.project, each.kind, each.files) for each in shares}
    for with_runs in (True, False):
        path = write_backup(place.home, tmp_path / f"{with_runs}.tar", silent, with_runs=with_runs).path
        with tarfile.open(path) as tar:
            assert any(each.endswith(f"{made.name}/{ARRAYS}") for each in tar.getnames()) == with_runs
    assert not list(check_outcomes(place.home, place.database, full=True))
    (made.directory / ARRAYS).write_bytes(b"cut short")
    assert not list(check_outcomes(place.home, place.database, full=False))
    (found,) = check_outcomes(place.home, place.database, full=True)
    assert str(made.directory / ARRAYS) in found.what
    trash_project(place.database, "p")
    assert sweep_trash(place.database, utc_now() + timedelta(days=31)) == ["p"]
    assert not made.directory.exists()


def test_little_contrast_makes_the_model_unsure(place: Workspace, model: str) -> None:
    day, dusk = (
        survey(
            place.home, place.database, project="p", model=model, dataset=name, device="cpu", precision="fp32"
        ).record.images
        for name in ("day", "dusk")
    )
    assert np.mean([image.entropy for image in dusk]) > np.mean([image.entropy for image in day])
    # The network looks at one pixel at a time, so that what is mirrored stays the same.
    assert all(image.disagreement == 0 for image in day)


def test_a_damaged_survey_is_named(place: Workspace, model: str) -> None:
    made = survey(place.home, place.database, project="p", model=model, dataset="day", device="cpu")
    (made.directory / ARRAYS).write_bytes(b"cut off")
    with pytest.raises(UserError, match="damaged"):
        made.arrays()


@pytest.mark.parametrize(("on", "images"), [("all", 6), ("rain", 2), ("val", 0), ("unlabelled", 0)])
def test_photos_are_chosen_by_what_they_are_now(place: Workspace, on: str, images: int) -> None:
    if images:
        assert len(photos_of(place.database, "p", "dusk", on)) == images
    else:
        with pytest.raises(UserError, match="There are: all, unlabelled, rain"):
            photos_of(place.database, "p", "dusk", on)


def test_what_is_expected_is_near_what_is_true(place: Workspace, model: str) -> None:
    day, dusk = (
        evaluate(place.home, place.database, project="p", model=model, dataset=name, device="cpu", precision="fp32")
        for name in ("day", "dusk")
    )
    found = survey(place.home, place.database, project="p", model=model, dataset="dusk", device="cpu", precision="fp32")
    result = estimate(place.database, "p", found, day.id)
    (check,) = result.checks
    assert (check.evaluation, check.images, check.accuracy) == (dusk.id, 6, dusk.metrics.pa)
    assert result.home_accuracy == day.metrics.pa
    assert result.expected.atc < result.home_accuracy
    assert result.expected.atc == pytest.approx(check.expected.atc, abs=0.02)  # the survey counts ignored pixels, too


def test_an_evaluation_made_otherwise_is_refused(place: Workspace, model: str) -> None:
    home = evaluate(place.home, place.database, project="p", model=model, dataset="day", size="16x16", device="cpu")
    found = survey(place.home, place.database, project="p", model=model, dataset="dusk", device="cpu")
    with pytest.raises(UserError, match="size 16x16"):
        estimate(place.database, "p", found, home.id)


def test_at_home_the_estimates_are_right() -> None:
    random = np.random.default_rng(0)
    confidence = random.integers(1, 1000, 256)
    entropies = random.random(20)
    home = Known(confidence, 0.83, 1 - 0.5 * entropies, entropies)
    there = expected_accuracy(home, confidence, entropies)
    assert there.atc == pytest.approx(0.83)
    assert there.confidence == pytest.approx(0.83)
    assert there.entropy == pytest.approx((1 - 0.5 * entropies).mean())


@pytest.mark.parametrize(
    ("truths", "said"),
    [
        ({}, "Nobody knows how far off it is: no other evaluation of this model has labels."),
        ({"dusk:all": 0.88, "fog:test": 0.93}, "Where the truth is known it is off by at most 3.0 points."),
        (
            {"dusk:all": 0.602, "fog:test": 0.8},
            "On dusk, where the truth is known, it is 29.8 points too high: do not rely on it. Better "
            "go by the 9 labelled photos of dusk: there 60.2 % of the pixels are right (pixel accuracy, not mIoU).",
        ),
        ({"fog:test": 0.99}, "On fog:test, where the truth is known, it is 9.0 points too low: do not rely on it."),
    ],
)
def test_the_headline_says_how_far_the_estimate_is_off(truths: dict[str, float], said: str) -> None:
    there = Expected(0.9, 0.9, None)
    domains = ((Domain.parse(name), accuracy) for name, accuracy in truths.items())
    checks = tuple(Check(2, each.dataset, each.on, 9, there, accuracy) for each, accuracy in domains)
    found = Estimate(1, 0.97, Expected(0.892, 0.89, None), checks, "dusk")
    assert found.headline == f"ATC expects 89.2 % of the pixels right. {said}"
    for check, accuracy in zip(checks, truths.values(), strict=True):
        assert check.off == {"atc": pytest.approx(0.9 - accuracy), "confidence": check.off["atc"], "entropy": None}


@pytest.mark.parametrize(
    ("entropies", "said"),
    [
        ([np.nan] * 6, "is older than entropies"),
        ([0.1, 0.2, 0.3], "has 3 photos"),
        ([0.5] * 6, "same entropy"),
        ([0.1, 0.2, 0.3, 0.4, 0.5], None),
    ],
)
def test_a_home_without_a_line_says_why(entropies: list[float], said: str | None) -> None:
    home = Known(np.ones(256, np.int64), 0.8, np.full(len(entropies), 0.8), np.array(entropies))
    reason = no_line(home)
    assert (reason is None) if said is None else (said in (reason or ""))
    assert (expected_accuracy(home, home.confidence, np.array([0.2])).entropy is None) == (said is not None)


def test_thresholded_confidence_is_that_of_the_paper() -> None:
    """Garg et al., equation 3, on pixels one by one."""
    random = np.random.default_rng(1)
    home, there = random.integers(0, 256, 5000), random.integers(0, 200, 3000)
    accuracy = 0.7
    threshold = np.quantile(home, 1 - accuracy)
    known = Known(np.bincount(home, minlength=256), accuracy, np.empty(0), np.empty(0))
    found = expected_accuracy(known, np.bincount(there, minlength=256), np.empty(0))
    assert found.atc == pytest.approx(np.mean(there >= threshold), abs=0.01)
    assert found.entropy is None


def test_no_pixel_has_no_accuracy() -> None:
    nothing = np.zeros(256, np.int64)
    with pytest.raises(ValueError, match="pixels"):
        expected_accuracy(Known(nothing, 0.5, np.empty(0), np.empty(0)), nothing, np.empty(0))


def test_photos_without_labels_are_suggested_and_put_into_a_list(place: Workspace, model: str) -> None:
    made = survey(place.home, place.database, project="p", model=model, dataset="dusk", device="cpu")
    with pytest.raises(UserError, match="--on unlabelled"):
        suggest(place.database, "p", made, count=2)
    with place.database.write() as session:
        for row in session.query(Image).join(Dataset).filter(Dataset.name == "dusk", Image.path < "004"):
            row.head_id = None
    found = suggest(place.database, "p", made, count=2, by="uncertainty", subset="next")
    by_path = {image.path: image.entropy for image in made.record.images if image.path < "004"}
    assert [photo.path for photo in found.photos] == sorted(by_path, key=lambda path: -by_path[path])[:2]
    assert (found.candidates, found.subset) == (4, "next")
    assert subset_paths(place.database, "p", "dusk", "next") == sorted(photo.path for photo in found.photos)
    assert len(suggest(place.database, "p", made, count=99).photos) == 4
    rest = suggest(place.database, "p", made, count=99, subset="not there yet", without=["next", "not there yet"])
    assert (rest.candidates, rest.left_out) == (2, 2)
    assert not {photo.path for photo in rest.photos} & {photo.path for photo in found.photos}
    suggest(place.database, "p", made, count=99, subset="next", without=["next"])
    with pytest.raises(UserError, match="no list 'nxet'"):
        suggest(place.database, "p", made, count=1, without=["nxet"])
    with pytest.raises(UserError, match="in a list to be left out: next"):
        suggest(place.database, "p", made, count=1, without=["next"])


def _rank(by: By, count: int, *, known: int = 0) -> list[int]:
    random = np.random.default_rng(3)
    heaps = np.repeat(np.arange(4), 5)  # four streets of five frames each
    vectors = (heaps[:, None] * 10 + random.normal(0, 0.1, (20, 2))).astype(np.float32)
    found = rank(
        by,
        count,
        entropies=np.linspace(1, 0, 20),
        disagreements=np.linspace(0, 1, 20),
        vectors=vectors,
        known=vectors[: 5 * known],
    )
    return found.tolist()


def test_each_way_of_choosing_what_to_label_next() -> None:
    assert _rank("uncertainty", 3) == [0, 1, 2]
    assert _rank("disagreement", 3) == [19, 18, 17]
    assert {place // 5 for place in _rank("diversity", 4)} == {0, 1, 2, 3}
    assert {place // 5 for place in _rank("diversity", 2, known=2)} == {2, 3}
    assert {place // 5 for place in _rank("mixed", 2)} == {0, 1}  # of the ten most uncertain, which are two streets


@pytest.mark.parametrize("by", WAYS)
def test_no_photo_is_chosen_twice_however_many_are_asked_for(by: By) -> None:
    found = _rank(by, 50)
    assert sorted(found) == list(range(20))
    same = np.ones((4, 2), np.float32)
    zeros = np.zeros(4)
    again = rank(by, 9, entropies=zeros, disagreements=zeros, vectors=same, known=same)
    assert sorted(again.tolist()) == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("name", "options", "channels"),
    [
        ("unet", {"width": 4, "levels": 2}, 16),
        ("segformer", {}, 256),
        ("deeplabv3plus", {"encoder": "resnet18"}, 512),
    ],
)
def test_a_photo_is_its_networks_deepest_features(name: str, options: dict[str, object], channels: int) -> None:
    torch.manual_seed(0)
    module = build(name, 3, **options).eval()
    embedder = Embedder(module)
    with torch.inference_mode():
        for height, width in ((64, 96), (96, 64)):
            with embedder.watching():
                module(torch.rand(2, 3, height, width))
            assert embedder.means().shape == (2, channels)
    assert not any(each._forward_hooks for each in module.modules())


def test_the_map_of_another_domain_has_numbers_and_scores(place: Workspace, model: str) -> None:
    test = partial(evaluate, place.home, place.database, project="p", model=model, device="cpu", boundary=False)
    tested = test(dataset="dusk", on="rain")
    test(dataset="dusk", refinement=Refinement(flip=True))  # of another making
    explain(place.home, place.database, project="p", model=model, at_home="day:rain", targets=["dusk"], device="cpu")
    client = visitor(serve(place.home))
    root = "/api/projects/1/shifts"
    (listed,) = client.get(root).json()["shifts"]
    assert (listed["home"]["on"], [each["dataset"] for each in listed["targets"]]) == ("rain", ["dusk"])
    found = client.get(f"{root}/last").json()
    assert found["shift"] == listed["shift"]
    assert [row["color"] for row in found["frequencies"]["classes"]] == [
        each.color for each in list_classes(place.database, "p")
    ]
    assert "--from=day:rain --to=dusk" in found["command"]
    plane = client.get(f"{root}/last/plane").json()
    assert {len(plane[key]) for key in plane if key != "evaluations"} == {8}
    assert plane["evaluations"] == [None, tested.id]
    page = evaluation_page(open_evaluation(place.database, tested.id)).images
    known = {image.path: (round(image.score or 0, 4), image.number) for image in page}
    rows = zip(plane["path"], plane["domain"], plane["score"], plane["number"], strict=True)
    assert {path: (score, number) for path, domain, score, number in rows if domain and score is not None} == known
    assert set(plane["score"][:2]) == {None}
    there = [test(dataset=dataset, on=on).id for dataset, on in (("day", "rain"), ("dusk", "all"))]
    report = shift_html(place.home, place.database, "p", shift_table(place.database, "p", there[0], there[1:]))
    for told in ("photos differ from home's", "How the photos look", "Features: ", listed["shift"]):
        assert told in report
    ids = {photo.path: photo.id for photo in photos_of(place.database, "p", "dusk")}
    assert plane["image"][2:] == [ids[path] for path in plane["path"][2:]]
    with place.database.write() as session:
        session.query(Dataset).filter(Dataset.name == "dusk").one().deleted_at = utc_now()
    assert set(client.get(f"{root}/last/plane").json()["image"][2:]) == {None}
    for wrong in ({"model": model}, {"model": "9"}, {"home": "night"}):
        answer = client.post(root, json={"model": model, "home": "day", "to": ["day:rain"], **wrong})
        assert answer.status_code == 400, answer.text


def test_why_another_domain_differs_is_kept_and_cared_for(place: Workspace, model: str) -> None:
    with place.database.write() as session:
        for row in session.query(Image).filter(Image.path == "000.png"):
            row.head_id = None
    first = survey(place.home, place.database, project="p", model=model, dataset="day", device="cpu")
    why = partial(explain, place.home, place.database, project="p", model=model, device="cpu")
    made = why(at_home="day:val", targets=["dusk", "day:rain"])
    record, arrays = made.record, made.arrays()
    project = record.project_id
    assert [(d.dataset, d.on, d.images, d.labelled) for d in record.domains] == [
        ("day", "val", 6, 5),
        ("dusk", "all", 6, 5),
        ("day", "rain", 2, 1),
    ]
    assert [d.survey == first.name for d in record.domains] == [True, False, True]  # surveyed photos are not again
    contrast = record.looks[1]
    assert contrast.sizes == (None, "large", None)
    assert (contrast.deltas[1] or 0) < 0
    assert record.frequencies is not None
    assert record.frequencies.distances[:2] == (None, 0)  # the same scenes
    assert record.features == (None, None, None)  # of six photos nothing can be told
    assert len(arrays.names) == len(arrays.places) == 14
    assert arrays.entropy[6:12] == pytest.approx(
        [i.entropy for i in list_surveys(place.home, project)[0].record.images]
    )
    assert [o.far for o in record.outliers] == sorted(arrays.far[6:].tolist(), reverse=True)
    assert [each.name for each in list_shifts(place.home, project)] == [made.name]
    assert open_shift(place.home, project, "last").record == record
    for wrong in ("night", "dusk:fog", ":val"):
        with pytest.raises(UserError, match=r"There are: |Datasets: |Expected DATASET"):
            why(at_home="day", targets=[wrong])
    path = made.directory / ARRAYS
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(UserError, match="not what was written"):
        made.arrays()
    (found,) = check_outcomes(place.home, place.database, full=True)
    assert str(path) in found.what
    with pytest.raises(NotFoundError, match="no shift 'x'"):
        open_shift(place.home, project, "x")
