"""Shows one line for each node of a run on the screen, and writes all output to a log file.

TFX, Beam and TensorFlow write thousands of lines, some of them from native code. All of them go to
the log file. The screen shows the nodes with their times, and the log lines of our own packages.
"""

import logging
import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from absl import logging as absl_logging
from rich.console import Console

from text.visible import visible

_OWN_LOGGERS = ("trainer", "pipeline", "components", "serving")
_IS_RUNNING = re.compile(r"(?:Component|node) (\S+) is running")
_IS_FINISHED = re.compile(r"(?:Component|node) (\S+) is finished")
_IS_CACHED = re.compile(r"A cached execution \d+ is used")


@contextmanager
def logged_run(log_file: str) -> Iterator["RunScreen"]:
    """Sends all output of a run to a file, and its progress to the screen (standard error).

    Args:
      log_file: the log file; the run's output is appended.
    """
    os.makedirs(os.path.dirname(log_file), exist_ok=True)
    screen = Console(file=os.fdopen(os.dup(2), "w", encoding="utf-8"), highlight=False)
    progress = RunScreen(screen)
    with open(log_file, "a", encoding="utf-8") as file, _streams_to(file.fileno()):
        writer = _LogFile(file.fileno())
        writer.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        root = logging.getLogger()
        before = root.handlers[:], root.level
        root.handlers[:] = [writer, progress]
        root.setLevel(logging.INFO)
        # TFX logs through absl, and libraries may have changed absl's own level.
        absl_logging.set_verbosity(absl_logging.INFO)
        absl_logger = logging.getLogger("absl")
        propagates, absl_handlers = absl_logger.propagate, absl_logger.handlers[:]
        absl_logger.handlers[:], absl_logger.propagate = [], True
        try:
            yield progress
        finally:
            progress.stop()
            root.handlers[:], root.level = before[0], before[1]
            absl_logger.handlers[:], absl_logger.propagate = absl_handlers, propagates


@contextmanager
def _streams_to(descriptor: int) -> Iterator[None]:
    """Redirects standard output and standard error of the whole process, including native code."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = os.dup(1), os.dup(2)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    try:
        yield
    finally:
        for number, stream, copy in zip((1, 2), (sys.stdout, sys.stderr), kept, strict=True):
            try:
                stream.flush()
            except OSError:  # The disk is full: what it did not take must not reach the screen.
                with open(os.devnull, "wb") as nothing:
                    os.dup2(nothing.fileno(), number)
                    stream.flush()
            os.dup2(copy, number)
            os.close(copy)


class _LogFile(logging.Handler):
    """Writes lines to a file; lines that a full disk does not take are lost."""

    def __init__(self, descriptor: int):
        super().__init__()
        self._descriptor = descriptor

    def emit(self, record: logging.LogRecord) -> None:
        try:
            os.write(self._descriptor, f"{self.format(record)}\n".encode("utf-8", "replace"))
        except OSError:
            pass
        except Exception:
            self.handleError(record)


class RunScreen(logging.Handler):
    """Turns the log lines of the runners into one line for each node."""

    def __init__(self, screen: Console):
        super().__init__()
        self._screen = screen
        self._nodes: list[str] = []
        self._status = screen.status("Loading TFX")
        self._status.start()
        self._started: dict[str, float] = {}
        self._is_cached = False

    def expect(self, nodes: list[str]) -> None:
        """Sets the names of all nodes of the run, in order."""
        self._nodes = nodes

    def show(self, text: str) -> None:
        """Prints a line."""
        self._screen.print(visible(text), markup=False, soft_wrap=True)

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        if found := _IS_RUNNING.match(message):
            self._started[found[1]], self._is_cached = time.monotonic(), False
            self._status.update(f"{self._place(found[1])} {found[1]}")
        elif _IS_CACHED.match(message):
            self._is_cached = True
        elif found := _IS_FINISHED.match(message):
            seconds = time.monotonic() - self._started.pop(found[1], time.monotonic())
            how = "from the cache" if self._is_cached else f"{seconds:,.0f} s"
            self.show(f"{self._place(found[1])} {found[1]:<24} {how}")
        elif record.name.partition(".")[0] in _OWN_LOGGERS:
            self.show(f"      {message}")

    def stop(self) -> None:
        """Stops the status line of the terminal."""
        self._status.stop()

    def _place(self, node: str) -> str:
        number = self._nodes.index(node) + 1 if node in self._nodes else 0
        return f"{number:>2}/{len(self._nodes)}"
