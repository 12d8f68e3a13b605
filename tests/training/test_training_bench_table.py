"""The table of a bench: means and deviations by hand, the frontier, and names that would break a document."""

from __future__ import annotations

import csv
import io

import pytest

from tests.support.benches import bench, measures, sample_bench
from training.bench.document import Entry
from training.bench.table import BenchRow, Spread, frontier, rows_of, spread, write_table


def test_an_architecture_has_the_mean_and_the_deviation_of_its_seeds_and_the_best_stands_first() -> None:
    fpn, unet, segnet = rows_of(sample_bench())
    assert unet.architecture == "unet"
    # mIoU 0.4 and 0.6: mean 0.5, deviation sqrt((0.1^2 + 0.1^2) / 1).
    assert unet.miou == Spread(pytest.approx(0.5), pytest.approx(0.02**0.5))  # type: ignore[arg-type]
    assert unet.iou[0] == Spread(pytest.approx(0.6), pytest.approx(0.02**0.5))  # type: ignore[arg-type]
    assert (unet.runs, unet.seeds, unet.planned) == ((1, 3), (0, 1), 2)
    assert (unet.minutes, unet.memory, unet.steps, unet.parameters) == (1.5, 3 * 2**30, 100, 2_000_000)
    # One seed deviates from nothing; a class in neither truth nor prediction has no figure.
    assert (fpn.miou, fpn.iou, fpn.memory) == (Spread(0.9, None), (Spread(0.9, None), None), None)
    assert (segnet.miou, segnet.parameters, segnet.seeds) == (None, None, ())
    assert segnet.faults == ("seed 0: =too much | memory", "seed 1: as well")


def test_values_that_are_not_there_are_left_out_of_the_mean() -> None:
    assert spread([None, 2.0, 4.0]) == Spread(3.0, pytest.approx(2**0.5))  # type: ignore[arg-type]
    assert spread([None]) is None


def row(name: str, miou: float, speed: float, parameters: int) -> BenchRow:
    entry = Entry(architecture=name, seed=0, measures=measures((miou,), images_per_second=speed, parameters=parameters))
    return rows_of(bench(entry, classes=("sky",)))[0]


def test_on_the_frontier_is_what_no_other_beats() -> None:
    rows = [
        row("slow and good", 0.8, 1.0, 50),
        row("fast and poor", 0.4, 9.0, 10),
        row("between", 0.6, 5.0, 20),
        row("beaten", 0.5, 5.0, 20),
        row("twin of between", 0.6, 5.0, 30),
    ]
    among = {"slow and good", "fast and poor", "between", "twin of between"}
    assert frontier(rows, "images_per_second") == among
    assert frontier(rows, "parameters") == among - {"twin of between"}
    assert frontier([rows_of(sample_bench())[2]], "parameters") == set()


def test_as_markdown_every_name_stays_in_its_cell_and_data_size_and_revision_stand_beside_the_figures() -> None:
    text = write_table(sample_bench(), "markdown")
    lines = text.splitlines()
    assert lines[0] == r"# a \*bench\*"
    assert "| unet | 2 of 2 | 50.0 ± 14.1 | 2.0* | 10.0 | 3.00 | 100 | 1.5 |" in lines
    assert "| fpn | 1 of 2 | 90.0 | 5.0* | 10.0* | n/a | 100 | 1.5 |" in lines
    assert "| segnet | 0 of 2 | n/a | n/a | n/a | n/a | n/a | n/a |" in lines
    assert r"| architecture | sky | road\|path |" in lines
    assert "| fpn | 90.0 | n/a |" in lines
    assert r"- segnet, seed 0: =too much \| memory" in lines
    for words in ("revision abababababab", r"unet:batch=2", "4 images", "val", "fp32", "120x160", r"A \<processor\>"):
        assert words in text
    assert "| segnet | n/a" not in text.split("IoU % by class:")[1]


def test_as_csv_figures_are_unrounded_and_nothing_is_a_formula() -> None:
    heads, fpn, unet, segnet = csv.reader(io.StringIO(write_table(sample_bench(), "csv")))
    found = dict(zip(heads, unet, strict=True))
    assert float(found["mIoU mean"]) == pytest.approx(0.5)
    assert float(found["IoU road|path"]) == pytest.approx(0.4)
    assert (found["training memory in bytes"], found["runs"]) == (str(3 * 2**30), "1 3")
    assert dict(zip(heads, fpn, strict=True))["IoU road|path"] == "n/a"
    assert dict(zip(heads, segnet, strict=True))["faults"] == "seed 0: =too much | memory; seed 1: as well"
    named = bench(Entry(architecture="unet", seed=0, measures=measures((0.5,))), classes=("=1+1",))
    assert "IoU =1+1" in write_table(named, "csv")  # not the beginning of a cell
