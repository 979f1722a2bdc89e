"""What the integration takes of a Home Assistant in whose process this runs: memory, tasks, timers, callbacks.

What is of ours is found by where its type or its function was written, wherever it is kept.
"""

import _sqlite3
import asyncio
from collections import Counter, deque
import ctypes
from functools import partial
import gc
import os
from pathlib import Path
import re
import resource
import sys
from tempfile import TemporaryFile
from types import FunctionType, MappingProxyType, MethodType
from typing import Final, NamedTuple

OURS: Final = "custom_components.smartbms"
_PLAIN: Final = (
    bool, int, float, str, bytes, bytearray, tuple, list, dict, set, frozenset, deque, MappingProxyType, Counter
)  # fmt: skip
_SMALL_OBJECTS: Final = re.compile(rb"bytes in allocated blocks *= *([0-9,]+)")
# mallopt(3).
_ARENA_MAX: Final = -8
_CALLBACKS: Final = (FunctionType, MethodType, partial)


class Acting(NamedTuple):
    """How much of ours may act: tasks, timers, and all functions and bound methods.

    Of the latter is whatever listens, wherever it listens.
    """

    tasks: int
    timers: int
    callbacks: int


def acting() -> Acting:
    """Return what of ours may act now, in the running loop; garbage counts until it is collected."""
    everything = gc.get_objects()
    timers = [each for each in everything if type(each) is asyncio.TimerHandle]
    callbacks = [each for each in everything if type(each) in _CALLBACKS]
    return Acting(
        tasks=sum(_is_our_task(task) for task in asyncio.all_tasks()),
        timers=sum(_is_our_timer(timer) for timer in timers),
        callbacks=sum(_is_our_callback(each) for each in callbacks),
    )


def size() -> int:
    """Return the bytes of all objects of ours, and of the plain things that they hold, each once."""
    gc.collect()
    found = [each for each in gc.get_objects() if _is_ours(each)]
    seen, total = {id(each) for each in found}, 0
    while found:
        item = found.pop()
        total += sys.getsizeof(item)
        for each in gc.get_referents(item):
            if id(each) not in seen and (type(each) in _PLAIN or _is_ours(each)):
                seen.add(id(each))
                found.append(each)
    return total


class Memory(NamedTuple):
    """What this process has, in bytes: all of it, what is in use of that, and SQLite's part in what is."""

    resident: int
    used: int
    database: int


class _MallocInfo(ctypes.Structure):
    """What GNU's C library tells of its heap (mallinfo2(3))."""

    _fields_ = (
        ("arena", ctypes.c_size_t),
        ("ordblks", ctypes.c_size_t),
        ("smblks", ctypes.c_size_t),
        ("hblks", ctypes.c_size_t),
        ("hblkhd", ctypes.c_size_t),
        ("usmblks", ctypes.c_size_t),
        ("fsmblks", ctypes.c_size_t),
        ("uordblks", ctypes.c_size_t),
        ("fordblks", ctypes.c_size_t),
        ("keepcost", ctypes.c_size_t),
    )


def keep_together() -> None:
    """Let all threads allocate in one place from now on, of which less lies idle."""
    ctypes.CDLL(None).mallopt(_ARENA_MAX, 1)


def memory() -> Memory:
    """Return the memory of this process, once what is not used has been given back.

    In use is what Python and the C library have handed out; the rest are programs, and what lies idle.
    """
    gc.collect()
    library = ctypes.CDLL(None)
    library.malloc_trim(0)
    library.mallinfo2.restype = _MallocInfo
    heap: _MallocInfo = library.mallinfo2()
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return Memory(
        resident=int(pages) * resource.getpagesize(),
        used=heap.uordblks + heap.hblkhd + _small_objects(),
        database=_database_memory(),
    )


def _small_objects() -> int:
    """Return the bytes of Python's small objects, which it tells the standard error alone."""
    with TemporaryFile() as file:
        error = os.dup(2)
        os.dup2(file.fileno(), 2)
        try:
            sys._debugmallocstats()  # noqa: SLF001
        finally:
            os.dup2(error, 2)
            os.close(error)
        file.seek(0)
        found = _SMALL_OBJECTS.search(file.read())
    return int(found[1].replace(b",", b"")) if found else 0


def _database_memory() -> int:
    """Return the bytes that SQLite has (sqlite3_status64)."""
    now, most = ctypes.c_int64(), ctypes.c_int64()
    ctypes.CDLL(_sqlite3.__file__).sqlite3_status64(0, ctypes.byref(now), ctypes.byref(most), 0)
    return now.value


def _is_ours(item: object) -> bool:
    # Some types tell their module by a descriptor, which none of ours does.
    return str(type(item).__module__).startswith(OURS)


def _is_our_callback(item: object) -> bool:
    if type(item) is partial:
        item = item.func
    return type(item) in _CALLBACKS and str(getattr(item, "__module__", "")).startswith(OURS)


def _is_our_timer(timer: asyncio.TimerHandle) -> bool:
    return not timer.cancelled() and any(_is_our_callback(each) for each in gc.get_referents(timer))


def _is_our_task(task: asyncio.Task[object]) -> bool:
    code = getattr(task.get_coro(), "cr_code", None)
    return code is not None and OURS.replace(".", "/") in code.co_filename
