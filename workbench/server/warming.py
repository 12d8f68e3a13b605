"""What the training page needs and takes seconds to load, loaded while nobody waits for it yet."""

from __future__ import annotations

import threading

from db.errors import UserError
from labeling.classes import list_classes
from labeling.projects import find_project, project_of_id
from workbench.server.services import Services


def warm_up(services: Services) -> threading.Thread:
    """Load torch and describe the architectures in the background, for the project that is opened first.

    Whoever asks meanwhile waits for the rest of it. The thread keeps no server from ending. It is not niced: it takes
    turns at the interpreter's lock, and a niced thread that holds it while others compute holds up the server.
    """
    thread = threading.Thread(target=_load, args=(services,), name="warm-up", daemon=True)
    thread.start()
    return thread


def _load(services: Services) -> None:
    from training.architecture_cards import CLASSES, architecture_cards

    architecture_cards(classes=_count_classes(services) or CLASSES)


def _count_classes(services: Services) -> int:
    try:
        with services.database.read() as session:
            chosen = services.project
            project = find_project(session, None) if chosen is None else project_of_id(session, chosen)
            name = project.name
        return sum(each.merged_into is None for each in list_classes(services.database, name))
    except UserError:  # no project yet
        return 0
