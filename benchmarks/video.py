"""Frames a second of a predicted video, beside the usual loop, and peak memory at two lengths.

    python -m benchmarks.video [--data DIR/camvid] [--arch NAME] [--frames N] [--rounds N] [--device cuda]

The video shows photos of CamVid at their own 480x360, as H.264 at 25 frames a second; the network has random weights,
the same ones in both ways. The usual loop reads a frame by OpenCV's VideoCapture, predicts it alone in fp32, lays the
colours over it and writes it by OpenCV's VideoWriter, as MPEG-4 part 2, since its wheels bring no H.264 encoder. Ours
decodes ahead, predicts in batches in the precision it chooses, encodes H.264, and joins the segments; both are timed
from the first byte read to the finished file, the model loaded before. Rounds alternate; the first of each is left out.

Memory is the peak of a process of its own for 200 and for 2,000 frames of 64x48.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path
from unittest.mock import patch

import av
import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from benchmarks.data import camvid_folder
from db.home import Home
from db.session import open_database
from labeling.photos import read_photo
from training.architectures import build
from training.models.loaded import LoadedModel
from training.models.spec import ModelSpec
from training.prediction.drawing import model_palette
from training.prediction.video import predict_video as rim

CLASSES = tuple(f"class {number}" for number in range(11))
LENGTHS = (200, 2000)


def main() -> None:
    """Measure and print a line for speed and one for memory."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--arch", default="lraspp_mobilenetv3")
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--peak-of", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.peak_of:
        _ours(_model("unet", width=4, levels=2), given.peak_of, "cpu")
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
        return
    with tempfile.TemporaryDirectory() as folder:
        _speed(Path(folder), given)
        _memory(Path(folder))


def _speed(folder: Path, given: argparse.Namespace) -> None:
    photos = sorted((camvid_folder(given.data) / "JPEGImages").iterdir())[: given.frames]
    source = _film(folder / "film.mp4", (read_photo(photo) for photo in photos))
    model = _model(given.arch)
    ways: dict[str, Callable[[LoadedModel, Path, str], Path]] = {"ours": _ours, "loop": _loop}
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    frames = {}
    for _ in range(1 + given.rounds):
        for name, way in ways.items():
            start = time.perf_counter()
            written = way(model, source, given.device)
            seconds[name].append(time.perf_counter() - start)
            frames[name] = _count(written)
    assert frames["ours"] == frames["loop"] == len(photos), frames
    rates = {name: len(photos) / float(np.median(each[1:])) for name, each in seconds.items()}
    line = {"kind": "speed", "arch": given.arch, "device": given.device, "frames": len(photos)}
    line |= {f"{name}_frames_per_second": round(rate, 2) for name, rate in rates.items()}
    pairs = [loop / ours for ours, loop in zip(seconds["ours"][1:], seconds["loop"][1:], strict=True)]
    print(json.dumps(line | {"times_faster": [round(each, 2) for each in pairs]}), flush=True)


def _memory(folder: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (8, 48, 64, 3), np.uint8)
    peaks = {}
    for frames in LENGTHS:
        film = _film(folder / f"{frames}.mp4", (noise[number % len(noise)] for number in range(frames)))
        argv = [sys.executable, "-m", "benchmarks.video", "--peak-of", str(film)]
        said = subprocess.run(argv, check=True, capture_output=True, text=True).stdout
        peaks[f"peak_mib_at_{frames}"] = round(int(said.split()[-1]) / 1024, 1)
    print(json.dumps({"kind": "memory", **peaks}), flush=True)


def _model(name: str, **options: int) -> LoadedModel:
    torch.manual_seed(0)
    module = build(name, len(CLASSES), **options).eval()
    spec = ModelSpec(architecture=name, options=options, classes=CLASSES)
    return LoadedModel(module, spec, "0" * 64, name)


def _film(path: Path, pictures: Iterable[NDArray[np.uint8]]) -> Path:
    with av.open(path, "w") as out:
        stream = None
        for number, pixels in enumerate(pictures):
            if stream is None:
                stream = out.add_stream("libx264", rate=25)
                assert isinstance(stream, av.VideoStream)
                stream.width, stream.height, stream.pix_fmt = pixels.shape[1], pixels.shape[0], "yuv420p"
            frame = av.VideoFrame.from_ndarray(pixels, "rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            out.mux(stream.encode(frame))
        assert stream is not None
        out.mux(stream.encode(None))
    return path


def _ours(model: LoadedModel, source: Path, device: str) -> Path:
    home = Home(source.parent / "home")
    home.ensure()
    with patch.object(rim, "load_model", lambda *_: model):
        report = rim.predict_video(
            home,
            open_database(home),
            project=None,
            model="",
            source=source,
            to=source.with_name("ours.mp4"),
            overwrite=True,
            device=device,
        )
    assert report.video is not None
    return report.video


@torch.inference_mode()
def _loop(model: LoadedModel, source: Path, device: str) -> Path:
    to = source.with_name("loop.mp4")
    module, palette = model.module.to(device).eval(), model_palette(model.spec)
    capture = cv2.VideoCapture(str(source))
    size = (int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)), int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)))
    writer = cv2.VideoWriter(str(to), cv2.VideoWriter.fourcc(*"mp4v"), capture.get(cv2.CAP_PROP_FPS), size)
    while True:
        found, frame = capture.read()
        if not found:
            break
        pixels = torch.from_numpy(np.ascontiguousarray(frame[..., ::-1])).to(device).permute(2, 0, 1)[None]
        logits = F.interpolate(module(model.spec.preprocessing(pixels)), size[::-1], mode="bilinear")
        colors = palette[logits[0].argmax(dim=0).cpu().numpy()][..., ::-1]
        writer.write(cv2.addWeighted(frame, 0.5, np.ascontiguousarray(colors), 0.5, 0))
    writer.release()
    return to


def _count(path: Path) -> int:
    with av.open(path) as film:
        return sum(1 for _ in film.decode(video=0))


if __name__ == "__main__":
    main()
