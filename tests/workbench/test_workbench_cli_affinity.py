"""Drawing both affinities of a photo, on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from tests.support.labelme_folder import write_photo
from tests.support.scenes import workspace
from training.architectures import build
from training.models.bundle import encode_bundle
from training.models.spec import ModelSpec
from workbench.cli.app import app

OPTIONS = {"width": 4, "levels": 2}


def test_both_affinities_of_a_photo_are_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.manual_seed(0)
    workspace(tmp_path / "home", ("sky", "road"))
    spec = ModelSpec(architecture="unet", options=OPTIONS, classes=("sky", "road"))
    model, to = tmp_path / "tiny.safetensors", tmp_path / "drawn.png"
    model.write_bytes(encode_bundle(build("unet", 2, **OPTIONS).state_dict(), spec))
    write_photo(tmp_path / "photo.png", 0)
    asked = ["affinity", str(model), str(tmp_path / "photo.png"), "--to", str(to), "--side", "8", "--json"]
    app([*asked, "--home", str(tmp_path / "home")], standalone_mode=False)
    assert json.loads(capsys.readouterr().out) == {"to": str(to), "height": 6, "width": 8}
    assert to.read_bytes().startswith(b"\x89PNG")
