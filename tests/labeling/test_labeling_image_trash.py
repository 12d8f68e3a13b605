"""Images and datasets in the trash: out of sight, never brought back by an import, restorable, then gone for good."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from db.errors import NotFoundError
from db.schema import AnnotationVersion, Dataset, Image, utc_now
from labeling.datasets import list_datasets, trash_dataset
from labeling.gallery import gallery_page
from labeling.image_trash import (
    list_trashed_datasets,
    list_trashed_images,
    restore_image,
    sweep_images,
    trash_images,
    trash_images_by_id,
)
from labeling.revisions import freeze, load_manifest, photo_path
from labeling.subsets import add_to_subset, list_subsets
from tests.support.labelled_home import make_place
from tests.support.labelme_folder import make_folder

LATER = timedelta(days=31)


@pytest.fixture(params=[False, True], ids=["stored", "linked"])
def place(request, tmp_path):
    place = make_place(tmp_path / "home")
    folder = make_folder(tmp_path / "day", ["a", "b", "c"])
    place.run_import(folder, dataset="day", project="p", link=request.param)
    add_to_subset(place.database, None, "day", "wet", ["a.png", "b.png"])
    return place


def shown(place):
    return [image.path for image in gallery_page(place.database, 1).images]


def test_an_image_in_the_trash_is_left_out_until_it_is_restored(place, tmp_path):
    revision = freeze(place.home, place.database)
    trash_images(place.database, None, ["day/a.png"])
    assert shown(place) == ["b.png", "c.png"]
    (info,) = list_datasets(place.database)
    assert (info.images, info.labelled, info.subsets) == (2, 2, {"wet": 1})
    assert list_subsets(place.database, None, "day") == {"wet": 1}
    assert freeze(place.home, place.database).images == {"day": {"none": 2}}
    assert [(image.dataset, image.path) for image in list_trashed_images(place.database, None)] == [("day", "a.png")]
    # A frozen revision keeps it, and finds its photo.
    held = load_manifest(place.store, revision.digest).images[0]
    assert photo_path(place.database, place.store, held).is_file()
    # Its source does not bring it back behind one's back.
    report = place.run_import(tmp_path / "day", dataset="day")
    assert (report.unchanged, report.skipped) == (2, 1)
    assert "trash restore image day/a.png" in report.files[0].reason
    assert shown(place) == ["b.png", "c.png"]
    restore_image(place.database, None, "day/a.png")
    assert shown(place) == ["a.png", "b.png", "c.png"]
    assert list_subsets(place.database, None, "day") == {"wet": 2}
    assert freeze(place.home, place.database).digest == revision.digest


def test_all_of_them_or_none(place):
    with pytest.raises(NotFoundError, match="day/nosuch"):
        trash_images(place.database, None, ["day/a.png", "day/nosuch.png"])
    with pytest.raises(NotFoundError, match="trash holds no image"):
        restore_image(place.database, None, "day/a.png")
    assert shown(place) == ["a.png", "b.png", "c.png"]
    assert trash_images_by_id(place.database, 1, [1, 2, 2, 99]) == 2
    assert trash_images_by_id(place.database, 2, [3]) == 0
    assert shown(place) == ["c.png"]


def test_after_thirty_days_they_are_gone_but_for_links_that_a_revision_needs(place):
    freeze(place.home, place.database)
    trash_images(place.database, None, ["day/a.png"])
    assert sweep_images(place.database, place.store) == 0
    linked = place.image("b.png").linked_path is not None
    assert sweep_images(place.database, place.store, utc_now() + LATER) == (0 if linked else 1)
    with place.database.read() as session:
        kept = session.scalar(select(func.count(Image.id)), execution_options={"with_trashed": True})
        versions = session.scalar(select(func.count(AnnotationVersion.id)))
    assert kept == versions == (3 if linked else 2)
    trash_dataset(place.database, None, "day")
    assert [(found.name, found.images) for found in list_trashed_datasets(place.database, None)] == [("day", 2)]
    sweep_images(place.database, place.store, utc_now() + LATER)
    with place.database.read() as session:
        assert session.scalar(select(func.count(Dataset.id))) == (1 if linked else 0)
