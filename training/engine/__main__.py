"""`python -P -m training.engine RUN_DIR`: train a run, or go on with it, in this process.

Exit codes: 0 finished, 1 failed, 2 the user's mistake (also: the run is already running), 75 put down in order: the
same command resumes it. `--prepare` settles everything and measures, but does not train.
"""

from __future__ import annotations

import sys
from pathlib import Path

from training.allocation import keep_freed_memory, prefer_huge_pages
from training.engine.attempt import attempt


def main(arguments: list[str]) -> int:
    """Run one attempt and return its exit code."""
    prepare_only = "--prepare" in arguments
    rest = [argument for argument in arguments if argument != "--prepare"]
    if len(rest) != 1:
        print("usage: python -P -m training.engine [--prepare] RUN_DIR", file=sys.stderr)
        return 2
    prefer_huge_pages()
    keep_freed_memory()
    return attempt(Path(rest[0]), prepare_only=prepare_only)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
