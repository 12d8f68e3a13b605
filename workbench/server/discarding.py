"""Uploads go once a task has taken what they hold."""

from __future__ import annotations

import threading
import time
from contextlib import suppress

from db.errors import UserError
from training.tasks.lifecycle import find_task
from workbench.server.services import Services

POLL_SECONDS = 0.5


def discard_when_done(services: Services, upload: str, task: int) -> threading.Thread:
    """Delete an upload once the task that takes it has succeeded, and no other one takes it.

    After any other end it can be tried again.

    Should the server end before the task, the upload goes with those that nobody has used for long.

    Returns:
        The thread that waits for it.
    """

    def wait() -> None:
        with suppress(UserError):  # somebody else removed the task or the upload
            while find_task(services.home, task).state == "running" or services.uploads.is_taken(upload):
                time.sleep(POLL_SECONDS)
            if find_task(services.home, task).state == "finished":
                services.uploads.delete(upload)

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    return thread
