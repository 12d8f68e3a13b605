"""Starting weights: what is found, what fits, what is refused; no byte from outside is executed."""

from __future__ import annotations

import hashlib
import os
import threading
import zipfile
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torchvision.models import resnet18

from db.errors import UserError
from db.home import Home
from training import architectures
from training.architectures.contract import Architecture, Preprocessing
from training.weights import catalogue as weights_catalogue
from training.weights import reading as weights_reading
from training.weights.catalogue import fetch, find_weights, locate
from training.weights.entry import Weights
from training.weights.loading import count_classes, load_model, load_start
from training.weights.reading import read_state_dict
from training.weights.start import StartState, initialise

BGR = Preprocessing(channels="bgr", std=(1.0, 1.0, 1.0))


@pytest.fixture
def home(tmp_path, monkeypatch) -> Home:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    return Home(tmp_path / "home")


@pytest.fixture(scope="module")
def backbone() -> dict[str, torch.Tensor]:
    torch.manual_seed(7)
    return resnet18(weights=None).state_dict()


@pytest.fixture
def published(home, backbone, monkeypatch) -> Path:
    """A ResNet-18 checkpoint where `weights fetch` would put it, known to the catalogue."""
    folder = weights_catalogue.fetch_directory(home)
    folder.mkdir(parents=True)
    torch.save(backbone, folder / "draft")
    digits = hashlib.sha256((folder / "draft").read_bytes()).hexdigest()[:8]
    path = (folder / "draft").rename(folder / f"resnet18-{digits}.pth")
    entry = replace(find_weights("resnet18"), url=f"https://example.org/{path.name}")
    monkeypatch.setitem(weights_catalogue.CATALOGUE, "resnet18", entry)
    return path


def unet(classes: int = 3, seed: int = 0) -> Architecture:
    torch.manual_seed(seed)
    return architectures.build("unet", classes, encoder="resnet18", width=16)


def same(network: torch.nn.Module, other: torch.nn.Module) -> bool:
    return all(torch.equal(value, other.state_dict()[key]) for key, value in network.state_dict().items())


# --- initialise ---


def test_auto_without_weights_is_scratch_and_says_how_to_get_them(home):
    network = unet()
    report = initialise(network, "auto", home)
    assert report.kind == "scratch"
    assert "workbench weights fetch resnet18" in report.text
    assert same(network, unet())


@pytest.mark.parametrize("init", ["auto", "imagenet"])
def test_imagenet_fills_the_encoder_only(home, published, backbone, init):
    network = unet()
    report = initialise(network, init, home)
    assert (report.kind, report.source) == ("imagenet", published.name)
    assert "69.758 % top-1" in report.text
    encoder = network.encoder().state_dict()
    assert all(torch.equal(value, backbone[key]) for key, value in encoder.items())
    assert torch.equal(network.state_dict()["head.weight"], unet().state_dict()["head.weight"])


def test_imagenet_weights_bring_their_preprocessing(home, published):
    network = architectures.build("deeplabv2", 3, depth=18)
    assert initialise(network, "scratch", home).preprocessing.channels == "bgr"
    assert initialise(network, "imagenet", home).preprocessing == Preprocessing()


def test_weights_in_torchs_own_folder_are_found(home, published, tmp_path):
    folder = tmp_path / "torch" / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    published.rename(folder / published.name)
    assert locate(find_weights("resnet18"), home) == folder / published.name
    assert initialise(unet(), "auto", home).kind == "imagenet"


def test_imagenet_that_is_not_there_names_file_and_command(home):
    with pytest.raises(UserError, match=r"resnet18-f37072fd\.pth is not .*`workbench weights fetch resnet18`"):
        initialise(unet(), "imagenet", home)


def test_imagenet_for_a_network_without_one_says_what_to_change(home):
    with torch.device("meta"):
        network = architectures.build("deeplabv2", 3)
    with pytest.raises(UserError, match="layout=torchvision"):
        initialise(network, "imagenet", home)
    assert "layout=torchvision" in initialise(network, "auto", home).text


def test_damaged_weights_on_disk_are_an_error(home, published):
    published.write_bytes(published.read_bytes()[:-1] + b"x")
    with pytest.raises(UserError, match="should have a SHA-256 that begins with"):
        initialise(unet(), "auto", home)


def test_an_init_that_is_nothing_is_an_error(home):
    with pytest.raises(UserError, match="auto, scratch, imagenet, a run or a weights file; 'imagnet'"):
        initialise(unet(), "imagnet", home)


def test_weights_of_a_run_are_taken_whole_with_their_preprocessing(home):
    network, trained = unet(), unet(seed=5)
    report = initialise(network, "12", home, StartState(trained.state_dict(), "run 12:best", BGR))
    assert (report.kind, report.source, report.preprocessing) == ("run", "run 12:best", BGR)
    assert same(network, trained)


# --- files ---


@pytest.mark.parametrize("wrap", ["plain", "state_dict", "model", "module.", "_orig_mod.module.", "safetensors"])
def test_a_file_of_the_same_network_is_read_in_every_dress(home, tmp_path, wrap):
    network, trained = unet(), unet(seed=5)
    state, path = trained.state_dict(), tmp_path / "weights.pth"
    if wrap == "safetensors":
        safetensors.torch.save_file(state, path)  # known by its content, whatever it is called
    elif wrap.endswith("."):
        torch.save({wrap + key: value for key, value in state.items()}, path)
    else:
        torch.save(state if wrap == "plain" else {wrap: state, "epoch": 3, "optimizer": {}}, path)
    report = initialise(network, str(path), home)
    assert report.kind == "file"
    assert report.load is not None
    assert report.load.exact
    assert report.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert same(network, trained)


def test_a_backbone_file_is_recognised(home, tmp_path, backbone):
    network = architectures.build("deeplabv2", 3, depth=18)
    old = {f"module.{key}": value for key, value in backbone.items() if not key.endswith("num_batches_tracked")}
    torch.save(old, tmp_path / "resnet.pth")
    report = initialise(network, str(tmp_path / "resnet.pth"), home)
    assert "a backbone" in report.text
    assert report.preprocessing == Preprocessing()
    assert torch.equal(network.state_dict()["base.layer5.block2.conv2.conv.weight"], backbone["layer4.1.conv2.weight"])


@pytest.mark.parametrize("prefix", ["", "base.", "scale.", "scale.base.", "module.base."])
def test_deeplabs_prefixes_are_seen_through(prefix):
    torch.manual_seed(1)
    options = {"depth": 18, "msc": False}
    trained, network = (architectures.build("deeplabv2", 3, **options) for _ in range(2))
    state = {prefix + key.removeprefix("base."): value for key, value in trained.state_dict().items()}
    assert load_model(network, state, "file").exact
    assert same(network, trained)


def test_another_number_of_classes_starts_with_a_fresh_head_and_says_so():
    network, trained = unet(classes=5), unet(classes=21, seed=5)
    report, backbone = load_start(network, trained.state_dict(), "weights.pth")
    assert not backbone
    assert report.fresh == ("head.weight", "head.bias")
    assert "Freshly initialised: head.weight, head.bias." in report.text
    assert "head.weight (the network has 5x8x1x1, the file 21x8x1x1)" in report.text
    assert torch.equal(network.state_dict()["head.weight"], unet(classes=5).state_dict()["head.weight"])
    name = "expanding.0.convolutions.0.weight"
    assert torch.equal(network.state_dict()[name], trained.state_dict()[name])


def test_a_model_must_fit_wholly_and_stays_as_it_was_otherwise():
    network = unet(classes=5)
    state = unet(classes=21, seed=5).state_dict()
    state["extra.weight"] = state.pop("contracting.conv1.weight")
    with pytest.raises(UserError) as error:
        load_model(network, state, "weights.pth")
    for words in (
        "weights.pth does not fit",
        "Missing, in the network but not in the file: contracting.conv1.weight.",
        "Unexpected, in the file but not in the network: extra.weight.",
        "Of another shape: head.weight (the network has 5x8x1x1, the file 21x8x1x1), head.bias",
    ):
        assert words in str(error.value)
    assert same(network, unet(classes=5))


def test_an_encoder_of_another_depth_is_refused(home, tmp_path, backbone):
    network = architectures.build("unet", 3, encoder="resnet34", width=8)
    torch.save(backbone, tmp_path / "resnet18.pth")
    with pytest.raises(UserError, match="does not fit the encoder"):
        initialise(network, str(tmp_path / "resnet18.pth"), home)
    larger = network.encoder().state_dict()
    with pytest.raises(UserError, match="Unexpected"):
        load_start(unet(), larger, "resnet34.pth")


def test_a_file_about_something_else_is_refused():
    with pytest.raises(UserError, match="no tensor in common with unet: weird"):
        load_start(unet(), {"weird": torch.zeros(3)}, "file")


def test_classes_are_counted_from_the_head():
    family = architectures.family("unet")
    state = unet(classes=9).state_dict()
    assert count_classes(family, state) == 9
    assert count_classes(family, {f"module.{key}": value for key, value in state.items()}) == 9
    assert count_classes(architectures.family("deeplabv2"), state) is None


class Hostile:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self):
        return os.mkdir, (str(self.target),)


@pytest.mark.parametrize("legacy", [False, True])
def test_a_pickle_that_runs_code_is_refused_and_not_run(tmp_path, legacy):
    path, target = tmp_path / "evil.pth", tmp_path / "owned"
    torch.save(
        {"state_dict": {"a": torch.zeros(1)}, "x": Hostile(target)}, path, _use_new_zipfile_serialization=not legacy
    )
    with pytest.raises(UserError, match="could run code from the file, so it is refused"):
        read_state_dict(path)
    assert not target.exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "cannot be read|damaged"),
        (b"hello", "cannot be read|damaged"),
        (b"\x80\x02}q\x00.", "cannot be read|damaged|named tensors"),
        (b"\x10\0\0\0\0\0\0\0{broken", "not a whole safetensors file"),
        (b"PK\x03\x04broken", "cannot be read|damaged"),
    ],
)
def test_a_damaged_file_is_said_to_be(tmp_path, content, words):
    path = tmp_path / "weights.pth"
    path.write_bytes(content)
    with pytest.raises(UserError, match=words):
        read_state_dict(path)


def test_a_file_without_tensors_says_what_it_has(tmp_path):
    torch.save({"epoch": 3, "notes": "none"}, tmp_path / "log.pt")
    with pytest.raises(UserError, match="found the keys epoch, notes"):
        read_state_dict(tmp_path / "log.pt")


def test_a_file_that_unpacks_to_too_much_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(weights_reading, "MAX_BYTES", 1 << 20)
    path = tmp_path / "bomb.pth"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data/0", bytes(2 << 20))
    assert path.stat().st_size < 10_000
    with pytest.raises(UserError, match="more than"):
        read_state_dict(path)


def test_no_file_is_an_error(tmp_path):
    with pytest.raises(UserError, match="There is no weights file"):
        read_state_dict(tmp_path / "none.pth")


# --- fetch ---


@pytest.fixture
def publisher(tmp_path):
    """A folder served on the loopback device, and its address."""
    folder = tmp_path / "published"
    folder.mkdir()
    handler = partial(QuietHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


def entry(url: str, size: int) -> Weights:
    return replace(find_weights("resnet18"), url=url, size=size)


def publish(folder: Path, data: bytes, digits: str | None = None) -> str:
    name = f"thing-{digits or hashlib.sha256(data).hexdigest()[:8]}.pth"
    (folder / name).write_bytes(data)
    return name


def test_fetch_keeps_a_file_with_the_right_checksum_and_fetches_it_once(publisher, tmp_path):
    folder, address = publisher
    data = os.urandom(3 << 20)
    name = publish(folder, data)
    weights, seen = entry(f"{address}/{name}", len(data)), []
    path = fetch(weights, tmp_path / "to", lambda done, total, what: seen.append((done, total, what)))
    assert path == tmp_path / "to" / name
    assert path.read_bytes() == data
    assert seen[-1] == (len(data), len(data), "bytes")
    (folder / name).unlink()
    assert fetch(weights, tmp_path / "to") == path


@pytest.mark.parametrize(
    ("digits", "size", "words"),
    [("00000000", 1000, "does not have the SHA-256"), (None, 10, "sends more than the 10 bytes expected")],
)
def test_fetch_keeps_nothing_that_is_wrong(publisher, tmp_path, digits, size, words):
    folder, address = publisher
    data = bytes(1000 if digits else 3 << 20)
    weights = entry(f"{address}/{publish(folder, data, digits)}", size)
    with pytest.raises(UserError, match=words):
        fetch(weights, tmp_path / "to")
    assert list((tmp_path / "to").iterdir()) == []


def test_fetch_says_when_the_file_cannot_be_had(publisher, tmp_path):
    _, address = publisher
    with pytest.raises(UserError, match=r"could not be downloaded.*copy gone-00000000\.pth"):
        fetch(entry(f"{address}/gone-00000000.pth", 10), tmp_path)


def test_fetch_takes_only_https(tmp_path):
    secret = tmp_path / "secret-00000000.pth"
    secret.write_text("x")
    with pytest.raises(UserError, match="over https only"):
        fetch(entry(secret.as_uri(), 10), tmp_path / "to")


def test_unknown_weights_are_answered_with_the_list():
    with pytest.raises(UserError, match=r"has no weights 'resnet51'\. Nearest: resnet50, "):
        find_weights("resnet51")
