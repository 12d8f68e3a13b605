"""The bar on top, the tasks and the page of projects."""

import re

from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import Served

HOSTILE = "<img src=x onerror=alert(1)> ${7*7} {{7*7}} \"quotes\" 'ä' \u202eبيت 🏠"


def test_the_token_opens_the_door_and_leaves_the_address(page: Page, served: Served) -> None:
    expect(page.get_by_role("navigation", name="Pages")).to_be_visible()
    assert "token" not in page.url


def test_without_the_token_a_page_asks_for_it(served: Served, browser: Browser) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{served.origin}/data")
    expect(page.get_by_label(re.compile("token", re.IGNORECASE))).to_be_visible()
    assert page.request.get(f"{served.origin}/api/projects").status == 401
    context.close()


def test_a_project_is_made_renamed_thrown_away_and_brought_back(page: Page, served: Served) -> None:
    page.get_by_role("button", name="New project").click()
    page.get_by_label("Name").fill("evening")
    page.get_by_role("button", name="Create").click()
    page.wait_for_url(re.compile(r"/data\?project=\d+"))
    page.get_by_role("link", name="Projects", exact=True).click()
    expect(page.get_by_label("Project").locator("option:checked")).to_have_text("evening")  # still the project

    card = page.get_by_role("listitem").filter(has=page.get_by_role("heading", name="evening"))
    card.get_by_role("button", name="Rename").click()
    page.get_by_label("New name").fill(HOSTILE)
    page.get_by_role("dialog").get_by_role("button", name="Rename").click()
    heading = page.get_by_role("heading", name=HOSTILE, exact=True)
    expect(heading).to_be_visible()
    expect(page.get_by_label("Project").get_by_role("option", name=HOSTILE)).to_have_count(1)
    assert heading.evaluate("node => node.querySelector('img')") is None

    card = page.get_by_role("listitem").filter(has=heading)
    card.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("button", name="Cancel")).to_be_focused()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(heading).to_have_count(0)
    assert not {"evening", HOSTILE} & {each["name"] for each in served.workbench.ask("projects")["projects"]}

    page.locator("#wb-trash summary").click()
    page.get_by_role("button", name=f"Restore project {HOSTILE}").click()
    expect(heading).to_be_visible()
    served.workbench.ask("discard", "project", HOSTILE)


def test_a_taken_name_is_said(page: Page) -> None:
    page.get_by_role("button", name="New project").click()
    page.get_by_label("Name").fill("campus")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("dialog").get_by_role("alert")).to_have_text("A project 'campus' is there already.")
    expect(page.get_by_label("Name")).to_have_value("campus")
    expect(page.get_by_test_id("toast-text")).to_have_count(0)
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_the_theme_is_kept(page: Page) -> None:
    expect(page.locator("body.dark")).to_have_count(0)
    page.get_by_role("button", name="Light or dark").click()
    expect(page.locator("body.dark")).to_have_count(1)
    page.reload()
    expect(page.get_by_role("heading", name="campus", exact=True)).to_be_visible()
    expect(page.locator("body.dark")).to_have_count(1)


def test_the_tray_shows_tasks_and_opens_by_keyboard(page: Page) -> None:
    button = page.get_by_role("button", name="Tasks")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Tasks")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("heading", name="Tasks")).to_be_hidden()
    expect(button).to_be_focused()


def test_deep_links_lead_to_their_page(page: Page, served: Served) -> None:
    page.goto(f"{served.origin}/project/1/run/1")
    assert page.url == f"{served.origin}/runs?project=1&run=1"
    missing = page.request.get(f"{served.origin}/project/1/run/99")
    assert missing.status == 404
    assert "has no run 99" in missing.text()
