"""Answers that come late, keys and focus: what a quick, a blind or a distant visitor meets."""

import re
from typing import Any

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


def answer_tasks(page: Page, tasks: dict[int, dict[str, Any]]) -> None:
    """Have the page find these tasks, by number, as they are at that moment."""

    def answer(route: Route) -> None:
        number = int(route.request.url.rpartition("/")[2])
        route.fulfill(json={"id": number, "kind": "task", "title": f"Task {number}", "progress": None, **tasks[number]})

    page.route(re.compile(r"/api/tasks/9\d\d$"), answer)


def test_an_evaluation_that_ends_takes_nobody_away_from_the_form(page: Page, served: Served) -> None:
    done = {"state": "finished", "result": {"evaluation": 1}}
    tasks: dict[int, dict[str, Any]] = {number: {"state": "running"} for number in (901, 902, 903)}
    answer_tasks(page, tasks)
    page.goto(f"{served.origin}/evaluate?project=1")
    page.get_by_role("button", name="New evaluation").click()
    page.get_by_label("Model", exact=True).focus()
    page.evaluate(
        """async () => {
          const { mount } = await import("/static-wb/widgets/evaluations.js");
          const place = document.body.appendChild(document.createElement("div"));
          place.id = "other";
          window.value = { project: 1, pending: [901], mappings: [], trash: [] };
          window.other = mount(place, value, () => {});
          window.other.update({ ...value, pending: [901, 902] });
        }"""
    )
    rows = page.locator("#other .wb-pending p")
    expect(rows).to_contain_text(["Task 901", "Task 902"])
    tasks[901] = done
    expect(rows).to_contain_text(["Evaluation 1 is done", "Task 902"])
    tasks[902] = done  # the last one; but somebody is in the form
    expect(rows).to_contain_text(["Evaluation 1 is done"] * 2)
    expect(page.get_by_label("Model", exact=True)).to_be_focused()
    assert "evaluation=" not in page.url

    page.evaluate("document.activeElement.blur(); other.update({ ...value, pending: [903] })")
    expect(rows).to_contain_text(["Task 903"])
    tasks[903] = done
    page.wait_for_url("**/evaluate?project=1&evaluation=1")
    page.go_back()
    expect(page.locator("#other table")).to_be_visible()
    expect(rows).to_have_count(0)


def test_a_start_of_an_earlier_visit_is_told_and_leads_nowhere(page: Page, served: Served) -> None:
    answer_tasks(page, {904: {"state": "finished", "result": {"run": 1}}})
    page.goto(f"{served.origin}/train?project=1")
    expect(page.locator("#wb-train-command code")).to_contain_text("workbench train")
    page.evaluate("""sessionStorage["wb-train-1"] = JSON.stringify({ start: { task: 904, command: "" } })""")
    page.reload()
    started = page.get_by_role("link", name="Run 1 was started.")
    expect(started).to_have_attribute("href", "/runs?project=1&run=1")
    page.reload()
    expect(page.get_by_role("button", name="Start training")).to_be_enabled()
    expect(started).to_have_count(0)


def test_a_count_that_cannot_be_started_says_so_and_is_started_again(page: Page, served: Served) -> None:
    page.goto(served.origin + IMAGES)
    expect(page.locator("#wb-data-gallery .wb-tile")).not_to_have_count(0)
    page.route("**/statistics", lambda route: route.fulfill(json={"uncounted": 3, "statistics": None}))
    page.route("**/queue/join*", lambda route: route.fulfill(status=400, json={"detail": "Not now."}))
    page.get_by_role("tab", name="Statistics").click()
    expect(page.get_by_text("The count could not be started.")).to_be_visible()
    page.unroute("**/queue/join*")
    page.unroute("**/statistics")
    page.get_by_role("button", name="Count again").click()
    expect(page.get_by_role("table", name="Classes by pixels and images")).to_be_visible()


def test_what_is_of_another_project_is_not_shown_under_this_one(page: Page, served: Served) -> None:
    def answer(route: Route) -> None:
        route.fulfill(json=route.fetch().json() | {"project": 2, "project_id": 2})

    page.route(re.compile(r"/api/(runs|evaluations)/1$"), answer)
    for path, of in (("runs", "run=1"), ("evaluate", "evaluation=1")):
        page.goto(f"{served.origin}/{path}?project=1&{of}")
        expect(page.get_by_text("to another project than the one in the bar above")).to_be_visible()
        there = re.compile(rf"^/{path}\?(project=2&{of}|{of}&project=2)$")
        expect(page.get_by_role("link", name="Go there")).to_have_attribute("href", there)


def test_what_is_drawn_anew_keeps_the_focus(page: Page, served: Served) -> None:
    page.goto(f"{served.origin}/evaluate?project=1")
    compare = page.get_by_label("Compare evaluation 1", exact=True)
    compare.focus()
    page.keyboard.press("Space")
    expect(compare).to_be_checked()
    expect(compare).to_be_focused()
    page.evaluate(
        """async () => {
          const { h } = await import("/static-wb/dom.js");
          const { keepFocus } = await import("/static-wb/focus.js");
          const place = document.body.appendChild(document.createElement("p"));
          const show = (page) => keepFocus(place, () => place.replaceChildren(
            h("button", { disabled: page === 0 }, "Before"),
            h("button", { disabled: page === 1, onclick: () => show(1) }, "Next")));
          show(0);
          place.lastChild.focus();
        }"""
    )
    page.keyboard.press("Enter")  # there is no next one
    expect(page.get_by_role("button", name="Before")).to_be_focused()


def test_a_map_that_nobody_waits_for_is_not_fetched_to_the_end(page: Page, served: Served) -> None:
    page.goto(served.origin + IMAGES)
    page.route("**/lost-map", lambda route: None)  # never answered
    with page.expect_event("requestfailed", lambda request: request.url.endswith("/lost-map")):
        told = page.evaluate(
            """async () => {
              const { mapAt } = await import("/static-wb/pictures.js");
              const [one, other] = [new AbortController(), new AbortController()];
              const found = [one, other].map(({ signal }) => mapAt("/lost-map", signal));
              one.abort();
              const pause = new Promise((resolve) => setTimeout(resolve, 50, "is fetched"));
              const meanwhile = await Promise.race([found[1].catch(({ name }) => name), pause]);
              other.abort();
              return [meanwhile, await found[1].catch(({ name }) => name)];
            }"""
        )
    assert told == ["is fetched", "AbortError"]
