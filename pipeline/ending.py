"""Ends a command by a signal: with a sentence, its own status, and none of its processes left.

The signal's handler raises an exception, so that files and processes are cleaned up. Python runs it
only between two operations of the main thread, and threads of Beam outlive it; so another thread
ends the process if it is still there after a while.
"""

import os
import signal
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType

SECONDS_TO_END = 1.5
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_SHOW_CURSOR = b"\x1b[?25h"


class Ended(BaseException):
    """A signal ended the command."""

    def __init__(self, number: int):
        super().__init__(number)
        self.status = 128 + number


_are_written = threading.Event()
_received: list[int] = []


def last_words(status: int) -> str:
    """Returns the message about the signal behind an exit status, for the caller to write."""
    _are_written.set()
    cause = "Interrupted" if status == 128 + signal.SIGINT else "Ended by a signal"
    return f"{cause}; run the same command again to continue where possible."


def end_by_signals() -> None:
    """Lets SIGINT, SIGTERM and SIGHUP raise `Ended`, and bounds the time until the end.

    Call it once, in the main thread of a process that does nothing but the command. A signal that
    is ignored, as by `nohup`, stays ignored.
    """
    for number in _SIGNALS:
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, _raise)
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    screen = os.dup(2)  # a run sends standard error to its log
    threading.Thread(target=_watch, args=(reading, screen), daemon=True).start()


def received() -> int | None:
    """Returns the status of the last signal, or None. Beam turns any exception into a failure."""
    return _received[-1] if _received else None


def _raise(number: int, _: FrameType | None) -> None:
    _received.append(128 + number)
    raise Ended(number)


def _watch(reading: int, screen: int) -> None:
    while (number := os.read(reading, 1)[0]) not in _SIGNALS:
        pass
    time.sleep(SECONDS_TO_END)
    status = 128 + number
    with suppress(OSError):
        if os.isatty(screen):
            os.write(screen, _SHOW_CURSOR)
        if not _are_written.is_set():
            os.write(screen, f"nmt: {last_words(status)}\n".encode())
    kill_children()
    os._exit(status)


def kill_children() -> None:
    """Kills all processes that this one started, and those that they started."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            # The name of a program may hold spaces and parentheses.
            fields = path.read_text("utf-8", errors="replace").rpartition(")")[2].split()
            parents[int(path.parent.name)] = int(fields[1])
    ours = {os.getpid()}
    while more := {child for child, parent in parents.items() if parent in ours} - ours:
        ours |= more
    for child in ours - {os.getpid()}:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(child, signal.SIGKILL)
