"""Fuzzes every codec with atheris: mutated files of a source must be read or refused in a sentence, soon and in bounds.

    python -m benchmarks.fuzz [--codecs labelme coco ...] [--runs 70000] [--seed 1]

Each codec is a process of its own, whose every branch libFuzzer sees: it tries mutations of the files of a source of
one photo, one file at a time, and keeps those that reach something new. An error that is not a codec's own, an input
that takes ten seconds and more than 2 GiB of memory end it with the input's file, which `--again FILE` tries alone.
Prints one JSON line a codec: executions, seconds, and branches reached. Needs `pip install atheris`.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SECONDS, MIB = 10, 2048


def main() -> int:
    """Run the named codecs; return 1 if one of them failed."""
    from labeling.formats.names import FORMATS

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--codecs", nargs="+", default=list(FORMATS), choices=list(FORMATS))
    parser.add_argument("--runs", type=int, default=70_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--again", type=Path)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options, rest = parser.parse_known_args()
    if options.child:
        fuzz(options.child, Path(rest[0]), [sys.argv[0], *rest[1:]])
        return 0
    return max(_run(codec, options.runs, options.seed, options.again) for codec in options.codecs)


def fuzz(codec: str, folder: Path, argv: list[str]) -> None:
    """Let libFuzzer choose bytes: the first says which file, the others are its content."""
    import atheris

    with atheris.instrument_imports(include=["labeling.formats"]):
        import labeling.formats.codecs  # noqa: F401
    from tests.support.codec_fuzz import FuzzTarget

    target = FuzzTarget(codec, folder / "source")
    corpus = folder / "corpus"
    corpus.mkdir()
    for place, content in enumerate(target.contents):
        (corpus / f"{place}").write_bytes(bytes([place]) + content)

    def attempt(data: bytes) -> None:
        if data:
            target.attempt(data[0] % len(target.files), data[1:])

    atheris.Setup([*argv, str(corpus)], attempt)
    atheris.Fuzz()


def _run(codec: str, runs: int, seed: int, again: Path | None) -> int:
    with tempfile.TemporaryDirectory() as folder:
        limits = [f"-timeout={SECONDS}", f"-rss_limit_mb={MIB}", "-max_len=20000", f"-artifact_prefix=fuzz-{codec}-"]
        asked = [f"-runs={runs}", f"-seed={seed}"] if again is None else [str(again)]
        command = [sys.executable, "-m", "benchmarks.fuzz", "--child", codec, folder, *limits, *asked]
        start = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=False, errors="replace")
        seconds = time.perf_counter() - start
    found = re.findall(r"#(\d+)\s+\w+\s+cov: (\d+)", done.stderr)
    executed, reached = map(int, found[-1]) if found else (0, 0)
    failed = done.returncode != 0
    print(
        json.dumps(
            {"benchmark": "fuzz", "codec": codec, "executions": executed, "seconds": round(seconds, 1)}
            | {"branches": reached, "failed": failed}
        ),
        flush=True,
    )
    if failed:
        print(done.stderr[-3000:], file=sys.stderr)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
