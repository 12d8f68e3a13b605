"""Exported masks: names, palette, class list, and folders that are never written into."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from db.errors import UserError
from labeling.classes import list_classes
from labeling.colors import from_hex
from labeling.exporting.masks import export_masks
from labeling.map_store import load_map
from labeling.maps import write_map_png
from labeling.mask_names import mask_names
from labeling.revisions import freeze, load_manifest
from tests.support.labelled_home import make_place
from tests.support.labelme_folder import make_folder, rectangle, write_labels, write_photo


@pytest.fixture
def folder(tmp_path):
    return make_folder(tmp_path / "campus", ["day/a", "b"])


@pytest.fixture
def place(tmp_path, folder):
    place = make_place(tmp_path / "home")
    place.run_import(folder)
    return place


def export(place, to, **options):
    return export_masks(place.home, place.database, dataset="campus", to=to, **options)


def test_masks_hold_the_class_maps_in_the_classes_colors(place, tmp_path):
    report = export(place, tmp_path / "out")
    assert (report.to, report.images) == (tmp_path / "out", 2)
    assert (tmp_path / "out" / "classes.txt").read_text() == "background\nroad\ncar\n"
    revision = freeze(place.home, place.database)
    for image in load_manifest(place.store, revision.digest).images:
        mask = Image.open((tmp_path / "out" / image.path).with_suffix(".png"))
        assert mask.mode == "P"
        assert (np.asarray(mask) == load_map(place.store, image.map_sha256)).all()
        palette = np.asarray(mask.getpalette()).reshape(-1, 3)
        assert [tuple(color) for color in palette[:3]] == [from_hex(i.color) for i in list_classes(place.database)]


def test_exported_masks_come_back_the_same(place, folder, tmp_path):
    export(place, tmp_path / "out")
    other = make_place(tmp_path / "other")
    (tmp_path / "out" / "classes.txt").rename(tmp_path / "classes.txt")
    report = other.run_import(
        tmp_path / "out",
        format="masks",
        images=folder,
        masks=tmp_path / "out",
        dataset="campus",
        classes_file=tmp_path / "classes.txt",
    )
    assert (report.imported, report.classes) == (2, ("background", "road", "car"))
    assert freeze(other.home, other.database).digest == freeze(place.home, place.database).digest


def test_colliding_stems_keep_their_suffix(tmp_path):
    folder = tmp_path / "campus"
    for name in ("a.png", "a.jpg"):
        write_photo(folder / name, seed=len(name))
    write_labels(folder / "a.png", [rectangle("road", 0, 0, 9, 9)])
    (folder / "b.json").write_text((folder / "a.json").read_text().replace("a.png", "a.jpg"))
    place = make_place(tmp_path / "home")
    assert place.run_import(folder).imported == 2
    export(place, tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").glob("*.png")) == ["a.jpg.png", "a.png.png"]


@given(st.sets(st.from_regex(r"(d/)?[ab](\.png|\.jpg)(\.png)?", fullmatch=True)))
def test_every_mask_has_a_name_of_its_own(paths):
    names = mask_names(sorted(paths))
    assert len(set(names.values())) == len(paths)


def test_folders_that_are_never_written_into(place, folder, tmp_path):
    full = tmp_path / "full"
    full.mkdir()
    (full / "mine.txt").write_text("mine")
    (tmp_path / "file").write_text("")
    link = tmp_path / "link"
    link.symlink_to(folder)
    for to in (folder, folder / "new", link / "new", tmp_path, place.home.path / "x"):
        with pytest.raises(UserError, match="never writes"):
            export(place, to, overwrite=True)
    with pytest.raises(UserError, match="not empty"):
        export(place, full)
    with pytest.raises(UserError, match="is a file"):
        export(place, tmp_path / "file")
    assert sorted(path.name for path in folder.rglob("*")) == ["a.json", "a.png", "b.json", "b.png", "day"]
    export(place, full, overwrite=True)
    assert (full / "mine.txt").read_text() == "mine"


def test_nothing_labelled_is_nothing_to_export(tmp_path):
    place = make_place(tmp_path / "home")
    write_photo(tmp_path / "campus" / "a.png", seed=1)
    place.run_import(tmp_path / "campus")
    with pytest.raises(UserError, match="no labelled image"):
        export(place, tmp_path / "out")


def test_the_users_own_masks_beside_the_source_are_never_written_into(place, tmp_path):
    write_photo(tmp_path / "day" / "images" / "a.png", seed=1)
    masks = tmp_path / "day" / "masks"
    masks.mkdir()
    mask = write_map_png(np.zeros((30, 40), np.uint8))
    (masks / "a.png").write_bytes(mask)
    images = masks.with_name("images")
    place.run_import(images, "masks", images=images, masks=masks, dataset="pair")
    with pytest.raises(UserError, match="never writes"):
        export_masks(place.home, place.database, dataset="pair", to=masks, overwrite=True)
    assert (masks / "a.png").read_bytes() == mask


@pytest.mark.parametrize("photos", ["day/annotations", "day/annotations/images", "day/images"])
def test_the_photos_that_a_coco_file_led_to_are_never_written_into(place, tmp_path, photos):
    file = tmp_path / "day" / "annotations" / "instances.json"
    file.parent.mkdir(parents=True)
    folder = tmp_path / photos
    write_photo(folder / "a.png", seed=1)
    box = {"id": 1, "image_id": 1, "category_id": 1, "segmentation": [[0, 0, 9, 0, 9, 9]], "area": 40, "iscrowd": 0}
    image = {"id": 1, "file_name": "a.png", "width": 40, "height": 30}
    categories = [{"id": 1, "name": "road"}]
    file.write_text(json.dumps({"images": [image], "annotations": [box], "categories": categories}))
    place.run_import(file, "coco", dataset="day")
    for to in (folder, file.parent):
        with pytest.raises(UserError, match="never writes"):
            export_masks(place.home, place.database, dataset="day", to=to, overwrite=True)


def test_the_folders_of_linked_photos_are_never_written_into(tmp_path):
    place = make_place(tmp_path / "home")
    for name in "ab":  # the second import is all that the dataset itself remembers
        photos, masks = tmp_path / f"photos_{name}", tmp_path / f"masks_{name}"
        masks.mkdir()
        write_photo(photos / f"{name}.png", seed=ord(name))
        (masks / f"{name}.png").write_bytes(write_map_png(np.zeros((30, 40), np.uint8)))
        place.run_import(masks, "masks", images=photos, masks=masks, dataset="campus", link=True)
    for folder in ("photos_a", "photos_b", "masks_a", "masks_b"):
        with pytest.raises(UserError, match="never writes"):
            export(place, tmp_path / folder, overwrite=True)
