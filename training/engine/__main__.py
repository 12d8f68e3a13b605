"""`python -P -m training.engine RUN_DIR`: train a run, or go on with it, in this process.

Exit codes: 0 finished, 1 failed, 2 the user's mistake (also: the run is already running), 75 put down in order: the
same command resumes it. `--prepare` settles everything and measures, but does not train.

Where the run names several devices, this process leads and starts the others. Under a launcher that starts them all,
`torchrun --nproc-per-node 2 -m training.engine RUN_DIR` or one on several machines, it takes its place from the
environment.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from db.errors import UserError
from training.allocation import keep_freed_memory, prefer_huge_pages
from training.engine.attempt import attempt
from training.engine.followers import LED, led_place
from training.engine.place import place_of
from training.engine.rundir import EXIT_USER


def main(arguments: list[str]) -> int:
    """Run one attempt and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -P -m training.engine", description=__doc__)
    parser.add_argument("run", type=Path, metavar="RUN_DIR")
    parser.add_argument("--prepare", action="store_true")
    parser.add_argument(LED, type=led_place, dest="place", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    prefer_huge_pages()
    keep_freed_memory()
    try:
        place = options.place or place_of()
    except UserError as error:
        print(error, file=sys.stderr)
        return EXIT_USER
    return attempt(options.run, prepare_only=options.prepare, place=place)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
