"""Opening labelme from the page: as a task here, as a command for whoever would not see its window."""

import json
from pathlib import Path

import pytest

from db.errors import UserError
from labeling.datasets import list_datasets
from labeling.desktop.hand_out import LabelRequest, hand_out
from labeling.desktop.program import Labelme
from labeling.projects import create_project
from labeling.subsets import add_to_subset
from tests.support.labelled_home import make_place
from tests.support.labelme_folder import make_folder
from tests.support.server import serve, visitor
from training.tasks.lifecycle import find_task, follow_task_log
from workbench.ui.pages.data_desktop import open_labelme, take_back

HERE = "127.0.0.1"


@pytest.fixture
def place(tmp_path):
    """A project `-campus`, whose name is no option of a command, with two datasets."""
    place = make_place(tmp_path / "home")
    with place.database.write() as session:
        create_project(session, "-campus")
    for dataset in ("day", "dusk"):
        place.run_import(make_folder(tmp_path / dataset, ["a", "b"]), project="-campus", dataset=dataset)
    return place


@pytest.fixture
def services(place):
    return serve(place.home)


@pytest.fixture(autouse=True)
def labelme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program of that name, and a screen."""
    program = tmp_path / "bin" / "labelme"
    program.parent.mkdir()
    program.touch(0o755)
    monkeypatch.setenv("DISPLAY", ":nowhere")
    monkeypatch.setenv("PATH", str(program.parent))


def sent(images=(), dataset="day", on=None):
    return {"images": list(images), "dataset": dataset, "on": on}


@pytest.fixture
def argv(monkeypatch):
    """What a task would have run."""
    found = []
    monkeypatch.setattr(
        "workbench.ui.pages.data_desktop.start_task", lambda home, argv, **about: found.append((list(argv), about))
    )
    return found


def test_it_is_the_command_that_a_person_would_type(services, place, argv):
    add_to_subset(place.database, "-campus", "day", "some", ["a.png"])
    open_labelme(services, 1, sent(on="some"), HERE)
    open_labelme(services, 1, sent(images=[1, 2], dataset=None), "::1")
    take_back(services, 1, {"on_conflict": "theirs"})
    words = ["label", "--desktop", "--project=-campus", "--dataset=day"]
    assert [each for each, _ in argv] == [
        [*words, "--on=some"],
        [*words, "--", "a.png", "b.png"],
        ["label", "--desktop", "--collect", "--project=-campus", "--on-conflict=theirs"],
    ]
    assert {about["link"] for _, about in argv} == {"/data?project=1&tab=images"}


def test_images_of_one_dataset_at_a_time(services, argv):
    with pytest.raises(UserError, match="Select images of one"):
        open_labelme(services, 1, sent(images=[1, 3], dataset=None), HERE)
    assert argv == []


@pytest.mark.parametrize(
    ("visits", "without", "says"),
    [
        ("192.168.7.7", None, "on the computer that the workbench runs on, not on yours"),
        (None, None, "not on yours"),
        (HERE, "DISPLAY", "needs a screen"),
    ],
)
def test_who_would_not_see_the_window_is_told_the_command(services, argv, monkeypatch, visits, without, says):
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    if without:
        monkeypatch.delenv(without)
    with pytest.raises(UserError, match=says) as caught:
        open_labelme(services, 1, sent(images=[1], dataset=None), visits)
    line = f"workbench label --desktop --project=-campus --dataset=day --home {services.home.path} -- a.png"
    assert line in str(caught.value)
    monkeypatch.setattr("workbench.ui.pages.data_desktop._SHOWN", 0)
    with pytest.raises(UserError, match="add them to a list"):
        open_labelme(services, 1, sent(images=[1], dataset=None), visits)
    assert argv == []


def test_what_waits_is_listed_without_where_it_lies(services, place):
    hand_out(place.home, place.database, LabelRequest("-campus", "day"), Labelme("", "6.3.1", frozenset()))
    client = visitor(services)
    (session,) = client.get("/api/projects/1/desktop").json()["sessions"]
    assert {key: session[key] for key in ("id", "dataset", "images", "open")} == {
        "id": 1,
        "dataset": "day",
        "images": 2,
        "open": False,
    }
    assert str(place.home.path) not in json.dumps(session)
    assert client.get("/api/projects/7/desktop").status_code == 404


def test_a_task_takes_back_what_waits(services, place):
    given = hand_out(place.home, place.database, LabelRequest("-campus", "day"), Labelme("", "6.3.1", frozenset()))
    file = given.session.photos / "b.json"
    fields = json.loads(file.read_text())
    fields["shapes"] = []
    file.write_text(json.dumps(fields))
    task = take_back(services, 1, {"on_conflict": "ours"})
    assert list(follow_task_log(services.home, task.id, follow=True))  # ends with it
    ended = find_task(services.home, task.id)
    assert (ended.state, ended.sentence) == ("finished", "Taken back from labelme: 1 stored.")
    assert [each.labelled for each in list_datasets(place.database, "-campus")] == [2, 2]
