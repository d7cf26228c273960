import subprocess
import sys
import time
from pathlib import Path

PARENT = """
import os, subprocess, sys, time
child = "import os, sys, time; from serving.local.parent import end_with_parent; " \\
    f"end_with_parent({os.getpid()}); print(os.getpid(), flush=True); time.sleep(100)"
subprocess.run([sys.executable, "-c", child])
"""


def test_a_process_ends_with_a_parent_that_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = Path("/proc", parent.stdout.readline().decode().strip())
        assert child.exists()
        parent.kill()
    end = time.monotonic() + 10
    while child.exists() and " Z " not in (child / "stat").read_text(encoding="utf-8"):
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_process_whose_parent_is_gone_already_ends_at_once() -> None:
    program = "from serving.local.parent import end_with_parent; end_with_parent(1 << 22)"
    assert subprocess.run([sys.executable, "-c", program]).returncode == -9
