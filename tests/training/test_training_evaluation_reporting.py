"""An evaluation as files: read by other programs than the ones that write them, and with names that bite."""

from __future__ import annotations

import csv
import io
import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
import torch
from defusedxml import ElementTree
from PIL import Image

from db.errors import UserError
from tests.support.scenes import COLORS, Scene, Workspace, add_dataset, blocks, workspace
from tests.support.tiny_models import PLAIN, ColorNet, loaded
from training.evaluation.evaluate import EvaluationRequest, evaluate_loaded
from training.evaluation.mapping import save_mapping
from training.evaluation.opened import open_evaluation
from training.evaluation.reporting import pdf
from training.evaluation.reporting.findings import Findings, read_findings
from training.evaluation.reporting.page import report_html
from training.evaluation.reporting.plots.draw import PLOTS, plot
from training.evaluation.reporting.tables import tables, to_csv, to_latex, to_markdown
from training.evaluation.reporting.write import ReportRequest, WrittenReport, write_report
from training.prediction.inference import Predictor

HOSTILE = (
    "</style><script>alert(1)</script>",
    r'a|b \input{x} $\frac 50%_ & ~^#{" [x]',
    "=cmd|' /C calc'!A0",
    "*`<img src=http://evil.example/x>`",
    "_道路\u202eab",
    "absent",
)
VOID = {"meta", "img", "link", "br", "hr"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    place = workspace(tmp_path_factory.mktemp("home"), HOSTILE)
    add_dataset(place, "cam<b>pus", [Scene(blocks(40, 56, 5, number), seed=number) for number in range(3)])
    names = (HOSTILE[1], HOSTILE[0], *HOSTILE[2:5])
    predictor = Predictor(loaded(ColorNet(COLORS[:5]), names, preprocessing=PLAIN), torch.device("cpu"), "fp32")
    evaluate_loaded(place.home, place.database, predictor, EvaluationRequest("p", "cam<b>pus"))
    return place


@pytest.fixture(scope="module")
def found(place: Workspace) -> Findings:
    return read_findings(place.database, open_evaluation(place.database, 1))


class Page(HTMLParser):
    """What a page has: its elements, its texts, and whether every one is closed where it must be."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@pytest.fixture(scope="module")
def written(place: Workspace, found: Findings, tmp_path_factory: pytest.TempPathFactory) -> WrittenReport:
    folder = tmp_path_factory.mktemp("files")
    request = ReportRequest(folder / "r.html", tables=folder / "t", plots=folder / "p", images=2)
    return write_report(place.database, found, request)


@pytest.fixture(scope="module")
def html(written: WrittenReport) -> str:
    return written.html.read_text(encoding="utf-8")


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw nothing, where what is drawn is not what is tested."""
    monkeypatch.setattr("training.evaluation.reporting.page.plot", lambda found, name, kind: b"<svg/>")


def test_the_page_holds_all_it_shows_and_runs_nothing(html: str) -> None:
    page = Page(html)
    assert {tag for tag, _ in page.elements}.isdisjoint({"script", "link", "iframe", "a", "base", "form"})
    assert [tag for tag, _ in page.elements].count("style") == 1
    for _, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on") or name == "href"]
        assert (attributes.get("src") or "data:image/").startswith("data:image/")
    assert "url(" not in html
    assert "@import" not in html
    assert len([tag for tag, _ in page.elements if tag == "img"]) == len(PLOTS) + 2 * 4
    assert not re.search(r"https?://(?!evil\.example)", html)  # only a class's name says such a thing


def test_names_are_texts_and_figures_stand_beside_what_they_hold_for(html: str, found: Findings) -> None:
    texts = Page(html).texts
    for name in HOSTILE:
        assert name.replace("\u202e", "\ufffd") in texts  # a mark that turns the direction of all that follows
    assert "Evaluation 1: model local on cam<b>pus" in texts
    assert f"{100 * (found.report.metrics.miou or 0):.1f} %" in texts
    held = [text for text in texts if f"revision {found.report.record.revision[:12]}, size original" in text]
    assert len(held) >= 6
    assert {"photo", "truth", "prediction", "errors", "n/a"} <= set(texts)
    assert any("Boundaries and objects are not counted yet" in text for text in texts)


def test_the_same_evaluation_gives_the_same_plots(place: Workspace, written: WrittenReport) -> None:
    again = read_findings(place.database, open_evaluation(place.database, 1))
    for path in written.plots[:2]:
        assert plot(again, "iou", "svg" if path.suffix == ".svg" else "png") == path.read_bytes()


def test_plots_open_elsewhere_and_need_no_font(written: WrittenReport) -> None:
    assert {path.name for path in written.plots} == {f"{name}.{kind}" for name in PLOTS for kind in ("svg", "png")}
    for path in written.plots:
        if path.suffix == ".png":
            with Image.open(path) as image:
                image.load()
                assert image.convert("RGB").getpixel((0, 0)) == (255, 255, 255)
            continue
        svg = path.read_bytes()
        root = ElementTree.fromstring(svg)
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert not [each for each in root.iter() if str(each.tag).endswith(("}text", "}script", "}foreignObject"))]
        links = [value for each in root.iter() for key, value in each.attrib.items() if key.endswith("href")]
        assert all(link.startswith(("#", "data:image/png;base64,")) for link in links)
        assert b"evil.example" not in re.sub(rb"<!--.*?-->", b"", svg, flags=re.DOTALL)


def test_tables_are_read_back(found: Findings) -> None:
    for table in tables(found):
        rows = list(csv.reader(io.StringIO(to_csv(table))))
        assert len(rows) == 1 + len(table.rows)
        assert {len(row) for row in rows} == {len(table.columns)}
        assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@"))]
        for line in to_markdown(table).splitlines()[2:]:
            assert len(re.findall(r"(?<!\\)\|", line)) == len(table.columns) + 1
            assert not re.search(r"(?<!\\)[<`*]", line)


def test_markdown_is_read_back(found: Findings) -> None:
    lines = to_markdown(tables(found)[2]).splitlines()[4:]
    names = [re.sub(r"\\(.)", r"\1", re.split(r"(?<!\\)\|", line)[1].strip()) for line in lines]
    assert names == [name.replace("\u202e", "\ufffd") for name in HOSTILE]


def test_latex_is_balanced_and_has_no_command_of_a_name(found: Findings) -> None:
    known = {
        *("usepackage", "begin", "end", "centering", "caption", "toprule", "midrule", "bottomrule"),
        *("textbackslash", "textasciitilde", "textasciicircum", "textless", "textgreater", "textbar"),
    }
    for table in tables(found):
        text = to_latex(table)
        assert set(re.findall(r"\\([A-Za-z]+)", text)) <= known
        bare = re.sub(r"\\[{}&%$#_]", "", text)
        assert bare.count("{") == bare.count("}")
        body = bare.split("\\midrule\n")[1].split("\\bottomrule")[0]
        assert {line.count("&") for line in body.splitlines()} == {len(table.columns) - 1}
        assert not re.search(r"[%$#_~^|\"<>]", body)
        assert not re.search(r"\\\\\s*[\[*]", text)


@pytest.mark.usefixtures("quick")
def test_a_mapping_is_told(place: Workspace) -> None:
    rows = [(HOSTILE[1], HOSTILE[0]), (HOSTILE[0], None)]
    save_mapping(place.database, "p", "far <away>", rows)
    found = read_findings(place.database, open_evaluation(place.database, 1, mapping="far <away>"))
    texts = Page(report_html(place.database, found, images=0)).texts
    assert "How the model's classes were read" in texts
    assert any("classes mapped by far <away>" in text for text in texts)


@pytest.mark.usefixtures("quick")
def test_an_image_that_cannot_be_shown_says_why(place: Workspace, found: Findings, tmp_path: Path) -> None:
    home = shutil.copytree(place.home.path, tmp_path / "home")
    directory = home / found.evaluation.directory.relative_to(place.home.path)
    for path in directory.glob("index/*"):
        path.write_bytes(b"no picture")
    shutil.rmtree(home / "cache", ignore_errors=True)
    lost = replace(found, evaluation=replace(found.evaluation, directory=directory))
    copied = type(place.database)(type(place.home)(home))
    texts = Page(report_html(copied, lost, images=1)).texts
    assert any("cannot be read" in text for text in texts)


def test_files_are_replaced_only_when_asked(
    place: Workspace, found: Findings, written: WrittenReport, tmp_path: Path
) -> None:
    assert {"all.csv", "classes.csv", "classes.md", "classes.tex", "matrix.tex"} <= {p.name for p in written.tables}
    request = ReportRequest(tmp_path / "r.html", tables=tmp_path / "t")
    for wrong, why in (
        (replace(request, to=written.html), r"r\.html exists"),
        (replace(request, tables=written.tables[0].parent), "is not empty"),
        (replace(request, to=tmp_path / "r.doc"), "is a page"),
        (replace(request, to=tmp_path / "no" / "r.html"), "does not exist"),
        (replace(request, plots=place.home.path / "t"), "never writes into"),
    ):
        with pytest.raises(UserError, match=why):
            write_report(place.database, found, wrong)
    assert not list(tmp_path.iterdir())


def test_without_a_browser_a_pdf_says_how_to_get_one(
    place: Workspace, found: Findings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="apt install chromium"):
        write_report(place.database, found, ReportRequest(tmp_path / "r.html", pdf=True))
    assert not list(tmp_path.iterdir())


def test_a_browser_that_fails_says_what_it_said(tmp_path: Path) -> None:
    browser = tmp_path / "chromium"
    browser.write_text("#!/bin/sh\necho no display >&2\nexit 3\n")
    browser.chmod(0o755)
    with pytest.raises(UserError, match="no display"):
        pdf.print_pdf(browser, "<p>text")
