"""Reading the device's own memory, when there is something new in it (protocol.md 5.6 and 5.7)."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from ..bms import blocks
from ..bms.blocks import Answer
from ..bms.errors import CommandRejectedError, NoAnswerError, PinRejectedError
from ..bms.lines import Rejection
from ..bms.memory import Memory, history_in_order, log_in_order
from .client import Client

# The stream carries no checksum: another newest entry counts when it stays for three seconds. Visits may
# be shorter, so they are counted from one connection to the next.
_AGREEING: Final = 3


class MemoryReader:
    """Decides when the memory is due and reads it; `on_memory` gets what was read.

    It is due once, and again whenever another entry of the log is the newest or the history has come to
    be wanted. A BMS that does not answer is asked once in a connection.
    """

    def __init__(self, on_memory: Callable[[Memory], None]) -> None:
        """Know nothing yet."""
        self.wants_history = False
        self._on_memory = on_memory
        self._is_known = False
        self._read_newest: int | None = None
        self._newest: int | None = None
        self._agreeing = 0
        self._is_silent = False
        self._asked_history = False

    def begin(self) -> None:
        """Begin with a new connection, in which every question may be asked again."""
        self._is_silent = self._asked_history = False

    def ask_again(self) -> None:
        """Let it be due though there is nothing new in it."""
        self._is_known = False

    def is_due(self, newest: int | None) -> bool:
        """Whether it is time to read, given the newest entry of the log; asked every second of a connection."""
        self._agreeing = self._agreeing + 1 if newest == self._newest else 1
        self._newest = newest
        if self._is_silent:
            return False
        is_new = newest is not None and newest != self._read_newest and self._agreeing >= _AGREEING
        return is_new or not self._is_known or (self.wants_history and not self._asked_history)

    async def read(self, client: Client) -> None:
        """Ask for everything that is wanted, the stream being stopped.

        What is refused, not answered or garbled is not there. Raises `ConnectionLostError`.
        """
        clocks = await _answers(client, (blocks.CLOCK_QUERY,), blocks.clock)
        if not clocks:
            self._is_silent = True
            return
        read_at = asyncio.get_running_loop().time()
        entries = await _answers(client, blocks.LOG_QUERIES, blocks.log_entry)
        history = None
        if self.wants_history and not self._asked_history:
            self._asked_history = True
            history = history_in_order(await _answers(client, blocks.HISTORY_QUERIES, blocks.history_part))
            self.wants_history = history is None
        self._is_known = True
        self._read_newest = self._newest
        self._on_memory(Memory(clocks[0], read_at, log_in_order(entries, self._newest), history))


async def _answers[T](
    client: Client, queries: Sequence[str], decode: Callable[[Answer], T | Rejection]
) -> list[T]:
    """Return what some queries are answered by, up to the first that is not."""
    found: list[T] = []
    for query in queries:
        try:
            answer = await client.query(query)
        except PinRejectedError, CommandRejectedError, NoAnswerError:
            break
        value = decode(answer) if answer.verified else Rejection.CHECKSUM
        if isinstance(value, Rejection):
            break
        found.append(value)
    return found
