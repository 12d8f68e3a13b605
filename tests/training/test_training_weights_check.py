"""Weights given as files: taken in, checked, and imported as the models they are."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from db.errors import UserError
from db.home import Home
from db.session import Database, open_database
from db.store import Store
from labeling.projects import create_project
from training import architectures
from training.evaluation.leaks import find_leaks
from training.evaluation.public_data import PublicTraining
from training.models.find import load_model, read_spec
from training.models.importing import import_model
from training.weights.catalogue import CATALOGUE, fetch, find_weights, locate
from training.weights.check import add_weights, check_weights, problems
from training.weights.start import initialise


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    return Home(tmp_path / "home")


@pytest.fixture
def mit(tmp_path: Path) -> Path:
    """What transformers saves of a classifier on MiT-B0."""
    transformers = import_module("transformers")
    torch.manual_seed(0)
    config = transformers.SegformerConfig(num_labels=5)
    transformers.SegformerForImageClassification(config).save_pretrained(tmp_path / "mit")
    return tmp_path / "mit" / "model.safetensors"


@pytest.fixture
def database(home: Home) -> Database:
    found = open_database(home)
    with found.write() as session:
        create_project(session, "p")
    return found


def segformer_folder(folder: Path) -> torch.nn.Module:
    transformers = import_module("transformers")
    torch.manual_seed(0)
    config = transformers.SegformerConfig(id2label={0: "wall", 1: "screen", 2: "screen"})
    model = transformers.SegformerForSemanticSegmentation(config).eval()
    model.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps({"image_mean": [0.5] * 3, "image_std": [0.25] * 3}))
    return model


def test_every_entry_says_what_it_was_trained_on_and_how_it_is_had():
    for weights in CATALOGUE.values():
        assert weights.trained_on
        assert weights.sha256_prefix if weights.url else weights.page.startswith("https://")
        assert weights.licence
        architectures.check_options(weights.architecture, weights.options)


def test_added_weights_are_tried_kept_found_and_checked(home, mit):
    weights = find_weights("mit_b0")
    assert "Not on this machine" in (check_weights(home, "mit_b0")[0].problem or "")
    report = add_weights(home, weights, mit)
    assert report.path == locate(weights, home)
    assert report.path is not None
    assert report.sha256 is not None
    assert report.path.name == f"mit_b0-{report.sha256[:8]}.safetensors"
    assert report.keys is not None
    assert report.keys.exact
    for name, options in (("segformer", {}), ("fpn", {"encoder": "mit_b0", "width": 8})):
        start = initialise(architectures.build(name, 3, **options), "auto", home)
        assert start.kind == "imagenet"
        assert [str(each) for each in start.trained_on] == ["ImageNet-1k train"]
    assert problems(check_weights(home)) == 0
    report.path.write_bytes(report.path.read_bytes()[:-1] + b"x")
    found = check_weights(home)
    assert (len(found), problems(found)) == (1, 1)
    assert "as it had when it was added" in (found[0].problem or "")


def test_what_does_not_load_is_not_taken_in(home, mit):
    with pytest.raises(UserError, match="does not fit the encoder"):
        add_weights(home, find_weights("mit_b1"), mit)
    with pytest.raises(UserError, match=r"no tensor in common|does not fit the encoder"):
        add_weights(home, find_weights("resnet18"), mit)
    assert locate(find_weights("mit_b1"), home) is None


def test_weights_without_a_checksum_are_not_fetched(tmp_path):
    with pytest.raises(
        UserError, match=r"nobody states a checksum.*huggingface\.co/nvidia/mit-b0 .*weights add mit_b0"
    ):
        fetch(find_weights("mit_b0"), tmp_path)


def test_timms_entries_are_what_timm_says():
    stated, by_hand = find_weights("timm:resnet18"), find_weights("timm:hrnet_w18.ms_in1k")
    assert (stated.name, stated.sha256_prefix) == ("timm:resnet18.a1_in1k", "d63eafa0")
    assert [each.dataset for each in stated.trained_on] == ["imagenet1k"]
    assert (by_hand.url, by_hand.page) == (None, "https://huggingface.co/timm/hrnet_w18.ms_in1k (model.safetensors)")
    both = find_weights("timm:convnext_tiny.in12k_ft_in1k")
    assert [each.dataset for each in both.trained_on] == ["imagenet12k", "imagenet1k"]


def test_timms_state_dict_is_added_and_starts_its_encoder(home, tmp_path):
    timm = import_module("timm")
    torch.manual_seed(0)
    save_file(timm.create_model("test_convnext").state_dict(), tmp_path / "model.safetensors")
    add_weights(home, find_weights("timm:test_convnext"), tmp_path / "model.safetensors")
    network = architectures.build("unet", 3, encoder="timm:test_convnext", width=8)
    start = initialise(network, "imagenet", home)
    assert start.load is not None
    assert start.load.exact
    assert start.preprocessing == find_weights("timm:test_convnext").preprocessing


@torch.no_grad()
def test_a_folder_of_transformers_is_imported_whole(home, database, tmp_path):
    theirs = segformer_folder(tmp_path / "rooms")
    report = import_model(home, database, project="p", file=tmp_path / "rooms", trained_on=["ade20k:train"])
    assert (report.name, report.classes) == ("rooms", ("wall", "screen", "screen 2"))
    model = load_model(home, database, "p", "rooms")
    assert model.spec.preprocessing.mean == (127.5, 127.5, 127.5)
    assert model.spec.lineage == (PublicTraining(dataset="ade20k", split="train", source="told when it was imported"),)
    x = torch.randn(1, 3, 64, 64)
    assert (model.module.logits(x).out - theirs(x).logits).abs().max() < 1e-5


def test_the_public_deeplab_is_imported_by_its_entry(home, database, tmp_path):
    """Keys as the public checkpoints have them: `base.` and the shapes of 21 classes."""
    with torch.device("meta"):
        shapes = architectures.build("deeplabv2", 21).state_dict()
    state = {key: torch.zeros(value.shape, dtype=value.dtype) for key, value in shapes.items()}
    torch.save(state, tmp_path / "deeplabv2_resnet101_msc-vocaug.pth")
    file = tmp_path / "deeplabv2_resnet101_msc-vocaug.pth"
    report = import_model(home, database, project="p", file=file, entry="deeplabv2_voc2012", name="voc")
    assert (report.architecture, len(report.classes), report.classes[15]) == ("deeplabv2", 21, "person")
    lineage = read_spec(home, database, "p", "voc").lineage
    assert [str(each) for each in lineage] == ["Pascal VOC 2012 train_aug"]
    assert not find_leaks(database, Store(home.store), lineage, []).unknown


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"model_type": "beit"}, "of the type 'beit'; of transformers' models only segformer is read"),
        ({"model_type": "segformer", "depths": [1]}, "no SegFormer of a published size"),
        ({"something": "else"}, "Add --arch"),
    ],
)
def test_what_a_folder_does_not_tell_is_asked_for(home, database, tmp_path, content, expected):
    save_file({"a": torch.zeros(1)}, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(json.dumps(content))
    with pytest.raises(UserError) as error:
        import_model(home, database, project="p", file=tmp_path / "model.safetensors")
    assert expected in str(error.value)
