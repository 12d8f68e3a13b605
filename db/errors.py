"""The one exception whose text is meant for the person at the keyboard."""


class UserError(Exception):
    """Something the user can put right.

    The message says what was expected, what was found, in which file, and what to do. Commands print it without a
    traceback and exit with code 2.
    """
