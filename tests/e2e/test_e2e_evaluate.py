"""Reading evaluations: figures as the command line has them, the images behind a cell, two side by side."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.e2e.conftest import Served

HOSTILE = "<script>alert(1)</script> ${7*7} \u202eبيت 🏠"


@pytest.fixture(scope="module")
def figures(served: Served) -> dict[str, Any]:
    """What the command line says of the first evaluation."""
    return served.workbench.ask("evaluations", "show", 1)


@pytest.fixture
def hostile(served: Served) -> Iterator[str]:
    """One of the classes renamed to what must stay text; an evaluation made since has the name."""
    name = served.workbench.ask("evaluations", "show", 1)["classes"][0]["name"]
    served.workbench.ask("classes", "rename", name, HOSTILE)
    served.workbench.ask("evaluate", 1, "--dataset", "day", "--on", "all")
    yield HOSTILE
    served.workbench.ask("classes", "rename", HOSTILE, name)


def open_evaluation(page: Page, served: Served, number: int = 1, more: str = "") -> None:
    page.goto(f"{served.origin}/evaluate?project=1&evaluation={number}{more}")
    expect(page.get_by_role("heading", name=f"Evaluation {number}", exact=True)).to_be_visible()


def tiles(page: Page) -> Locator:
    return page.locator("#wb-evaluate-gallery .wb-tile")


def expect_images(page: Page, paths: list[str]) -> None:
    """The gallery shows these images, in this order."""
    expect(tiles(page)).to_have_count(len(paths))
    for place, path in enumerate(paths):
        expect(page.locator(f'#wb-evaluate-gallery [data-index="{place}"] .wb-caption')).to_have_text(path)


def wrong_cell(figures: dict[str, Any]) -> tuple[int, int]:
    """The largest cell off the diagonal."""
    table = figures["confusion"]
    cells = [(t, m) for t, row in enumerate(table) for m, _ in enumerate(row) if t != m]
    return max(cells, key=lambda cell: table[cell[0]][cell[1]])


def images_of(served: Served, *arguments: object) -> list[str]:
    found = served.workbench.ask("evaluations", "images", 1, *arguments, "--limit", 100)["images"]
    return [f"{image['dataset']}/{image['path']}" for image in found]


def test_figures_and_cells_are_those_of_the_command_line(page: Page, served: Served, figures: dict[str, Any]) -> None:
    page.goto(f"{served.origin}/evaluate?project=1")
    page.get_by_role("link", name="Evaluation 1", exact=True).click()
    expect(page.get_by_test_id("figure-miou")).to_have_text(f"{100 * figures['miou']:.1f} %")
    t, m = wrong_cell(figures)
    row = figures["confusion"][t]
    entry = page.get_by_test_id(f"confusion-{t}-{m}")
    expect(entry).to_contain_text(f"{100 * row[m] / sum(row):.1f} % · {row[m]:,} px")
    expect(page.get_by_test_id("figure-ece")).to_have_text(f"{100 * figures['calibration']['ece']:.1f} %")
    expect(page.get_by_test_id("figure-boundary_f1")).to_have_text(f"{100 * figures['boundary']['f1']:.1f} %")
    expect(page.locator(".wb-provenance").first).to_contain_text(figures["revision"][:12])
    page.go_back()
    expect(page.locator("#wb-evaluate-list")).to_be_visible()


def test_a_cell_opens_its_images_and_a_class_sorts_them(page: Page, served: Served, figures: dict[str, Any]) -> None:
    open_evaluation(page, served)
    t, m = wrong_cell(figures)
    truth, predicted = figures["axes"]["truth"][t], figures["axes"]["predicted"][m]
    page.get_by_test_id(f"confusion-{t}-{m}").click()
    chip = page.get_by_test_id("chip-cell")
    expect(chip).to_contain_text(f"{truth} → {predicted}")
    behind = images_of(served, "--cell", f"{t},{m}")
    expect_images(page, behind)
    expect(page.get_by_role("radio", name=f"{truth} → {predicted}")).to_be_checked()
    expect(tiles(page).first).to_be_in_viewport(ratio=0.9)

    page.go_back()
    expect(chip).to_have_count(0)
    expect_images(page, images_of(served))
    page.go_forward()
    expect(chip).to_contain_text(f"{truth} → {predicted}")
    page.reload()  # the address has it
    expect(chip).to_be_visible()
    expect_images(page, behind)
    chip.get_by_role("button", name="Show all images").click()
    expect(chip).to_have_count(0)
    expect_images(page, images_of(served))
    assert "cell=" not in page.url

    worst = figures["classes"][t]["name"]
    page.locator("#wb-evaluate-classes").get_by_role("button", name=worst, exact=True).click()
    expect_images(page, images_of(served, "--class", worst, "--sort", f"class:{worst}"))
    page.locator("#wb-evaluate-classes").get_by_role("button", name="pixels").click()
    most = max(figures["classes"], key=lambda row: row["pixels"])["name"]
    expect(page.locator("#wb-evaluate-classes tbody tr").first).to_contain_text(most)

    tiles(page).first.click()
    expect(page.locator(".wb-lightbox .wb-pane")).to_have_count(4)
    page.keyboard.press("Escape")


def test_a_cell_is_found_by_keyboard_and_by_pointer(page: Page, served: Served, figures: dict[str, Any]) -> None:
    open_evaluation(page, served, more="&values=prediction&arrange=alike")
    cells, said = page.locator(".wb-matrix-cells"), page.locator(".wb-matrix-read")
    order = page.evaluate("async () => (await (await fetch('/api/evaluations/1/alike')).json()).classes")
    expect(page.get_by_test_id("chip-cell")).to_have_count(0)
    cells.focus()
    page.keyboard.press("Home")
    page.keyboard.press("PageUp")
    page.keyboard.press("ArrowDown")
    names = figures["axes"]["truth"]
    expect(said).to_contain_text(f"truth \u2068{names[order[1]]}\u2069, predicted \u2068{names[order[0]]}\u2069: ")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("chip-cell")).to_contain_text(f"{names[order[1]]} → {names[order[0]]}")
    page.wait_for_url(f"**cell={order[1]}%2C{order[0]}*")
    page.get_by_role("button", name="Back to the matrix").click()
    box = cells.bounding_box()
    assert box is not None
    cells.click(position={"x": box["width"] - 5, "y": box["height"] - 5})
    last = figures["axes"]["predicted"][-1] if any(row[-1] for row in figures["confusion"]) else names[order[-1]]
    expect(page.get_by_test_id("chip-cell")).to_contain_text(f"{names[order[-1]]} → {last}")


def test_figures_are_downloaded(page: Page, served: Served, figures: dict[str, Any]) -> None:
    open_evaluation(page, served)
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    assert f"miou,{figures['miou']}" in download.value.path().read_text(encoding="utf-8")
    with page.expect_download() as download:
        page.get_by_role("link", name="JSON").click()
    assert json.loads(download.value.path().read_bytes())["confusion"] == figures["confusion"]


def test_curves_are_loaded_when_opened_and_saved_as_they_are_seen(page: Page, served: Served) -> None:
    open_evaluation(page, served)
    page.get_by_text("ROC and precision-recall curves").click()
    plot = page.locator("#wb-plot-roc")
    known = served.workbench.ask("evaluations", "curves", 1)["classes"]
    drawn = sorted((row for row in known if row["auc"] is not None), key=lambda row: row["auc"])[:4]
    expect(plot.locator("path.wb-line")).to_have_count(len(drawn))
    plot.get_by_label("Save").click()
    with page.expect_download() as download:
        plot.get_by_role("button", name="Save as SVG").click()
    text = download.value.path().read_text(encoding="utf-8")
    assert all(f"{row['name']} (AUC {100 * row['auc']:.1f} %)" in text for row in drawn)
    assert "var(" not in text  # it looks the same outside the page
    page.reload()  # the address has what is open
    expect(plot).to_be_visible()


def test_two_side_by_side_with_a_class_name_that_is_only_text(page: Page, served: Served, hostile: str) -> None:
    second = served.workbench.ask("evaluations")["evaluations"][0]["evaluation"]
    open_evaluation(page, served, second)
    choose = page.locator("#wb-evaluate-classes").get_by_role("button", name=hostile, exact=True)
    choose.click()
    expect(page.get_by_test_id("chip-class")).to_contain_text(hostile)
    expect(page.locator(".wb-evaluations script")).to_have_count(0)

    page.get_by_role("link", name="All evaluations").click()
    page.get_by_label("Compare evaluation 1", exact=True).check()
    page.get_by_label(f"Compare evaluation {second}", exact=True).check()
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("heading", name=f"Evaluations 1 and {second}")).to_be_visible()
    known = served.workbench.ask("compare", 1, second)
    for key, pair in known["metrics"].items():
        row = page.get_by_test_id(f"figure-{key}").locator("td")
        for place, side in enumerate("ab"):
            expect(row.nth(place)).to_have_text(f"{100 * pair[side]:.1f}")
        expect(row.last).to_contain_text(pair["verdict"])
    assert f"Only in b: {hostile}." in known["doubts"]
    expect(page.locator("#wb-compare-notes .wb-doubt")).to_have_text(known["doubts"])
    expect(page.locator("#wb-compare-costs tbody tr")).to_have_count(2)

    expect(page.locator("#wb-compare-sort")).to_have_value("lost")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    begun: list[Route] = []
    page.route("**/compare/several/start", lambda route: begun.append(route))
    with page.expect_request("**/compare/several/start"):
        page.get_by_role("button", name="Compare the predictions").click()
    page.get_by_role("link", name="All evaluations").click()
    expect(page.get_by_label("Compare evaluation 1", exact=True)).to_be_visible()
    begun[0].fulfill(json={"id": "begun"})
    page.go_back()
    expect(page.get_by_role("button", name="Compare the predictions")).to_be_visible()
    assert not any("/api/tasks/begun" in each for each in asked)  # the page that began it was left
    worst = served.workbench.ask("compare", 1, second, "--disputed", 1)["disputes"]
    page.reload()
    expect(page.locator("#wb-compare-sort")).to_have_value("disputed")
    rows = page.locator("#wb-compare-images ol > li")
    expect(rows).to_have_count(min(8, worst["total"]))
    (image,) = worst["images"]
    share = image["dispute"]["disputed"] / image["dispute"]["pixels"]
    expect(rows.first).to_contain_text(f"{100 * share:.1f} % of the pixels differ")
    rows.first.locator("button").click()
    expect(page.locator(".wb-lightbox .wb-pane")).to_have_count(4)
    page.keyboard.press("1")
    expect(page.locator(".wb-lightbox canvas")).to_be_visible()
    expect(page.locator(".wb-fault:not([hidden])")).to_have_count(0)
    page.keyboard.press("Escape")

    page.goto(f"{served.origin}/evaluate?project=1&ids=1,{second}&base={second}")
    expect(page.get_by_role("heading", name=f"Evaluations {second} and 1")).to_be_visible()


def test_a_new_evaluation_from_the_form_opens_then_goes_to_the_trash_and_back(page: Page, served: Served) -> None:
    page.goto(f"{served.origin}/evaluate?project=1")
    page.get_by_role("button", name="New evaluation").click()
    command = page.locator("#wb-evaluate-command textarea")
    expect(command).to_have_value(re.compile("^workbench evaluate --dataset=day --on=val "))
    page.get_by_label("longer side").check()
    expect(command).to_have_value(re.compile("'--size=long 512'"))
    page.locator("#wb-evaluate-start").click()
    page.wait_for_url(re.compile(r"evaluation=\d+"))
    number = int(page.url.rpartition("=")[2])
    assert served.workbench.ask("evaluations", "show", number)["size"] == "long 512"

    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("button", name="Cancel")).to_be_focused()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    page.get_by_text("Trash (1)").click()
    assert number not in [e["evaluation"] for e in served.workbench.ask("evaluations")["evaluations"]]
    page.get_by_role("button", name="Restore").click()
    expect(page.get_by_role("link", name=f"Evaluation {number}", exact=True)).to_be_visible()


def test_a_mapping_reads_an_evaluation_anew(page: Page, served: Served, figures: dict[str, Any]) -> None:
    open_evaluation(page, served)
    page.get_by_role("button", name="Edit mapping").click()
    most = max(range(len(figures["classes"])), key=lambda index: figures["classes"][index]["iou"] or 0)
    best = figures["axes"]["truth"][most]
    page.locator("#wb-evaluations").get_by_label(f"Counts as: {best}").select_option("")
    page.locator("#wb-evaluations").get_by_label("Name of the mapping").fill("without the best")
    page.locator("#wb-evaluations").get_by_role("button", name="Save mapping").click()
    expect(page.locator("#wb-evaluate-mapping")).to_have_value("without the best")
    known = served.workbench.ask("evaluations", "show", 1, "--mapping", "without the best")
    assert known["classes"][most]["iou"] == 0 != figures["classes"][most]["iou"]
    expect(page.get_by_test_id("figure-miou")).to_have_text(f"{100 * known['miou']:.1f} %")

    made = served.workbench.ask("evaluate", 1, "--dataset", "day", "--on", "val", "--mapping", "without the best")
    open_evaluation(page, served, made["evaluation"])
    expect(page.get_by_test_id("figure-miou")).to_have_text(f"{100 * known['miou']:.1f} %")
    page.locator("#wb-evaluate-mapping").select_option("classes of the same name")
    expect(page.get_by_test_id("figure-miou")).to_have_text(f"{100 * figures['miou']:.1f} %")
    expect(page.locator(".wb-provenance").first).to_contain_text("classes by name")


def test_where_a_mapping_fits_no_more_the_way_out_is_offered(
    page: Page, served: Served, figures: dict[str, Any], tmp_path: Path
) -> None:
    rows = {name: name for name in figures["axes"]["truth"]}
    mapping = tmp_path / "fits.yaml"
    mapping.write_text(json.dumps(rows))
    served.workbench.ask("mapping", "set", "fits", mapping)
    made = served.workbench.ask("evaluate", 1, "--dataset", "day", "--on", "val", "--mapping", "fits")
    mapping.write_text(json.dumps({"<b>dog</b>": None}))
    served.workbench.ask("mapping", "set", "fits", mapping)
    page.goto(f"{served.origin}/evaluate?project=1")
    row = page.locator("#wb-evaluate-list tr").filter(has_text=f"Evaluation {made['evaluation']}")
    expect(row).to_contain_text("The mapping has rows for '<b>dog</b>', which the model does not predict.")
    page.goto(f"{served.origin}/evaluate?project=1&evaluation={made['evaluation']}")
    expect(page.locator("#wb-evaluations").get_by_role("alert")).to_contain_text("'<b>dog</b>'")
    page.get_by_role("link", name="Read it with classes of the same name").click()
    expect(page.get_by_test_id("figure-miou")).to_have_text(f"{100 * figures['miou']:.1f} %")
    assert "mapping=by-name" in page.url


def test_the_name_of_a_new_mapping_tells_both_sides(page: Page, served: Served, figures: dict[str, Any]) -> None:
    name = figures["classes"][0]["name"]
    served.workbench.ask("classes", "rename", name, "another name")
    page.goto(f"{served.origin}/evaluate?project=1&model=1:best")
    saved_as = page.locator("#wb-evaluate-rows").get_by_label("Name of the mapping")
    expect(saved_as).to_have_value("1:best to day")
    served.workbench.ask("classes", "rename", "another name", name)


def test_a_run_leads_to_the_form_with_its_model_chosen(page: Page, served: Served) -> None:
    page.goto(f"{served.origin}/runs?project=1&run=1")
    page.locator("#wb-run-evaluate").click()
    expect(page.get_by_label("Model", exact=True)).to_have_value(re.compile("^1:best · first "))
    page.goto(f"{served.origin}/evaluate?project=1&model=1:last&dataset=day&on=train")
    command = page.locator("#wb-evaluate-command textarea")
    last = "workbench evaluate --dataset=day --on=train --project=campus -- 1:last"
    expect(command).to_have_value(last)
    page.get_by_role("link", name="Evaluation 1", exact=True).click()
    expect(page.get_by_role("heading", name="Evaluation 1", exact=True)).to_be_visible()
    assert "model=" not in page.url
