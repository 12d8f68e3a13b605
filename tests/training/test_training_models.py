"""Models come in as bundles and public checkpoints, and go out again."""

import csv
import errno
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file, save, save_file

import db.files
from db.errors import UserError
from db.schema import Run
from labeling.colors import to_hex
from labeling.maps import read_map_png
from labeling.photos import read_photo
from labeling.projects import find_project
from tests.support.campus import Campus, make_campus
from tests.support.scenes import Scene, add_dataset, blocks, workspace
from training.architectures import build
from training.models.bundle import encode_bundle, load_bundle, read_spec, save_bundle
from training.models.export import _READERS, _WRITERS, Format, WeightsReport, export_weights
from training.models.export_images import check_images
from training.models.find import list_models, load_model
from training.models.importing import import_model
from training.models.loaded import LoadedModel
from training.models.spec import ModelSpec
from training.prediction.predict import predict_folder

CLASSES = ("background", "sky", "building", "tree")
OPTIONS: dict[str, dict[str, Any]] = {
    "unet": {"width": 4},
    "deeplabv2": {"depth": 18},
    "lraspp_mobilenetv3": {},
    "fcn_resnet50": {},
    "fpn": {"encoder": "resnet18", "width": 32, "head": "all"},
    "deeplabv3plus": {"encoder": "mobilenet_v3_small"},
    "pspnet": {"encoder": "resnet18", "width": 32},
    "encnet": {"encoder": "resnet18", "width": 32},
    "efficientfcn": {"encoder": "resnet18", "width": 64},
    "hrnet": {"size": "w18_small"},
    "segformer": {},
}


@pytest.fixture(scope="module")
def campus(tmp_path_factory: pytest.TempPathFactory) -> Campus:
    return make_campus(tmp_path_factory.mktemp("campus"), count=4)


@pytest.fixture
def classes_file(tmp_path: Path) -> Path:
    path = tmp_path / "classes.txt"
    path.write_text("\n".join(CLASSES) + "\n")
    return path


def spec(name: str = "unet") -> ModelSpec:
    return ModelSpec(architecture=name, options=OPTIONS[name], classes=CLASSES)


def random_statistics(module: torch.nn.Module) -> None:
    """Give batch norm statistics that are not the neutral ones, so that a lost one shows."""
    generator = torch.Generator().manual_seed(1)
    for part in module.modules():
        if isinstance(part, torch.nn.BatchNorm2d) and part.running_mean is not None and part.running_var is not None:
            part.running_mean.copy_(torch.randn(part.num_features, generator=generator) * 0.1)
            part.running_var.copy_(torch.rand(part.num_features, generator=generator) * 0.5 + 0.75)


def make_bundle(path: Path, name: str = "unet") -> Path:
    torch.manual_seed(0)
    module = build(name, len(CLASSES), **OPTIONS[name]).eval()
    random_statistics(module)
    save_bundle(path, module, spec(name))
    return path


def test_a_bundle_gives_the_same_model_back_and_any_program_can_read_its_weights(tmp_path: Path) -> None:
    path = make_bundle(tmp_path / "model.safetensors")
    loaded = load_bundle(path)
    assert loaded.spec == spec()
    plain = load_file(path)  # safetensors' own reader
    assert {k: v.tolist() for k, v in plain.items()} == {k: v.tolist() for k, v in loaded.module.state_dict().items()}


def test_loading_a_model_leaves_the_random_generator_alone(tmp_path: Path) -> None:
    path = make_bundle(tmp_path / "model.safetensors")
    torch.manual_seed(3)
    wanted = torch.rand(4)
    torch.manual_seed(3)
    load_bundle(path)
    assert torch.equal(torch.rand(4), wanted)


def test_equal_models_give_equal_bytes_which_transformers_own_reader_takes(tmp_path: Path) -> None:
    spec = ModelSpec(architecture="plainconv", classes=("sky", "Straße"))
    state = {"b": torch.arange(3.0), "a": torch.ones(2, 2)}
    data = {encode_bundle(state, spec) for _ in range(20)}  # the library's own order of metadata changes by chance
    assert len(data) == 1
    path = tmp_path / "model.safetensors"
    path.write_bytes(data.pop())
    with safe_open(path, framework="numpy") as file:
        assert file.metadata()["format"] == "pt"
        assert file.get_tensor("b").tolist() == [0, 1, 2]
    assert read_spec(path) == spec


def test_weights_without_a_description_are_not_a_bundle(tmp_path: Path) -> None:
    save_file({"a": torch.zeros(1)}, tmp_path / "plain.safetensors")
    with pytest.raises(UserError, match="models import"):
        load_bundle(tmp_path / "plain.safetensors")


@pytest.mark.parametrize("kind", ["pth", "safetensors", "wrapped"])
def test_a_public_checkpoint_comes_in_and_is_used_by_name(
    campus: Campus, tmp_path: Path, classes_file: Path, kind: str
) -> None:
    torch.manual_seed(5)
    module = build("unet", len(CLASSES), width=4)
    state = dict(module.state_dict())
    file = tmp_path / f"public-{kind}.{'safetensors' if kind == 'safetensors' else 'pth'}"
    if kind == "safetensors":
        save_file(state, file)
    elif kind == "pth":
        torch.save(state, file)
    else:
        torch.save({"state_dict": {f"module.{key}": value for key, value in state.items()}, "epoch": 7}, file)
    report = import_model(
        campus.home,
        campus.database,
        project="campus",
        file=file,
        architecture="unet",
        classes_file=classes_file,
        options=["width=4"],
    )
    loaded = load_model(campus.home, campus.database, "campus", report.name)
    assert loaded.spec.classes == CLASSES
    assert all(torch.equal(value, state[key]) for key, value in loaded.module.state_dict().items())
    assert report.name in {model.reference for model in list_models(campus.home, campus.database, "campus")}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda s: s.pop("head.bias"), "Missing"),
        (lambda s: s.update(extra=torch.zeros(2)), "Unexpected"),
        (lambda s: s.update({"head.bias": torch.zeros(9)}), "another shape"),
    ],
)
def test_what_does_not_fit_is_said_in_plain_words(
    campus: Campus, tmp_path: Path, classes_file: Path, change, says
) -> None:
    state = dict(build("unet", len(CLASSES), width=4).state_dict())
    change(state)
    torch.save(state, tmp_path / "bad.pth")
    with pytest.raises(UserError, match=says):
        import_model(
            campus.home,
            campus.database,
            project="campus",
            file=tmp_path / "bad.pth",
            architecture="unet",
            classes_file=classes_file,
            options=["width=4"],
        )


def test_a_checkpoint_without_classes_asks_for_them_and_counts_them(campus: Campus, tmp_path: Path) -> None:
    torch.save(build("unet", 7, width=4).state_dict(), tmp_path / "seven.pth")
    asked: dict[str, Any] = {"project": "campus", "file": tmp_path / "seven.pth", "options": ["width=4"]}
    with pytest.raises(UserError, match="--arch"):
        import_model(campus.home, campus.database, **asked)
    with pytest.raises(UserError, match="7 classes"):
        import_model(campus.home, campus.database, architecture="unet", **asked)
    (tmp_path / "two.txt").write_text("a\nb\n")
    with pytest.raises(UserError, match=r"names 2 classes, but the head .* has 7"):
        import_model(campus.home, campus.database, architecture="unet", classes_file=tmp_path / "two.txt", **asked)


@pytest.mark.parametrize("name", ["12", "12:best", "a/b", " "])
def test_a_name_that_could_be_a_run_or_a_path_is_refused(campus: Campus, tmp_path: Path, name: str) -> None:
    bundle = make_bundle(tmp_path / "m.safetensors")
    with pytest.raises(UserError, match="--name"):
        import_model(campus.home, campus.database, project="campus", file=bundle, name=name)


def test_unknown_references_say_what_is_expected(campus: Campus) -> None:
    for reference in ("nothing", "99", "99:best", "missing.safetensors"):
        with pytest.raises(UserError, match=r"workbench (runs|models)"):
            load_model(campus.home, campus.database, "campus", reference)


def export(campus: Campus, bundle: Path, format: Format, to: Path, **choices: Any) -> WeightsReport:
    return export_weights(
        campus.home, campus.database, project="campus", model=str(bundle), format=format, to=to, **choices
    )


def check_another_size(report: WeightsReport, bundle: Path, format: Format) -> None:
    """Run an exported file on a size that neither tracing nor the check on photos saw."""
    loaded = load_bundle(bundle)
    pixels = torch.rand(1, 3, 77, 131) * 255
    found = torch.from_numpy(_READERS[format](report.path, loaded)(pixels.numpy()))
    assert found.shape == (1, len(CLASSES), 77, 131)
    with torch.no_grad():
        wanted = loaded.module(loaded.spec.preprocessing(pixels))
    assert torch.allclose(found, wanted, atol=1e-3 * max(1.0, wanted.std().item()))


@pytest.mark.parametrize("format", ["bundle", "safetensors", "pt2", "onnx"])
def test_every_format_agrees_with_the_original_on_real_images(campus: Campus, tmp_path: Path, format: Format) -> None:
    bundle = make_bundle(tmp_path / "m.safetensors")
    report = export(campus, bundle, format, tmp_path / f"out.{format}")
    check_another_size(report, bundle, format)
    assert report.images_checked == 4
    assert report.max_abs_difference < 1e-3
    assert report.argmax_agreement > 0.9999
    assert report.path.stat().st_size > 0


@pytest.mark.parametrize(
    ("name", "format"),
    [
        ("deeplabv2", "pt2"),
        ("deeplabv2", "onnx"),
        pytest.param("lraspp_mobilenetv3", "onnx", marks=pytest.mark.slow),
        pytest.param("fcn_resnet50", "onnx", marks=pytest.mark.slow),
        pytest.param("encnet", "onnx", marks=pytest.mark.slow),
        pytest.param("efficientfcn", "onnx", marks=pytest.mark.slow),
        pytest.param("hrnet", "onnx", marks=pytest.mark.slow),
        pytest.param("segformer", "onnx", marks=pytest.mark.slow),
        pytest.param("fpn", "onnx", marks=pytest.mark.slow),
        pytest.param("deeplabv3plus", "onnx", marks=pytest.mark.slow),
        ("pspnet", "onnx"),
    ],
)
def test_architectures_export_with_free_sizes(campus: Campus, tmp_path: Path, name: str, format: Format) -> None:
    bundle = make_bundle(tmp_path / "m.safetensors", name)
    assert format in load_bundle(bundle).module.exports
    report = export(campus, bundle, format, tmp_path / f"out.{format}", images=1)
    assert report.images_checked == 1
    assert report.argmax_agreement > 0.999
    check_another_size(report, bundle, format)


@pytest.mark.parametrize(
    ("harm", "says"), [("head", r"only .* of the pixels"), ("", "off by up to nan"), (None, "does not run here")]
)
def test_a_file_that_is_not_the_same_model_never_replaces_a_good_one(
    campus: Campus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, harm: str | None, says: str
) -> None:
    bundle = make_bundle(tmp_path / "m.safetensors")
    target = tmp_path / "out" / "good.safetensors"
    target.parent.mkdir()
    target.write_bytes(b"good")

    def write(loaded: LoadedModel) -> bytes:
        if harm is None:
            return b"no safetensors"
        state = loaded.module.state_dict()
        return save({name: -tensor if name.startswith(harm) else tensor for name, tensor in state.items()})

    monkeypatch.setitem(_WRITERS, "safetensors", write)
    with pytest.raises(UserError, match=says):
        export(campus, bundle, "safetensors", target, overwrite=True)
    assert [(path.name, path.read_bytes()) for path in target.parent.iterdir()] == [("good.safetensors", b"good")]


def test_photos_too_small_for_a_traced_graph_are_passed_over(tmp_path: Path) -> None:
    place = workspace(tmp_path / "home", CLASSES)
    sizes = [(20, 60), (40, 60), (600, 20), (48, 64)]
    add_dataset(place, "mixed", [Scene(blocks(*size, 4)) for size in sizes])
    photos = check_images(place.home, place.database, "p", spec(), 3, smallest=33)
    assert [photo.shape[:2] for photo in photos] == [(48, 64), (40, 60)]
    with pytest.raises(UserError, match="too small"):
        check_images(place.home, place.database, "p", spec(), 3, smallest=64)


@pytest.mark.parametrize("revision", ["../../etc/passwd", "f" * 64])
def test_a_bundle_may_name_any_revision(campus: Campus, tmp_path: Path, revision: str) -> None:
    bundle = tmp_path / "m.safetensors"
    save_bundle(bundle, load_bundle(make_bundle(bundle)).module, spec().model_copy(update={"revision": revision}))
    assert export(campus, bundle, "bundle", tmp_path / "out.safetensors", images=1).images_checked == 1


def test_a_damaged_checkpoint_is_listed_with_its_cause_beside_the_others(campus: Campus, tmp_path: Path) -> None:
    model = import_model(
        campus.home, campus.database, project="campus", file=make_bundle(tmp_path / "good.safetensors")
    )
    with campus.database.write() as session:
        run = Run(
            project_id=find_project(session, "campus").id,
            name="unet",
            architecture="unet",
            revision_digest="0" * 64,
            directory="runs/damaged",
            state="finished",
            summary={},
        )
        session.add(run)
        session.flush()
        number = run.id
    folder = campus.home.path / "runs/damaged/checkpoints"
    folder.mkdir(parents=True)
    torch.save({"spec": spec().model_dump_json(), "model": {}, "ema": None}, folder / "best.pt")
    (folder / "last.pt").write_bytes(b"damaged")
    found = {info.reference: info for info in list_models(campus.home, campus.database, "campus")}
    assert (found[f"{number}:best"].note, found[model.name].note) == (None, None)
    damaged = found[f"{number}:last"]
    assert (damaged.architecture, damaged.classes) == ("unet", ())
    assert "not a readable checkpoint" in str(damaged.note)


def test_an_option_that_is_no_value_is_named(campus: Campus, tmp_path: Path, classes_file: Path) -> None:
    torch.save(build("unet", len(CLASSES), width=4).state_dict(), tmp_path / "m.pth")
    with pytest.raises(UserError, match=r"'depth=\['"):
        import_model(
            campus.home,
            campus.database,
            project="campus",
            file=tmp_path / "m.pth",
            architecture="unet",
            classes_file=classes_file,
            options=["depth=["],
        )


def test_an_export_never_replaces_a_file_unasked(campus: Campus, tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "m.safetensors")
    kept = bundle.read_bytes()
    with pytest.raises(UserError, match="--overwrite"):
        export_weights(
            campus.home, campus.database, project="campus", model=str(bundle), format="safetensors", to=bundle
        )
    assert bundle.read_bytes() == kept


def test_predictions_have_the_photos_size_and_keep_folders_and_stems(campus: Campus, tmp_path: Path) -> None:
    source = tmp_path / "new photos"
    (source / "sub").mkdir(parents=True)
    first = sorted(campus.photos.glob("*.jpg"))[0]
    for target in ("a.jpg", "a.png", "a.jpg.png", "sub/b.jpg"):
        (source / target).write_bytes(first.read_bytes())
    (source / "broken.jpg").write_bytes(b"<html>no photo</html>")
    bundle = make_bundle(tmp_path / "m.safetensors")
    report = predict_folder(
        campus.home, campus.database, project="campus", model=str(bundle), source=source, to=tmp_path / "out"
    )
    assert report.images == 4
    assert [Path(problem.file).name for problem in report.skipped] == ["broken.jpg"]
    found = sorted(
        path.relative_to(tmp_path / "out/index").as_posix() for path in (tmp_path / "out/index").rglob("*.png")
    )
    assert found == ["a.jpg.png", "a.jpg.png.png", "a.png.png", "sub/b.png"]
    index = read_map_png(tmp_path / "out/index/sub/b.png")
    assert index.shape == read_photo(first).shape[:2]
    assert index.max() < len(CLASSES)
    assert (tmp_path / "out/overlay/sub/b.jpg").exists()


def test_predictions_are_painted_in_the_models_own_colours(campus: Campus, tmp_path: Path) -> None:
    bundle = tmp_path / "m.safetensors"
    colors = ("#000000", "#3366cc", "#993300", "#119911")
    save_bundle(bundle, load_bundle(make_bundle(bundle)).module, spec().model_copy(update={"colors": colors}))
    photo = sorted(campus.photos.glob("*.jpg"))[0]
    predict_folder(campus.home, campus.database, project="campus", model=str(bundle), source=photo, to=tmp_path / "out")
    with Image.open(tmp_path / "out/index" / f"{photo.stem}.png") as image:
        palette = image.getpalette()
    assert palette is not None
    assert [to_hex((r, g, b)) for r, g, b in zip(palette[:12:3], palette[1:12:3], palette[2:12:3], strict=True)] == [
        *colors
    ]


def test_a_colour_for_each_class_or_none() -> None:
    with pytest.raises(ValueError, match="each of the 4 classes"):
        ModelSpec(architecture="unet", classes=CLASSES, colors=("#000000",))


def test_predictions_never_mix_with_photos_or_other_files(campus: Campus, tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "m.safetensors")
    asked: dict[str, Any] = {"project": "campus", "model": str(bundle), "source": campus.photos}
    for inside in ("out", "out.zip"):
        with pytest.raises(UserError, match="never mix"):
            predict_folder(campus.home, campus.database, to=campus.photos / inside, **asked)
    (tmp_path / "full").mkdir()
    (tmp_path / "full/file").touch()
    (tmp_path / "mine.zip").write_text("mine")
    (tmp_path / "folder.zip").mkdir()
    for there, said in (("full", "--overwrite"), ("mine.zip", "--overwrite"), ("folder.zip", "is a folder")):
        with pytest.raises(UserError, match=said):
            predict_folder(campus.home, campus.database, to=tmp_path / there, **asked)
    assert (tmp_path / "mine.zip").read_text() == "mine"


def test_a_zip_has_the_files_of_the_folder(campus: Campus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Else each measures which precision is faster here, and two may find another one.
    monkeypatch.setattr("training.prediction.inference.has_bf16_instructions", lambda: False)
    bundle = make_bundle(tmp_path / "m.safetensors")
    (tmp_path / "new" / "caf\N{LATIN SMALL LETTER E WITH ACUTE}").mkdir(parents=True)
    for number, photo in enumerate(sorted(campus.photos.glob("*.jpg"))[:2]):
        folder = tmp_path / "new" / ("caf\N{LATIN SMALL LETTER E WITH ACUTE}" if number else "")
        (folder / photo.name).write_bytes(photo.read_bytes())
    asked: dict[str, Any] = {"project": "campus", "model": str(bundle), "source": tmp_path / "new", "labelme": True}
    told = predict_folder(campus.home, campus.database, to=tmp_path / "out", **asked)
    (tmp_path / "out.zip").write_text("what was there")
    packed = predict_folder(campus.home, campus.database, to=tmp_path / "out.zip", overwrite=True, **asked)
    assert (packed.to, packed.images, packed.models) == (tmp_path / "out.zip", 2, told.models)
    assert sum(each.share for each in told.models[0].classes) == pytest.approx(1)
    files = {path.relative_to(tmp_path / "out").as_posix(): path for path in (tmp_path / "out").rglob("*.*")}
    assert {"classes.csv", "shares.csv"} < files.keys()
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == {
            name: path.read_bytes() for name, path in files.items()
        }
    rows = list(csv.DictReader((tmp_path / "out/classes.csv").open(newline="")))
    assert [row["class"] for row in rows] == list(CLASSES)
    assert [path.name for path in tmp_path.glob(".*")] == []


@pytest.mark.parametrize("to", ["out", "out.zip"])
def test_a_full_disk_is_told_and_no_half_zip_stays(
    campus: Campus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, to: str
) -> None:
    bundle = make_bundle(tmp_path / "m.safetensors")
    (tmp_path / "there").mkdir()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(db.files, "settle", full)
    monkeypatch.setattr(zipfile.ZipFile, "writestr", full)
    asked: dict[str, Any] = {"project": "campus", "model": str(bundle), "source": campus.photos}
    with pytest.raises(UserError, match="the disk is full"):
        predict_folder(campus.home, campus.database, to=tmp_path / "there" / to, **asked)
    assert [path for path in (tmp_path / "there").rglob("*") if path.is_file()] == []


def test_several_models_stand_beside_each_other_by_the_names_of_their_classes(campus: Campus, tmp_path: Path) -> None:
    first, second = tmp_path / "a" / "m.safetensors", tmp_path / "b" / "m.safetensors"
    for path in (first, second):
        path.parent.mkdir()
    make_bundle(first)
    torch.manual_seed(5)
    names = ("tree", "sky", "=water")
    other = ModelSpec(architecture="unet", options=OPTIONS["unet"], classes=names)
    save_bundle(second, build("unet", 3, **OPTIONS["unet"]).eval(), other)
    source = tmp_path / "new"
    source.mkdir()
    for photo in sorted(campus.photos.glob("*.jpg"))[:2]:
        (source / photo.name).write_bytes(photo.read_bytes())
    (source / "z.jpg").write_bytes(b"no photo")
    asked: dict[str, Any] = {"project": "campus", "model": str(first), "source": source}
    told = predict_folder(campus.home, campus.database, to=tmp_path / "out", beside=[str(second)], **asked)
    assert [each.folder for each in told.models] == ["m", "m_"]
    assert told.beside is not None
    assert told.beside.unmatched == {
        "background": (str(first),),
        "building": (str(first),),
        "=water": (str(second),),
    }
    same, pixels = 0, 0
    for photo, said in zip(sorted(source.glob("*.jpg")), told.beside.photos, strict=False):
        a, b = (read_map_png(tmp_path / "out" / folder / "index" / f"{photo.stem}.png") for folder in ("m", "m_"))
        agreeing = np.array(CLASSES)[a] == np.array(names)[b]
        assert (said.photo, said.agree, said.pairs) == (photo.name, agreeing.mean(), (agreeing.mean(),))
        assert said.shares.get("sky", (0, 0)) == ((a == 1).mean(), (b == 1).mean())
        same, pixels = same + agreeing.sum(), pixels + a.size
        with Image.open(tmp_path / "out" / "beside" / f"{photo.stem}.beside.png") as picture:
            assert picture.width > 3 * min(a.shape[1], 960)
    assert told.beside.said.agree == same / pixels
    rows = (tmp_path / "out/agreement.csv").read_text().splitlines()
    assert len(rows) == 1 + told.images == 3
    for beside, refusal in (([str(first)], "twice"), ([str(second)] * 4, "the most")):
        with pytest.raises(UserError, match=refusal):
            predict_folder(campus.home, campus.database, to=tmp_path / "else", beside=beside, **asked)


def test_a_folder_of_broken_photos_is_told(campus: Campus, tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "m.safetensors")
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "a.jpg").write_bytes(b"no photo")
    with pytest.raises(UserError, match=r"new/a\.jpg cannot be used as a photo"):
        predict_folder(
            campus.home,
            campus.database,
            project="campus",
            model=str(bundle),
            source=tmp_path / "new",
            to=tmp_path / "o.zip",
        )
    assert not (tmp_path / "o.zip").exists()
