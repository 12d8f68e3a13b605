"""Versions of labels: what each changed, the picture of it, and going back by adding the old content on top."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from db.errors import NotFoundError, UserError
from labeling.annotations import HeadMovedError
from labeling.history import at_version, difference, list_versions, named_image, restore_version
from labeling.history_picture import difference_png
from labeling.linked import photo_path
from labeling.thumbnails import map_png
from tests.support.labelled_home import make_place
from tests.support.labelme_folder import HEIGHT, WIDTH, make_folder, rectangle, write_labels

ROAD = rectangle("road", 0, 20, 39, 29)


@pytest.fixture
def place(tmp_path):
    """One image of three versions: a road; a car of 6 by 4 beside it; the road again, by its source."""
    place = make_place(tmp_path / "home")
    folder = make_folder(tmp_path / "day", ["a/b"], [ROAD])
    for shapes in ([ROAD], [ROAD, rectangle("car", 2, 2, 8, 6)], [ROAD]):
        write_labels(folder / "a/b.png", shapes)
        place.run_import(folder, dataset="day", project="p")
    return place


def seen(place):
    return named_image(place.database, None, "day/a/b.png")


def test_versions_say_what_they_changed(place):
    third, second, first = list_versions(place.home, place.database, seen(place))
    assert [(v.number, v.current, v.shapes) for v in (first, second, third)] == [
        (1, False, 1),
        (2, False, 2),
        (3, True, 1),
    ]
    assert first.changed == WIDTH * HEIGHT
    assert second.changed == third.changed == (map_of(place, 2) != map_of(place, 1)).sum() > 20
    assert {v.origin for v in (first, second, third)} == {"import:labelme"}


def map_of(place, number):
    picture = map_png(place.home, place.database, at_version(place.database, seen(place), number), 0)
    return np.asarray(Image.open(picture.path))


def test_the_difference_names_classes_and_is_drawn(place):
    found = difference(place.home, place.database, 1, seen(place), 1, 2)
    assert [(m.before, m.after, m.pixels) for m in found.moves] == [("background", "car", found.changed)]
    image = seen(place)
    photo = photo_path(place.database, place.store, image)
    drawn = np.asarray(Image.open(io.BytesIO(difference_png(photo, found.where))))
    assert ((drawn == (255, 0, 200)).all(axis=2) == found.where).all()


def test_going_back_adds_a_version_and_rewrites_none(place):
    before = [(v.id, v.content) for v in place.versions("a/b.png")]
    assert restore_version(place.database, seen(place), 2, author="ada") == 4
    after = place.versions("a/b.png")
    assert [(v.id, v.content) for v in after[:3]] == before
    newest = after[3]
    assert (newest.content, newest.parent_id, newest.author, newest.origin) == (
        before[1][1],
        before[2][0],
        "ada",
        "restored:2",
    )
    assert place.image("a/b.png").head_id == newest.id
    with pytest.raises(UserError, match="as in version 2 already"):
        restore_version(place.database, seen(place), 2, author="ada")


def test_who_saw_an_older_newest_version_undoes_nothing_unseen(place):
    looked = seen(place)
    restore_version(place.database, looked, 2, author="ada")
    for head in (looked.head_id, None, 99):
        with pytest.raises(HeadMovedError):
            restore_version(place.database, replace(looked, head_id=head), 1, author="eve")
    assert len(place.versions("a/b.png")) == 4


def test_what_was_gone_back_to_counts_as_ours_when_imported_again(place, tmp_path):
    restore_version(place.database, seen(place), 2, author="ada")
    assert place.run_import(tmp_path / "day", dataset="day").unchanged == 1
    write_labels(tmp_path / "day/a/b.png", [rectangle("car", 0, 0, 3, 3)])
    assert place.run_import(tmp_path / "day", dataset="day").conflicts == 1
    assert len(place.versions("a/b.png")) == 4


def test_what_is_not_there_is_told(place):
    with pytest.raises(NotFoundError, match="DATASET/PATH"):
        named_image(place.database, None, "day/nosuch.png")
    with pytest.raises(NotFoundError, match=r"no version 9.*1 to 3"):
        at_version(place.database, seen(place), 9)
