"""The real thing: CamVid from its folder to a revision, twice, and labelme's own sample."""

import numpy as np
from PIL import Image

from labeling.map_store import load_map
from labeling.revisions import freeze, load_manifest
from labeling.statistics import class_statistics
from tests.support.labelled_home import make_place


def test_camvid_from_folder_to_revision(tmp_path, test_data):
    source = test_data / "camvid"
    place = make_place(tmp_path / "home")
    report = place.run_import(source, format="voc")
    assert (report.imported, report.skipped) == (468, 0)
    assert report.subsets == {"dusk": 62, "train": 367, "train_day": 305, "val": 101}
    assert report.classes == tuple((source / "labels.txt").read_text().split())
    first = freeze(place.home, place.database)
    assert (first.images, first.rendered) == ({"camvid": {"train": 367, "val": 101}}, 468)
    second = freeze(place.home, place.database)
    assert (second.digest, second.rendered) == (first.digest, 0)
    images = load_manifest(place.store, first.digest).images
    for image in images[::100]:
        expected = np.asarray(Image.open((source / "SegmentationClass" / image.path).with_suffix(".png")))
        assert (load_map(place.store, image.map_sha256) == expected).all()
    assert class_statistics(place.home, place.database).pixels == 468 * 480 * 360


def test_labelmes_own_sample_comes_out_as_labelme_converts_it(tmp_path, test_data):
    source = test_data / "labelme_voc"
    place = make_place(tmp_path / "home")
    report = place.run_import(source, classes_file=source / "labels.txt")
    assert (report.imported, report.classes[0]) == (3, "_background_")
    revision = freeze(place.home, place.database)
    different = 0
    for image in load_manifest(place.store, revision.digest).images:
        expected = np.asarray(Image.open((source / "expected" / image.path).with_suffix(".png")))
        different += int((load_map(place.store, image.map_sha256) != expected).sum())
    assert different <= 1  # Pillow 12 draws one pixel of 2011_000006 otherwise than the Pillow of the sample
