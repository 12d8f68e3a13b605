"""Words of the field in a browser: dotted where they stand, and explained to a pointer, the keyboard and a finger."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Served


@pytest.fixture
def evaluation(page: Page, served: Served) -> Page:
    page.goto(f"{served.origin}/evaluate?project=1&evaluation=1")
    expect(page.get_by_test_id("figure-miou")).to_be_visible()
    return page


def test_a_word_is_explained_to_the_pointer_that_rests_on_it(evaluation: Page) -> None:
    word, note = evaluation.get_by_role("button", name="mIoU", exact=True), evaluation.locator("#wb-word-miou")
    expect(note).to_be_hidden()
    word.hover()
    expect(note).to_contain_text("mean over all classes")
    expect(word).to_have_accessible_description(re.compile("mean over all classes"))
    note.hover()  # it can be read, and marked, without going away
    expect(note).to_be_visible()
    evaluation.mouse.move(1, 1)
    expect(note).to_be_hidden()


def test_a_word_is_explained_to_the_keyboard_and_escape_takes_it_away(evaluation: Page) -> None:
    evaluation.get_by_role("button", name="mIoU", exact=True).focus()
    evaluation.keyboard.press("Tab")
    note = evaluation.locator("#wb-word-pa")
    expect(note).to_contain_text("called right")
    evaluation.keyboard.press("Escape")
    expect(note).to_be_hidden()
    expect(evaluation.get_by_role("button", name="pixel accuracy", exact=True)).to_be_focused()
    evaluation.keyboard.press("Enter")
    expect(note).to_be_visible()
    evaluation.keyboard.press("Tab")
    expect(note).to_be_hidden()
    expect(evaluation.locator("#wb-word-ma")).to_be_visible()


def test_what_is_told_stays_in_a_narrow_window_and_moves_with_its_word(evaluation: Page) -> None:
    evaluation.set_viewport_size({"width": 390, "height": 844})
    word, note = evaluation.get_by_role("button", name="mean recall", exact=True), evaluation.locator("#wb-word-recall")
    word.dispatch_event("click")  # as a finger does, without a pointer that rests
    expect(note).to_be_visible()
    box = note.bounding_box()
    assert box is not None
    assert 0 <= box["x"] <= box["x"] + box["width"] <= 390
    assert evaluation.evaluate("document.documentElement.scrollWidth") == 390
    evaluation.evaluate("scrollBy(0, 2000)")
    expect(note).to_be_hidden()  # its word is out of sight


def test_a_word_in_a_label_leaves_the_field_alone(page: Page, served: Served) -> None:
    page.goto(f"{served.origin}/use?project=1")
    page.get_by_role("button", name="CRF", exact=True).click()
    expect(page.locator("#wb-word-crf")).to_be_visible()
    expect(page.locator("#wb-use-crf")).not_to_be_checked()
