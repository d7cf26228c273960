"""What the command line says, and with which exit status it ends, after an exception.

Our own rooms raise typed errors whose text is a complete sentence: they are recognised by the
package that defines them, so that no room below has to be imported here to be understood.
"""

import errno
import traceback

from pipeline.errors import RunFailedError, UserError

BAD_INPUT = 2
FAILED = 1

_OWN_PACKAGES = {"pipeline", "components", "trainer", "serving", "text"}
_BAD_INPUT_NAMES = {"serving.versions.directory.NoLiveModelError"}
"""Typed errors that the user can fix although they are neither a ValueError nor a LookupError."""
_DISK_FULL = {errno.ENOSPC, errno.EDQUOT}
_NOT_ALLOWED = {errno.EACCES, errno.EPERM, errno.EROFS}


def describe(error: Exception) -> tuple[int, str]:
    """The exit status and the sentence for an exception.

    Args:
        error: what a command raised.

    Returns:
        2 where the user can fix the input: `UserError`, a `ValueError` or `LookupError` that one
        of our rooms defines, or one of a few others by name. 1 for everything else.
    """
    if isinstance(error, UserError):
        return BAD_INPUT, str(error)
    if isinstance(error, RunFailedError):
        return FAILED, str(error)
    kind = type(error)
    if kind.__module__.partition(".")[0] in _OWN_PACKAGES:
        mendable = isinstance(error, ValueError | LookupError)
        mendable = mendable or f"{kind.__module__}.{kind.__qualname__}" in _BAD_INPUT_NAMES
        # str() of a KeyError is its argument's repr.
        sentence = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
        return BAD_INPUT if mendable else FAILED, sentence
    if isinstance(error, ModuleNotFoundError) and _is_package_of_others(error.name):
        return FAILED, (
            f"The package '{error.name}' is not installed: install attention-nmt with the extra "
            "'serve' for commands that read a model, or with 'all' for every command."
        )
    if isinstance(error, OSError) and error.errno in _DISK_FULL:
        return FAILED, (
            f"The disk is full{_where(error)}: free some space, "
            "or choose a folder on another disk with --workspace."
        )
    if isinstance(error, OSError) and error.errno in _NOT_ALLOWED:
        return FAILED, (
            f"Permission was denied{_where(error)}: change the permissions, "
            "or choose another folder with --workspace."
        )
    name = kind.__name__
    detail = next(iter(str(error).strip().splitlines()), "")
    cause = f"{name}: {detail.rstrip('.')}" if detail else name
    return (
        FAILED,
        f"The command failed unexpectedly ({cause}); run it again with --debug to see where.",
    )


def own_cause(error: BaseException) -> Exception | None:
    """The innermost typed error of our rooms in an exception's chain, which engines wrap; or
    None."""
    found: Exception | None = None
    link: BaseException | None = error
    while link is not None:
        if isinstance(link, Exception) and type(link).__module__.partition(".")[0] in _OWN_PACKAGES:
            found = link
        link = link.__cause__ or link.__context__
    return found


def format_traceback(error: BaseException) -> str:
    """The traceback that `--debug` prints."""
    return "".join(traceback.format_exception(error))


def _where(error: OSError) -> str:
    names = [str(name) for name in (error.filename, error.filename2) if name]
    return f" at {' and '.join(names)}" if names else ""


def _is_package_of_others(name: str | None) -> bool:
    """Whether a module that was not found is a whole package, and not one of ours."""
    return name is not None and "." not in name and name not in _OWN_PACKAGES
