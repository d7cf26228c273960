import subprocess
import sys

PROGRAM = """
import threading
from pathlib import Path

from serving.local.memory import return_freed_memory

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

def use():
    kept = []
    for _ in range(20_000):  # small pieces, which glibc keeps for the thread
        kept.append(bytes(2000))
        kept.append(bytes(600))

before = resident()
threads = [threading.Thread(target=use) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
return_freed_memory()
print(resident() - before)
"""


def test_memory_freed_by_threads_goes_back_to_the_system() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 8 << 20
