"""Answers that come late, keys and focus: what a quick, a blind or a distant visitor meets."""

import re

from playwright.sync_api import Browser, Page, Route, expect

from tests.e2e.conftest import Served, visiting

IMAGES = "/data?project=1"


def test_a_late_answer_does_not_select_what_is_shown_no_more(page: Page, served: Served) -> None:
    held: list[Route] = []
    page.route("**/gallery/ids*", lambda route: held.append(route))
    page.goto(served.origin + IMAGES)
    page.locator("#wb-selected-pick").click()
    with page.expect_request("**/gallery/ids*"):
        page.locator("#wb-selected-all").click()
    page.locator("#wb-filter-role").select_option("val")
    expect(page.locator("#wb-data-gallery .wb-count")).to_have_text("4 images")
    with page.expect_response("**/gallery/ids*"):
        held[0].continue_()
    expect(page.locator("#wb-selected-all")).to_be_enabled()
    expect(page.locator("#wb-selected-role")).to_be_disabled()


def test_the_shares_of_one_image_are_not_said_of_the_next(page: Page, served: Served) -> None:
    page.goto(served.origin + IMAGES)
    tiles = page.locator("#wb-data-gallery .wb-tile")
    expect(tiles).to_have_count(12)
    lost = re.compile(r"/images/2/map\?size=1600")
    page.route(lost, lambda route: route.fulfill(status=400, json={"error": "Its labels are lost."}))
    tiles.first.click()
    large = page.get_by_role("dialog", name="Image")
    shares = large.locator(".wb-share").filter(has_text="%")
    expect(shares).not_to_have_count(0)
    page.keyboard.press("d")
    expect(large).to_contain_text("Its labels are lost.")
    expect(shares).to_have_count(0)
    page.keyboard.press("a")
    expect(shares).not_to_have_count(0)
    page.keyboard.press("Escape")
    expect(tiles.first).to_be_focused()


def test_a_column_that_is_sorted_by_keyboard_keeps_the_focus(page: Page, served: Served) -> None:
    page.goto(f"{served.origin}{IMAGES}&tab=classes")
    column = page.get_by_role("columnheader", name="name")
    column.get_by_role("button").focus()
    page.keyboard.press("Enter")
    expect(column).to_have_attribute("aria-sort", "ascending")
    expect(column.get_by_role("button")).to_be_focused()
    page.keyboard.press("Enter")
    expect(column).to_have_attribute("aria-sort", "descending")


def test_looking_again_stops_when_it_is_told_so(page: Page) -> None:
    looks = page.evaluate(
        """async () => {
          const { repeat } = await import("/static-wb/poll.js");
          const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
          let looks = 0;
          const looking = repeat(async () => { looks += 1; await pause(5); }, 1);
          looking.stop();
          await pause(60);
          return looks;
        }"""
    )
    assert looks == 1


def test_a_command_is_copied_without_the_clipboard_that_only_https_has(served: Served, browser: Browser) -> None:
    with visiting(browser, served.url, served.origin) as page:
        page.add_init_script("Object.defineProperty(Navigator.prototype, 'clipboard', { value: undefined })")
        page.goto(f"{served.origin}/train?project=1")
        command = page.locator("#wb-train-command")
        expect(command.locator("code")).to_contain_text("workbench train")
        command.get_by_role("button", name="Copy").click()
        expect(command.get_by_role("button", name="Copied")).to_be_visible()
