"""Answers to queries <-> their fields, checksum and meaning (protocol.md 5).

The four characters of the PIN stand in the clear in `S1@`; they are dropped here, before anything
else sees the answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from . import settings
from .device import HIGHEST_CELL_VOLTAGE, Generation
from .lines import Rejection
from .settings import Block, SettingKey
from .state import LogEntry, LogEvent

VERSION_QUERY: Final = "V@"
CLOCK_QUERY: Final = "TS@"
LOG_QUERIES: Final = tuple(f"L{index:X}@" for index in range(10))
HISTORY_QUERIES: Final = tuple(f"H{index:X}@" for index in range(14))
HISTORY_HOURS: Final = 168
_HOURS_PER_BLOCK: Final = 12
_NO_VALUE: Final = 0xFF
_DIGITS: Final = frozenset("0123456789ABCDEF")
# As many as a record has (`records`); no number that a BMS counts is beyond 32 bits.
_MOST_DIGITS: Final = 8
_MOST_CELL: Final = 0xFF


@dataclass(frozen=True, slots=True)
class Answer:
    """The data fields of an answer as sent, and whether its checksum agrees.

    The fields of `S1@` hold the PIN, so they are not shown.
    """

    fields: tuple[str, ...] = field(repr=False)
    verified: bool


@dataclass(frozen=True, slots=True)
class Version:
    """`V@`: firmware such as `3.3.11`, status byte 1, balance voltage in V."""

    firmware: str
    generation: Generation
    status: int | None
    balance_voltage: float | None


def checksum(fields: Sequence[str]) -> str:
    """Return the two-digit checksum: the sum of all characters but the separators, modulo 256."""
    return f"{sum(map(ord, ''.join(fields))) & 0xFF:02X}"


def split(line: str) -> Answer | Rejection:
    """Return the fields of an answer line; it needs at least one field and a checksum."""
    *fields, stated = line.split("_")
    if not fields:
        return Rejection.FIELD_COUNT
    if not all(text.isalnum() for text in fields) or len(stated) != 2:
        return Rejection.UNPARSABLE
    return Answer(tuple(fields), checksum(fields) == stated)


def is_answer(line: str) -> bool:
    """Return whether a line can be an answer: a record of the stream begins with its letter and `_`."""
    answer = split(line)
    return isinstance(answer, Answer) and (answer.verified or line[1:2] != "_")


def join(fields: Sequence[str]) -> str:
    """Return the answer line of some fields, with its checksum; the inverse of `split`."""
    return "_".join((*fields, checksum(fields)))


def _numbers(fields: Sequence[str]) -> list[int] | None:
    if not all(len(text) <= _MOST_DIGITS and set(text) <= _DIGITS for text in fields):
        return None
    return [int(text, 16) for text in fields]


def version(answer: Answer) -> Version | Rejection:
    """Return what `V@` says.

    On generation 3 the digits are major, minor and build (`33B` is 3.3.11); on generation 2 they
    are one number, tens major and units minor (`0F` is 1.5). The width tells which.
    """
    if len(answer.fields) < 5:
        return Rejection.FIELD_COUNT
    text = answer.fields[0]
    # Nobody knows what the two fields in between are.
    numbers = _numbers((text, *answer.fields[3:5]))
    if numbers is None:
        return Rejection.UNPARSABLE
    number, status, balance_count = numbers
    if len(text) >= 3:
        generation, parts = Generation.GEN3, [int(part, 16) for part in (text[:1], text[1:2], text[2:])]
    else:
        generation, parts = Generation.GEN2, list(divmod(number, 10))
    firmware = ".".join(map(str, parts))
    # The only published answer holds an impossible balance voltage: no cell board reaches 6 V.
    balance = balance_count / 200 if 0 < balance_count <= HIGHEST_CELL_VOLTAGE else None
    return Version(firmware, generation, status if status <= 0xFF else None, balance)


def encode_version(firmware: str, generation: Generation, status: int, balance_voltage: float) -> list[str]:
    """Return the fields of `V@`; the two that nobody understands are sent as in protocol.md 5.1."""
    parts = [int(part) for part in firmware.split(".")]
    if generation is Generation.GEN3:
        text = f"{parts[0]:X}{parts[1]:X}{parts[2]:X}"
    else:
        text = f"{parts[0] * 10 + parts[1]:02X}"
    return [text, "10", "10", f"{status:02X}", f"{round(balance_voltage * 200):03X}"]


_PIN_POSITION: Final = 3


def block_settings(block: Block, answer: Answer) -> dict[SettingKey, float] | Rejection:
    """Return the settings a block holds, without the PIN; one that its bytes cannot hold spoils all."""
    fields = answer.fields
    if len(fields) < block.least_fields:
        return Rejection.FIELD_COUNT
    if block is Block.GENERAL:
        fields = fields[:_PIN_POSITION]
    rows = settings.of_block(block)
    # What only firmware of the future sends may be anything.
    numbers = _numbers(fields[: len(rows)])
    if numbers is None:
        return Rejection.UNPARSABLE
    if any(row.value(number) > row.encodable[1] for row, number in zip(rows, numbers, strict=False)):
        return Rejection.IMPLAUSIBLE
    return settings.decode(block, numbers)


def clock(answer: Answer) -> int | Rejection:
    """Return the seconds of the BMS's own counter (`TS@`)."""
    numbers = _numbers(answer.fields)
    if numbers is None:
        return Rejection.UNPARSABLE
    return numbers[0] if len(numbers) == 1 else Rejection.FIELD_COUNT


def log_entry(answer: Answer) -> LogEntry | Rejection:
    """Return one entry of the device's log (`L0@` to `L9@`)."""
    numbers = _numbers(answer.fields)
    if numbers is None:
        return Rejection.UNPARSABLE
    if len(numbers) != 4:
        return Rejection.FIELD_COUNT
    timestamp, event, value, cell = numbers
    if cell > _MOST_CELL:
        return Rejection.IMPLAUSIBLE
    return LogEntry(timestamp, LogEvent(event) if event in LogEvent else LogEvent.EMPTY, value, cell)


def encode_log_entry(entry: LogEntry) -> list[str]:
    """Return the fields of a log entry."""
    return [f"{entry.timestamp:06X}", f"{entry.event:02X}", f"{entry.value:03X}", f"{entry.cell:02X}"]


def history_part(answer: Answer) -> tuple[int, tuple[int | None, ...]] | Rejection:
    """Return the newest slot and twelve hourly states of charge in % (`H0@` to `HD@`)."""
    if not all(set(text) <= _DIGITS for text in answer.fields):
        return Rejection.UNPARSABLE
    if len(answer.fields) != 2 or len(answer.fields[1]) != 2 * _HOURS_PER_BLOCK:
        return Rejection.FIELD_COUNT
    newest, values = int(answer.fields[0], 16), bytes.fromhex(answer.fields[1])
    if newest >= HISTORY_HOURS or any(value > 100 and value != _NO_VALUE for value in values):
        return Rejection.IMPLAUSIBLE
    return newest, tuple(None if value == _NO_VALUE else value for value in values)


def history(newest: int, slots: Sequence[int | None]) -> list[int | None]:
    """Return the ring of 168 hourly values in the order of time, oldest first."""
    return [*slots[newest + 1 :], *slots[: newest + 1]]


def encode_history_part(newest: int, values: Sequence[int | None]) -> list[str]:
    """Return the fields of one of the fourteen history answers."""
    return [f"{newest:02X}", "".join(f"{_NO_VALUE if value is None else value:02X}" for value in values)]
