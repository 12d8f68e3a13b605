"""Mappings: applied to counts, checked against both class lists, read from files, kept in the database."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from db.errors import UserError
from tests.support.scenes import Workspace, workspace
from training.evaluation.mapping import (
    apply,
    list_mappings,
    load_mapping,
    read_mapping_file,
    rows_by_name,
    save_mapping,
    targets,
)
from training.evaluation.mapping_advice import Lying, suggested_rows


@pytest.fixture
def place(tmp_path: Path) -> Workspace:
    return workspace(tmp_path / "home", ["sky"])


def test_default_is_the_exact_name() -> None:
    assert rows_by_name(["sky", "Road", "car "], ["car", "road", "sky"]) == (
        ("sky", "sky"),
        ("Road", None),
        ("car ", None),
    )


def test_many_go_to_one_and_the_rest_to_other() -> None:
    rows = [("bus", "vehicle"), ("car", "vehicle"), ("dog", None)]
    columns = targets(rows, ["bus", "cat", "car", "dog"], ["sky", "vehicle"])
    assert columns.tolist() == [1, 2, 1, 2]
    counts = np.array([[1, 2, 3, 4], [10, 20, 30, 40]])
    assert apply(counts, columns).tolist() == [[0, 4, 6], [0, 40, 60]]


def test_a_class_may_count_as_what_it_mostly_lies_on_unless_its_name_is_there() -> None:
    classes = [
        Lying("sky", 10, "wall", 0.9),
        Lying("house", 8, "wall", 0.5),
        Lying("boat", 8, "road", 0.4999),
        Lying("sofa", 0),
    ]
    rows = [("sky", "sky"), ("house", "wall"), ("boat", None), ("sofa", None)]
    assert suggested_rows(classes, ["sky", "wall", "road"]) == rows
    assert suggested_rows(classes, ["wall", "road"], least=0.4)[::2] == [("sky", "wall"), ("boat", "road")]


@given(st.integers(1, 6), st.integers(1, 8), st.data())
def test_applying_a_mapping_moves_counts_and_loses_none(k_truth: int, k_model: int, data: st.DataObject) -> None:
    counts = data.draw(npst.arrays(np.int64, (k_truth, k_model), elements=st.integers(0, 2**40)))
    columns = np.array(data.draw(st.lists(st.integers(0, k_truth), min_size=k_model, max_size=k_model)), np.intp)
    mapped = apply(counts, columns)
    expected = np.zeros((k_truth, k_truth + 1), np.int64)
    for truth in range(k_truth):
        for model in range(k_model):
            expected[truth, columns[model]] += counts[truth, model]
    np.testing.assert_array_equal(mapped, expected)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("dog", "sky")], "'dog', which the model does not predict"),
        ([("car", "dog")], "leads to 'dog', which the dataset does not have"),
        ([("car", "sky"), ("car", None)], "two rows for the model class 'car'"),
    ],
)
def test_rows_that_do_not_fit_are_named(rows: list[tuple[str, str | None]], message: str) -> None:
    with pytest.raises(UserError, match=message):
        targets(rows, ["car"], ["sky"])


def test_files_are_read_as_text_whatever_yaml_makes_of_it(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    path.write_text("no: yes\n3: 4.0\nbus: vehicle\ndog:\ncat: null\n'null': \"null\"\n", encoding="utf-8")
    assert read_mapping_file(path) == (
        ("no", "yes"),
        ("3", "4.0"),
        ("bus", "vehicle"),
        ("dog", None),
        ("cat", None),
        ("null", "null"),
    )


@pytest.mark.parametrize("text", ["- a\n- b\n", "a: [b]\n", "a: b\na: c\n", "a: b: c\n", "\x00", "", "? [x]\n: y\n"])
def test_files_that_are_no_mapping_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "m.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError):
        read_mapping_file(path)
    with pytest.raises(UserError, match=r"nowhere\.yaml"):
        read_mapping_file(tmp_path / "nowhere.yaml")


def test_saved_mappings_are_replaced_by_name(place: Workspace) -> None:
    save_mapping(place.database, "p", "b", [("car", None)])
    first = save_mapping(place.database, "p", " a ", [("car", "sky")])
    second = save_mapping(place.database, "p", "a", [("car", None), ("bus", "sky")])
    assert first.id == second.id
    assert load_mapping(place.database, "p", "a") == second
    assert [mapping.name for mapping in list_mappings(place.database, "p")] == ["a", "b"]
    assert second.to_json() == {"mapping": "a", "rows": [["car", None], ["bus", "sky"]]}


def test_what_cannot_be_saved_or_found_says_why(place: Workspace) -> None:
    with pytest.raises(UserError, match="has no rows"):
        save_mapping(place.database, "p", "a", [])
    with pytest.raises(UserError, match="two rows"):
        save_mapping(place.database, "p", "a", [("car", None), ("car", "sky")])
    with pytest.raises(UserError, match="classes of the same name"):
        save_mapping(place.database, "p", " by-name ", [("car", None)])
    save_mapping(place.database, "p", "known", [("car", None)])
    with pytest.raises(UserError, match="there are: 'known'"):
        load_mapping(place.database, "p", "unknown")
