"""Turns an exception into an error message and an exit status of the command line.

Our packages raise typed errors with complete sentences as messages. They are recognised by the
package of their class, so this module need not import the other packages.
"""

import errno
import os
import time
import traceback
from collections.abc import Iterator

from pipeline.errors import RunFailedError, UserError
from serving.local.outside_cause import lacks_memory

BAD_INPUT = 2
FAILED = 1

_OWN_PACKAGES = {"pipeline", "components", "trainer", "serving", "text"}
_BAD_INPUT_NAMES = {"serving.versions.directory.NoLiveModelError"}
"""Typed errors fixable by the user, although neither a ValueError nor a LookupError."""
_DISK_FULL = {errno.ENOSPC, errno.EDQUOT}
_LAST_YEAR = 2262
"""Python counts nanoseconds since 1970 in 63 bits, but time.localtime seconds."""
_FULL_DISK_TEXTS = (
    *(os.strerror(number) for number in sorted(_DISK_FULL)),
    "database or disk is full",  # SQLite
)
"""TensorFlow, Beam and ML Metadata give their own exceptions these messages."""
_SHORT_MEMORY_TEXTS = ("can't start new thread", "bad_alloc", "MemoryError")
"""Engines put the errors of Python and C++ into the messages of their own."""
_NOT_ALLOWED = {errno.EACCES, errno.EPERM, errno.EROFS}


def describe(error: Exception) -> tuple[int, str]:
    """Returns the exit status and the message for an exception.

    Args:
        error: the exception raised by a command.

    Returns:
        2 if the user can fix the input: for `UserError`, for a `ValueError` or `LookupError`
        defined in one of our packages, and for a few others by name. 1 for everything else.
    """
    if isinstance(error, UserError):
        return BAD_INPUT, str(error)
    if isinstance(error, RunFailedError):
        return FAILED, str(error)
    if is_disk_full(error):
        where = _where(error) if isinstance(error, OSError) else ""
        return FAILED, (
            f"The disk is full{where}: free some space, "
            "or choose a folder on another disk with --workspace."
        )
    if is_memory_short(error) and own_cause(error) is None:
        return FAILED, (
            "Memory ran out: end other programs, or raise the limit (`ulimit -v`, `ulimit -u`)."
        )
    kind = type(error)
    if kind.__module__.partition(".")[0] in _OWN_PACKAGES:
        is_bad_input = isinstance(error, ValueError | LookupError)
        is_bad_input = is_bad_input or f"{kind.__module__}.{kind.__qualname__}" in _BAD_INPUT_NAMES
        # str() of a KeyError is its argument's repr.
        sentence = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
        return BAD_INPUT if is_bad_input else FAILED, sentence
    if isinstance(error, ModuleNotFoundError) and _is_package_of_others(error.name):
        return FAILED, (
            f"The package '{error.name}' is not installed: install attention-nmt with the extra "
            "'serve' for commands that read a model, or with 'all' for every command."
        )
    if isinstance(error, OSError) and error.errno in _NOT_ALLOWED:
        return FAILED, (
            f"Permission was denied{_where(error)}: change the permissions, "
            "or choose another folder with --workspace."
        )
    year = time.localtime().tm_year
    if isinstance(error, OverflowError) and year >= _LAST_YEAR:
        return FAILED, (
            f"The clock of this machine shows the year {year}, and Python cannot work after "
            f"April {_LAST_YEAR}: set the clock."
        )
    name = kind.__name__
    detail = next(iter(str(error).strip().splitlines()), "")
    cause = f"{name}: {detail.rstrip('.')}" if detail else name
    return (
        FAILED,
        f"The command failed unexpectedly ({cause}); run it again with --debug to see where.",
    )


def own_cause(error: BaseException) -> Exception | None:
    """Returns the innermost typed error of our packages in an exception's chain, or None.

    Engines wrap the errors of components in their own exceptions.
    """
    found: Exception | None = None
    for link in _chain(error):
        if isinstance(link, Exception) and type(link).__module__.partition(".")[0] in _OWN_PACKAGES:
            found = link
    return found


def is_disk_full(error: BaseException) -> bool:
    """Whether an error, or one in its chain, is that of a full disk."""
    return any(
        (isinstance(link, OSError) and link.errno in _DISK_FULL)
        or any(text in str(link) for text in _FULL_DISK_TEXTS)
        for link in _chain(error)
    )


def is_memory_short(error: BaseException) -> bool:
    """Whether an error, or one in its chain, is an allocation or a new thread that failed."""
    return lacks_memory(error) or any(
        text in str(link) for link in _chain(error) for text in _SHORT_MEMORY_TEXTS
    )


def format_traceback(error: BaseException) -> str:
    """Formats a traceback for `--debug`."""
    return "".join(traceback.format_exception(error))


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yields an error, its cause, the cause of that, and so on."""
    link: BaseException | None = error
    while link is not None:
        yield link
        link = link.__cause__ or link.__context__


def _where(error: OSError) -> str:
    names = [str(name) for name in (error.filename, error.filename2) if name]
    return f" at {' and '.join(names)}" if names else ""


def _is_package_of_others(name: str | None) -> bool:
    """Whether a missing module is a top-level package from outside this project."""
    return name is not None and "." not in name and name not in _OWN_PACKAGES
