import subprocess
import sys

RESIDENT = """
from pathlib import Path

from serving.local.memory import keep_large_blocks_apart, return_freed_memory

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096
"""
THREADS = """
import threading

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


HOLES = """
import ctypes

libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.free.argtypes = [ctypes.c_void_p]

def block(size):
    address = libc.malloc(size)
    ctypes.memset(address, 1, size)
    return address

keep_large_blocks_apart()
libc.free(block(30 << 20))  # by which glibc would raise its limit
before = resident()
pairs = [(block(2 << 20), block(2000)) for _ in range(100)]
for large, _ in pairs[:-1]:
    libc.free(large)
print(resident() - before)
"""


def grown_by(program: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", RESIDENT + program], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


def test_memory_freed_by_threads_goes_back_to_the_system() -> None:
    assert grown_by(THREADS) < 8 << 20


def test_large_blocks_leave_no_holes_among_small_ones() -> None:
    assert grown_by(HOLES) < 8 << 20
