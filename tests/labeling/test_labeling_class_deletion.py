"""Classes that nothing uses are deleted, all others are not."""

import pytest

from db.errors import NotFoundError, UserError
from labeling.class_deletion import delete_classes, unused_classes
from labeling.classes import add_class, list_classes, merge_class, unmerge_class
from tests.support.labelled_home import make_place
from tests.support.labelme_folder import make_folder, rectangle, write_labels


@pytest.fixture
def place(tmp_path):
    """Images that show `road` and `car`; `background` is what the rest of them becomes; nothing uses the others."""
    place = make_place(tmp_path / "home")
    place.run_import(make_folder(tmp_path / "day", ["a", "b"]), project="campus")
    for name in ("bus", "tram"):
        add_class(place.database, "campus", name)
    return place


def names(place):
    return [(info.name, info.index) for info in list_classes(place.database)]


def test_what_nothing_uses_goes_and_the_gap_closes(place):
    assert unused_classes(place.database, None) == ["bus", "tram"]
    delete_classes(place.database, None, ["bus"])
    assert names(place) == [("background", 0), ("road", 1), ("car", 2), ("tram", 3)]
    add_class(place.database, None, "bus")
    assert names(place)[-1] == ("bus", 4)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("car", "the labels of an image show it"),
        ("background", "pixels without a label become it in the dataset 'day'"),
        ("tram", "'bus' is merged into it"),
    ],
)
def test_what_something_uses_stays_and_it_is_said_why(place, name, why):
    merge_class(place.database, None, "bus", "tram")
    with pytest.raises(UserError, match=why):
        delete_classes(place.database, None, [name])
    assert name in dict(names(place))
    unmerge_class(place.database, None, "bus")
    assert unused_classes(place.database, None) == ["bus", "tram"]


def test_an_earlier_version_of_labels_can_be_shown_again_so_its_classes_stay(place, tmp_path):
    write_labels(tmp_path / "day" / "b.png", [rectangle("road", 0, 20, 39, 29)])
    place.run_import(tmp_path / "day", project="campus")
    assert len(place.versions("b.png")) == 2
    assert unused_classes(place.database, None) == ["bus", "tram"]


@pytest.mark.parametrize("wrong", ["car", "gone"])
def test_of_several_all_go_or_none(place, wrong):
    with pytest.raises(NotFoundError if wrong == "gone" else UserError):
        delete_classes(place.database, None, ["bus", wrong])
    assert unused_classes(place.database, None) == ["bus", "tram"]
