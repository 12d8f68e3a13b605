from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.support.sources import ArraySource, random_image
from training.data.batches import Batches, in_order
from training.data.device import DeviceBatches, choose_placement, make_batches
from training.data.sampling import Sampler, permutation, uniforms
from training.data.spec import BatchSpec

ALL = BatchSpec(
    crop=(24, 32), scale=(0.5, 2.0), flip=0.5, brightness=0.3, contrast=0.3, saturation=0.3, hue=0.1
)  # everything at once
BALANCED = ALL.model_copy(update={"balance": 0.6})
SIZES = [(40, 60), (30, 30), (60, 25), (24, 32), (9, 70), (1, 1), (33, 47)]


@pytest.fixture(scope="module")
def source():
    return ArraySource.noise(SIZES)


def make(source, spec=ALL, *, seed=3, batch_size=4, kind=Batches, **options):
    return kind(source, range(len(source)), spec, seed=seed, batch_size=batch_size, device="cpu", **options)


def content(batch):
    return batch.pixels.numpy().tobytes(), batch.labels.numpy().tobytes(), batch.images


def one_image(photo, class_map, spec, *, step=0, seed=0):
    batch = Batches(ArraySource([(photo, class_map)]), [0], spec, seed=seed, batch_size=1).batch(step)
    return batch.pixels[0].permute(1, 2, 0).numpy(), batch.labels[0].numpy()


def test_shapes_and_layout(source):
    batch = make(source).batch(0)
    assert batch.pixels.shape == (4, 3, 24, 32)
    assert batch.labels.shape == (4, 24, 32)
    assert batch.pixels.dtype == batch.labels.dtype == torch.uint8
    assert batch.pixels.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("spec", [ALL, BALANCED], ids=["plain", "balanced"])
@pytest.mark.parametrize("kind", [Batches, DeviceBatches])
def test_a_batch_depends_on_seed_and_step_alone(source, kind, spec):
    steps = list(range(12))
    expected = [content(make(source, spec, kind=kind).batch(step)) for step in steps]
    batches = make(source, spec, kind=kind)
    assert [content(batches.batch(step)) for step in reversed(steps)] == expected[::-1]
    for threads in (1, 4):
        with ThreadPoolExecutor(threads) as executor:
            assert [content(batch) for batch in executor.map(batches.batch, steps)] == expected
    assert content(make(source, spec, seed=4, kind=kind).batch(0)) != expected[0]


@given(st.integers(1, 30), st.integers(1, 40), st.integers(-(2**70), 2**70))
@settings(max_examples=40, deadline=None)
def test_an_epoch_shows_every_image_once(count, batch_size, seed):
    sampler = Sampler(np.full((count, 2), 5), tuple(range(count)), BatchSpec(), seed, batch_size)
    seen = [sample.image for step in range(3 * count // batch_size + 1) for sample in sampler.samples(step)]
    for epoch in range(len(seen) // count):
        assert sorted(seen[epoch * count : (epoch + 1) * count]) == list(range(count))


def test_only_the_chosen_images_are_drawn(source):
    sampler = Sampler(source.sizes, (1, 4, 6), ALL, 0, 3)
    assert sorted(sample.image for sample in sampler.samples(5)) == [1, 4, 6]


def test_epochs_differ_in_order_and_draws():
    orders = {tuple(permutation(0, epoch, 50)) for epoch in range(20)}
    assert len(orders) == 20
    assert (
        len({tuple(uniforms(seed, epoch, image)) for seed in range(5) for epoch in range(5) for image in range(5)})
        == 125
    )


def test_every_bit_of_the_seed_counts():
    assert len({tuple(uniforms(2**bit, 0, 0)) for bit in range(64)}) == 64
    assert len({tuple(uniforms(2**63 + 1 + seed, 0, 0)) for seed in range(10)}) == 10


def test_the_streams_never_change():
    assert permutation(7, 1, 6).tolist() == [2, 4, 5, 3, 1, 0]
    assert uniforms(7, 1, 2)[:2] == pytest.approx([0.35173354360633224, 0.7115604898506198], abs=1e-15)


def test_draws_are_uniform():
    draws = np.array([uniforms(0, 0, image) for image in range(4000)])
    assert np.abs(draws.mean(axis=0) - 0.5).max() < 0.02
    assert draws.min() >= 0
    assert draws.max() < 1
    assert np.abs(np.corrcoef(draws.T) - np.eye(8)).max() < 0.06


@pytest.mark.parametrize("spec", [ALL, BALANCED], ids=["plain", "balanced"])
@pytest.mark.parametrize("kind", [Batches, DeviceBatches])
def test_batch_size_and_ranks_change_no_sample(source, kind, spec):
    whole = make(source, spec, batch_size=12, kind=kind).batch(0)
    thirds = [make(source, spec, batch_size=4, kind=kind).batch(step) for step in range(3)]
    ranks = [make(source, spec, batch_size=12, kind=kind, rank=rank, world=5).batch(0) for rank in range(5)]
    for parts in (thirds, ranks):
        assert torch.equal(torch.cat([part.pixels for part in parts]), whole.pixels)
        assert torch.equal(torch.cat([part.labels for part in parts]), whole.labels)
        assert sum((part.images for part in parts), ()) == whole.images


@pytest.mark.parametrize(
    "spec",
    [
        ALL,
        BALANCED,
        BatchSpec(crop=(24, 32)),
        BatchSpec(crop=(64, 50), scales=(0.25, 1.0, 3.0), flip=1.0),
        BatchSpec(scale=(0.5, 2.0), flip=0.5),
        BatchSpec(),
    ],
)
def test_the_device_makes_the_same_batches(source, spec):
    for step in range(8):
        host, device = (make(source, spec, kind=kind).batch(step) for kind in (Batches, DeviceBatches))
        assert host.images == device.images
        assert torch.equal(host.labels, device.labels)
        assert host.pixels.stride() == device.pixels.stride()
        difference = (host.pixels.int() - device.pixels.int()).abs()
        # Rounded once more on the host, before the colours change, which may then enlarge it.
        assert difference.max() <= (3 if spec.jitters else 1)
        assert difference.float().mean() < 0.5


def test_placement():
    source = ArraySource.noise([(4, 4)])
    assert choose_placement(source, [0], "cpu") == "host"
    placed = partial(make_batches, source, [0], ALL, seed=0, batch_size=1, device="cpu")
    assert isinstance(placed(placement="host"), Batches)
    assert isinstance(placed(placement="device"), DeviceBatches)


def test_without_a_spec_images_come_as_they_are(source):
    photo, class_map = random_image(13, 17)
    pixels, labels = one_image(photo, class_map, BatchSpec())
    assert np.array_equal(pixels, photo)
    assert np.array_equal(labels, class_map)


@pytest.mark.parametrize("seed", range(5))
def test_a_crop_at_scale_one_is_a_piece_of_the_image(seed):
    class_map = np.arange(10 * 20).astype(np.uint8).reshape(10, 20)
    photo = np.repeat(class_map[..., None], 3, axis=2)
    pixels, labels = one_image(photo, class_map, BatchSpec(crop=(4, 6)), seed=seed)
    top, left = divmod(int(labels[0, 0]), 20)
    assert np.array_equal(labels, class_map[top : top + 4, left : left + 6])
    assert np.array_equal(pixels[..., 0], labels)


@pytest.mark.parametrize("size", [(1, 1), (3, 50), (50, 3), (5, 5)])
def test_outside_the_image_there_is_padding_and_ignore(size):
    photo, class_map = random_image(*size)
    spec = BatchSpec(crop=(9, 11), padding=(1, 2, 3))
    for step in range(5):
        pixels, labels = one_image(photo, class_map, spec, step=step)
        outside = labels == 255
        assert outside.sum() == 9 * 11 - min(size[0], 9) * min(size[1], 11)
        assert (pixels[outside] == (1, 2, 3)).all()


def test_the_image_lies_anywhere_in_a_larger_crop():
    photo, class_map = random_image(2, 2)
    corners = {
        tuple(np.argwhere(one_image(photo, class_map, BatchSpec(crop=(4, 4)), step=step)[1] < 255)[0])
        for step in range(200)
    }
    assert corners == {(y, x) for y in range(3) for x in range(3)}


@pytest.mark.parametrize("crop", [None, (8, 12)])
def test_flips_mirror_photo_and_labels(crop):
    photo, class_map = random_image(8, 12)
    pixels, labels = one_image(photo, class_map, BatchSpec(crop=crop, flip=1.0))
    assert np.array_equal(pixels, photo[:, ::-1])
    assert np.array_equal(labels, class_map[:, ::-1])


def test_flips_come_as_often_as_asked():
    sampler = Sampler(np.full((400, 2), 5), tuple(range(400)), BatchSpec(flip=0.25), 0, 400)
    assert 60 < sum(sample.flip for sample in sampler.samples(0)) < 140


@given(st.integers(1, 40), st.integers(1, 40), st.floats(0.1, 4), st.integers(0, 1000))
@settings(max_examples=60, deadline=None)
def test_no_class_is_invented(height, width, scale, step):
    photo, class_map = random_image(height, width, classes=250, seed=step)
    _, labels = one_image(photo, class_map, BatchSpec(crop=(20, 24), scales=(scale,), flip=0.5), step=step)
    assert set(np.unique(labels)) <= {*np.unique(class_map).tolist(), 255}


@pytest.mark.parametrize("kind", [Batches, DeviceBatches])
@pytest.mark.parametrize("scale", [0.5, 0.73, 1.0, 1.37, 2.0])
def test_photo_and_labels_stay_aligned(kind, scale):
    photo, class_map = np.zeros((60, 80, 3), np.uint8), np.zeros((60, 80), np.uint8)
    photo[20:44, 24:56] = 255
    class_map[20:44, 24:56] = 1
    spec = BatchSpec(scales=(scale,), flip=0.5)
    for step in range(4):
        batch = kind(ArraySource([(photo, class_map)]), [0], spec, seed=0, batch_size=1, device="cpu").batch(step)
        bright, marked = batch.pixels[0, 0].numpy() / 255, batch.labels[0].numpy()
        for axis in (0, 1):
            profiles = bright.max(axis=axis), marked.max(axis=axis)
            middles = [np.average(np.arange(len(profile)), weights=profile) for profile in profiles]
            assert abs(middles[0] - middles[1]) <= 0.5
            assert abs(profiles[0].sum() - profiles[1].sum()) <= 1


def test_scales_are_drawn_from_their_range():
    sampler = Sampler(np.full((2000, 2), 1000), tuple(range(2000)), BatchSpec(scale=(0.5, 2.0)), 0, 2000)
    factors = np.array([sample.rows.size for sample in sampler.samples(0)]) / 1000
    assert factors.min() == pytest.approx(0.5, abs=0.01)
    assert factors.max() == pytest.approx(2.0, abs=0.01)
    assert (factors < 1).mean() == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("strength", ["brightness", "contrast", "saturation", "hue"])
def test_colours_change_but_labels_and_padding_do_not(strength):
    photo, class_map = random_image(10, 10)
    plain, labels = one_image(photo, class_map, BatchSpec(crop=(14, 10)))
    changed, same_labels = one_image(photo, class_map, BatchSpec(crop=(14, 10), **{strength: 0.5}))
    assert np.array_equal(labels, same_labels)
    assert np.array_equal(plain[labels == 255], changed[labels == 255])
    assert not np.array_equal(plain, changed)


def test_saturation_and_hue_leave_grey_alone():
    photo = np.repeat(np.arange(0, 240, 2).astype(np.uint8).reshape(10, 12, 1), 3, axis=2)
    for step in range(5):
        pixels, _ = one_image(photo, photo[..., 0], BatchSpec(saturation=0.9, hue=0.5), step=step)
        assert np.abs(pixels.astype(int) - photo).max() <= 1


def test_contrast_keeps_the_mean_grey():
    photo = np.full((8, 8, 3), 100, np.uint8)
    photo[:4] = 140
    for step in range(5):
        pixels, _ = one_image(photo, photo[..., 0], BatchSpec(contrast=0.8), step=step)
        assert pixels.mean() == pytest.approx(120, abs=1)


def test_whole_images_are_padded_to_the_largest(source):
    batches = list(in_order(source, [5, 0, 2], batch_size=2))
    assert [batch.images for batch in batches] == [(5, 0), (2,)]
    assert batches[0].pixels.shape == (2, 3, 40, 60)
    assert np.array_equal(batches[0].labels[1], source.class_map(0))
    assert batches[0].labels[0, 0, 0] == source.class_map(5)[0, 0]
    assert (batches[0].labels[0] != 255).sum() == 1


@pytest.mark.parametrize(
    "wrong", [{"scale": (2.0, 1.0)}, {"scales": (0.0,)}, {"flip": 2}, {"crop": (0, 4)}, {"hue": 0.6}, {"mystery": 1}]
)
def test_a_spec_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValidationError):
        BatchSpec(**wrong)


def rare(count=8, *, size=(40, 50)):
    """Images of class 0; of the first a single pixel is of class 1, in the second a corner is of class 2."""
    maps = [np.zeros(size, np.uint8) for _ in range(count)]
    maps[0][23, 31] = 1
    maps[1][:3, -2:] = 2
    return ArraySource([(np.zeros((*size, 3), np.uint8), class_map) for class_map in maps])


@pytest.mark.parametrize("crop", [(12, 12), (12, 80), (60, 70)])
def test_balanced_crops_show_every_class_equally_often(crop):
    spec = BatchSpec(crop=crop, scale=(1.0, 2.0), flip=0.5, balance=1.0)
    samples = [make(rare(), spec, batch_size=100).batch(step) for step in range(10)]
    shown = [set(np.unique(labels)) - {255} for batch in samples for labels in batch.labels.numpy()]
    for label in (1, 2):
        # Every sample that was drawn for the class shows it; the others, of the same image, may do so too.
        assert sum(label in each for each in shown) >= 1000 / 3 - 4 * (1000 * 2 / 9) ** 0.5
    images = [image for batch in samples for image in batch.images]
    assert images.count(0) / 1000 == pytest.approx((1 + 1 / 8) / 3, abs=0.06)


def test_a_balanced_share_is_of_the_turns_and_leaves_the_others_as_they_are(source):
    plain, balanced = (make(source, spec, batch_size=200).batch(0) for spec in (ALL, BALANCED))
    same = [torch.equal(a, b) for a, b in zip(plain.pixels, balanced.pixels, strict=True)]
    assert 0.4 - 0.12 < sum(same) / len(same) < 0.4 + 0.12


def test_without_balance_nobody_looks_for_classes(source, monkeypatch):
    monkeypatch.setattr(ArraySource, "label_counts", None)
    make(source).batch(0)
    with pytest.raises(TypeError):
        make(source, BALANCED)


def test_balance_where_there_is_no_class_or_no_crop(source):
    nothing = ArraySource([(np.zeros((8, 8, 3), np.uint8), np.full((8, 8), 255, np.uint8))])
    assert make(nothing, BALANCED).batch(0).images == (0,) * 4
    whole = make(rare(), BatchSpec(balance=1.0), batch_size=60).batch(0)
    assert whole.labels.shape == (60, 40, 50)
    assert whole.images.count(0) > 10


def test_nothing_to_draw_from_is_refused(source):
    with pytest.raises(ValueError, match="no image"):
        Batches(source, [], ALL, seed=0, batch_size=1)
    with pytest.raises(ValueError, match="rank 2 of 3"):
        Batches(source, [0], ALL, seed=0, batch_size=2, rank=2, world=3)
