import subprocess
import sys

RESIDENT = """
from pathlib import Path

from serving.local.memory import memory_in_use, return_freed_memory

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

def block():
    address = libc.malloc(2000)
    ctypes.memset(address, 1, 2000)
    return address

in_use, before = memory_in_use(), resident()
blocks = [block() for _ in range(20_000)]
for place, address in enumerate(blocks):
    if place % 4:
        libc.free(address)
return_freed_memory()
print(memory_in_use() - in_use, resident() - before)
"""


def printed(program: str) -> list[int]:
    command = [sys.executable, "-c", RESIDENT + program]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return list(map(int, done.stdout.split()))


def test_memory_freed_by_threads_goes_back_to_the_system() -> None:
    [grown] = printed(THREADS)
    assert grown < 8 << 20


def test_freed_pieces_between_others_are_resident_but_not_in_use() -> None:
    in_use, resident = printed(HOLES)
    assert 9_000_000 < in_use < 14_000_000 < 25_000_000 < resident
