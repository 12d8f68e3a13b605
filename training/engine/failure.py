"""Why a training could not go on, in a plain sentence."""

from __future__ import annotations

import errno

from db.errors import UserError


class TrainingError(Exception):
    """The training cannot go on; the message is for the person who reads it."""


class Stopped(Exception):  # noqa: N818 - it is no error
    """Somebody asked the training to stop, and its state is saved."""


class PartnerLostError(TrainingError):
    """Another process that trained along ended."""

    def __init__(self, how: str = "its own words are in the log") -> None:
        super().__init__(f"Another process of this training ended: {how}. Resume the run to go on.")


_MEMORY = ("out of memory", "can't allocate memory", "cannot allocate memory", "alloc_cpu", "not enough memory")


def explain(error: BaseException, folder: str) -> str | None:
    """Return the sentence for a failure a person can do something about, None for a bug of ours.

    Args:
        error: what ended the training.
        folder: the run's directory, for a full disk.
    """
    if isinstance(error, UserError | TrainingError):
        return str(error)
    if isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and any(words in str(error).lower() for words in _MEMORY)
    ):
        return (
            "The memory is not enough for this training. Use a smaller batch (--batch, with accumulate=N to keep the "
            "step's size) or a smaller crop (--crop), or free memory."
        )
    if isinstance(error, OSError):
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return f"The disk is full: {folder} could not be written. Free some space and resume the run."
        return f"A file could not be read or written: {error}. Put that right and resume the run."
    # torch wraps the errors of a file it writes, and says only that a write came out short.
    if isinstance(error, RuntimeError) and "PytorchStreamWriter" in str(error):
        return f"The disk is full: {folder} could not be written. Free some space and resume the run."
    return None
