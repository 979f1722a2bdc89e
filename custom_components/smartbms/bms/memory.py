"""The device's own memory, put together from its answers (protocol.md 5.6 and 5.7)."""

from collections.abc import Sequence
from dataclasses import dataclass

from . import blocks
from .state import LogEntry, LogEvent


@dataclass(frozen=True, slots=True)
class Memory:
    """What a generation 3 BMS remembers by itself, oldest first.

    `clock` is the BMS's own counter in s, which the times of the log are on, and `read_at` the time
    of the event loop at which it stood there. `history` holds 168 hourly states of charge in %, each
    `None` where the BMS has none; it is `None` where it was not asked for or not answered.
    """

    clock: int
    read_at: float
    log: tuple[LogEntry, ...]
    history: tuple[int | None, ...] | None = None


def log_in_order(entries: Sequence[LogEntry], newest: int | None) -> tuple[LogEntry, ...]:
    """Return the entries of the log by their slot, oldest first, without the empty ones.

    The log is a ring that ends at the `newest` slot. A BMS that does not tell it has its entries put
    in the order of their times, which is the same until its counter is set back.
    """
    if newest is None or newest >= len(blocks.LOG_QUERIES):
        ordered = sorted(entries, key=lambda entry: entry.timestamp)
    else:
        ordered = [*entries[newest + 1 :], *entries[: newest + 1]]
    return tuple(entry for entry in ordered if entry.event is not LogEvent.EMPTY)


def history_in_order(parts: Sequence[tuple[int, tuple[int | None, ...]]]) -> tuple[int | None, ...] | None:
    """Return the whole history, oldest first.

    It is `None` where parts are missing, or where an hour was added between the answers.
    """
    if len(parts) != len(blocks.HISTORY_QUERIES) or len({newest for newest, _ in parts}) != 1:
        return None
    slots = [value for _, values in parts for value in values]
    return tuple(blocks.history(parts[0][0], slots))
