"""The tab Care in a browser: it looks by itself, a group is moved to one role, a finding is mended."""

import shutil

from playwright.sync_api import Page, expect

from tests.e2e.conftest import Served


def test_a_leak_is_seen_and_moved_to_one_role(page: Page, served: Served) -> None:
    folder = served.workbench.folder / "twice"
    shutil.copytree(served.photos / "dusk", folder)
    first = min(folder.glob("*.json"))
    photo = next(path for path in folder.iterdir() if path.stem == first.stem and path != first)
    for path in (photo, first):
        shutil.copy(path, path.with_stem("again"))
    again = folder / first.with_stem("again").name
    again.write_text(again.read_text().replace(photo.name, photo.with_stem("again").name))
    served.workbench.ask("import", "labelme", folder, "--project", "twice", "--dataset", "dusk")
    served.workbench.ask("set-role", "val", photo.with_stem("again").name, "--project", "twice", "--dataset", "dusk")
    served.workbench.ask("set-role", "train", photo.name, "--project", "twice", "--dataset", "dusk")
    number = next(each["id"] for each in served.workbench.ask("projects")["projects"] if each["name"] == "twice")

    page.goto(f"{served.origin}/data?project={number}&tab=care")
    expect(page.locator("#wb-findings").get_by_text("without a role")).to_be_visible()
    group = page.locator(".wb-alike").first
    expect(group).to_contain_text("the same file")
    group.focus()
    page.keyboard.press("Tab")
    expect(group.get_by_role("button", name="to train")).to_be_focused()
    page.keyboard.press("Enter")
    page.get_by_role("dialog").get_by_role("button", name="Move to train").click()
    expect(page.locator("#wb-groups")).to_contain_text("No group of images has different roles")
    roles = served.workbench.ask("datasets", "--project", "twice")["datasets"][0]["roles"]
    assert roles["train"] >= 2
    assert "val" not in roles


def test_what_a_model_doubts_is_sent_to_be_fixed_or_said_to_be_right(page: Page, served: Served) -> None:
    first = served.workbench.ask("label-errors", 1, "--project", "campus")["images"][0]
    page.goto(f"{served.origin}/data?project=1&tab=care&evaluation=1")
    row = page.locator(".wb-suspect").first
    expect(row).to_contain_text(first["path"])
    expect(row.locator("canvas").first).to_be_visible()
    row.get_by_role("button", name="Fix").click()
    answer = {"event_id": "none"}  # who has a screen need not see labelme
    page.route("**/queue/join*", lambda route: route.fulfill(json=answer))
    with page.expect_request("**/queue/join*") as sent:
        page.get_by_role("button", name="Open labelme").click()
    assert (sent.value.post_data_json or {})["event_data"]["images"] == [first["image"]]
    page.unroute("**/queue/join*")
    page.get_by_role("button", name="Cancel").click()
    row.get_by_role("button", name="Not an error").click()
    expect(row.get_by_role("status")).to_contain_text("while its labels stay")
    row.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("button", name="Not an error 0")).to_be_visible()
