"""Files that are no video, or none that can be used: refused before they are predicted, by a sentence that helps."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import pytest
from PIL import Image

from db.errors import UserError
from tests.support.videos import write_video
from tests.support.videos_killed import predict
from training.prediction.video import encoder, header
from training.prediction.video.header import is_video, read_header
from training.prediction.video.work import work_path


def cut(path: Path) -> Path:
    """A download that broke off: the index is there, as it stands first, and half of the pictures."""
    whole = write_video(path.with_suffix(".whole.mp4"), 30)
    with av.open(whole) as source, av.open(path, "w", options={"movflags": "faststart"}) as out:
        stream = out.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                out.mux(packet)
    path.write_bytes(path.read_bytes()[:-2000])
    return path


def without_index(path: Path) -> Path:
    """A recording whose camera lost power: the index is written last."""
    write_video(path, 30)
    data = path.read_bytes()
    path.write_bytes(data[: data.rindex(b"moov") - 4])
    return path


def sound_only(path: Path) -> Path:
    with av.open(write_video(path.with_suffix(".whole.mp4"), 10, audio="aac")) as source, av.open(path, "w") as out:
        stream = out.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux(audio=0):
            if packet.dts is not None:
                packet.stream = stream
                out.mux(packet)
    return path


def without_frames(path: Path) -> Path:
    with av.open(path, "w") as out:
        stream = out.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        out.start_encoding()
    return path


def huge(path: Path) -> Path:
    return write_video(path, 2, size=(16_400, 16), codec="mjpeg", time_base=Fraction(1, 25))


def playlist(path: Path) -> Path:
    """FFmpeg by itself would follow it to any file of this computer, or into the network."""
    secret = write_video(path.parent / "secret.ts", 5)
    path.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{secret}\n#EXT-X-ENDLIST\n")
    return path


def of_bytes(data: bytes) -> Callable[[Path], Path]:
    def write(path: Path) -> Path:
        path.write_bytes(data)
        return path

    return write


@pytest.mark.parametrize(
    ("name", "make", "said"),
    [
        (
            "text.mp4",
            of_bytes(b"this is a text\n" * 50),
            r"text\.mp4 is no video .*expected MP4.*begins with b'this is",
        ),
        ("empty.mp4", of_bytes(b""), r"empty \(0 bytes\)"),
        ("page.mkv", of_bytes(b"<!doctype html><html></html>"), "<!doctype"),
        ("noise.mp4", of_bytes(b"\0\0\0\x18ftypmp42" + bytes(range(256)) * 9), r"noise\.mp4"),
        ("cut.mp4", cut, r"cut off: expected [\d,]+ bytes, found [\d,]+\. Copy or download it again"),
        ("lost.mp4", without_index, r"without the index"),
        ("song.m4a", sound_only, r"shows no pictures: .*found audio only"),
        ("still.mp4", without_frames, r"still\.mp4"),
        ("huge.avi", huge, r"16400 x 16 pixels: expected at most 35,651,584 .* sides up to 16,384"),
        ("list.mp4", playlist, r"begins with b'#EXTM3U"),
        ("list.m3u8", playlist, r"begins with b'#EXTM3U"),
    ],
)
def test_what_is_no_video_is_refused_by_name(
    tmp_path: Path, name: str, make: Callable[[Path], Path], said: str
) -> None:
    source = make(tmp_path / name)
    with pytest.raises(UserError, match=said) as refused:
        predict(tmp_path / "home", source, tmp_path / "out.mp4")
    assert name in str(refused.value)
    assert not (tmp_path / "out.mp4").exists()
    assert not work_path(tmp_path / "out.mp4").exists()


def test_what_is_damaged_in_the_middle_is_predicted_as_far_as_it_goes(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.mkv", 200)
    data = source.read_bytes()
    source.write_bytes(data[: len(data) // 2])
    report = predict(tmp_path / "home", source, tmp_path / "out.mp4")
    assert 20 < report.frames < 180
    assert "of 8.0 seconds" in report.notes[0]


def test_content_tells_a_video_whatever_it_is_called(tmp_path: Path) -> None:
    for name in ("a.mp4", "a.mov", "a.mkv", "a.webm", "a.avi", "a.ts", "a.mpg", "a.flv"):
        codec = {"a.webm": "libvpx", "a.mpg": "mpeg1video"}.get(name, "libx264")
        source = write_video(tmp_path / name, 3, codec=codec, time_base=Fraction(1, 25))
        renamed = source.rename(tmp_path / f"{name}.jpg")
        assert is_video(renamed), name
        assert (read_header(renamed).width, read_header(renamed).height) == (64, 48)
    picture = Image.new("RGB", (20, 10))
    for name in ("b.png", "b.jpg", "b.webp", "b.gif", "b.tif", "b.bmp", "b.avif"):
        picture.save(tmp_path / name)
        assert not is_video((tmp_path / name).rename(tmp_path / f"{name}.mp4")), name
    assert not is_video(tmp_path)
    assert not is_video(tmp_path / "nothing.mp4")


def test_nothing_is_written_over(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.mp4", 3)
    before = source.read_bytes()
    with pytest.raises(UserError, match="written over"):
        predict(tmp_path / "home", source, source, overwrite=True)
    with pytest.raises(UserError, match="written over"):
        predict(tmp_path / "home", source, tmp_path, overwrite=True)
    shutil.copy(source, tmp_path / "out.mp4")
    with pytest.raises(UserError, match="exists"):
        predict(tmp_path / "home", source, tmp_path / "out.mp4")
    assert source.read_bytes() == before == (tmp_path / "out.mp4").read_bytes()
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "note.txt").touch()
    with pytest.raises(UserError, match="not an empty folder"):
        predict(tmp_path / "home", source, tmp_path / "folder")
    predict(tmp_path / "home", source, tmp_path / "out.mp4", overwrite=True)
    assert read_header(tmp_path / "out.mp4").frames == 3


def test_two_at_once_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write_video(tmp_path / "in.mp4", 3)
    told: list[str] = []

    def second(*_: object) -> tuple[str, ...]:
        with pytest.raises(UserError, match="Another process") as refused:
            predict(tmp_path / "home", source, tmp_path / "out.mp4", overwrite=True)
        told.append(str(refused.value))
        return ()

    monkeypatch.setattr("training.prediction.video.job.join_segments", second)
    predict(tmp_path / "home", source, tmp_path / "out.mp4")
    assert len(told) == 1


def test_an_ffmpeg_without_h264_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoder, "ENCODERS", ("libnothing",))
    encoder.find_encoder.cache_clear()
    try:
        with pytest.raises(UserError, match=r"no H\.264 encoder"):
            encoder.find_encoder()
    finally:
        encoder.find_encoder.cache_clear()


def test_a_frame_that_grows_midway_is_limited_by_the_decoder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write_video(tmp_path / "in.mp4", 3)
    monkeypatch.setattr(header, "_LIMITS", {"max_pixels": "1000"})
    with header.open_video(source) as (container, _), pytest.raises(av.FFmpegError):
        next(container.decode(video=0))
