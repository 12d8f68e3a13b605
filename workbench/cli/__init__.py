"""The command line. Commands parse and print; what they do lives in `labeling`, `training` and `db`.

Nothing heavy is imported before a command needs it: `workbench --help` loads neither torch nor SQLAlchemy.
"""

from __future__ import annotations

from workbench.cli.app import main

__all__ = ["main"]
