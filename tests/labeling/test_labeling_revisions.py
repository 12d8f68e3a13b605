"""Freezing: the id is the data, only what changed is rendered, and everything that decides it is in it."""

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest

from db.errors import UserError
from labeling import rendering
from labeling.classes import add_class, list_classes, merge_class, recolor_class, unmerge_class
from labeling.datasets import trash_dataset
from labeling.linked import photo_path
from labeling.map_store import load_map
from labeling.maps import write_map_png
from labeling.projects import rename_project
from labeling.revisions import difference, find_revision, freeze, list_revisions, load_manifest
from labeling.roles import assign_roles
from labeling.statistics import class_statistics
from tests.support.labelled_home import make_place
from tests.support.labelme_folder import make_folder, rectangle, write_labels, write_photo

NAMES = [f"{number:02}" for number in range(6)]


@pytest.fixture
def folder(tmp_path):
    return make_folder(tmp_path / "campus", NAMES)


@pytest.fixture
def place(tmp_path, folder):
    place = make_place(tmp_path / "home")
    place.run_import(folder)
    return place


def frozen(place, **options):
    return freeze(place.home, place.database, **options)


def manifest(place, revision):
    return load_manifest(place.store, revision.digest)


def class_map(place, revision, path):
    [image] = [image for image in manifest(place, revision).images if image.path == path]
    return load_map(place.store, image.map_sha256)


def test_unchanged_data_give_the_same_id_and_render_nothing(place):
    first = frozen(place)
    assert (first.rendered, first.images) == (6, {"campus": {"none": 6}})
    second = frozen(place)
    assert (second.digest, second.rendered) == (first.digest, 0)
    assert len(list_revisions(place.database)) == 1


def test_the_id_is_the_hash_of_the_manifest_and_a_map_is_named_by_its_pixels(place):
    revision = frozen(place)
    data = place.store.read(revision.digest)
    assert hashlib.sha256(data).hexdigest() == revision.digest
    for image in manifest(place, revision).images:
        pixels = load_map(place.store, image.map_sha256)
        assert hashlib.sha256(b"30x40\n" + pixels.tobytes()).hexdigest() == image.map_sha256
        assert photo_path(place.database, place.store, image) == place.store.path(image.image_sha256)


def test_another_home_gives_the_same_id(place, folder, tmp_path):
    other = make_place(tmp_path / "other")
    for name in reversed(NAMES):  # other row ids, other times, another order; the classes come in the same order
        other.run_import(folder / f"{name}.json", dataset="campus", classes_file=_labels(tmp_path))
    again = make_place(tmp_path / "third")
    again.run_import(folder, classes_file=_labels(tmp_path))
    assert frozen(other).digest == frozen(again).digest


def _labels(tmp_path):
    path = tmp_path / "labels.txt"
    path.write_text("_background_\nroad\ncar\n")
    return path


def test_pixels_are_what_was_drawn(place):
    pixels = class_map(place, frozen(place), "01.png")
    background, road, car = range(3)
    assert (pixels[0, 0], pixels[29, 39], pixels[19, 8]) == (background, road, car)
    assert set(np.unique(pixels)) == {background, road, car}


def test_ten_edits_render_ten(place, folder):
    first = frozen(place)
    write_labels(folder / "02.png", [rectangle("car", 0, 0, 9, 9)])
    place.run_import(folder)
    second = frozen(place)
    assert second.rendered == 1
    changed = difference(manifest(place, first), manifest(place, second))
    assert (changed.added, changed.removed, changed.relabelled, changed.photo_changed) == (0, 0, 1, 0)


def test_a_new_class_elsewhere_renders_nothing_again(place):
    first = frozen(place)
    add_class(place.database, None, "tree")
    second = frozen(place)
    assert second.rendered == 0
    assert second.digest != first.digest  # the class list is part of it
    assert difference(manifest(place, first), manifest(place, second)).classes_added == ("tree",)


def test_merged_classes_are_resolved_and_unmerging_gives_the_first_id_again(place):
    first = frozen(place)
    merge_class(place.database, None, "car", "road")
    merged = frozen(place)
    assert merged.classes == ("background", "road")
    assert set(np.unique(class_map(place, merged, "01.png"))) == {0, 1}
    assert merged.provenance["merged"] == {"car": "road"}
    unmerge_class(place.database, None, "car")
    assert (frozen(place).digest, frozen(place).rendered) == (first.digest, 0)
    assert find_revision(place.database).digest == first.digest


def test_colors_and_names_of_projects_are_not_part_of_the_id(place):
    first = frozen(place)
    recolor_class(place.database, None, "car", "#123456")
    rename_project(place.database, None, "grounds")
    assert frozen(place).digest == first.digest


def test_options_decide_the_maps(place, folder):
    first = frozen(place)
    place.run_import(folder, unlabelled="ignore")
    second = frozen(place)
    assert second.rendered == 6
    assert class_map(place, second, "01.png")[0, 0] == 255
    assert second.provenance["datasets"]["campus"]["unlabelled"] == "ignore"
    assert second.digest != first.digest


def test_roles_and_subsets_are_part_of_it(place, folder):
    first = frozen(place)
    assign_roles(place.database, None, "campus", val=0.34)
    second = frozen(place)
    assert second.images == {"campus": {"train": 4, "val": 2}}
    place.run_import(folder, lists=("b", "a"))
    third = frozen(place)
    assert len({first.digest, second.digest, third.digest}) == 3
    assert manifest(place, third).images[0].subsets == ("a", "b")


def test_unlabelled_images_are_left_out_and_counted(place, folder):
    write_photo(folder / "new.png", seed=70)
    place.run_import(folder)
    revision = frozen(place)
    assert (revision.unlabelled, revision.images) == (1, {"campus": {"none": 6}})


def test_a_draw_depends_on_its_seed_only(place):
    drawn = [frozen(place, take=3, seed=seed) for seed in (0, 0, 1)]
    assert drawn[0].digest == drawn[1].digest != drawn[2].digest
    assert drawn[0].images == {"campus": {"none": 3}}
    with pytest.raises(UserError, match="6 labelled"):
        frozen(place, take=7)


def test_datasets_are_chosen_and_the_trash_is_left_out(place, tmp_path):
    place.run_import(make_folder(tmp_path / "dusk", ["x", "y"]))
    assert frozen(place).images == {"campus": {"none": 6}, "dusk": {"none": 2}}
    assert frozen(place, datasets=["dusk"]).images == {"dusk": {"none": 2}}
    trash_dataset(place.database, None, "dusk")
    assert frozen(place).images == {"campus": {"none": 6}}
    with pytest.raises(UserError, match="trash"):
        frozen(place, datasets=["dusk"])


def test_finding_by_the_first_digits(place):
    revision = frozen(place)
    other = frozen(place, take=2)
    assert find_revision(place.database).digest == other.digest
    assert find_revision(place.database, None, revision.digest[:10].upper()).digest == revision.digest
    with pytest.raises(UserError, match="No revision begins"):
        find_revision(place.database, None, "xyz")


def test_without_labels_there_is_nothing_to_freeze(tmp_path):
    place = make_place(tmp_path / "bare")
    write_photo(tmp_path / "photos" / "a.png", seed=1)
    place.run_import(tmp_path / "photos")
    with pytest.raises(UserError, match="no labelled image"):
        frozen(place)
    with pytest.raises(UserError, match="no revision yet"):
        find_revision(place.database)


def test_a_map_lost_from_the_store_is_rendered_again(place):
    first = frozen(place)
    place.store.path(manifest(place, first).images[0].map_sha256).unlink()
    second = frozen(place)
    assert second.digest == first.digest
    assert second.rendered >= 1


def test_an_interrupted_freeze_keeps_what_it_rendered(place, folder, monkeypatch):
    monkeypatch.setattr(rendering, "_BATCH", 2)

    def stop(done, total, what):
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        frozen(place, progress=stop)
    assert 0 < frozen(place).rendered <= 4


def test_statistics_count_images_pixels_and_shares(place, folder):
    write_photo(folder / "new.png", seed=70, size=(20, 10))
    place.run_import(folder)
    found = class_statistics(place.home, place.database)
    assert (found.images, found.labelled, found.pixels, found.ignored_pixels) == (7, 6, 6 * 40 * 30, 0)
    assert [(row.name, row.images) for row in found.classes] == [("background", 6), ("road", 6), ("car", 3)]
    assert sum(row.pixels for row in found.classes) == found.pixels
    assert sum(row.share or 0 for row in found.classes) == pytest.approx(1)
    assert found.sizes == ((40, 30, 6), (20, 10, 1))


def test_the_source_may_disappear_after_the_import(place, folder):
    shutil.rmtree(folder)
    revision = frozen(place)
    assert all(photo_path(place.database, place.store, image).is_file() for image in manifest(place, revision).images)
    assert [info.name for info in list_classes(place.database)] == list(revision.classes)


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: (path.chmod(0o600), path.write_bytes(b"no map"))])
def test_a_lost_base_map_is_an_error_that_names_the_image(tmp_path, damage):
    images, masks = tmp_path / "images", tmp_path / "masks"
    masks.mkdir()
    for number, name in enumerate("ab"):
        write_photo(images / f"{name}.png", seed=number)
        (masks / f"{name}.png").write_bytes(write_map_png(np.full((30, 40), number, np.uint8)))
    place = make_place(tmp_path / "home")
    place.run_import(images, "masks", images=images, masks=masks, dataset="pair")
    base = place.annotation("b.png").base
    assert base is not None
    damage(place.store.path(base.sha256))
    with pytest.raises(UserError, match=r"b\.png in the dataset 'pair'"):
        frozen(place)
    place.store.path(base.sha256).unlink(missing_ok=True)
    place.run_import(images, "masks", dataset="pair")
    assert frozen(place).images == {"pair": {"none": 2}}
