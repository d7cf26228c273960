"""The two kinds of errors of a command."""


class UserError(Exception):
    """The input is wrong and the user can fix it; the message says how. Exit status 2."""


class RunFailedError(Exception):
    """The run failed although the input was right; the message says why. Exit status 1."""
