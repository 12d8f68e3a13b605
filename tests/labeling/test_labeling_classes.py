"""Projects, the class table, and lists that stay quick with ten thousand images."""

import time

import pytest
from sqlalchemy import insert

from db.errors import UserError
from db.schema import AnnotationVersion, Dataset, Image, Project, Role, Subset, SubsetImage
from labeling.classes import add_class, list_classes, merge_class, recolor_class, rename_class, unmerge_class
from labeling.colors import _LIKELY, differs, from_hex, likely_color, next_color
from labeling.datasets import list_datasets
from labeling.projects import (
    create_project,
    find_project,
    list_projects,
    rename_project,
    restore_project,
    trash_project,
    use_project,
)
from labeling.subsets import list_subsets, subset_paths
from tests.support.labelled_home import make_place


@pytest.fixture
def place(tmp_path):
    return make_place(tmp_path / "home")


@pytest.fixture
def campus(place):
    with place.database.write() as session:
        create_project(session, "campus")
    return place.database


def names(database):
    return [(info.name, info.index) for info in list_classes(database)]


def test_the_first_project_is_current_until_another_is_used(place):
    with place.database.read() as session, pytest.raises(UserError, match="no current project"):
        find_project(session, None)
    with place.database.write() as session:
        create_project(session, " campus ")
        create_project(session, "voc")
        assert find_project(session, None).name == "campus"
        use_project(session, "voc")
    assert [(info.name, info.current) for info in list_projects(place.database)] == [("campus", False), ("voc", True)]
    with place.database.read() as session, pytest.raises(UserError, match="campus, voc"):
        find_project(session, "city")


def test_trash_and_restore_of_a_project(campus):
    rename_project(campus, None, "grounds")
    trash_project(campus, "grounds")
    assert list_projects(campus) == []
    assert [info.name for info in list_projects(campus, trashed=True)] == ["grounds"]
    with campus.write() as session, pytest.raises(UserError, match="trash"):
        create_project(session, "grounds")
    with campus.read() as session, pytest.raises(UserError, match="no current project"):
        find_project(session, None)
    restore_project(campus, "grounds")
    assert [(info.name, info.current) for info in list_projects(campus)] == [("grounds", False)]
    with campus.write() as session:
        assert find_project(session, None).name == "grounds"  # none is current, but there is no other
        create_project(session, "voc", may_become_current=False)
        with pytest.raises(UserError, match="Choose one of grounds, voc"):
            find_project(session, None)


@pytest.mark.parametrize("name", ["", "  ", "a/b", "a\\b", "a\nb", "x" * 201])
def test_names_that_are_none(place, name):
    with place.database.write() as session, pytest.raises(UserError, match="named by"):
        create_project(session, name)


@pytest.mark.parametrize("name", ["../../x", "=cmd()", "<b>road</b>", "道路", "🚲", "طريق", "x" * 1000])
def test_any_printable_text_is_a_class_name(campus, name):
    add_class(campus, None, name)
    assert names(campus) == [(name, 0)]


@pytest.mark.parametrize("name", ["", " ", "a\nb", "x" * 1001, "ignore", "unlabelled"])
def test_class_names_that_are_none(campus, name):
    with pytest.raises(UserError):
        add_class(campus, None, name)


def test_merging_is_reversible_and_closes_the_gap(campus):
    for name in ("road", "path", "car"):
        add_class(campus, None, name)
    ids = {info.name: info.id for info in list_classes(campus)}
    merge_class(campus, None, "path", "road")
    assert names(campus) == [("road", 0), ("car", 1), ("path", None)]
    with pytest.raises(UserError, match="merged into it"):
        merge_class(campus, None, "road", "path")
    with pytest.raises(UserError, match="itself"):
        merge_class(campus, None, "road", "road")
    unmerge_class(campus, None, "path")
    assert names(campus) == [("road", 0), ("path", 1), ("car", 2)]
    assert {info.name: info.id for info in list_classes(campus)} == ids


def test_rename_and_recolor(campus):
    add_class(campus, None, "road", "#112233")
    add_class(campus, None, "car")
    recolor_class(campus, None, "road", "AABBCC")
    rename_class(campus, None, "road", "street")
    street = list_classes(campus)[0]
    assert (street.name, street.color) == ("street", "#aabbcc")
    with pytest.raises(UserError, match="merge"):
        rename_class(campus, None, "street", "car")
    with pytest.raises(UserError, match="#rrggbb"):
        recolor_class(campus, None, "car", "red")
    with pytest.raises(UserError, match="Classes: street, car"):
        recolor_class(campus, None, "lorry", "#000000")
    with pytest.raises(UserError, match="already"):
        add_class(campus, None, "car")


def test_default_colors_are_told_apart():
    used: list[str] = []
    for _ in range(20):
        used.append(next_color(used))
    colors = [from_hex(color) for color in used]
    nearest = min(
        sum((a - b) ** 2 for a, b in zip(one, other, strict=True))
        for place, one in enumerate(colors)
        for other in colors[:place]
    )
    assert nearest > 60**2


def test_lists_are_quick_with_ten_thousand_images(campus):
    count = 10_000
    with campus.write() as session:
        project = session.query(Project).one()
        dataset = Dataset(project_id=project.id, name="big", format="labelme", source="/big", options={})
        session.add(dataset)
        session.flush()
        subset = Subset(dataset_id=dataset.id, name="all")
        session.add(subset)
        session.flush()
        image = {"dataset_id": dataset.id, "sha256": "0" * 64, "width": 4, "height": 3, "byte_size": 9}
        rows = [{**image, "id": n, "path": f"{n:05}.jpg", "head_id": n} for n in range(1, count + 1)]
        session.execute(insert(Image), rows)
        version = {"number": 1, "author": "a", "origin": "import:labelme", "content": {}}
        session.execute(insert(AnnotationVersion), [{**version, "id": n, "image_id": n} for n in range(1, count + 1)])
        session.execute(insert(Role), [{"image_id": n, "role": "train", "origin": "x"} for n in range(1, count + 1)])
        session.execute(insert(SubsetImage), [{"image_id": n, "subset_id": subset.id} for n in range(1, count + 1)])
    start = time.process_time()
    [info] = list_datasets(campus)
    assert (info.images, info.labelled, info.roles, info.subsets) == (count, count, {"train": count}, {"all": count})
    assert list_projects(campus)[0].images == count
    assert list_subsets(campus, None, "big") == {"all": count}
    assert len(subset_paths(campus, None, "big", "all")) == count
    assert time.process_time() - start < 1.0


def test_well_known_things_have_the_colours_one_expects_each_its_own():
    assert likely_color("Tree") == likely_color("vegetation") != likely_color("lawn")
    assert likely_color("Column_Pole") == likely_color("pole")
    assert likely_color("quasar") is None
    colors = list(_LIKELY)
    assert [color for i, color in enumerate(colors) if not differs(color, colors[:i])] == []


def test_a_colour_in_use_is_not_given_twice_whatever_one_expects(campus):
    add_class(campus, None, "lagoon", likely_color("sky"))
    add_class(campus, None, "sky")
    colors = {info.name: info.color for info in list_classes(campus)}
    assert differs(colors["sky"], [colors["lagoon"]])
