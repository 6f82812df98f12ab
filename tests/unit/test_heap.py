"""Threads share two heaps of the C library."""

import platform
import subprocess
import sys

import pytest

THREADS = """
import ctypes, sys, threading
from explorer import heap

if sys.argv[1] == "limited":
    heap.limit_arenas()
together = threading.Barrier(12)

def allocate():
    together.wait()
    kept = [bytes(10_000) for _block in range(100)]
    together.wait()

threads = [threading.Thread(target=allocate) for _thread in range(12)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
library = ctypes.CDLL(None)
library.fopen.restype = ctypes.c_void_p
library.malloc_info(0, ctypes.c_void_p(library.fopen(b"/dev/stdout", b"w")))
library.fflush(None)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have other heaps")
def test_threads_share_two_heaps() -> None:
    heaps = {
        how: subprocess.run(
            [sys.executable, "-c", THREADS, how], check=True, capture_output=True, text=True, timeout=100
        ).stdout.count("<heap nr=")
        for how in ("limited", "free")
    }
    assert heaps["limited"] <= 2 < heaps["free"]
