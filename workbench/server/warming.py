"""What the training page needs and takes seconds to load, loaded while nobody waits for it yet."""

from __future__ import annotations

import threading

from labeling.classes import list_classes
from labeling.projects import list_projects
from workbench.server.services import Services


def warm_up(services: Services) -> threading.Thread:
    """Load torch and describe the architectures in the background, for the project that is opened first.

    Whoever asks meanwhile waits for the rest of it. A server that is ended in its first seconds waits as well: a
    process that leaves while a thread loads torch is aborted. It is not niced: it takes turns at the interpreter's
    lock, and a niced thread that holds it while others compute holds up the server.
    """
    thread = threading.Thread(target=_load, args=(services,), name="warm-up", daemon=False)
    thread.start()
    return thread


def _load(services: Services) -> None:
    import training.architecture_figures  # noqa: F401 - with it torch, also where all cards are remembered
    from training.architecture_cards import CLASSES, architecture_cards

    architecture_cards(classes=_count_classes(services) or CLASSES, home=services.home)


def _count_classes(services: Services) -> int:
    project = services.usual_project(list_projects(services.database))
    if project is None:
        return 0
    return sum(each.merged_into is None for each in list_classes(services.database, project.name))
