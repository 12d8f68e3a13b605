"""Uploads go once a task has taken what they hold."""

from __future__ import annotations

import threading
import time
from contextlib import suppress

from db.errors import UserError
from training.tasks import find_task, list_tasks
from workbench.server.services import Services

POLL_SECONDS = 0.5


def discard_when_done(services: Services, upload: str, task: int) -> threading.Thread:
    """Delete an upload once the task that takes it has succeeded, and no other one takes it.

    After any other end it can be tried again.

    Should the server end before the task, the upload goes with those that nobody has used for a day.

    Returns:
        The thread that waits for it.
    """

    def wait() -> None:
        with suppress(UserError):  # somebody else removed the task or the upload
            while find_task(services.home, task).state == "running" or _is_taken(services, upload):
                time.sleep(POLL_SECONDS)
            if find_task(services.home, task).state == "finished":
                services.uploads.delete(upload)

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    return thread


def _is_taken(services: Services, upload: str) -> bool:
    running = (task for task in list_tasks(services.home) if task.state == "running")
    return any(upload in word for task in running for word in task.argv)
