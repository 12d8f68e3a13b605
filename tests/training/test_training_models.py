"""Models come in as bundles and public checkpoints, and go out again."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from db.errors import UserError
from labeling.maps import read_map_png
from labeling.photos import read_photo
from tests.support.campus import Campus, make_campus
from training.architectures import build
from training.bundle import load_bundle, save_bundle
from training.export import export_weights
from training.model_import import import_model
from training.models import list_models, load_model
from training.predict import predict_folder
from training.spec import ModelSpec

CLASSES = ("background", "sky", "building", "tree")
OPTIONS = {
    "unet": {"width": 4},
    "deeplabv2": {"depth": 18},
    "lraspp_mobilenetv3": {},
    "fcn_resnet50": {},
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
        if isinstance(part, torch.nn.BatchNorm2d):
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
    asked = {"project": "campus", "file": tmp_path / "seven.pth", "options": ["width=4"]}
    with pytest.raises(UserError, match="--arch"):
        import_model(campus.home, campus.database, **asked)
    with pytest.raises(UserError, match="7 classes"):
        import_model(campus.home, campus.database, architecture="unet", **asked)
    (tmp_path / "two.txt").write_text("a\nb\n")
    with pytest.raises(UserError, match="names 2 classes, but the head .* has 7"):
        import_model(campus.home, campus.database, architecture="unet", classes_file=tmp_path / "two.txt", **asked)


@pytest.mark.parametrize("name", ["12", "12:best", "a/b", " "])
def test_a_name_that_could_be_a_run_or_a_path_is_refused(campus: Campus, tmp_path: Path, name: str) -> None:
    bundle = make_bundle(tmp_path / "m.safetensors")
    with pytest.raises(UserError, match="--name"):
        import_model(campus.home, campus.database, project="campus", file=bundle, name=name)


def test_unknown_references_say_what_is_expected(campus: Campus) -> None:
    for reference in ("nothing", "99", "99:best", "missing.safetensors"):
        with pytest.raises(UserError, match="workbench (runs|models)"):
            load_model(campus.home, campus.database, "campus", reference)


@pytest.mark.parametrize("format", ["bundle", "safetensors", "pt2", "onnx"])
def test_every_format_agrees_with_the_original_on_real_images(campus: Campus, tmp_path: Path, format) -> None:
    bundle = make_bundle(tmp_path / "m.safetensors")
    report = export_weights(
        campus.home, campus.database, project="campus", model=str(bundle), format=format, to=tmp_path / f"out.{format}"
    )
    assert report.images_checked == 4
    assert report.max_abs_difference < 1e-3
    assert report.argmax_agreement > 0.9999
    assert report.path.stat().st_size > 0


@pytest.mark.parametrize("name", sorted(OPTIONS))
def test_every_architecture_exports_with_free_sizes(campus: Campus, tmp_path: Path, name: str) -> None:
    import onnxruntime

    bundle = make_bundle(tmp_path / "m.safetensors", name)
    module = load_bundle(bundle).module
    for format in sorted(module.exports):
        report = export_weights(
            campus.home,
            campus.database,
            project="campus",
            model=str(bundle),
            format=format,
            to=tmp_path / f"out.{format}",
        )
        assert report.argmax_agreement > 0.999
    pixels = torch.rand(1, 3, 77, 131) * 255
    with torch.no_grad():
        wanted = module(module.preprocessing(pixels)) if name != "deeplabv2" else None
    session = onnxruntime.InferenceSession(tmp_path / "out.onnx")
    found = session.run(None, {"pixels": pixels.numpy()})[0]
    assert found.shape == (1, len(CLASSES), 77, 131)
    if wanted is not None:
        assert torch.allclose(torch.from_numpy(found), wanted, atol=1e-3)


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
    for target in ("a.jpg", "a.png", "sub/b.jpg"):
        (source / target).write_bytes(first.read_bytes())
    (source / "broken.jpg").write_bytes(b"<html>no photo</html>")
    bundle = make_bundle(tmp_path / "m.safetensors")
    report = predict_folder(
        campus.home, campus.database, project="campus", model=str(bundle), source=source, to=tmp_path / "out"
    )
    assert report.images == 3
    assert [Path(problem.file).name for problem in report.skipped] == ["broken.jpg"]
    found = sorted(
        path.relative_to(tmp_path / "out/index").as_posix() for path in (tmp_path / "out/index").rglob("*.png")
    )
    assert found == ["a.jpg.png", "a.png.png", "sub/b.png"]
    index = read_map_png(tmp_path / "out/index/sub/b.png")
    assert index.shape == read_photo(first).shape[:2]
    assert index.max() < len(CLASSES)
    assert (tmp_path / "out/overlay/sub/b.jpg").exists()


def test_predictions_never_mix_with_photos_or_other_files(campus: Campus, tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "m.safetensors")
    asked = {"project": "campus", "model": str(bundle), "source": campus.photos}
    with pytest.raises(UserError, match="never mix"):
        predict_folder(campus.home, campus.database, to=campus.photos / "out", **asked)
    (tmp_path / "full").mkdir()
    (tmp_path / "full/file").touch()
    with pytest.raises(UserError, match="--overwrite"):
        predict_folder(campus.home, campus.database, to=tmp_path / "full", **asked)
