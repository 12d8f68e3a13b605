"""What the data page asks the server for: classes with images, merges, statistics, revisions and what changed."""

import pytest

from labeling.classes import merge_class, rename_class
from labeling.images import paths_of
from labeling.revisions import freeze
from labeling.roles import set_roles
from labeling.statistics import class_statistics
from tests.support.labelled_home import make_place
from tests.support.labelme_folder import make_folder, rectangle, write_labels, write_photo
from tests.support.server import serve, visitor

HOSTILE = '<img src=x onerror=alert(1)>${"r"} 🚲'


@pytest.fixture
def place(tmp_path):
    """Four images: `road` on each, `car` on two of them, and `bus` on one of those two."""
    place = make_place(tmp_path / "home")
    folder = make_folder(tmp_path / "day", [f"{n}" for n in range(3)])
    write_photo(folder / "3.png", 3)
    shapes = [rectangle("road", 0, 20, 39, 29), rectangle("car", 2, 2, 9, 9), rectangle("bus", 10, 2, 19, 9)]
    write_labels(folder / "3.png", shapes)
    place.run_import(folder, project="campus", dataset="day")
    return place


@pytest.fixture
def client(place):
    return visitor(serve(place.home))


def ask(client, rest, **query):
    answer = client.get(f"/api/projects/1/{rest}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def shown(client):
    return {each["name"]: each["labelled"] for each in ask(client, "classes", images=True)["classes"]}


def test_classes_tell_how_many_images_show_them(client):
    assert shown(client) == {"background": 0, "road": 4, "car": 2, "bus": 1}
    assert "images" not in ask(client, "classes")["classes"][0]


def test_what_no_label_names_is_counted_on_the_class_maps(client, place):
    background = ask(client, "classes", images=True)["classes"][0]
    assert (background["labelled"], background["images"]) == (0, None)
    counted = class_statistics(place.home, place.database).classes[0].images
    background = ask(client, "classes", images=True)["classes"][0]
    assert (background["labelled"], background["images"]) == (0, counted)
    assert counted > 0


def test_an_image_that_shows_two_merged_classes_counts_once(client, place):
    merge_class(place.database, None, "bus", "car")
    assert shown(client) == {"background": 0, "road": 4, "car": 2, "bus": 1}
    merge_class(place.database, None, "car", "road")
    assert shown(client)["road"] == 4


def test_a_merge_is_told_before_it_is_done(client, place):
    rename_class(place.database, None, "bus", HOSTILE)
    told = ask(client, "merge_preview", name=HOSTILE, into="car")
    assert (told["images"], told["datasets"], told["pixels"]) == (1, {"day": 1}, None)
    class_statistics(place.home, place.database)
    assert ask(client, "merge_preview", name=HOSTILE, into="car")["pixels"] > 0
    refused = client.get("/api/projects/1/merge_preview", params={"name": "car", "into": "car"})
    assert (refused.status_code, "cannot be merged" in refused.json()["error"]) == (400, True)


def test_statistics_are_there_once_the_class_maps_are_counted(client, place):
    assert ask(client, "statistics") == {"uncounted": 4, "statistics": None}
    class_statistics(place.home, place.database)
    told = ask(client, "statistics")
    assert (told["uncounted"], told["statistics"]["images"]) == (0, 4)
    assert {each["name"]: each["images"] for each in told["statistics"]["datasets"]["day"]}["car"] == 2
    merge_class(place.database, None, "bus", "car")  # other class maps
    assert ask(client, "statistics") == {"uncounted": 4, "statistics": None}


def test_revisions_and_what_changed_between_two(client, place):
    first = freeze(place.home, place.database).digest
    set_roles(place.database, None, "day", ["0.png", "1.png"], "val")
    second = freeze(place.home, place.database).digest
    told = ask(client, "revisions")["revisions"]
    assert [each["revision"] for each in told] == [second, first]
    assert told[0]["images"] == {"day": {"none": 2, "val": 2}}
    assert set(told[0]) == {"revision", "images", "classes", "unlabelled", "draw", "created_at"}
    difference = ask(client, f"revisions/{first[:12]}/difference/{second[:12]}", limit=1)
    assert (difference["unchanged"], difference["counts"]["role"], difference["total"]) == (2, 2, 2)
    (entry,) = difference["entries"]
    assert (entry["path"], entry["role_before"], entry["role_after"]) == ("0.png", None, "val")
    assert ask(client, f"revisions/{first}/difference/{second}", only="photo")["entries"] == []


@pytest.mark.parametrize("rest", ["classes", "statistics", "revisions", "merge_preview?name=a&into=b"])
def test_a_project_that_is_not_there_is_not_found(client, rest):
    assert client.get(f"/api/projects/7/{rest}").status_code == 404


def test_images_are_found_by_number_with_their_dataset(place):
    numbers = [place.image(f"{n}.png").id for n in (2, 0)]
    assert paths_of(place.database, 1, numbers) == {"day": ["0.png", "2.png"]}
    with pytest.raises(Exception, match="1 of these images are no longer in the project 'campus'"):
        paths_of(place.database, 1, [*numbers, 99])


def test_all_that_fit_are_selected_in_the_order_of_their_pages(client):
    for query in ({}, {"class": "car"}, {"order": "newest"}):
        page = [each["id"] for each in ask(client, "gallery", **query)["images"]]
        assert ask(client, "gallery/ids", **query) == {"images": page}
