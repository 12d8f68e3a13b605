"""Segments and the sound of the source, joined into one MP4. No picture is encoded again."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from fractions import Fraction
from itertools import chain, pairwise
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet
from av.stream import Stream

from training.prediction.video.header import VideoHeader, open_video

COPIED = frozenset({"aac", "mp3", "ac3", "eac3", "alac", "flac", "opus"})
"""Codecs of sound that MP4 holds (https://mp4ra.org/registered-types/codecs) and players know; others become AAC."""

_AAC_RATES = (96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000)
_LAYOUTS = {1: "mono", 6: "5.1"}  # a file may count channels without naming them, which the encoder does not take


def join_segments(segments: Sequence[Path], header: VideoHeader, last_duration: int, to: Path) -> tuple[str, ...]:
    """Write the MP4. Time stamps are the source's, counted from the beginning of its first stream.

    Args:
        segments: in order.
        header: of the source.
        last_duration: of the last frame, in units of the source's time base.
        to: the file to write.

    Returns:
        What was done with each sound track, in words.
    """
    with ExitStack() as open_files:
        out = open_files.enter_context(av.open(to, "w", format="mp4", options={"movflags": "+faststart"}))
        first = open_files.enter_context(av.open(segments[0]))
        video = out.add_stream_from_template(first.streams.video[0])
        video.time_base = header.time_base
        shift = round(header.start / header.time_base)
        lanes: list[Iterator[Packet]] = [_pictures(segments, header.time_base, shift, last_duration, video)]
        told = []
        for number, codec in enumerate(header.audio):
            container, _ = open_files.enter_context(open_video(header.path))
            sound = container.streams.audio[number]
            if codec in COPIED:
                lanes.append(_copied(sound, header.start, out.add_stream_from_template(sound)))
                told.append(f"{codec}, copied")
            else:
                lanes.append(_encoded(sound, header.start, _aac(out, sound)))
                told.append(f"{codec}, encoded again as AAC")
        for packet in heapq.merge(*lanes, key=_seconds):
            out.mux(packet)
    return tuple(told)


def _pictures(
    segments: Sequence[Path], time_base: Fraction, shift: int, last_duration: int, into: Stream
) -> Iterator[Packet]:
    def stamped() -> Iterator[Packet]:
        for path in segments:
            with av.open(path) as container:
                for packet in container.demux(video=0):
                    if packet.pts is not None:
                        # A segment counts in its own unit, of which the source's is a multiple.
                        packet.pts = packet.dts = round(packet.pts * packet.time_base / time_base) - shift
                        packet.time_base = time_base
                        yield packet

    for packet, following in pairwise(chain(stamped(), [None])):
        assert packet is not None
        assert packet.pts is not None
        packet.duration = last_duration if following is None else (following.pts or 0) - packet.pts
        packet.stream = into
        yield packet


def _copied(sound: AudioStream, start: Fraction, into: AudioStream) -> Iterator[Packet]:
    last: int | None = None
    for packet in _packets(sound):
        if packet.dts is None or packet.pts is None or (last is not None and packet.dts <= last):
            continue  # what cannot be placed in time would stop the whole file
        last = packet.dts
        shift = round(start / packet.time_base)
        packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
        packet.stream = into
        yield packet


def _encoded(sound: AudioStream, start: Fraction, into: AudioStream) -> Iterator[Packet]:
    for packet in _packets(sound):
        try:
            frames = sound.codec_context.decode(packet)
        except av.FFmpegError:
            continue
        for frame in frames:
            if frame.pts is not None and frame.time_base is not None:
                frame.pts -= round(start / frame.time_base)
            yield from into.encode(frame)
    yield from into.encode(None)


def _packets(sound: AudioStream) -> Iterator[Packet]:
    """Yield a track's packets, as far as the file can be read."""
    packets = sound.container.demux(sound)  # type: ignore[attr-defined]
    while True:
        try:
            yield next(packets)
        except (StopIteration, av.FFmpegError):
            return


def _aac(out: OutputContainer, sound: AudioStream) -> AudioStream:
    rate = next((each for each in _AAC_RATES if each <= sound.rate), _AAC_RATES[-1])
    stream = out.add_stream("aac", rate=rate)
    assert isinstance(stream, AudioStream)
    stream.layout = _LAYOUTS.get(sound.layout.nb_channels, "stereo")
    return stream


def _seconds(packet: Packet) -> Fraction:
    return (packet.dts if packet.dts is not None else packet.pts or 0) * packet.time_base
