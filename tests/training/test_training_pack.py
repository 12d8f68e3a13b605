import os
import signal
import subprocess
import sys
import tracemalloc
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from db.errors import UserError
from tests.support.sources import random_image, write_image, write_images
from training.data.pack import Pack, PackSource, PhotoSource, build_pack, check_labels, open_or_build
from training.data.resample import resize_class_map, resize_photo
from training.data.sizes import Resize

SIZES = [(40, 60), (60, 40), (1, 1), (7, 200)]


@pytest.fixture
def images(tmp_path):
    return write_images(tmp_path / "images", SIZES)


@pytest.fixture
def packs(tmp_path):
    return tmp_path / "packs"


def folders(packs):
    return [path for path in packs.iterdir() if path.is_dir()]


def test_a_pack_holds_what_the_files_hold(images, packs):
    pack = open_or_build(images, packs)
    assert isinstance(pack, Pack)
    assert len(pack) == len(SIZES)
    assert pack.sizes.tolist() == [list(size) for size in SIZES]
    for i, size in enumerate(SIZES):
        photo, class_map = random_image(*size, seed=i)
        assert np.array_equal(pack.image(i), photo)
        assert np.array_equal(pack.class_map(i), class_map)
        assert np.array_equal(pack.label_counts(i), np.bincount(class_map.ravel(), minlength=256))
        assert not pack.image(i).flags.writeable


@pytest.mark.parametrize("mode", ["always", "never"])
def test_images_are_resized_the_same_with_and_without_a_pack(images, packs, mode):
    source = open_or_build(images, packs, long_side=50, resize=Resize.parse("30x45"), mode=mode)
    assert isinstance(source, Pack if mode == "always" else PhotoSource)
    assert source.sizes.tolist() == [[30, 45]] * len(SIZES)
    for i, size in enumerate(SIZES):
        photo, class_map = random_image(*size, seed=i)
        assert np.array_equal(source.image(i), resize_photo(photo, (30, 45)))
        assert np.array_equal(source.class_map(i), resize_class_map(class_map, (30, 45)))
        assert source.label_counts(i).sum() == 30 * 45


def test_the_long_side_is_limited(images, packs):
    assert open_or_build(images, packs, long_side=30).sizes.tolist() == [[20, 30], [30, 20], [1, 1], [1, 30]]


def test_a_pack_is_used_again_and_other_sizes_make_another(images, packs):
    open_or_build(images, packs)
    seen = []
    open_or_build(images, packs, progress=lambda done, total, what: seen.append(what))
    assert not seen
    open_or_build(images, packs, long_side=20)
    open_or_build(images[::-1], packs)
    assert len(folders(packs)) == 3


def test_progress_counts_every_image(images, packs):
    calls = []
    open_or_build(images, packs, progress=lambda done, total, what: calls.append((done, total)))
    assert calls[-1] == (len(images), len(images))


@pytest.mark.parametrize("file", ["photos.u8", "maps.u8", "index.json"])
@pytest.mark.parametrize("damage", ["cut", "gone"])
def test_a_damaged_pack_is_built_again(images, packs, file, damage):
    open_or_build(images, packs)
    path = folders(packs)[0] / file
    if damage == "cut":
        os.truncate(path, path.stat().st_size - 1)
    else:
        path.unlink()
    pack = open_or_build(images, packs)
    assert np.array_equal(pack.image(3), random_image(*SIZES[3], seed=3)[0])


KILLED = """
import os, signal, sys
from pathlib import Path
from tests.support.sources import write_images
from training.data.pack import open_or_build
def progress(done, total, what):
    if what == "photos packed" and done == 2:
        os.kill(os.getpid(), signal.SIGKILL)
images = write_images(Path(sys.argv[1]), [(40, 60), (60, 40), (1, 1), (7, 200)])
open_or_build(images, Path(sys.argv[2]), progress=progress)
"""


@pytest.mark.parametrize("long_side", [1024, 20])
def test_a_killed_build_leaves_no_half_pack(images, packs, tmp_path, request, long_side):
    command = [sys.executable, "-c", KILLED, str(tmp_path / "images"), str(packs)]
    killed = subprocess.run(command, cwd=request.config.rootpath, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert [folder.name.rpartition(".")[2] for folder in folders(packs)] == ["unfinished"]
    pack = open_or_build(images, packs, long_side=long_side)
    assert isinstance(pack, Pack)
    assert folders(packs) == [pack.directory]
    expected = random_image(*SIZES[1], seed=1)[1]
    assert np.array_equal(pack.class_map(1), resize_class_map(expected, tuple(pack.sizes[1])))


def test_a_cancelled_build_leaves_nothing(images, packs):
    def cancel(done, total, what):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_pack(images, packs / "one", long_side=1024, resize=Resize(), progress=cancel)
    assert not packs.exists() or not folders(packs)


def test_of_runs_that_start_together_one_builds(images, packs):
    packed = []
    with ThreadPoolExecutor(3) as runs:
        opened = [
            runs.submit(open_or_build, images, packs, progress=lambda done, total, what: packed.append(what))
            for _ in range(3)
        ]
        assert all(isinstance(run.result(), Pack) for run in opened)
    assert len(folders(packs)) == 1
    assert packed.count("photos packed") == len(images)


def test_without_the_room_photos_are_decoded_each_time_and_it_says_so(images, packs, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage(10**6, 0, 4 * 6201 * 5 - 1))
    source = open_or_build(images, packs)
    assert isinstance(source, PhotoSource)
    assert "20%" in source.describe()
    assert not folders(packs)
    assert np.array_equal(source.image(0), random_image(*SIZES[0])[0])
    assert isinstance(open_or_build(images, packs, mode="always"), Pack)


def test_a_full_disk_is_told_plainly(images, packs, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(UserError, match="disk is full"):
        open_or_build(images, packs)
    assert not folders(packs)


@pytest.mark.parametrize("mode", ["always", "never"])
def test_labels_that_are_no_class_name_image_and_value(tmp_path, packs, mode):
    photo, class_map = random_image(10, 10, classes=5)
    class_map[:2] = 255
    good = write_image(tmp_path, "good", photo, class_map)
    class_map = class_map.copy()
    class_map[5, 5] = 9
    source = open_or_build([good, write_image(tmp_path, "bad", photo, class_map)], packs, mode=mode)
    check_labels(source, 10)
    check_labels(source, 5, [0])
    with pytest.raises(UserError, match=r"campus/bad\.png holds the value 9 in 1 pixels, expected 0\.\.4"):
        check_labels(source, 5)


def test_bad_files_are_named(images, packs, tmp_path):
    with pytest.raises(UserError, match="no image"):
        open_or_build([], packs)
    with pytest.raises(UserError, match=r"class map of .*gone\.png"):
        open_or_build([PackSource(images[0].photo, tmp_path / "gone.png", "k", "gone.png")], packs)
    with pytest.raises(UserError, match=r"photo of gone\.png"):
        open_or_build([PackSource(tmp_path / "gone.png", images[0].class_map, "k", "gone.png")], packs)
    with pytest.raises(UserError, match=r"photo of mixed is 40x60 pixels, expected its class map's 60x40"):
        open_or_build([PackSource(images[1].photo, images[0].class_map, "k", "mixed")], packs)
    assert not folders(packs)


def test_memory_is_flat_however_many_images(tmp_path):
    images = write_images(tmp_path / "images", [(128, 128)])

    def peak(count):
        tracemalloc.start()
        build_pack(images * count, tmp_path / f"{count}", long_side=1024, resize=Resize())
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return highest

    peak(4)
    assert peak(200) < peak(20) + 500_000  # 180 more images are 12 MB of pixels; their rows of the index remain
