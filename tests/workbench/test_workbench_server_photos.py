"""Pictures and the gallery over the server: by number only, kept by the browser as long as they are right."""

import io

import numpy as np
import pytest
from PIL import Image

from labeling.classes import merge_class
from labeling.datasets import trash_dataset
from labeling.projects import create_project, trash_project
from tests.support.labelled_home import make_place
from tests.support.labelme_folder import make_folder, rectangle, write_labels, write_photo
from tests.support.server import serve, visitor
from tests.support.tiles import unpack
from workbench.server.tiles import MOST

HOSTILE = '<img src=x onerror=alert(1)>${"r"} "\u202e 🚲'


@pytest.fixture
def place(tmp_path):
    """Two images of 300 x 200: `a` with a car on it, `bare` without labels."""
    place = make_place(tmp_path / "home")
    folder = tmp_path / "day"
    for seed, name in enumerate(("a", "bare")):
        write_photo(folder / f"{name}.png", seed, (300, 200))
    write_labels(folder / "a.png", [rectangle("car", 10, 10, 200, 100)], (300, 200))
    place.run_import(folder, project="campus")
    return place


@pytest.fixture
def client(place):
    return visitor(serve(place.home))


def gallery(client, **wanted):
    return client.get("/api/projects/1/gallery", params=wanted).json()


def address(client, name, what, **parameters):
    (number,) = (image["id"] for image in gallery(client)["images"] if image["path"] == f"{name}.png")
    return f"/api/projects/1/images/{number}/{what}?" + "&".join(f"{key}={value}" for key, value in parameters.items())


def test_a_photo_and_its_class_map_lie_over_each_other(client):
    photo = client.get(address(client, "a", "photo", size=256))
    class_map = client.get(address(client, "a", "map", size=256))
    assert (photo.status_code, photo.headers["content-type"]) == (200, "image/jpeg")
    assert (class_map.status_code, class_map.headers["content-type"]) == (200, "image/png")
    assert photo.headers["x-content-type-options"] == "nosniff"
    with Image.open(io.BytesIO(photo.content)) as shown, Image.open(io.BytesIO(class_map.content)) as indices:
        assert (shown.size, indices.size, indices.mode) == ((256, 171), (256, 171), "L")
        assert np.unique(np.asarray(indices)).tolist() == [0, 1]


@pytest.mark.parametrize(("what", "field"), [("photo", "photo_version"), ("map", "map_version")])
def test_only_an_address_with_the_version_is_kept_without_asking_again(client, place, what, field):
    version = gallery(client)["images"][0][field]
    kept = client.get(address(client, "a", what, size=256, v=version))
    assert kept.headers["cache-control"] == "private, max-age=31536000, immutable"
    for other in ("00000000", ""):
        assert client.get(address(client, "a", what, size=256, v=other)).headers["cache-control"] == "private, no-cache"
    merge_class(place.database, None, "car", "background")
    again = client.get(address(client, "a", what, size=256, v=version)).headers["cache-control"]
    assert ("immutable" in again) == (what == "photo")


def test_what_the_browser_has_is_not_sent_again(client):
    url = address(client, "a", "map", size=256)
    etag = client.get(url).headers["etag"]
    for known in (etag, f'W/{etag}, "other"', "*"):
        same = client.get(url, headers={"If-None-Match": known})
        assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", etag)
    assert client.get(url, headers={"If-None-Match": '"other"'}).status_code == 200


def test_a_photo_that_is_not_as_it_was_answers_404_and_names_it(client, place):
    place.store.path(place.image("a.png").sha256).unlink()
    answer = client.get(address(client, "a", "photo"))
    assert answer.status_code == 404
    assert "a.png" in answer.json()["error"]
    assert str(place.home.path) not in answer.json()["error"]


def test_an_image_without_labels_has_no_map(client):
    answer = client.get(address(client, "bare", "map"))
    assert (answer.status_code, "no labels yet" in answer.json()["error"]) == (404, True)
    assert gallery(client)["images"][1]["map_version"] is None


def test_class_maps_of_many_are_those_of_each(client, place):
    with place.database.write() as session:
        create_project(session, "other")
    labelled, bare = (image["id"] for image in gallery(client)["images"])
    many = client.get(f"/api/projects/1/maps?images={labelled},{bare},99,{labelled}&size=256")
    found = unpack(many.content)
    with Image.open(io.BytesIO(client.get(address(client, "a", "map", size=256)).content)) as alone:
        for map_ in (found[0], found[3]):
            np.testing.assert_array_equal(map_, np.asarray(alone))
    assert [map_.shape for map_ in found[1:3]] == [(0, 0), (0, 0)]
    others = client.get(f"/api/projects/2/maps?images={labelled}")
    assert [map_.shape for map_ in unpack(others.content)] == [(0, 0)]


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("/api/projects/1/images/99/photo", 404),
        ("/api/projects/2/images/1/photo", 404),  # of another project
        ("/api/projects/9/images/1/map", 404),
        ("/api/projects/1/images/1/photo?size=300", 400),
        ("/api/projects/1/images/..%2f..%2fworkbench.db/photo", 404),
        ("/api/projects/1/images/a.png/photo", 400),
        ("/api/projects/9/maps?images=1", 404),
        ("/api/projects/1/maps?images=", 400),
        ("/api/projects/1/maps?images=1,a", 400),
        ("/api/projects/1/maps?images=1,-1", 400),
        ("/api/projects/1/maps?images=1&size=0", 400),
        ("/api/projects/1/maps?images=1&size=1600", 400),
        ("/api/projects/1/maps?images=" + ",".join(["1"] * (MOST + 1)), 400),
        ("/api/projects/9/gallery", 404),
        ("/api/projects/9/classes", 404),
        ("/api/projects/9/datasets", 404),
        ("/api/projects/1/gallery?limit=100000", 400),
        ("/api/projects/1/gallery?role=everyone", 400),
        ("/api/projects/1/gallery?class=none", 404),
    ],
)
def test_what_is_not_there_is_refused_in_words(client, place, url, status):
    with place.database.write() as session:
        create_project(session, "other")
    answer = client.get(url)
    assert answer.status_code == status
    assert answer.json()["error"]


@pytest.mark.parametrize("trash", [lambda d: trash_project(d, "campus"), lambda d: trash_dataset(d, "campus", "day")])
def test_what_is_in_the_trash_is_not_served(client, place, trash):
    url = address(client, "a", "photo")
    trash(place.database)
    assert client.get(url).status_code == 404


def test_the_gallery_filters_and_pages(client, place, tmp_path):
    place.run_import(make_folder(tmp_path / "dusk", ["x", "y"]), role="val", lists=("late",))
    assert gallery(client)["total"] == 4
    assert [image["path"] for image in gallery(client, role="val", offset=1)["images"]] == ["y.png"]
    assert [image["path"] for image in gallery(client, **{"class": "car"})["images"]] == ["a.png", "y.png"]
    assert [image["path"] for image in gallery(client, labelled="false", dataset="day")["images"]] == ["bare.png"]
    found = gallery(client, subset="late", order="-path", limit=1)
    assert (found["total"], len(found["images"])) == (2, 1)
    y = found["images"][0]
    assert y.pop("photo_version")
    assert y.pop("map_version")
    assert y == {
        "id": place.image("y.png").id,
        "dataset": "dusk",
        "path": "y.png",
        "width": 40,
        "height": 30,
        "role": "val",
        "subsets": ["late"],
        "classes": ["car", "road"],
        "labelled": True,
    }


def test_names_are_told_as_they_are(client, place, tmp_path):
    folder = tmp_path / "hostile"
    write_photo(folder / "h.png", 5)
    write_labels(folder / "h.png", [rectangle(HOSTILE, 0, 0, 10, 10)])
    place.run_import(folder, lists=(HOSTILE,))
    (image,) = gallery(client, **{"class": HOSTILE, "subset": HOSTILE})["images"]
    assert (image["classes"], image["subsets"]) == ([HOSTILE], [HOSTILE])
    classes = client.get("/api/projects/1/classes").json()["classes"]
    assert [(each["index"], each["name"]) for each in classes] == [(0, "background"), (1, "car"), (2, HOSTILE)]
    datasets = {each["name"]: each for each in client.get("/api/projects/1/datasets").json()["datasets"]}
    assert datasets["hostile"]["subsets"] == {HOSTILE: 1}
    assert (datasets["day"]["images"], datasets["day"]["labelled"], datasets["day"]["roles"]) == (2, 1, {"none": 2})
