"""What the data pages do, done on the command line: projects, classes, lists, roles, revisions, a look at a folder."""

import json
import shutil

import pytest

from tests.support.labelme_folder import make_folder, rectangle, write_labels
from workbench.cli import main


@pytest.fixture
def ask(tmp_path, monkeypatch, capfd):
    """Run a command in this process with `--json`; return its exit code and object."""
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)

    def run(*arguments, as_json=True):
        monkeypatch.setattr("sys.argv", ["workbench", *map(str, arguments), *(["--json"] if as_json else [])])
        with pytest.raises(SystemExit) as ended:
            main()
        out, _ = capfd.readouterr()
        return ended.value.code, json.loads(out) if as_json else out

    return run


@pytest.fixture
def campus(ask, tmp_path):
    folder = make_folder(tmp_path / "day", ["a", "b", "c"])
    assert ask("import", "labelme", folder, "--project", "campus")[0] == 0
    return folder


def test_projects_are_made_named_thrown_away_and_taken_back(ask, campus):
    assert ask("projects", "create", "other")[0] == 0
    assert [p["name"] for p in ask("projects", "rename", "other", "second")[1]["projects"]] == ["campus", "second"]
    assert ask("discard", "project", "campus")[0] == 0
    assert [p["name"] for p in ask("projects")[1]["projects"]] == ["second"]
    assert [(i["kind"], i["name"]) for i in ask("trash")[1]["items"]] == [("project", "campus")]
    assert ask("trash", "restore", "project", "campus")[0] == 0
    assert [p["name"] for p in ask("projects")[1]["projects"]] == ["campus", "second"]
    card = ask("projects")[1]["projects"][0]
    assert (card["images"], card["labelled"], card["best"]) == (3, 3, None)
    assert set(card["cover"]) == {"image", "photo_version"}
    assert ask("discard", "project", "gone")[0] == 2
    assert "campus" in ask("projects", as_json=False)[1]


def test_classes_get_keys_and_merges_are_previewed(ask, campus):
    found = ask("classes", "merge", "car", "road", "--preview")[1]
    assert found == {"name": "car", "into": "road", "images": 1, "datasets": {"day": 1}, "pixels": None}
    assert ask("stats")[1]["datasets"]["day"][2]["images"] == 1
    assert ask("classes", "merge", "car", "road", "--preview")[1]["pixels"] > 0
    classes = {c["name"]: c for c in ask("classes", "hotkey", "car", "3")[1]["classes"]}
    assert (classes["car"]["hotkey"], classes["car"]["merged_into"]) == ("3", None)
    assert {c["name"]: c["hotkey"] for c in ask("classes", "hotkey", "car", "none")[1]["classes"]}["car"] is None
    assert ask("classes", "add", "tree", "--color", "#00ff00")[1]["classes"][-1]["color"] == "#00ff00"


def test_only_classes_that_nothing_uses_are_deleted(ask, campus):
    for name in ("tree", "bus", "tram"):
        ask("classes", "add", name)
    assert [c["name"] for c in ask("classes", "delete", "tree")[1]["classes"]][-2:] == ["bus", "tram"]
    assert ask("classes", "delete", "bus", "car")[0] == 2
    assert ask("classes", "delete")[0] == ask("classes", "delete", "bus", "--unused")[0] == 2
    assert [c["name"] for c in ask("classes", "delete", "--unused")[1]["classes"]] == ["background", "road", "car"]


def test_images_are_chosen_by_path_or_from_a_file(ask, campus, tmp_path):
    (tmp_path / "chosen.txt").write_text("b.png\n\nc.png\n")
    day = ("--dataset", "day")
    assert ask("subsets", "add", "hard", "a.png", "--from", "chosen.txt", *day)[1]["subsets"] == {"hard": 3}
    assert ask("subsets", "remove", "hard", "a.png", *day)[1] == {"dataset": "day", "subsets": {"hard": 2}}
    assert ask("subsets", "list", *day)[1]["subsets"] == {"hard": 2}
    assert ask("set-role", "val", "--from", "chosen.txt", *day)[1]["roles"] == {"none": 1, "val": 2}
    assert ask("set-role", "none", "b.png", *day)[1]["roles"] == {"none": 2, "val": 1}
    assert ask("subsets", "rename", "hard", "night", *day)[1]["subsets"] == {"night": 2}
    assert ask("subsets", "rename", "hard", "dusk", *day)[0] == 2
    assert ask("subsets", "delete", "night", *day)[1]["subsets"] == {}
    code, said = ask("set-role", "val", *day)
    assert (code, "Which images" in said["error"]) == (2, True)
    assert ask("set-role", "val", "--from", "gone.txt", *day)[0] == 2


def test_revisions_are_compared(ask, campus):
    first = ask("freeze")[1]["revision"]
    write_labels(campus / "a.png", [rectangle("car", 0, 0, 9, 9)])
    ask("import", "labelme", campus)
    second = ask("freeze")[1]["revision"]
    found = ask("revisions", "diff", first[:12], second[:12])[1]
    assert (found["counts"]["labels"], found["total"], found["entries"][0]["path"]) == (1, 1, "a.png")
    assert ask("revisions", "diff", first, second, "--only", "role")[1]["total"] == 0
    assert "a.png" in ask("revisions", "diff", first, second, as_json=False)[1]
    assert len(ask("revisions")[1]["revisions"]) == 2


def test_a_folder_is_recognised_and_the_command_it_says_imports_it(ask, tmp_path):
    folder = make_folder(tmp_path / "two words", ["a"])
    (guess,) = ask("recognise", folder)[1]["guesses"]
    assert (guess["format"], guess["labels"], guess["classes"]) == ("labelme", 1, {"road": 1})
    said = ask("recognise", folder, as_json=False)[1]
    assert f"workbench import labelme '{folder}' --unlabelled background" in said


@pytest.mark.parametrize("kind", ["zip", "gztar"])
def test_an_archive_is_recognised_as_its_folder_is(ask, tmp_path, kind):
    folder = make_folder(tmp_path / "campus", ["a", "b"])
    (folder / "labels.txt").write_text("_background_\nroad\ncar\n")
    (folder / "broken.json").write_text("{")
    packed = shutil.make_archive(str(tmp_path / "campus"), kind, tmp_path, "campus")
    code, found = ask("recognise", packed)
    of_folder = ask("recognise", folder)[1]
    (guess,), (other,) = found["guesses"], of_folder["guesses"]
    assert (code, found["source"], found["photos"]) == (0, packed, 2)
    assert guess == other | {"options": {"unlabelled": "background"}, "problems": guess["problems"]}
    assert "unpacked" not in json.dumps(found)
    assert list((tmp_path / "home" / "unpacked").iterdir()) == []
    assert f"workbench import labelme {packed} --unlabelled background" in ask("recognise", packed, as_json=False)[1]
    (tmp_path / "no.zip").write_text("nonsense")
    assert ask("recognise", tmp_path / "no.zip")[0] == 2
