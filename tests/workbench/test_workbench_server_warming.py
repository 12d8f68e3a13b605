"""What the server loads before anybody asks for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from db.home import Home
from labeling.projects import trash_project
from tests.support.scenes import workspace
from tests.support.server import serve
from training import architecture_cards
from workbench.server.warming import warm_up


def test_the_architectures_are_described_for_the_project_that_opens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    monkeypatch.setattr(architecture_cards, "architecture_cards", lambda *, classes, home: asked.append(classes))
    place = workspace(tmp_path / "one", [f"class {number}" for number in range(5)])
    warm_up(serve(place.home)).join()
    warm_up(serve(place.home, project=1)).join()
    trash_project(place.database, "p")
    warm_up(serve(place.home, project=1)).join()
    warm_up(serve(Home(tmp_path / "none"))).join()
    assert asked == [5, 5, architecture_cards.CLASSES, architecture_cards.CLASSES]
