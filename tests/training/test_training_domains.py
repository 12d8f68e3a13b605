"""Home against other domains, and the remedies, each beside the original."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sqlalchemy import select

from db.errors import UserError
from db.schema import Dataset, Image, Model, utc_now
from labeling.annotation import Annotation
from labeling.annotations import append_version
from labeling.progress import silent
from labeling.subsets import add_to_subset
from tests.support.scenes import COLORS, Scene, Workspace, add_dataset, blocks, paint, png, workspace
from tests.support.tiny_models import PLAIN, ColorNet, loaded
from training.adaptation.remedies import Case, read_remedies, try_remedies
from training.adaptation.remedy import NAMES, REMEDIES, Name, Outcome, Outcomes
from training.architectures import build
from training.evaluation.compare import compare_reports
from training.evaluation.evaluate import EvaluationRequest, evaluate_loaded
from training.evaluation.gallery import evaluation_page
from training.evaluation.mapping import save_mapping
from training.evaluation.opened import kept_record, open_evaluation
from training.evaluation.report import list_evaluations, read_evaluation
from training.evaluation.store import RECORD
from training.models.bundle import save_bundle
from training.models.files import find_model_file
from training.models.spec import ModelSpec
from training.prediction.inference import Predictor
from training.shift.make import evaluate_missing, evaluations_of
from training.shift.page import write_page
from training.shift.subject import Domain, newest_evaluation
from training.shift.table import grown_confusions, shift_table
from training.shift.written import remedies_said, shift_csv, shift_markdown
from training.survey.survey import survey

CLASSES = ("sky", "=road", "tree")
MODEL_CLASSES = ("sky", "=road", "bush")


@pytest.fixture
def place(tmp_path: Path) -> Workspace:
    """Ten scenes by day, six of them at dusk, where all trees are gone and road has the sky's colour."""
    place = workspace(tmp_path / "home", CLASSES)
    add_dataset(place, "day", [Scene(blocks(24, 32, 3, n), "val", seed=n) for n in range(10)])
    truths = [np.where(blocks(24, 32, 3, n) == 2, 0, blocks(24, 32, 3, n)).astype(np.uint8) for n in range(6)]
    photos = [png(paint(np.where(truth == 1, 0, truth).astype(np.uint8), n)) for n, truth in enumerate(truths)]
    add_dataset(place, "dusk", [Scene(truth, seed=n) for n, truth in enumerate(truths)], photos)
    return place


def _evaluate(place: Workspace, dataset: str, **choices: str) -> int:
    model = loaded(ColorNet(COLORS[:3]), MODEL_CLASSES, preprocessing=PLAIN)
    predictor = Predictor(model, torch.device("cpu"), "fp32")
    return evaluate_loaded(place.home, place.database, predictor, EvaluationRequest("p", dataset, **choices)).id  # type: ignore[arg-type]


def test_confusions_are_compared_by_their_share_of_the_class() -> None:
    home = np.array([[90, 10, 0], [0, 100, 0]])
    target = np.array([[5, 4, 1], [4000, 6000, 0]])
    found = grown_confusions(home, target, ("a", "b", "other"))
    assert [(each.truth, each.predicted, each.cell) for each in found] == [
        ("b", "a", (1, 0)),
        ("a", "b", (0, 1)),
        ("a", "other", (0, 2)),
    ]
    assert [round(each.growth, 6) for each in found] == [0.4, 0.3, 0.1]
    assert grown_confusions(home, home, ("a", "b", "other")) == ()
    assert grown_confusions(home, np.zeros((2, 3), int), ("a", "b", "other")) == ()  # no class is there at all


def test_a_domain_is_put_beside_home(place: Workspace) -> None:
    home, target = _evaluate(place, "day", on="val"), _evaluate(place, "dusk")
    save_mapping(place.database, "p", "bushes are trees", [*((n, n) for n in CLASSES[:2]), ("bush", "tree")])
    table = shift_table(place.database, "p", home, [target], "bushes are trees")
    (found,) = table.targets
    assert found.comparison.a.metrics.miou == 1  # the mapping holds at home, too
    assert (found.absent, found.absent_at_home) == (("tree",), ())
    assert found.classes["tree"]["iou"].to_json()["difference"] is None
    assert found.losing == ("=road", "sky")
    assert found.confusions[0].cell == (1, 0)
    assert found.confusions[0].target == 1
    assert "mIoU falls from 100.0 to " in found.sentence
    assert re.search(r" \(−\d+\.\d; 95 % interval −\d+\.\d to −\d+\.\d\)\. =road and sky lose most\.$", found.sentence)
    assert any("tree" in note for note in found.notes)
    worst = evaluation_page(open_evaluation(place.database, target, mapping="bushes are trees"), sort="miou").images
    assert [each.path for each in found.worst] == [each.path for each in worst]
    plain = shift_table(place.database, "p", home, [target]).targets[0]
    known = compare_reports(*(read_evaluation(place.home, place.database, "p", number) for number in (home, target)))
    assert plain.comparison.figures == known.figures
    assert "'=road" in shift_csv(table)  # nothing that a spreadsheet would run
    assert found.domain == Domain("dusk")
    assert "lose most" in shift_markdown(table)
    revision = open_evaluation(place.database, target).record.revision
    assert f"(6 images, evaluation {target}, size original, revision {revision[:12]})" in shift_markdown(table)
    there = found.to_json()
    assert (there["size"], there["revision"]) == ("original", revision)


def test_labels_that_changed_since_an_evaluation_are_told(place: Workspace) -> None:
    home, target = _evaluate(place, "day", on="val"), _evaluate(place, "dusk")
    notes = shift_table(place.database, "p", home, [target]).targets[0].notes
    assert not any("changed since" in note for note in notes)
    with place.database.write() as session:
        image = session.scalars(select(Image).join(Dataset).where(Dataset.name == "dusk")).first()
        assert image is not None
        append_version(
            session,
            image_id=image.id,
            parent_id=image.head_id,
            content=Annotation(image.width, image.height).to_json(),
            author="test",
            origin="workbench",
        )
    (first, *rest) = shift_table(place.database, "p", home, [target]).targets[0].notes
    model = open_evaluation(place.database, target).record.model
    command = f"workbench evaluate {model} --dataset dusk --on all"
    assert first == f"Labels of dusk changed since evaluation {target} was made; evaluate again: {command}"
    assert rest == list(notes)
    again = _evaluate(place, "dusk")
    assert not any("changed since" in note for note in shift_table(place.database, "p", home, [again]).targets[0].notes)


def _bundle(tmp_path: Path, *, batch_norm: bool = True) -> str:
    path = tmp_path / f"model-{batch_norm}.safetensors"
    options = {"width": 4, "layers": 2, "batch_norm": batch_norm}
    torch.manual_seed(0)
    save_bundle(
        path, build("plainconv", 3, **options), ModelSpec(architecture="plainconv", options=options, classes=CLASSES)
    )
    return str(path)


def test_only_what_is_missing_is_evaluated(place: Workspace, tmp_path: Path) -> None:
    model, domains = _bundle(tmp_path), [Domain("day", "val"), Domain("dusk")]
    file = find_model_file(place.home, place.database, "p", model)
    told: list[str] = []

    def which(name: str) -> object:
        told.append(name)
        return silent

    def make(chosen: list[Domain], *, restrict: bool = False) -> list[int]:
        return evaluate_missing(
            *(place.home, place.database),
            project="p",
            model=model,
            domains=chosen,
            restrict=restrict,
            device="cpu",
            which=which,  # type: ignore[arg-type]
        )

    assert make(domains[:1] * 2) == [1, 1]  # home alone, as the page asks where the others have no labels
    assert evaluations_of(place.database, "p", file, domains) == [1, None]
    assert make(domains) == [1, 2]
    assert make(domains) == [1, 2]
    assert told == ["day:val", "dusk"]
    assert make(domains[1:], restrict=True) == [3]  # another evaluation, which is not taken for the plain one
    assert make(domains[1:], restrict=True) == [3]
    assert make(domains) == [1, 2]
    assert newest_evaluation(place.database, "p", file.sha256, domains[1], size="long 16") is None
    assert newest_evaluation(place.database, "p", file.sha256, domains[1], size=" Original") == 2
    evaluated = open_evaluation(place.database, 2)
    (evaluated.directory / RECORD).write_text("{")
    kept_record.cache_clear()  # as another process sees it
    assert evaluations_of(place.database, "p", file, domains) == [1, None]  # to be made again
    assert make(domains) == [1, 4]


def _case(place: Workspace, model: str) -> Case:
    return Case(place.home, place.database, "p", model, Domain("dusk"))


def _try(case: Case, *only: Name) -> dict[str, Outcome]:
    found = try_remedies(case, only=only, device="cpu", which=lambda _: silent)
    return {outcome.remedy.name: outcome for outcome in found.outcomes}


def test_remedies_stand_beside_the_original_and_are_computed_once(place: Workspace, tmp_path: Path) -> None:
    case = _case(place, _bundle(tmp_path))
    assert read_remedies(case).original is None
    outcomes = _try(case, "adabn", "looks")
    assert {name for name in NAMES if outcomes[name].comparison} == {"adabn", "looks"}
    assert {name for name in NAMES if outcomes[name].refused} == {"histogram", "fourier"}  # nobody knows its home
    for name, made in (("adabn", "model-True adabn dusk"), ("looks", None)):
        comparison = outcomes[name].comparison
        assert comparison is not None
        assert comparison.paired
        assert comparison.a.id == 1
        assert outcomes[name].model == made
    assert outcomes["adabn"].at_home is None
    there = _try(replace(case, at_home=case.domain), "adabn")["adabn"]
    assert there.comparison is not None
    assert there.at_home == (there.comparison.a.metrics.miou, there.comparison.b.metrics.miou)
    before = [each.id for each in list_evaluations(place.database, "p")]
    again = _try(case, "adabn", "looks")
    assert [each.id for each in list_evaluations(place.database, "p")] == before
    assert again["adabn"].comparison is not None
    crf = _try(case, "crf")["crf"].comparison
    assert crf is not None
    assert str(crf.b.record.refinement) == "CRF 10"
    table = shift_table(place.database, "p", 1, [1])
    page = tmp_path / "page.html"
    write_page(place.home, place.database, "p", table, page)
    with pytest.raises(UserError, match="exists"):
        write_page(place.home, place.database, "p", table, page)
    for told in ("<bdi>p</bdi>", "AdaBN", "Nobody has measured that yet", "shift --from=dusk:all --to=dusk:all"):
        assert told in page.read_text()
    assert "What to expect on photos without labels" not in page.read_text()  # all have some
    with place.database.write() as session:
        image = session.scalars(select(Image).join(Dataset).where(Dataset.name == "dusk")).first()
        assert image is not None
        image.head_id = None
    write_page(place.home, place.database, "p", table, page, overwrite=True)
    assert "survey --dataset=dusk --on=unlabelled" in page.read_text()
    survey(place.home, place.database, project="p", model=case.model, dataset="dusk", device="cpu")
    write_page(place.home, place.database, "p", table, page, overwrite=True)
    add_to_subset(place.database, "p", "dusk", "label-next-2", [f"00{n}.png" for n in range(2)])
    write_page(place.home, place.database, "p", table, page, overwrite=True)
    for told in ("ATC expects", "photo of dusk without labels.", "2 photos in the list label-next-2:", "001.png"):
        assert told in page.read_text()
    assert remedies_said(read_remedies(case)) in page.read_text()


def _outcome(place: int, low: float, gained: float, high: float, verdict: str, model: str | None = None) -> Outcome:
    pair = SimpleNamespace(difference=gained, verdict=verdict, interval=SimpleNamespace(low=low, high=high))
    comparison = SimpleNamespace(figures={"miou": pair})
    return Outcome(REMEDIES[place], model, comparison)  # type: ignore[arg-type]


def test_those_that_help_as_much_as_the_best_are_named_with_it() -> None:
    def said(*outcomes: Outcome) -> str:
        return remedies_said(Outcomes("m", Domain("dusk"), None, (*outcomes, Outcome(REMEDIES[5]))))

    adabn, tent = _outcome(0, 0.2, 0.24, 0.28, "better"), _outcome(1, 0.22, 0.25, 0.29, "better", "m tent")
    far, unsure = _outcome(2, 0.01, 0.05, 0.1, "better"), _outcome(3, -0.1, 0.3, 0.6, "cannot tell")
    none = "None of those tried is surely better than the model as it is."
    assert said() == said(unsure, tent) == none  # the largest gain may be chance
    assert said(far) == "Style of home, histogram helps most: +5.0 points."
    equal = "TENT and AdaBN help most; these images cannot tell which helps more."
    assert said(adabn, tent, far) == f"{equal} The model that TENT made is called “m tent”."


def test_a_model_from_elsewhere_is_at_home_where_it_is_said_to_be(place: Workspace, tmp_path: Path) -> None:
    case = replace(_case(place, _bundle(tmp_path)), at_home=Domain("day", "val"))
    made = _try(case, "histogram")["histogram"].comparison
    assert made is not None
    assert str(made.b.record.refinement) == "style of day:val (histogram)"
    assert {each.remedy.name for each in read_remedies(case).outcomes if each.comparison} == {"histogram"}
    elsewhere = replace(case, at_home=Domain("day"))
    assert {each.comparison for each in read_remedies(elsewhere).outcomes} == {None}  # the look of other photos


def test_a_model_that_was_adapted_to_other_photos_is_made_anew(place: Workspace, tmp_path: Path) -> None:
    case = _case(place, _bundle(tmp_path))

    def model() -> str | None:
        return next(each.model for each in read_remedies(case).outcomes if each.remedy.name == "adabn")

    _try(case, "adabn")
    assert model() == "model-True adabn dusk"
    with place.database.write() as session:
        image = session.scalars(select(Image).join(Dataset).where(Dataset.name == "dusk")).first()
        day = session.scalars(select(Dataset).where(Dataset.name == "day")).one()
        assert image is not None
        image.dataset_id, image.path = day.id, "from dusk.png"
    assert model() is None
    again = _try(case, "adabn")["adabn"]
    assert (again.model, again.comparison is not None) == ("model-True adabn dusk 2", True)
    with place.database.write() as session:
        for row in session.scalars(select(Model)):  # as an older version wrote it
            (made,) = row.spec["adaptations"]
            row.spec = row.spec | {"adaptations": [{key: made[key] for key in made if key != "photos_sha256"}]}
            row.deleted_at = utc_now() if row.name == again.model else None
    assert model() == "model-True adabn dusk"
    nowhere = replace(case, domain=Domain("dusk", "gone"))
    assert {each.model for each in read_remedies(nowhere).outcomes} == {None}


def test_a_network_without_batch_normalisation_is_told_so(place: Workspace, tmp_path: Path) -> None:
    case = _case(place, _bundle(tmp_path, batch_norm=False))
    with pytest.raises(UserError, match="no batch normalisation"):
        _try(case, "adabn")
    refused = {each.remedy.name: each.refused for each in read_remedies(case).outcomes}
    assert refused["tent"] is not None
    assert refused["crf"] is None
