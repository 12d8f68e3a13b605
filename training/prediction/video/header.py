"""What a video says about itself, checked before its frames are trusted.

What a file holds decides, never its suffix. FFmpeg may open containers of pictures and sound only, and nothing but the
file itself: a playlist that calls itself a video would make it read other files and addresses
(https://ffmpeg.org/ffmpeg-protocols.html, `protocol_whitelist`).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from db.errors import UserError

MAX_SIDE = 16_384
MAX_PIXELS = 35_651_584
"""H.264's largest frame: 139,264 macroblocks of 16 x 16 (ITU-T H.264, table A-1, level 6.2). `MAX_SIDE` is x264's."""
KINDS = "MP4, MOV, Matroska, WebM, AVI, MPEG, FLV, WMV or Ogg"

_OPTIONS = {"format_whitelist": "mov,matroska,avi,mpegts,mpeg,flv,asf,ogg", "protocol_whitelist": "file"}
_LIMITS = {"max_pixels": str(MAX_PIXELS)}
_SNIFFED = 4 * 192
_BOXES = frozenset({b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"})
_PICTURES = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1", b"avif", b"avis")
_BEGINNINGS = {
    b"\x1a\x45\xdf\xa3": "matroska",  # EBML: WebM, too
    b"\x00\x00\x01\xba": "mpeg",  # a program stream
    b"FLV\x01": "flv",
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11": "asf",
    b"OggS": "ogg",
}
_SYNC = ((0, 188), (4, 192))  # a byte each packet of a transport stream, which a time stamp of four may stand before


@dataclass(frozen=True)
class VideoHeader:
    """A video that can be read.

    Attributes:
        path: the file.
        width: pixels, after rotation.
        height: likewise.
        raw_width: pixels as stored.
        raw_height: likewise.
        rotation: quarter turns, counterclockwise, from what is stored to what is shown.
        aspect: width to height of a pixel after rotation, None where it is not told.
        time_base: seconds that a unit of time stamps is.
        rate: frames a second on average.
        frames: how many there are about, None where nothing says.
        seconds: that the file says it lasts, None where it does not.
        start: seconds of the first time stamp of all streams.
        untimed: it holds no time stamps, only packets of one length in time, as AVI does.
        audio: codecs of the sound tracks.
        left_out: kinds of streams that are neither pictures nor sound (subtitles).
    """

    path: Path
    width: int
    height: int
    raw_width: int
    raw_height: int
    rotation: int
    aspect: Fraction | None
    time_base: Fraction
    rate: Fraction
    frames: int | None
    seconds: float | None
    start: Fraction
    untimed: bool
    audio: tuple[str, ...]
    left_out: tuple[str, ...]


def is_video(path: Path) -> bool:
    """Tell by its first bytes whether a file is a container of pictures that move; False where it cannot be read."""
    return _container_of(path) is not None


def _container_of(path: Path) -> str | None:
    """Return FFmpeg's name of what a file begins as; its own guess goes by suffixes, too."""
    head = _head(path)
    if head[4:8] in _BOXES:
        return None if head[4:8] == b"ftyp" and head[8:12] in _PICTURES else "mov"
    if head[:4] == b"RIFF":
        return "avi" if head[8:12] == b"AVI " else None
    if any(len(head) > at + 2 * step and head[at::step][:3] == b"GGG" for at, step in _SYNC):
        return "mpegts"
    return next((name for beginning, name in _BEGINNINGS.items() if head.startswith(beginning)), None)


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_SNIFFED)
    except OSError:
        return b""


def read_header(path: Path) -> VideoHeader:
    """Check a video, and decode its first frame.

    Raises:
        UserError: there is no such file, it is no video, has no picture, is cut off or too large.
    """
    if not path.is_file():
        raise UserError(f"{path} does not exist: expected a video ({KINDS}).")
    _check_whole(path)
    with open_video(path) as (container, stream):
        width, height = stream.codec_context.width, stream.codec_context.height
        check_size(path, width, height)
        first = _first_frame(path, container, stream)
        rotation = round(first.rotation / 90) % 4
        upright = (first.height, first.width) if rotation % 2 else (first.width, first.height)
        aspect = stream.codec_context.sample_aspect_ratio
        if aspect is not None and aspect <= 0:
            aspect = None
        if aspect is not None and rotation % 2:
            aspect = 1 / aspect
        rate = stream.average_rate or stream.guessed_rate or Fraction(25)
        seconds = None if container.duration is None else container.duration / 1e6
        return VideoHeader(
            path=path,
            width=upright[0],
            height=upright[1],
            raw_width=first.width,
            raw_height=first.height,
            rotation=rotation,
            aspect=aspect,
            time_base=stream.time_base or 1 / rate,
            rate=rate,
            frames=stream.frames or (None if seconds is None else max(1, round(seconds * rate))),
            seconds=seconds,
            start=Fraction(container.start_time or 0, 1_000_000),
            untimed=container.format.name == "avi",
            audio=tuple(each.codec_context.name for each in container.streams.audio),
            left_out=tuple(sorted({each.type for each in container.streams} - {"video", "audio"})),
        )


@contextmanager
def open_video(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open a video, its decoder limited to frames that we take.

    Raises:
        UserError: it cannot be opened, or shows no pictures.
    """
    kind = _container_of(path)
    if kind is None:
        raise _no_video(path, "")
    try:
        container = av.open(
            path, "r", format=kind, options=_LIMITS, container_options=_OPTIONS, metadata_errors="replace"
        )
    except OSError as error:
        if isinstance(error, av.FFmpegError):
            raise _no_video(path, str(error.strerror)) from None
        raise UserError(f"{path} cannot be read: {error.strerror or error}.") from None
    except (av.FFmpegError, ValueError) as error:
        raise _no_video(path, str(error)) from None
    with container:
        moving = [each for each in container.streams.video if not each.disposition & each.disposition.attached_pic]
        if not moving:
            kinds = ", ".join(sorted({each.type for each in container.streams})) or "nothing"
            raise UserError(
                f"{path} shows no pictures: expected a video ({KINDS}), found {kinds} only. Choose another file."
            )
        stream = moving[0]
        stream.thread_type = "AUTO"
        stream.codec_context.options = _LIMITS
        yield container, stream


def check_size(path: Path, width: int, height: int) -> None:
    """Refuse frames that are too large, before one is decoded.

    Raises:
        UserError: they are, or have no size.
    """
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise UserError(
            f"{path} has frames of {width} x {height} pixels: expected at most {MAX_PIXELS:,} pixels and sides up to "
            f"{MAX_SIDE:,}, which is all that H.264 can write. Scale the video down first."
        )
    if not width or not height:
        raise UserError(f"{path} does not say how large its frames are: it holds no frame. Record or export it again.")


def _first_frame(path: Path, container: InputContainer, stream: VideoStream) -> av.VideoFrame:
    try:
        for packet in container.demux(stream):
            try:
                for frame in packet.decode():
                    assert isinstance(frame, av.VideoFrame)
                    check_size(path, frame.width, frame.height)
                    return frame
            except av.InvalidDataError:
                continue  # a stream may begin in the middle of a picture
    except av.FFmpegError:
        pass
    raise UserError(
        f"{path} holds no frame that can be decoded: expected a video, found a {stream.codec_context.name} stream "
        "without pictures. It may be cut off or damaged: copy or record it again."
    )


def _no_video(path: Path, why: str) -> UserError:
    head = _head(path)
    if not head:
        found = "the file is empty (0 bytes), or cannot be read"
    elif head[4:8] in _BOXES:
        found = "an MP4 or MOV without the index (`moov`) that is written last: the recording or download was cut off"
    elif why:
        found = f"the beginning of one that cannot be read ({why})"
    else:
        found = f"the file begins with {head[:16]!r}"
    return UserError(f"{path} is no video that can be read: expected {KINDS}; {found}. Copy or export it again.")


def _check_whole(path: Path) -> None:
    """Refuse an MP4 or MOV whose boxes (ISO/IEC 14496-12, 4.2) end behind the file."""
    if _container_of(path) != "mov":
        return
    size, at = path.stat().st_size, 0
    with path.open("rb") as file:
        while at + 8 <= size:
            file.seek(at)
            length, kind = struct.unpack(">I4s", file.read(8))
            if length == 1:
                length = int.from_bytes(file.read(8))
            if length == 0:  # up to the end
                return
            if length < 8 or not kind.isascii():
                return  # FFmpeg will say what is the matter
            at += length
            if at > size:
                raise UserError(
                    f"{path} is cut off: expected {at:,} bytes, found {size:,}. Copy or download it again; what is "
                    "whole of it can be kept with `ffmpeg -i CUT -c copy WHOLE.mkv`."
                )
