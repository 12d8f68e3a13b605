"""A page as PDF, by whichever Chromium is on the PATH."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from db.errors import UserError

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_SECONDS = 180


def find_browser() -> Path:
    """Return a Chromium.

    Raises:
        UserError: there is none; says how to get one, or how to do without.
    """
    for name in BROWSERS:
        if found := shutil.which(name):
            return Path(found)
    raise UserError(
        f"A PDF is printed by Chromium, and none of {', '.join(BROWSERS)} is on the PATH. Install one (on Debian and "
        "Ubuntu: apt install chromium), or leave out --pdf, open the report in any browser and print it to a file."
    )


def print_pdf(browser: Path, html: str) -> bytes:
    """Return a page as a PDF; its pages are as its `@page` says.

    Raises:
        UserError: the browser failed; says what it said.
    """
    with tempfile.TemporaryDirectory(prefix="workbench-pdf-") as folder:
        page, made = Path(folder, "report.html"), Path(folder, "report.pdf")
        page.write_text(html, encoding="utf-8", errors="backslashreplace")
        arguments = [
            *(str(browser), "--headless", "--disable-gpu", "--no-first-run", "--disable-extensions"),
            *("--disable-background-networking", "--disable-dev-shm-usage", "--no-pdf-header-footer"),
            *(["--no-sandbox"] if os.geteuid() == 0 else []),  # Chromium refuses root otherwise; the page has no script
            *(f"--user-data-dir={folder}/profile", f"--print-to-pdf={made}", page.as_uri()),
        ]
        try:
            done = subprocess.run(arguments, capture_output=True, timeout=_SECONDS, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise UserError(
                f"{browser} did not print the report: {error}. Leave out --pdf and print it by hand."
            ) from None
        if done.returncode or not made.is_file():
            said = done.stderr.decode(errors="replace").strip().splitlines()[-1:] or ["nothing"]
            raise UserError(
                f"{browser} did not print the report (it said: {said[0]}). Leave out --pdf, open the report in a "
                "browser and print it to a file."
            )
        return made.read_bytes()
