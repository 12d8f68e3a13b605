"""What the server finds out before anybody asks for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from db.home import Home
from training import architecture_cards
from workbench.server import warming
from workbench.server.warming import FIRST, ArchitectureList

SECONDS = 180


@pytest.fixture
def listed(tmp_path: Path) -> Iterator[ArchitectureList]:
    architectures = ArchitectureList(Home(tmp_path))
    yield architectures
    architectures.end()


def _once_there_are(count: int, listed: ArchitectureList) -> tuple[list[str], int]:
    deadline = time.monotonic() + SECONDS
    while True:
        cards, waiting = listed.so_far()
        if len(cards) >= count:
            return [card.name for card in cards], waiting
        assert time.monotonic() < deadline


def test_those_there_are_can_be_had_before_the_others(
    listed: ArchitectureList, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = threading.Event()
    real = architecture_cards.architecture_card

    def slow(name: str, *, home: Home) -> architecture_cards.ArchitectureCard:
        if name == "plainconv":
            held.wait()
        return real(name, home=home)

    monkeypatch.setattr(architecture_cards, "architecture_card", slow)
    monkeypatch.setattr(warming, "names", lambda: ("unet", "lraspp_mobilenetv3", "plainconv"))
    assert _once_there_are(2, listed) == (["lraspp_mobilenetv3", "unet"], 1)  # the lightest first
    held.set()
    named, waiting = _once_there_are(3, listed)
    assert (sorted(named), waiting) == (["lraspp_mobilenetv3", "plainconv", "unet"], 0)


def test_ended_it_begins_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    begun, held = threading.Event(), threading.Event()

    def slow(name: str, *, home: Home) -> None:
        asked.append(name)
        begun.set()
        held.wait()

    monkeypatch.setattr(architecture_cards, "architecture_card", slow)
    architectures = ArchitectureList(Home(tmp_path))
    architectures.begin()
    assert begun.wait(60)
    ending = threading.Thread(target=architectures.end)
    ending.start()
    threading.Timer(0.2, held.set).start()
    ending.join()
    assert asked == [FIRST]
