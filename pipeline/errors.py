"""The two ways in which a command ends badly."""


class UserError(Exception):
    """The input is wrong and the user can fix it: one sentence that says how. Exit status 2."""


class RunFailedError(Exception):
    """The input was fine and the run still failed: one sentence that says why. Exit status 1."""
