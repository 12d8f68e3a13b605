"""Images found by command, as the gallery finds them."""

from pathlib import Path

import pytest

from tests.support.cli import Workbench
from tests.support.labelme_folder import make_folder


@pytest.fixture(scope="module")
def workbench(tmp_path_factory: pytest.TempPathFactory) -> Workbench:
    folder: Path = tmp_path_factory.mktemp("images")
    workbench = Workbench(folder)
    workbench.ask("import", "labelme", make_folder(folder / "day", ["a/0", "a/1", "b/2"]), "--dataset", "day")
    workbench.ask("set-role", "val", "a/1.png", "--dataset", "day")
    return workbench


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ((), ["a/0.png", "a/1.png", "b/2.png"]),
        (("--role", "none", "--text", "A/"), ["a/0.png"]),
        (("--class", "car", "--labelled", "--dataset", "day"), ["a/1.png"]),
        (("--unlabelled",), []),
        (("--order", "-path", "--offset", 1, "--limit", 1), ["a/1.png"]),
    ],
)
def test_images_are_found_by_what_is_known_of_them(
    workbench: Workbench, options: tuple[object, ...], found: list[str]
) -> None:
    assert [image["path"] for image in workbench.ask("images", *options)["images"]] == found


def test_what_is_left_out_is_counted(workbench: Workbench) -> None:
    said = workbench.run("images", "--limit", 1)
    assert (said.code, "and 2 more" in said.out) == (0, True)
    assert "no list 'gone'" in workbench.run("images", "--list", "gone").err
