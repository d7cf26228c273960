"""Signals end a command with a sentence and its own status, and leave no process."""

import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

_AGAIN = "run the same command again to continue where possible.\n"
SENTENCES = {
    signal.SIGINT: f"nmt: Interrupted; {_AGAIN}",
    signal.SIGTERM: f"nmt: Ended by a signal; {_AGAIN}",
    signal.SIGHUP: f"nmt: Ended by a signal; {_AGAIN}",
}
BUSY = """
import subprocess, sys, threading, time
from pipeline.ending import end_by_signals
end_by_signals()
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(100)"])
print(child.pid, flush=True)
threading.Thread(target=time.sleep, args=(100,)).start()  # as Beam: outlives the main thread
try:
    time.sleep(100)
except BaseException:
    pass
"""


@pytest.mark.parametrize("number", SENTENCES)
def test_a_command_that_reads_ends_with_a_sentence(tmp_path: Path, number: int) -> None:
    fifo = tmp_path / "text.tsv"
    os.mkfifo(fifo)
    command = ["corpus", "import", "--name", "own", "--tsv", str(fifo)]
    with subprocess.Popen(
        [sys.executable, "-m", "pipeline", *command, "--workspace", str(tmp_path)],
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "Reading text.tsv ...\n"
        time.sleep(0.2)
        process.send_signal(number)
        assert process.stderr.read() == SENTENCES[signal.Signals(number)]
        assert process.wait(5) == 128 + number


@pytest.mark.parametrize("number", SENTENCES)
def test_a_process_that_does_not_end_is_ended_with_its_children(number: int) -> None:
    screen, terminal = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", BUSY], stdout=subprocess.PIPE, stderr=terminal
    ) as process:
        assert process.stdout is not None
        child = Path("/proc", process.stdout.readline().decode().strip())
        time.sleep(0.2)
        started = time.monotonic()
        process.send_signal(number)
        assert process.wait(10) == 128 + number
        assert time.monotonic() - started < 3
    shown = os.read(screen, 1000).decode().replace("\r\n", "\n")
    os.close(screen)
    os.close(terminal)
    assert shown == "\x1b[?25h" + SENTENCES[signal.Signals(number)]
    assert not child.exists() or " Z " in (child / "stat").read_text(encoding="utf-8")


def test_a_signal_that_nohup_ignores_stays_ignored(tmp_path: Path) -> None:
    program = (
        "import os, signal; signal.signal(signal.SIGHUP, signal.SIG_IGN); "
        "from pipeline.ending import end_by_signals; end_by_signals(); "
        "os.kill(os.getpid(), signal.SIGHUP)"
    )
    assert subprocess.run([sys.executable, "-c", program], timeout=20).returncode == 0
