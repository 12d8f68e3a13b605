"""Child processes that start fast: forked from a clean server that has the libraries loaded already."""

import multiprocessing

FORKED = multiprocessing.get_context("forkserver")
# Only saves time: a child imports for itself what could not be loaded here.
FORKED.set_forkserver_preload(
    [
        *("__main__", "tests.support.old_database", "alembic.command", "db.session", "db.schema", "db.locks"),
        # What commands load, but nothing of ours: each still imports that itself, in its own order.
        *("typer", "rich.progress", "rich.console", "yaml", "pydantic", "PIL.Image", "numpy", "scipy", "cv2", "torch"),
        *("torchvision", "torch.distributed"),
    ]
)


def run_all(target, arguments, timeout=60.0):
    """Run `target(*arguments[i])` in a process each, at the same time, and return their exit codes."""
    processes = [FORKED.Process(target=target, args=each) for each in arguments]
    for process in processes:
        process.start()
    for process in processes:
        process.join(timeout)
        if process.is_alive():
            process.kill()
            process.join()
    return [process.exitcode for process in processes]
