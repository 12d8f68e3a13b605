"""Roles: stratified, by group, sticky, the same for the same seed."""

from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from db.errors import UserError
from db.schema import Image, Role
from labeling.presence import classes_of
from labeling.roles import assign_roles, group_of
from labeling.stratify import shares, stratify
from tests.support.labelled_home import make_place
from tests.support.labelme_folder import make_folder, rectangle, write_labels, write_photo


@pytest.fixture
def place(tmp_path):
    return make_place(tmp_path / "home")


def roles_of(place):
    with place.database.read() as session:
        return dict(session.execute(select(Image.path, Role.role).join(Role)).all())


def test_a_rare_class_is_in_every_role(place, tmp_path):
    folder = make_folder(tmp_path / "campus", [f"{number:02}" for number in range(20)])
    rare = ["03", "04"]
    for name in rare:
        write_labels(folder / f"{name}.png", [rectangle("bus", 0, 0, 9, 9)])
    place.run_import(folder)
    assert assign_roles(place.database, None, "campus", val=0.2) == {"train": 16, "val": 4}
    assert {roles_of(place)[f"{name}.png"] for name in rare} == {"train", "val"}


def test_the_same_seed_gives_the_same_roles_whatever_the_order_of_import(place, tmp_path):
    names = [f"{number:02}" for number in range(12)]
    folder = make_folder(tmp_path / "one", names)
    place.run_import(folder)
    other = make_place(tmp_path / "other")
    for name in reversed(names):
        other.run_import(folder / f"{name}.json", dataset="one")
    for each in (place, other):
        assign_roles(each.database, None, "one", val=0.25, test=0.25, seed=3)
    assert roles_of(place) == roles_of(other)
    assert Counter(roles_of(place).values()) == {"train": 6, "val": 3, "test": 3}


def test_roles_are_sticky_and_count_towards_the_share(place, tmp_path):
    folder = make_folder(tmp_path / "campus", [f"{number:02}" for number in range(10)])
    place.run_import(folder)
    assign_roles(place.database, None, "campus", val=0.2)
    before = roles_of(place)
    make_folder(folder, [f"new{number}" for number in range(10)])
    place.run_import(folder)
    assert assign_roles(place.database, None, "campus", val=0.2, seed=9) == {"train": 16, "val": 4}
    assert before.items() <= roles_of(place).items()


def test_unlabelled_images_get_no_role(place, tmp_path):
    folder = make_folder(tmp_path / "campus", ["a", "b"])
    write_photo(folder / "c.png", seed=5)
    place.run_import(folder)
    assert assign_roles(place.database, None, "campus", val=0.5) == {"none": 1, "train": 1, "val": 1}


@pytest.mark.parametrize("by", ["folder", "prefix"])
def test_groups_stay_together_and_followers_follow(place, tmp_path, by):
    names = [f"{place_name}/{place_name}_{number}" for place_name in "abcde" for number in range(4)]
    folder = make_folder(tmp_path / "campus", names)
    place.run_import(folder)
    assert assign_roles(place.database, None, "campus", val=0.2, by=by) == {"train": 16, "val": 4}
    make_folder(folder, [f"{place_name}/{place_name}_9" for place_name in "abcde"])
    place.run_import(folder)
    assign_roles(place.database, None, "campus", val=0.2, by=by)
    groups = defaultdict(set)
    for path, role in roles_of(place).items():
        groups[path[0]].add(role)
    assert all(len(found) == 1 for found in groups.values())


def test_two_large_groups_still_give_a_val(place, tmp_path):
    place.run_import(make_folder(tmp_path / "campus", [f"{day}/{n}" for day in "ab" for n in range(5)]))
    assert assign_roles(place.database, None, "campus", val=0.2, by="folder") == {"train": 5, "val": 5}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"val": 1.0}, "fractions"),
        ({"val": 0.6, "test": 0.5}, "fractions"),
        ({"dataset": "nowhere"}, "Datasets: campus"),
        ({"by": "folder"}, "one group"),
    ],
)
def test_what_cannot_be_divided(place, tmp_path, change, message):
    place.run_import(make_folder(tmp_path / "campus", ["a", "b"]))
    with pytest.raises(UserError, match=message):
        assign_roles(place.database, None, **{"dataset": "campus", "val": 0.2, **change})


@pytest.mark.parametrize(
    ("path", "group"),
    [
        ("0001TP_006690.jpg", "0001TP*"),
        ("0006R0_f00930.jpg", "0006R0*"),
        ("IMG0012.jpg", "IMG*"),
        ("IMG_20240101_101112.jpg", "IMG_20240101*"),
        ("day/photo 1.jpg", "day/photo*"),
        ("0001.jpg", "*"),
        ("plain.jpg", "plain*"),
    ],
)
def test_prefixes(path, group):
    assert group_of(path, "prefix") == group


@given(st.integers(0, 500), st.integers(0, 9), st.integers(0, 9))
def test_shares_are_whole_and_exact(total, val, test):
    fractions = (1 - (val + test) / 20, val / 20, test / 20)
    counts = shares(total, fractions)
    assert sum(counts) == total
    assert all(abs(count - total * fraction) <= 2 for count, fraction in zip(counts, fractions, strict=True))
    assert all(count >= 0 for count in counts)
    if total >= 4:
        assert all(count > 0 for count, fraction in zip(counts, fractions, strict=True) if fraction > 0)


@given(st.integers(1, 60), st.integers(0, 6), st.integers(0, 2**32 - 1))
def test_every_unit_gets_a_role_and_no_role_more_than_its_room(units, classes, seed):
    presence = np.random.default_rng(seed).integers(0, 2, (units, classes))
    room = np.array(shares(units, (0.6, 0.3, 0.1)))
    wanted = np.outer((6, 3, 1), presence.sum(axis=0)) // 10
    roles = stratify(presence, np.ones(units, np.int64), wanted, room, seed)
    assert np.bincount(roles, minlength=3).tolist() == room.tolist()
    again = stratify(presence, np.ones(units, np.int64), wanted, room, seed)
    assert (roles == again).all()


def test_others_may_write_while_the_annotations_are_read_and_are_taken_into_account(place, tmp_path, monkeypatch):
    place.run_import(make_folder(tmp_path / "campus", ["a", "b", "c", "d"]))
    taken = place.image("b.png").id

    def write_meanwhile(reading, version_ids):
        with place.database.write() as session:
            if session.get(Role, taken) is None:
                session.add(Role(image_id=taken, role="test", origin="import"))
        return classes_of(reading, version_ids)

    monkeypatch.setattr("labeling.roles.classes_of", write_meanwhile)
    assert assign_roles(place.database, None, "campus", val=0.25) == {"test": 1, "train": 2, "val": 1}
    assert roles_of(place)["b.png"] == "test"


def test_a_dataset_that_never_holds_still_is_given_up(place, tmp_path, monkeypatch):
    place.run_import(make_folder(tmp_path / "campus", ["a", "b"]))
    states = iter(range(100))
    monkeypatch.setattr("labeling.roles._state", lambda *_: next(states))
    with pytest.raises(UserError, match="all the time"):
        assign_roles(place.database, None, "campus", val=0.5)
    assert roles_of(place) == {}
