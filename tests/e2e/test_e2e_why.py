"""Why another domain differs: what was measured is read, and photos are opened from their map, by pointer and keys."""

from __future__ import annotations

from playwright.sync_api import Page, Position, expect

from tests.e2e.conftest import Served

PLACE = """async ([shift, row]) => {
  const { fitted } = await import("/static-wb/lab/shift/plane_canvas.js");
  const plane = await (await fetch(`/api/projects/1/shifts/${shift}/plane`)).json();
  const { clientWidth: width, clientHeight: height } = document.querySelector(".wb-plane");
  const { x, y } = fitted(plane, width, height);
  return { path: plane.path[row], x: x[row] * width, y: y[row] * height };
}"""


def test_what_differs_is_read_and_photos_are_opened_from_their_map(page: Page, served: Served) -> None:
    made = served.workbench.ask("shift", 1, "--from", "day:val", "--to", "day:train")
    page.goto(f"{served.origin}/evaluate?project=1&tab=domains&of=1:best&home=day:val&to=day:train")
    why = page.locator("#wb-shift-why")
    expect(why.locator(".wb-why-looks .wb-chart")).to_have_count(len(made["looks"]))
    shares = why.get_by_role("table", name="Classes at home and there").locator("tbody tr")
    expect(shares).to_have_count(len(made["frequencies"]["classes"]))
    farthest = made["outliers"][0]
    outlier = why.locator(".wb-why-outlier").first
    expect(outlier).to_contain_text(farthest["path"])
    outlier.press("Enter")
    title = page.locator(".wb-lightbox .wb-title")
    expect(title).to_contain_text(farthest["path"])
    page.keyboard.press("Escape")
    expect(outlier).to_be_focused()

    why.get_by_role("button", name="mIoU").click()  # of home, which was evaluated
    canvas = why.locator(".wb-plane")
    canvas.scroll_into_view_if_needed()
    seen = page.evaluate(PLACE, [made["shift"], 0])
    at = Position(x=seen["x"], y=seen["y"])
    canvas.hover(position=at)
    expect(why.locator(".wb-plane-card")).to_contain_text("mIoU")
    shown = why.locator(".wb-plane-card bdi").inner_text()  # photos may lie over one another
    canvas.click(position=at)
    expect(title).to_contain_text(shown)
    page.keyboard.press("Escape")
    why.locator(".wb-why-map summary").click()
    with page.expect_download() as download:
        why.get_by_role("button", name="Save as SVG").locator("visible=true").click()
    assert "day:train" in download.value.path().read_text(encoding="utf-8").replace("\u2068", "").replace("\u2069", "")
