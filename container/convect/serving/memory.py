"""Memory that a large request has taken, given back to the system when its answer is sent."""

from __future__ import annotations

import contextlib
import ctypes
import gc

import pyarrow as pa

LARGE_BYTES = 1 << 20  # below it, what stays behind is used by the next request


def give_back() -> None:
    """Return what is free to the system; without it the allocators keep what the largest request ever needed."""
    gc.collect()
    pa.default_memory_pool().release_unused()
    with contextlib.suppress(AttributeError, OSError):  # not the GNU C library
        ctypes.CDLL(None).malloc_trim(0)
