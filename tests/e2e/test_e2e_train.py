"""From the training form to weights on one's own disk; and what the form says before it is too late."""

from __future__ import annotations

import csv
import re
import shlex
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.e2e.conftest import STEPS, Served
from training.models.bundle import load_bundle


def open_form(page: Page, served: Served, project: int = 1) -> None:
    page.goto(f"{served.origin}/train?project={project}")
    page.locator('.wb-arch[data-name="unet"]').click()
    page.locator("#wb-set-options-width").fill("4")
    page.locator("#wb-set-options-levels").fill("2")


def set_pair(page: Page, key: str, first: str, second: str) -> None:
    fields = page.locator(f'[data-key="{key}"] input')
    fields.first.fill(first)
    fields.last.fill(second)


def test_a_training_from_the_form_to_a_bundle_on_disk(page: Page, served: Served, tmp_path: Path) -> None:
    open_form(page, served)
    set_pair(page, "crop", "64", "64")
    page.get_by_label("Photos per step").fill("2")
    page.get_by_label("How long, measure").select_option("steps")
    page.get_by_label("How long", exact=True).fill("40")
    page.get_by_label("Starting weights").fill("scratch")
    page.get_by_text("Validation and stopping").click()
    page.get_by_label("Every steps").fill("10")
    page.get_by_text("Computing", exact=True).click()
    page.get_by_label("Precision").select_option(label="fp32")
    page.get_by_label("Device").select_option("cpu")
    page.get_by_label("Name (may stay empty)").fill("from the form")
    command = page.locator("#wb-train-command code")
    expect(command).to_contain_text("'--name=from the form'")
    words = shlex.split(command.inner_text())
    settings = {"options.width=4", "options.levels=2", "validation.every_steps=10"}
    assert settings == {word.removeprefix("--set=") for word in words if word.startswith("--set=")}
    assert {"--crop=64x64", "--batch=2", "--steps=40", "--init=scratch", "--precision=fp32"} <= set(words)

    page.reload()  # what was entered is still there
    expect(page.get_by_label("Photos per step")).to_have_value("2")
    expect(command).to_have_text(shlex.join(words))
    page.get_by_role("button", name="Start training").click()
    page.wait_for_url(re.compile(r"/runs\?project=1&run=\d+"))
    expect(page.get_by_role("heading", name="from the form")).to_be_visible()
    page.reload()  # in the middle
    state = page.locator(".wb-page-head .wb-pill")
    expect(state).to_have_text("finished")

    number = int(page.url.rpartition("=")[2])
    (run,) = (each for each in served.workbench.ask("runs")["runs"] if each["run"] == number)
    assert (run["name"], run["steps"], run["state"]) == ("from the form", 40, "finished")
    expect(page.locator("#wb-run-figures")).to_contain_text("40 / 40")
    loss = page.get_by_role("img", name="Loss")
    expect(loss.locator("path.wb-line")).to_have_count(1)
    loss.focus()
    page.keyboard.press("Home")
    expect(page.locator(".wb-chart").first.locator(".wb-read")).to_contain_text("train ")
    expect(page.locator("#wb-run-classes tbody tr").first).to_be_visible()

    slider = page.get_by_label("Validation at step")
    expect(slider).to_have_attribute("max", "3")
    prediction = page.locator(".wb-sample").first.locator("canvas").last
    expect(prediction).to_be_visible()
    slider.focus()
    page.keyboard.press("Home")
    expect(page.locator("output")).to_have_text("10")

    page.get_by_label("Format").select_option("bundle")
    page.locator("#wb-export-start").click()
    link = page.get_by_role("link", name=re.compile("^Download "))
    expect(link).to_be_visible()
    page.reload()
    expect(page.locator("#wb-exports")).to_contain_text("of the pixels get the same class")
    with page.expect_download() as downloading:
        link.click()
    file = tmp_path / downloading.value.suggested_filename
    downloading.value.save_as(file)
    assert load_bundle(file).spec.architecture == "unet"


def test_a_run_of_the_command_line_is_listed_thrown_away_and_brought_back(page: Page, served: Served) -> None:
    page.goto(f"{served.origin}/runs?project=1")
    row = page.get_by_role("row").filter(has=page.get_by_role("link", name="first", exact=True))
    expect(row).to_contain_text(f"{STEPS} / {STEPS}")
    row.get_by_role("link").click()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("button", name="Cancel")).to_be_focused()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    page.get_by_text("Trash (1)").click()
    expect(row).to_have_count(0)
    page.get_by_role("button", name="Restore").click()
    expect(row).to_be_visible()


def test_mistakes_are_said_before_the_start(page: Page, served: Served) -> None:
    open_form(page, served)
    start = page.get_by_role("button", name="Start training")
    expect(start).to_be_enabled()
    expect(page.locator("#wb-length-unit option:checked")).to_have_text("as the recipe says: 60 epochs")
    set_pair(page, "crop", "64", "high")
    expect(page.get_by_role("alert").filter(has_text="crop")).to_be_visible()
    expect(start).to_be_disabled()
    expect(page.locator('[data-key="crop"]')).to_have_class(re.compile("wb-changed"))
    page.locator('[data-key="crop"]').get_by_role("button", name="Back to 240, 320").click()
    expect(start).to_be_enabled()

    served.workbench.ask("projects", "create", "nothing yet")
    (empty,) = (each["id"] for each in served.workbench.ask("projects")["projects"] if each["name"] == "nothing yet")
    open_form(page, served, empty)
    expect(page.get_by_role("link", name="Bring photos in")).to_be_visible()
    expect(start).to_be_disabled()
    page.goto(f"{served.origin}/train?project=1")  # what was entered there is still there
    expect(page.locator("#wb-set-options-width")).to_have_value("4")
    expect(page.get_by_label("Name (may stay empty)")).to_have_attribute("placeholder", "unet")
    page.goto(f"{served.origin}/runs?project={empty}")
    expect(page.get_by_role("link", name="Train a model")).to_be_visible()
    page.goto("about:blank")  # who looks on at a list whose project goes is told so
    served.workbench.ask("discard", "project", "nothing yet")


def test_a_card_draws_its_network(page: Page, served: Served) -> None:
    page.goto(f"{served.origin}/train?project=1")
    page.locator('.wb-arch[data-name="unet"]').click()
    drawing = page.get_by_role("region", name="Drawing of U-Net").locator("svg")
    expect(drawing).to_be_visible()
    nodes = served.workbench.ask("archs", "unet")["drawing"]["nodes"]
    channels = {str(shape[0]) for node in nodes[1:-1] for shape in node["shapes"]}
    assert {"64", "1024"} <= channels
    words = " ".join(drawing.locator("text").all_text_contents())
    assert [each for each in channels if each not in words] == [], words


def test_a_bench_reads_as_the_command_line_has_it(page: Page, served: Served, tmp_path: Path) -> None:
    small = ("unet:options.width=4", "unet:options.levels=2", "plainconv:options.width=4", "crop=64x64", "batch=2")
    settings = [word for each in small for word in ("--set", each)]
    served.workbench.ask(
        "bench", "--archs", "unet,plainconv", "--seeds", 1, "--steps", 2, *settings, "--device", "cpu", "--name", "two"
    )
    known = served.workbench.ask("benches", "show", "two")
    rows = {row["architecture"]: row for row in known["rows"]}
    page.goto(f"{served.origin}/runs?project=1&tab=benches")
    page.locator("#wb-benches").get_by_role("link", name="two").click()
    figures = page.get_by_role("table", name="Figures by architecture").locator("tbody tr")
    expect(figures).to_have_count(2)
    for name, row in rows.items():
        shown = figures.filter(has_text=name)
        expect(shown).to_contain_text(f"{100 * row['miou']['mean']:.1f}")
        expect(shown).to_contain_text(f"{row['parameters'] / 1e6:.1f}")
    points = page.get_by_role("group", name="mIoU against cost").get_by_role("img")
    expect(points).to_have_count(2)
    points.last.focus()
    expect(page.locator(".wb-pareto .wb-read")).to_contain_text("photos/s")
    with page.expect_download() as downloading:
        page.get_by_role("link", name="Save as CSV").click()
    file = tmp_path / "two.csv"
    downloading.value.save_as(file)
    lines = list(csv.DictReader(file.open(encoding="utf-8-sig")))
    assert {line["architecture"] for line in lines} == rows.keys()
