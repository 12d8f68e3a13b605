"""Drawings and memory of every architecture: what was observed, all of it, and nothing else."""

from __future__ import annotations

import json
import runpy
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import torch

from db.home import Home
from training import architecture_cards, architecture_figures
from training.architecture_cards import architecture_card, described
from training.architecture_figures import PREDICTION, drawing_of, kept_for_backward
from training.architectures import build, names
from training.drawing.data import Drawing
from training.drawing.svg import to_svg

pytestmark = pytest.mark.xdist_group("cards")  # one tracing of each network for all of them

SIDE = 64
OTHERS: list[tuple[str, dict[str, Any]]] = [
    ("unet", {"encoder": "resnet18"}),
    ("unet", {"encoder": "convnext_tiny"}),
    ("deeplabv2", {"msc": False, "depth": 18, "aspp": "bn_global"}),
    ("fpn", {"head": "all", "encoder": "mobilenet_v3_small"}),
    ("encnet", {"lateral": True, "aux": False, "se_loss": False}),
]
every = pytest.mark.parametrize(("name", "options"), [*((name, {}) for name in names()), *OTHERS], ids=str)


def on_meta(name: str, options: Mapping[str, Any]) -> tuple[Any, torch.Tensor]:
    with torch.device("meta"):
        return build(name, 5, **options), a_photo(SIDE)


def a_photo(side: int) -> torch.Tensor:
    return torch.empty(1, 3, side, side, device="meta")


@cache
def traced(name: str, options: str) -> tuple[Any, Drawing]:
    """Return a network on meta and its drawing, for tests that change neither."""
    network, photo = on_meta(name, json.loads(options))
    return network, drawing_of(network, photo)


def reached(drawing: Drawing, start: int, *, backward: bool = False) -> set[int]:
    pairs = [(edge.target, edge.source) if backward else (edge.source, edge.target) for edge in drawing.edges]
    found = {start}
    while more := {after for before, after in pairs if before in found} - found:
        found |= more
    return found


@every
def test_a_drawing_is_the_network(name: str, options: dict[str, Any]) -> None:
    network, drawing = traced(name, json.dumps(options))
    photo = a_photo(SIDE)
    assert [node.id for node in drawing.nodes] == list(range(len(drawing.nodes)))
    first, prediction = drawing.nodes[0], next(node for node in drawing.nodes if node.name == PREDICTION)
    assert (first.kind, first.shapes) == ("photo", ((3, SIDE, SIDE),))
    assert sum(node.parameters for node in drawing.nodes) == sum(each.numel() for each in network.parameters())
    assert reached(drawing, 0) == {node.id for node in drawing.nodes}
    counts = reached(drawing, prediction.id, backward=True)
    assert {node.id for node in drawing.nodes if not node.training_only} == counts
    with torch.no_grad():
        logits = network.train().logits(photo)
        assert prediction.shapes == (tuple(network.eval()(photo).shape[1:]),)
    outputs = {node.name: node.shapes for node in drawing.nodes if node.kind == "output"} | {PREDICTION: ()}
    heads = dict(logits.heads) | ({} if logits.presence is None else {"presence": logits.presence})
    assert outputs == {PREDICTION: ()} | {name: (tuple(head.shape[1:]),) for name, head in heads.items()}
    assert any(edge.shape == tuple(logits.out.shape[1:]) for edge in drawing.edges if edge.target == prediction.id)


def _tensors(out: object) -> Iterator[torch.Tensor]:
    if isinstance(out, torch.Tensor):
        yield out
    elif isinstance(out, list | tuple):
        for part in out:
            yield from _tensors(part)


@every
def test_what_modules_give_is_what_is_drawn(name: str, options: dict[str, Any]) -> None:
    """Against forward hooks of their own: the last thing that a box of one module gives has the shape drawn."""
    network, photo = on_meta(name, options)
    given: dict[str, set[tuple[int, ...]]] = {}
    for path, module in network.named_modules():
        module.register_forward_hook(
            lambda _, __, out, path=path: given.setdefault(path, set()).update(
                tuple(each.shape[1:]) for each in _tensors(out)
            )
        )
    drawing = drawing_of(network, photo)
    boxes = [
        node for node in drawing.nodes if node.kind == "part" and " .. " not in node.name and len(node.shapes) == 1
    ]
    assert boxes
    for node in boxes:
        (shape,) = node.shapes
        if shape[1:] != (1, 1):  # a mean, which the module may give spread over the map it came from
            assert {shape, (*shape[1:], shape[0])} & given[node.name] or "resize" in node.modules, node


@pytest.mark.parametrize("name", names())
def test_memory_is_what_autograd_keeps_and_grows_with_the_photo(name: str) -> None:
    network, _ = on_meta(name, {})
    small, large = (kept_for_backward(network, a_photo(side)) for side in (SIDE, 2 * SIDE))
    assert 0 < 2 * small < large < 5 * small


def test_memory_counts_storages_once_and_no_parameters() -> None:
    network, photo = on_meta("plainconv", {"width": 4, "layers": 1, "batch_norm": False})
    pixels = SIDE * SIDE * 4  # bytes of one channel
    # The photo for the first convolution, and what its ReLU leaves, which the second convolution takes, too.
    assert kept_for_backward(network, photo) == 3 * pixels + 4 * pixels


def test_memory_on_meta_is_that_of_a_real_network() -> None:
    torch.manual_seed(0)
    network: Any = build("unet", 3, width=4, levels=2)
    with torch.device("meta"):
        hollow: Any = build("unet", 3, width=4, levels=2)
        photo = torch.empty(1, 3, SIDE, SIDE)
    assert kept_for_backward(network, torch.rand(1, 3, SIDE, SIDE)) == kept_for_backward(hollow, photo)


def test_a_unet_is_a_u_with_a_bridge_at_every_level() -> None:
    drawing = drawing_of(*on_meta("unet", {"width": 4, "levels": 3}))
    parts = [node for node in drawing.nodes if node.kind == "part"]
    assert [node.shapes[0][1] for node in parts] == [64, 32, 16, 8, 16, 32, 64, 64]
    bridges = {
        (drawing.nodes[edge.source].name, drawing.nodes[edge.target].name) for edge in drawing.edges if edge.skips
    }
    assert bridges == {(f"contracting.stages.{level}", f"expanding.{2 - level}") for level in range(3)}


def test_the_same_weights_at_three_scales_count_once() -> None:
    drawing = drawing_of(*on_meta("deeplabv2", {"depth": 18}))
    again = [node for node in drawing.nodes if node.again]
    assert [(node.name, node.parameters) for node in again] == [("base", 0)] * 2


@every
def test_an_svg_is_well_formed_and_shows_every_box(name: str, options: dict[str, Any]) -> None:
    _, drawing = traced(name, json.dumps(options))
    hostile = "<script>alert('&\"')</script>"
    root = ElementTree.fromstring(to_svg(drawing, hostile))
    svg = "{http://www.w3.org/2000/svg}"
    assert root.find(f"{svg}title") is not None
    assert root.findtext(f"{svg}title") == hostile
    assert root.find(f".//{svg}script") is None
    assert len(root.findall(f"{svg}g")) == sum(len(node.shapes) for node in drawing.nodes)
    lines = [path for path in root.findall(f"{svg}path") if path.get("marker-end")]
    assert len(lines) == len(drawing.edges)
    width, height = float(root.get("width", "0")), float(root.get("height", "0"))
    for box in root.iter(f"{svg}rect"):
        x, y, wide, high = (float(box.get(key, "nan")) for key in ("x", "y", "width", "height"))
        assert 0 <= x <= x + wide <= width
        assert 0 <= y <= y + high <= height


def test_a_card_is_measured_once_and_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # What the process remembers besides is left out here, and kept for other tests.
    monkeypatch.setattr(architecture_cards, "_described", architecture_cards._described.__wrapped__)
    home = Home(tmp_path)
    options = {"width": 4, "levels": 2}
    found = described("unet", options=options, home=home)
    with monkeypatch.context() as patch:
        patch.setattr(architecture_figures, "describe", lambda *_: pytest.fail("measured again"))
        assert described("unet", options=options, home=home) == found
    (card,) = home.cards.iterdir()
    card.write_text("{")  # of no use: measured again
    assert described("unet", options=options, home=home) == found
    monkeypatch.setattr(architecture_cards, "_fingerprint", lambda: "other code")
    described("unet", options=options, home=home)
    assert len(list(home.cards.iterdir())) == 2


def test_who_lacks_an_export_says_why_and_names_a_twin_that_has_it() -> None:
    for name in names():
        card = architecture_card(name)
        if lacking := {"pt2", "onnx"} - set(card.exports):
            twins = [other for other in names() if other != name and other in card.exports_note]
            assert twins, f"{name} names no twin"
            assert all(lacking <= set(architecture_card(twin).exports) for twin in twins)


def test_the_documented_table_is_that_of_the_code() -> None:
    root = Path(__file__).parents[2]
    made = runpy.run_path(str(root / "docs" / "architectures.py"))
    text = (root / "docs" / "architectures.md").read_text(encoding="utf-8")
    assert text == made["page"](text), "run: python docs/architectures.py"
    assert set(made["PROOFS"]) == set(names())
    for _, test in made["PROOFS"].values():
        file, _, function = test.partition("::")
        assert f"def {function}(" in (root / "tests" / "training" / file).read_text(encoding="utf-8"), test
