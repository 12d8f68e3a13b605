"""What the data page does when its widgets send something, and what it opens with."""

from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import gradio as gr
import pytest

from db.errors import UserError
from labeling.classes import list_classes
from labeling.datasets import list_datasets
from labeling.projects import create_project, list_projects, trash_project
from labeling.subsets import list_subsets, subset_paths
from tests.support.labelled_home import make_place
from tests.support.labelme_folder import make_folder
from tests.support.server import serve
from training.tasks.lifecycle import cancel_task, find_task
from workbench.ui.pages import data, data_classes, data_images, data_revisions, data_roles, data_statistics

NAMES = ["a/0", "a/1", "b/0", "b/1"]


@pytest.fixture
def place(tmp_path):
    """A project `-campus`, whose name is no option of a command, with two datasets of four images each."""
    place = make_place(tmp_path / "home")
    with place.database.write() as session:
        create_project(session, "-campus")
    for dataset in ("day", "dusk"):
        place.run_import(make_folder(tmp_path / dataset, NAMES), project="-campus", dataset=dataset)
    return place


@pytest.fixture
def services(place):
    return serve(place.home)


def opened(services, **query):
    request = SimpleNamespace(query_params={key: str(value) for key, value in query.items()})
    return data.opened(services, cast(gr.Request, request))


def roles(place):
    return {each.name: each.roles for each in list_datasets(place.database)}


def test_the_page_opens_the_tab_of_its_address(services):
    number, tabs, missing = opened(services, project=1, tab="classes")
    assert (number, tabs["selected"], tabs["visible"], missing["visible"]) == (1, "classes", True, False)
    assert opened(services, project=1, tab="<script>")[1]["selected"] == "images"


def test_without_a_project_the_page_says_so(services, place):
    trash_project(place.database, "-campus")
    number, tabs, missing = opened(services, project=1)
    assert (number, tabs["visible"], missing["visible"]) == (None, False, True)
    with pytest.raises(UserError, match="There is no project 1"):
        data_classes.act(services, 1, "create", {"name": "bus"})
    with pytest.raises(UserError, match="Choose a project"):
        data_classes.act(services, None, "create", {"name": "bus"})


def test_an_address_without_a_project_is_about_the_current_or_the_only_one(services):
    project = list_projects(services.database)[0]
    idle, other = replace(project, current=False), replace(project, id=2, current=False)
    assert services.usual_project([other, project]) == project
    assert services.usual_project([idle]) == idle
    assert services.usual_project([other, idle]) is None
    assert replace(services, project=2).usual_project([project, other]) == other
    assert replace(services, project=3).usual_project([project]) is None


def test_selected_images_get_a_role_whatever_their_dataset(services, place):
    numbers = list(range(1, 9))
    data_images.give_role(services, 1, {"images": numbers, "role": "test"})
    assert roles(place) == {"day": {"test": 4}, "dusk": {"test": 4}}
    data_images.give_role(services, 1, {"images": numbers[:5], "role": None})
    assert roles(place) == {"day": {"none": 4}, "dusk": {"none": 1, "test": 3}}


def test_selected_images_go_into_a_list_and_out_of_it(services, place):
    data_images.enlist(services, 1, {"images": [1, 2], "subset": "hard"})
    assert subset_paths(place.database, None, "day", "hard") == ["a/0.png", "a/1.png"]
    assert list_subsets(place.database, None, "dusk") == {}
    data_images.unlist(services, 1, {"images": [1, 5], "subset": "hard"})  # 5 is of the other dataset, without the list
    assert subset_paths(place.database, None, "day", "hard") == ["a/1.png"]
    with pytest.raises(UserError, match="list 'gone'"):
        data_images.unlist(services, 1, {"images": [1], "subset": "gone"})


def test_classes_are_changed_by_what_the_table_sends(services, place):
    for what, sent in (
        ("create", {"name": "bus"}),
        ("rename", {"name": "bus", "to": "<b>coach</b>"}),
        ("recolor", {"name": "<b>coach</b>", "color": "#123456"}),
        ("hotkey", {"name": "<b>coach</b>", "key": "7"}),
        ("merge", {"name": "<b>coach</b>", "into": "car"}),
    ):
        data_classes.act(services, 1, what, sent)
    coach = list_classes(place.database)[-1]
    assert (coach.name, coach.color, coach.hotkey, coach.merged_into) == ("<b>coach</b>", "#123456", "7", "car")
    data_classes.act(services, 1, "unmerge", {"name": "<b>coach</b>"})
    assert list_classes(place.database)[-1].index is not None
    data_classes.act(services, 1, "discard", {"names": ["<b>coach</b>"]})
    assert "<b>coach</b>" not in [each.name for each in list_classes(place.database)]
    with pytest.raises(UserError, match="labels of an image"):
        data_classes.act(services, 1, "discard", {"names": ["car"]})


def test_roles_are_dealt_and_lists_made_and_deleted(services, place):
    sent = {"dataset": "day", "val": 0.5, "test": 0, "by": "folder", "seed": 0}
    data_roles.act(services, 1, "deal", sent)
    assert roles(place)["day"] == {"train": 2, "val": 2}
    data_roles.act(services, 1, "create", {"dataset": "day", "subset": "rain"})
    assert list_subsets(place.database, None, "day") == {"rain": 0}
    data_roles.act(services, 1, "rename", {"dataset": "day", "subset": "rain", "to": "<i>wet"})
    assert list_subsets(place.database, None, "day") == {"<i>wet": 0}
    data_roles.act(services, 1, "discard", {"dataset": "day", "subset": "<i>wet"})
    assert list_subsets(place.database, None, "day") == {}
    with pytest.raises(UserError, match="fractions"):
        data_roles.act(services, 1, "deal", sent | {"val": 0.9, "test": 0.5})


def test_freezing_is_a_task_of_the_same_command(services):
    with pytest.raises(UserError, match="at least one"):
        data_revisions.freeze(services, 1, {"datasets": [], "take": None, "seed": 0})
    task = data_revisions.freeze(services, 1, {"datasets": ["day", "dusk"], "take": 3, "seed": 5})
    try:
        assert task.argv == (
            *("freeze", "--project=-campus", "--dataset=day", "--dataset=dusk"),
            *("--take=3", "--seed=5"),
        )
        assert (task.project_id, task.link) == (1, "/data?project=1&tab=revisions")
    finally:
        end(services, task.id)


def test_what_is_counted_already_is_not_counted_twice(services):
    task = data_statistics.count(services, 1)
    try:
        assert data_statistics.count(services, 1) == task
    finally:
        end(services, task)


def end(services, task):
    if find_task(services.home, task).state == "running":
        cancel_task(services.home, task, graces=(0.0, 0.0))
