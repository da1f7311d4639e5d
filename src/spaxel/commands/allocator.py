"""How the C library keeps freed memory, for a process that is the command line and nothing else."""

from __future__ import annotations

import ctypes

MMAP_THRESHOLD, TRIM_THRESHOLD = -3, -1  # of mallopt(3), glibc
LARGE = 6 * 2**20  # bytes: above a block of scaled spectra, below a tile
KEPT = 32 * 2**20  # bytes of freed memory that are kept


def return_tiles() -> None:
    """Have tiles given back to the system as soon as they are freed. Does nothing where the C library is not glibc.

    By itself glibc keeps freed arrays of up to 32 MiB in a heap per thread: peaks then grow with the number of tiles, by
    some 100 MiB from a cube of 128 MiB to one of 1 GiB; so by 10 MiB, at the same speed (benchmarks/memory.py).
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    mallopt(MMAP_THRESHOLD, LARGE)
    mallopt(TRIM_THRESHOLD, KEPT)
