"""Runs every benchmark, one after the other, each in a process of its own, and prints their JSON lines.

    python -m benchmarks [NAME ...]

Use a machine that does nothing else. Real data come from the folder that WORKBENCH_TEST_DATA names.
"""

from __future__ import annotations

import subprocess
import sys


def main() -> int:
    """Run the named benchmarks, or all; return 1 if one of them failed."""
    known = (
        "counting",
        "boundary",
        "labelme_import",
        "coco_import",
        "loader",
        "training",
        "affinity",
        "crf",
        "video",
        "gallery",
        "scale",
        "evaluation",
        "evaluation_gallery",
        "evaluation_tiles",
        "server",
    )
    chosen = sys.argv[1:] or list(known)
    if unknown := set(chosen) - set(known):
        print(f"No benchmark {', '.join(sorted(unknown))}; there are {', '.join(known)}.", file=sys.stderr)
        return 2
    codes = []
    for name in chosen:
        print(f"# {name}", flush=True)
        codes.append(subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode)
    return int(any(codes))


if __name__ == "__main__":
    sys.exit(main())
