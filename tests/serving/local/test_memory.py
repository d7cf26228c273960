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

TENSORS = """
from ctypes import c_int64

from serving.local.memory import reserve_for_tensors
from serving.local.tensorflow_library import tensorflow_library

library = tensorflow_library()
states = [(memory_in_use(), resident())]
reserve_for_tensors(512 << 20)
states.append((memory_in_use(), resident()))
sizes = [50 << 20, 3 << 20, 90 << 20, 200 << 20]
tensors = [library.TF_AllocateTensor(4, (c_int64 * 1)(size), 1, size) for size in sizes]
states.append((memory_in_use(), resident()))
for before, after in zip(states, states[1:]):
    print(after[0] - before[0], after[1] - before[1])
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


def test_tensors_take_what_was_reserved() -> None:
    reserved, resident, in_use_of_tensors, _ = printed(TENSORS)
    assert reserved >= 512 << 20
    assert resident < 24 << 20
    assert in_use_of_tensors < 1 << 20


def test_without_address_space_nothing_is_reserved() -> None:
    limit = "import resource; resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))"
    reserve = "print(reserve_for_tensors(16 << 30) or memory_in_use())"
    program = f"from serving.local.memory import reserve_for_tensors\n{limit}\n{reserve}"
    [in_use] = printed(program)
    assert in_use < 1 << 30
