"""The tab Care: what the server tells of findings and groups, and what its buttons do; the commands beside it."""

import json

import pytest

from db.errors import UserError
from labeling.care.leaks import find_groups
from labeling.classes import add_class, list_classes
from labeling.datasets import list_datasets
from labeling.roles import set_roles
from labeling.statistics import class_statistics
from tests.support.labelled_home import make_place
from tests.support.labelme_folder import rectangle, write_labels, write_photo
from tests.support.server import serve, visitor
from training.tasks.lifecycle import cancel_task, find_task
from workbench.cli.app import run
from workbench.ui.pages import data_care

SIZE = (128, 96)


@pytest.fixture
def place(tmp_path):
    """Four photos, the first and the last the same; `Road` is spelled in two ways, and a fifth one is tiny."""
    place = make_place(tmp_path / "home")
    for number in range(5):
        photo, size = tmp_path / "day" / f"{number}.png", (40, 30) if number == 4 else SIZE
        write_photo(photo, number % 3, size)
        write_labels(photo, [rectangle("Road" if number == 1 else "road", 0, 10, 128, 96)], size)
    place.run_import(tmp_path / "day", project="-campus", dataset="day")
    set_roles(place.database, "-campus", "day", ["0.png", "1.png", "2.png", "4.png"], "train")
    set_roles(place.database, "-campus", "day", ["3.png"], "val")
    return place


@pytest.fixture
def services(place):
    return serve(place.home)


def ask(services, rest, **query):
    answer = visitor(services).get(f"/api/projects/1/care/{rest}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_findings_are_told_once_class_maps_are_counted(services, place):
    assert ask(services, "findings") == {"uncounted": 5, "check": None}
    class_statistics(place.home, place.database, project="-campus")
    found = {each["kind"]: each for each in ask(services, "findings")["check"]["findings"]}
    assert found["tiny"]["files"] == ["4.png"]
    assert "workbench set-role none --dataset=day --project=-campus" in found["tiny"]["command"]
    assert found["case-variants"]["classes"] == ["Road", "road"]


def test_groups_are_told_a_page_at_a_time_once_they_were_searched_for(services, place):
    assert ask(services, "groups") == {"groups": None}
    find_groups(place.home, place.database, project="-campus")
    found = ask(services, "groups", limit=1)
    assert (found["leaking"], found["total"]) == (1, 1)
    (group,) = found["groups"]
    assert [image["path"] for image in group["images"]] == ["0.png", "3.png"]
    assert group["leaks"]
    assert ask(services, "groups", offset=1)["groups"] == []
    assert visitor(services).get("/api/projects/1/care/groups", params={"limit": 1000}).status_code == 400


def test_buttons_do_what_they_say(services, place):
    group = find_groups(place.home, place.database, project="-campus").groups[0]
    data_care.act(services, 1, "move", {"group": group.id, "to": "val"})
    assert list_datasets(place.database, "-campus")[0].roles == {"train": 3, "val": 2}
    data_care.act(services, 1, "merge", {"name": "Road", "into": "road"})
    add_class(place.database, "-campus", "bus")
    data_care.act(services, 1, "drop", {"classes": ["bus", "background"]})  # what is used meanwhile is kept
    names = {each.name: each.merged_into for each in list_classes(place.database, "-campus")}
    assert names == {"background": None, "road": None, "Road": "road"}
    data_care.act(services, 1, "unrole", {"dataset": "day", "kind": "tiny"})
    assert list_datasets(place.database, "-campus")[0].roles == {"none": 1, "train": 2, "val": 2}
    with pytest.raises(UserError, match="no group 'gone'"):
        data_care.act(services, 1, "move", {"group": "gone", "to": "val"})


def test_who_looks_twice_follows_one_task(services):
    number = data_care.look_through(services, 1, "check")
    try:
        assert data_care.look_through(services, 1, "check") == number
        assert find_task(services.home, number).argv == ("check", "--project=-campus")
    finally:
        cancel_task(services.home, number)


def test_the_commands_list_move_and_name_files_for_other_commands(place, capsys):
    there = ("--home", str(place.home.path), "--project=-campus")
    assert run(["leaks", *there]) == 0
    assert "train 1, val 1  (same bytes 1)" in capsys.readouterr().out
    assert run(["leaks", "move", "--every", "--to", "train", *there, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["images"] == {"val": 1}
    assert run(["check", "--files", "tiny", *there]) == 0
    assert capsys.readouterr().out == "4.png\n"
    assert run(["check", *there]) == 0
    said = capsys.readouterr().out
    assert "workbench classes merge --project=-campus --home" in said
    assert said.endswith("5 images checked, 5 of them labelled: 3 warnings, 1 note.\n")
    assert run(["leaks", "move", "--to", "val", *there]) == 2
    assert run(["check", "--files", "nonsense", *there]) == 2
