import subprocess
import sys

import pytest

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


POOLS = """
import ctypes
import sys
import threading
from pathlib import Path

from serving.local.memory import share_memory_between_threads

def pools():
    path = Path(sys.argv[2])
    libc = ctypes.CDLL(None)
    libc.fopen.restype = ctypes.c_void_p
    file = ctypes.c_void_p(libc.fopen(str(path).encode(), b"w"))
    libc.malloc_info(0, file)
    libc.fclose(file)
    return path.read_text().count("<heap ")

if sys.argv[1] != "0":
    share_memory_between_threads(int(sys.argv[1]))
begun = threading.Barrier(8)

def use():
    begun.wait()
    kept = [ctypes.CDLL(None).malloc(1000) for _ in range(1000)]
    begun.wait()

threads = [threading.Thread(target=use) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(pools())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc is Linux's C library")
@pytest.mark.parametrize(("limit", "expected"), [(0, range(3, 99)), (2, range(1, 3))])
def test_threads_share_pools_of_memory(tmp_path, limit, expected) -> None:
    command = [sys.executable, "-c", POOLS, str(limit), str(tmp_path / "malloc.xml")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(done.stdout) in expected
