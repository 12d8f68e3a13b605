"""A video through a network: time, sound, sides and frames as they were, and the same after a kill."""

from __future__ import annotations

from fractions import Fraction
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from db.errors import UserError
from labeling.maps import read_map_png
from tests.support.processes import FORKED
from tests.support.videos import COLORS, picture, write_video
from tests.support.videos_killed import SEGMENT, colors_named, peaks, predict, predict_and_die, predict_joining_dies
from training.prediction.drawing import Look
from training.prediction.inference import predict_pixels
from training.prediction.refinement import Refinement
from training.prediction.upsampling import Rows
from training.prediction.video.smoothing import Smoothing
from training.prediction.video.work import work_path

OPAQUE = Look(opacity=1)


def shown(path: Path) -> tuple[list[NDArray[np.uint8]], list[float]]:
    """Return a video's frames, RGB and upright, and when each is shown, in ms: as OpenCV reads it."""
    frames: list[NDArray[np.uint8]] = []
    moments: list[float] = []
    capture = cv2.VideoCapture(str(path))
    while True:
        found, frame = capture.read()
        if not found:
            return frames, moments
        frames.append(np.asarray(frame[..., ::-1], np.uint8))
        moments.append(capture.get(cv2.CAP_PROP_POS_MSEC))


def written(path: Path | None) -> Path:
    assert path is not None
    return path


def stamps(path: Path) -> list[Fraction]:
    with av.open(path) as container:
        return [(frame.pts or 0) * (frame.time_base or Fraction(1)) for frame in container.decode(video=0)]


def sound(path: Path) -> list[tuple[bytes, Fraction]]:
    with av.open(path) as container:
        packets = container.demux(audio=0)
        return [(bytes(packet), packet.pts * packet.time_base) for packet in packets if packet.pts is not None]


def named(pixels: NDArray[np.uint8]) -> NDArray[np.intp]:
    """Return the index of the nearest colour of each pixel."""
    return ((pixels[..., None, :].astype(int) - np.array(COLORS)) ** 2).sum(-1).argmin(-1)


def killed(target: Any, *arguments: Any) -> None:
    process = FORKED.Process(target=target, args=arguments)
    process.start()
    process.join(120)
    assert process.exitcode == -9


def test_every_frame_is_predicted_and_shown_when_it_was(tmp_path: Path) -> None:
    uneven = [0, 300, 700, 1900, 2000, 5000, 5300, 5301, 9000, 9400]
    source = write_video(tmp_path / "in.mkv", 10, stamps=uneven, time_base=Fraction(1, 1000))
    report = predict(tmp_path / "home", source, tmp_path / "out.mp4", look=OPAQUE)
    assert (report.frames, report.width, report.height, report.resumed, report.notes) == (10, 64, 48, 0, ())
    assert stamps(written(report.video)) == [Fraction(stamp, 1000) for stamp in uneven]
    frames, moments = shown(written(report.video))
    assert moments == pytest.approx(uneven, abs=1)
    for number, frame in enumerate(frames):
        assert (named(frame) == named(picture(number))).mean() > 0.97
    with av.open(written(report.video)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
    head = written(report.video).read_bytes()
    assert head.index(b"moov") < head.index(b"mdat")  # plays while it is still being loaded
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "in.mkv", "out.mp4"]


def test_a_film_of_a_phone_stays_upright_and_odd_sides_are_told(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.mp4", 6, rotation=90)
    before, _ = shown(source)
    report = predict(tmp_path / "home", source, tmp_path / "out.mp4", look=OPAQUE)
    after, _ = shown(written(report.video))
    assert before[0].shape == after[0].shape == (64, 48, 3)
    assert (named(after[5]) == named(before[5])).mean() > 0.97

    odd = write_video(tmp_path / "odd.avi", 6, size=(63, 47), codec="mjpeg", time_base=Fraction(1, 25))
    report = predict(tmp_path / "home", odd, tmp_path / "odd.mp4", look=OPAQUE)
    assert shown(written(report.video))[0][0].shape == (48, 64, 3)
    assert "63 x 47" in report.notes[0]
    assert stamps(written(report.video)) == [Fraction(number, 25) for number in range(6)]


@pytest.mark.parametrize(("name", "codec"), [("in.mp4", "aac"), ("in.ts", "aac"), ("in.webm", "libopus")])
def test_sound_that_mp4_holds_is_copied(tmp_path: Path, name: str, codec: str) -> None:
    source = write_video(tmp_path / name, 20, audio=codec, codec="libvpx" if name.endswith("webm") else "libx264")
    report = predict(tmp_path / "home", source, tmp_path / "out.mp4")
    assert report.audio == (f"{codec.removeprefix('lib')}, copied",)
    before, after = sound(source), sound(written(report.video))
    strip = 7 if name.endswith("ts") else 0  # a transport stream puts an ADTS header before each packet
    assert [packet for packet, _ in after] == [packet[strip:] for packet, _ in before]
    apart = [stamps(path)[0] - sound(path)[0][1] for path in (source, written(report.video))]
    assert abs(apart[0] - apart[1]) < Fraction(1, 500)  # a WebM's clock counts milliseconds


def test_other_sound_is_encoded_again(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.avi", 50, audio="pcm_s16le", time_base=Fraction(1, 25))
    report = predict(tmp_path / "home", source, tmp_path / "out.mp4")
    assert report.audio == ("pcm_s16le, encoded again as AAC",)
    with av.open(written(report.video)) as container:
        rate = container.streams.audio[0].rate
        wave = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
    tone = np.abs(np.fft.rfft(wave)).argmax() * rate / len(wave)
    assert float(tone) == pytest.approx(440, abs=2)
    assert len(wave) / rate == pytest.approx(2, abs=0.2)
    assert len(stamps(written(report.video))) == 50


@pytest.mark.parametrize("options", [{}, {"smooth": 0.6, "refinement": Refinement(flip=True), "look": Look(0.4, True)}])
def test_what_a_kill_broke_off_goes_on_and_is_the_same_frame_for_frame(tmp_path: Path, options: dict[str, Any]) -> None:
    source = write_video(tmp_path / "in.mp4", 42, audio="aac")
    whole = predict(tmp_path / "home", source, tmp_path / "whole", **options)
    killed(predict_and_die, tmp_path / "home", source, tmp_path / "out", 2 * SEGMENT + 5, options)
    with pytest.raises(UserError, match=r"differs in: opacity"):
        predict(tmp_path / "home", source, tmp_path / "out", **(options | {"look": Look(0.9, True)}))
    told: list[int] = []
    report = predict(
        tmp_path / "home", source, tmp_path / "out", progress=lambda done, *_: told.append(done), **options
    )
    assert (report.resumed, report.frames, whole.resumed) == (2 * SEGMENT, 42, 0)
    assert [done for done in told if done] == list(range(2 * SEGMENT + 1, 43))
    assert (tmp_path / "out" / "overlay.mp4").read_bytes() == (tmp_path / "whole" / "overlay.mp4").read_bytes()
    names = [f"{number:08d}.png" for number in range(42)]
    for folder in ("out", "whole"):
        assert sorted(path.name for path in (tmp_path / folder / "index").iterdir()) == names
    for name in names:
        assert (tmp_path / "out/index" / name).read_bytes() == (tmp_path / "whole/index" / name).read_bytes()
    assert not work_path(tmp_path / "out").exists()


def test_a_kill_while_the_segments_are_joined_costs_no_frame(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.mp4", 20)
    killed(predict_joining_dies, tmp_path / "home", source, tmp_path / "out.mp4")
    assert not (tmp_path / "out.mp4").exists()
    report = predict(tmp_path / "home", source, tmp_path / "out.mp4")
    assert (report.resumed, report.frames, len(stamps(written(report.video)))) == (20, 20, 20)


def test_class_maps_are_what_the_model_says_of_each_frame(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.mp4", 5)
    report = predict(tmp_path / "home", source, tmp_path / "out", overlay=False)
    assert (report.video, report.maps, report.audio) == (None, tmp_path / "out" / "index", ())
    assert len((tmp_path / "out" / "classes.csv").read_text().splitlines()) == 1 + len(COLORS)
    with av.open(source) as container:
        for number, frame in enumerate(container.decode(video=0)):
            pixels = np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
            said = predict_pixels(colors_named(), pixels, device=torch.device("cpu"))
            file = written(report.maps) / f"{number:08d}.png"
            assert np.array_equal(read_map_png(file), said.index)
            assert (Image.open(file).getpalette() or [])[:9] == [channel for color in COLORS for channel in color]


def _always(said: list[Rows], size: tuple[int, int]) -> list[Rows]:
    return said


def test_smoothing_is_an_exponential_average_that_begins_anew_at_a_cut() -> None:
    rng = np.random.default_rng(0)
    likely = rng.dirichlet((1, 1, 1), (5, 6, 8)).transpose(0, 3, 1, 2).astype(np.float32)
    day, night = np.full((6, 8, 3), 200, np.uint8), np.full((6, 8, 3), 20, np.uint8)
    smoothing, expected = Smoothing(0.7, 3), likely[0]
    for number, (now, photo) in enumerate(zip(likely, [day, day, day, night, night], strict=True)):
        said = [Rows(0, torch.from_numpy(np.log(now)))]
        (rows,) = smoothing(partial(_always, said), photo)((6, 8))
        expected = now if number in (0, 3) else 0.7 * expected + 0.3 * now
        np.testing.assert_allclose(rows.logits.exp().numpy(), expected, atol=1e-5)
    assert smoothing.cuts == 1


def test_smoothing_calms_what_flickers(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    noisy = [
        np.clip(picture(9).astype(int) + rng.normal(0, 90, (48, 64, 1)), 0, 255).astype(np.uint8) for _ in range(12)
    ]
    source = write_video(tmp_path / "in.mp4", 12, pictures=noisy)
    changes = {}
    for smooth in (0.0, 0.8):
        report = predict(tmp_path / "home", source, tmp_path / f"out-{smooth}", smooth=smooth, overlay=False)
        maps = [read_map_png(path) for path in sorted(written(report.maps).iterdir())]
        changes[smooth] = np.mean([(one != two).mean() for one, two in pairwise(maps)])
    assert changes[0.8] < 0.5 * changes[0.0]
    with pytest.raises(UserError, match="below 1"):
        predict(tmp_path / "home", source, tmp_path / "never", smooth=1)


def test_memory_does_not_grow_with_the_length(tmp_path: Path) -> None:
    sources = [write_video(tmp_path / f"{frames}.mp4", frames, size=(16, 16)) for frames in (60, 600)]
    figures = tmp_path / "peaks"
    process = FORKED.Process(target=peaks, args=(tmp_path / "home", sources, tmp_path / "out.mp4", figures))
    process.start()
    process.join(120)
    short, long = map(int, figures.read_text().split())
    assert long - short < 12 * 1024, (short, long)
