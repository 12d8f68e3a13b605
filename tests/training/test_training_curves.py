"""Several runs on one chart: what tells them apart, pauses left out, and files that others can open."""

from __future__ import annotations

import csv
import io
import itertools
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from PIL import Image

from db.errors import UserError
from tests.support.runs import make_run, tiny_recipe
from training.curves.chart import look, render, sheet, ticks, write_curves
from training.curves.paper import Line, Mark, Sheet, Words, to_png, to_svg
from training.curves.several import MOST, Point, RunCurves, differences, smooth
from training.engine.events import EventWriter
from training.runs.series import run_series

NAME = "<b>&\u202e 猫\x07"


def curves(run: int, *values: float, architecture: str = "unet") -> RunCurves:
    points = tuple(Point(10 * i, i / 2, value) for i, value in enumerate(values, 1))
    return RunCurves(run, NAME, architecture, "finished", ("batch 8", "=1+1"), points, points)


def test_only_what_differs_is_said_in_words_that_are_short_where_they_can_be() -> None:
    same = {"architecture": "unet", "seed": 0, "crop": [240, 320]}
    found = differences(
        [
            {**same, "optimizer.lr": 0.01, "loss.power": 1.0, "schedule.power": 0.9, "compile": False},
            {
                **same,
                "optimizer.lr": 0.001,
                "loss.power": 0.5,
                "schedule.power": 1.0,
                "compile": True,
                "options.width": None,
            },
        ]
    )
    assert found == [
        ("lr 0.01", "loss.power 1", "schedule.power 0.9", "compile off"),
        ("lr 0.001", "loss.power 0.5", "schedule.power 1", "compile on", "width none"),
    ]
    assert differences([{**same, "architecture": "fpn"}, same]) == [("fpn",), ("unet",)]
    assert differences([same, same]) == [(), ()]
    assert "run 3: batch 8" in curves(3, 1.0).label


def test_a_curve_of_many_points_keeps_its_mean() -> None:
    points = [Point(step, step / 60, float(step % 2)) for step in range(1, 5001)]
    found = smooth(points, 100)
    assert len(found) == 100
    assert {point.value for point in found} == {0.5}
    assert [point.step for point in found] == sorted(point.step for point in found)
    assert smooth(points[:50], 100) == tuple(points[:50])


def test_pauses_are_left_out_and_what_was_done_again_counts_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(tmp_path, tiny_recipe(), train=1, val=0)
    now = iter([0.0, 10.0, 12.0, 14.0, 1000.0, 1003.0, 1004.0])
    monkeypatch.setattr("training.engine.events.time.time", lambda: next(now))
    step = {"loss": 1.0, "lr": 0.1, "train_miou": None, "images_per_second": 1.0}
    with EventWriter(run.events) as events:
        events.write("warning", text="")
        events.write("started", step=0)
        events.write("step", step=1, **step)
        events.write("step", step=2, **step)
    with EventWriter(run.events) as events:
        monkeypatch.setattr("training.runs.series.body", lambda kind, values: kind)
        events.write("started", step=1)  # the second step was lost
        events.write("step", step=2, **step)
        events.write("validation", step=2, miou=0.5, pa=0.5, iou=[], best=True)
    found = run_series(run.path)
    assert [(point.step, point.seconds) for point in found.steps] == [(1, 2.0), (2, 5.0)]
    assert found.validations[0].seconds == 6.0


def test_no_two_lines_look_alike_without_their_colour() -> None:
    looks = [(look(place).dash, look(place).mark) for place in range(MOST)]
    assert len(set(looks)) == MOST


def test_an_svg_is_well_formed_and_shows_every_run_whatever_its_name() -> None:
    runs = [curves(1, 2.0, 1.0, 0.5), curves(2, 3.0, architecture="fpn"), curves(3)]
    root = ET.fromstring(render(runs, "svg").decode())
    space = "{http://www.w3.org/2000/svg}"
    texts = [element.text or "" for element in root.iter(f"{space}text")]
    assert [text.partition(":")[0] for text in texts if text.startswith("run ")] == ["run 1", "run 2", "run 3"]
    lines = [element for element in root.iter(f"{space}polyline") if element.get("stroke") == look(0).color]
    assert len(lines) == 3  # loss, mIoU, legend
    assert "minutes" in render(runs, "svg", "minutes").decode()
    assert "No values yet" in to_svg(sheet([curves(3)]))
    assert "<b>" not in to_svg(Sheet(9, 9, (Words((1, 1), NAME),)))


def test_a_png_is_painted_where_the_sheet_says() -> None:
    items = (Line(((0, 10), (40, 10)), "#ff0000", 2, (10, 10)), Mark((20, 30), "square", "#0000ff", 8))
    with Image.open(io.BytesIO(to_png(Sheet(40, 40, items)))) as picture:
        assert picture.size == (80, 80)
        assert picture.getpixel((10, 20)) == (255, 0, 0)
        assert picture.getpixel((30, 20)) == (255, 255, 255)  # between two dashes
        assert picture.getpixel((50, 20)) == (255, 0, 0)
        assert picture.getpixel((40, 60)) == (0, 0, 255)


def test_a_csv_has_a_row_a_point_and_no_formula(tmp_path: Path) -> None:
    run = RunCurves(1, "=cmd()", "unet", "finished", (), (Point(5, 0.25, 2.0),), (Point(5, 0.25, 0.5),))
    write_curves([run], tmp_path / "curves.CSV")
    rows = list(csv.reader(io.StringIO((tmp_path / "curves.CSV").read_text())))
    assert rows[1:] == [
        ["1", "'=cmd()", "unet", "", "training loss", "5", "0.25", "2.0"],
        ["1", "'=cmd()", "unet", "", "validation mIoU", "5", "0.25", "0.5"],
    ]
    with pytest.raises(UserError, match=r"\.svg, \.png or \.csv"):
        write_curves([run], tmp_path / "curves.pdf")


def test_ticks_are_round_and_inside() -> None:
    assert ticks(0, 1982) == (0, 500, 1000, 1500)
    assert ticks(0, 0.56) == (0, 0.2, 0.4)
    for low, high in itertools.product((0, 3), (7, 1e-3 + 3, 12345)):
        assert all(low <= tick <= high * 1.000001 for tick in ticks(low, high))
