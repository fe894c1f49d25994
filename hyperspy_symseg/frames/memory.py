# SPDX-License-Identifier: GPL-3.0-or-later
"""Memory that is freed by one frame and taken by the next."""

import ctypes
import functools
import os
import sys

# Options of glibc's `mallopt`, and the largest value that it takes for the second.
TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
LARGEST_OF_HEAP = 32 * 2**20
# What is kept at most: some arrays of a tile of 2048 x 2048 pixels.
KEPT = 256 * 2**20
# What a user has set stays.
SETTINGS = "MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES"


@functools.cache
def keep_freed_memory():
    """Keep memory of this process that arrays have freed, up to 256 MB.

    Arrays of a frame are taken and freed some hundred times. The C library hands those
    of a few MB back to the system each time, which clears each of their pages when it
    is touched next: a sixth of the time of a frame. It is done once a process, where
    the library is glibc.

    Returns
    -------
    bool
        Whether it was done.

    Examples
    --------
    >>> keep_freed_memory() == keep_freed_memory()
    True
    """
    is_set = any(name in os.environ for name in SETTINGS)
    if is_set or not sys.platform.startswith("linux"):
        return False
    library = ctypes.CDLL(None)
    if not hasattr(library, "gnu_get_libc_version"):
        return False
    return bool(
        library.mallopt(MMAP_THRESHOLD, LARGEST_OF_HEAP)
        and library.mallopt(TRIM_THRESHOLD, KEPT)
    )
