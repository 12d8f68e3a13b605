"""Another domain: from a trained run to what it loses, the pictures that show it, and a report to take away."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.e2e.conftest import Served


def test_what_is_lost_on_another_domain_is_measured_seen_and_taken_away(page: Page, served: Served) -> None:
    page.goto(f"{served.origin}/evaluate?project=1&tab=domains&of=1:best&home=day:val&to=day:train")
    page.get_by_role("button", name="Evaluate on day:train").click()
    said = page.locator("#wb-shift-said")
    expect(said).to_contain_text("On day:train mIoU")
    expect(page.locator("#wb-shift-missing")).to_have_count(0)
    tested = served.workbench.ask("evaluations")["evaluations"]
    number = next(each["evaluation"] for each in tested if each["on"] == "train")
    (target,) = served.workbench.ask("domains", 1, number)["targets"]
    expect(said).to_have_text(target["sentence"])
    names = page.locator("#wb-shift-classes tbody th")
    expect(names).to_have_text([row["name"] for row in target["classes"]])

    first = page.locator("#wb-shift-gallery .wb-tile").first
    expect(first).to_contain_text(target["worst"][0]["path"])
    names.first.get_by_role("button").click()
    expect(page.get_by_text(f"the worst of {target['classes'][0]['name']}")).to_be_visible()
    page.get_by_role("button", name="day:val (home)").click()
    expect(page.get_by_role("link", name="Open evaluation 1")).to_be_visible()
    page.reload()  # the address has all of it
    expect(page.get_by_role("link", name="Open evaluation 1")).to_be_visible()

    rows = page.locator("#wb-shift-remedies tbody tr")
    expect(rows).to_have_count(7)
    expect(rows.filter(has_text="CRF").get_by_role("button", name="Try CRF")).to_be_enabled()
    with page.expect_download() as download:
        page.locator("#wb-shift-report").click()
    assert target["sentence"] in download.value.path().read_text(encoding="utf-8")
