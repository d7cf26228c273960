"""Ends a helper process together with the process that started it, even if that is killed."""

import ctypes
import os
import signal

_PR_SET_PDEATHSIG = 1


def end_with_parent(parent: int) -> None:
    """Lets the kernel kill this process when its parent ends (Linux only; elsewhere nothing).

    Args:
      parent: the parent's process id. It may have ended before the kernel was told.
    """
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is None:
        return
    prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)
