"""The exceptions whose text is meant for the person at the keyboard."""


class UserError(Exception):
    """Something the user can put right.

    The message says what was expected, what was found, in which file, and what to do. Commands print it without a
    traceback and exit with code 2.
    """


class NotFoundError(UserError):
    """What was named does not exist (any more). The server answers 404 instead of 400."""
