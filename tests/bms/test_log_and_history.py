"""The device's own clock, log and history against the values they stand for (protocol.md 5.6, 5.7)."""

from itertools import pairwise

import pytest

from custom_components.smartbms.bms import blocks
from custom_components.smartbms.bms.blocks import Answer
from custom_components.smartbms.bms.lines import Rejection
from custom_components.smartbms.bms.state import LogEntry, LogEvent

CLOCK = "1C2_A6"
LOG = "000190_01_23F_07_9D"
HISTORY = "02_505050505050504F4E4D4C4B_7D"


def answer(line: str) -> Answer:
    """Return an answer whose checksum has to agree."""
    found = blocks.split(line)
    assert isinstance(found, Answer)
    assert found.verified
    return found


def unverified(*fields: str) -> Answer:
    """Return an answer with some fields."""
    return Answer(fields, verified=False)


def test_clock() -> None:
    """`TS@` is 450 seconds of the BMS's own counter."""
    assert blocks.clock(answer(CLOCK)) == 450
    assert blocks.clock(unverified("1G2")) is Rejection.UNPARSABLE
    assert blocks.clock(unverified("1C2", "00")) is Rejection.FIELD_COUNT


def test_a_clock_has_32_bits() -> None:
    """That is 136 years; beyond them there is no calendar to tell the age of an alarm."""
    assert blocks.clock(unverified("FFFFFFFF")) == 4294967295
    assert blocks.clock(unverified("100000000")) is Rejection.UNPARSABLE


@pytest.mark.parametrize(
    ("line", "entry"),
    [
        (LOG, LogEntry(400, LogEvent.VOLTAGE_LOW, 575, 7)),
        ("000000_00_000_00_70", LogEntry(0, LogEvent.EMPTY, 0, 0)),
        ("01E240_02_2E4_0A_BA", LogEntry(123456, LogEvent.VOLTAGE_HIGH, 740, 10)),
        ("000001_03_11A_01_88", LogEntry(1, LogEvent.TEMPERATURE_LOW_CHARGE, 282, 1)),
        ("000001_04_16C_01_90", LogEntry(1, LogEvent.TEMPERATURE_HIGH, 364, 1)),
        ("000001_05_000_10_77", LogEntry(1, LogEvent.COMMUNICATION, 0, 16)),
        ("000001_06_10F_FF_BA", LogEntry(1, LogEvent.TEMPERATURE_LOW_DISCHARGE, 271, 255)),
    ],
)
def test_log_entry(line: str, entry: LogEntry) -> None:
    """`L0@` to `L9@`: time, type, raw value, cell; sent back as the same line."""
    assert blocks.log_entry(answer(line)) == entry
    assert blocks.join(blocks.encode_log_entry(entry)) == line


def test_log_entry_of_unknown_type() -> None:
    """A type that nobody knows is as good as none."""
    assert blocks.log_entry(unverified("000190", "07", "23F", "07")) == LogEntry(400, LogEvent.EMPTY, 575, 7)


@pytest.mark.parametrize(
    ("fields", "rejection"),
    [
        (("000190", "01", "23F"), Rejection.FIELD_COUNT),
        (("000190", "01", "23F", "07", "00"), Rejection.FIELD_COUNT),
        (("000190", "01", "23G", "07"), Rejection.UNPARSABLE),
        (("100000000", "01", "23F", "07"), Rejection.UNPARSABLE),
        (("000190", "01", "23F", "100"), Rejection.IMPLAUSIBLE),
    ],
)
def test_log_entry_rejected(fields: tuple[str, ...], rejection: Rejection) -> None:
    """An entry has exactly four hexadecimal fields of 32 bits at most, and is of one of 255 cells."""
    assert blocks.log_entry(unverified(*fields)) is rejection


def test_history_part() -> None:
    """`H0@`: slot 2 is the newest, then twelve hourly percentages."""
    expected = (2, (80, 80, 80, 80, 80, 80, 80, 79, 78, 77, 76, 75))
    assert blocks.history_part(answer(HISTORY)) == expected
    assert blocks.join(blocks.encode_history_part(*expected)) == HISTORY


def test_history_without_value() -> None:
    """0xFF is an hour without value, and the ring ends with slot 167."""
    fields = ("A7", "FF0064" + "FF" * 9)
    expected = (167, (None, 0, 100, *[None] * 9))
    assert blocks.history_part(unverified(*fields)) == expected
    assert blocks.encode_history_part(*expected) == list(fields)


@pytest.mark.parametrize(
    ("fields", "rejection"),
    [
        (("02",), Rejection.FIELD_COUNT),
        (("02", "50" * 11), Rejection.FIELD_COUNT),
        (("02", "50" * 12 + "5"), Rejection.FIELD_COUNT),
        (("02", "50" * 13), Rejection.FIELD_COUNT),
        (("02", "50" * 12, "00"), Rejection.FIELD_COUNT),
        (("02", "5G" + "50" * 11), Rejection.UNPARSABLE),
        (("A8", "50" * 12), Rejection.IMPLAUSIBLE),
        (("02", "65" + "50" * 11), Rejection.IMPLAUSIBLE),
        (("02", "50" * 11 + "FE"), Rejection.IMPLAUSIBLE),
    ],
)
def test_history_part_rejected(fields: tuple[str, ...], rejection: Rejection) -> None:
    """A part has a slot below 168 and twelve percentages."""
    assert blocks.history_part(unverified(*fields)) is rejection


@pytest.mark.parametrize(("newest", "oldest"), [(0, 1), (2, 3), (166, 167), (167, 0)])
def test_history_order(newest: int, oldest: int) -> None:
    """The hour after the newest slot is the oldest one."""
    ordered = blocks.history(newest, range(168))
    assert len(ordered) == 168
    assert (ordered[0], ordered[-1]) == (oldest, newest)
    # Each hour follows the one before it, over the end of the ring too.
    assert all(b == (a + 1) % 168 for a, b in pairwise(ordered) if a is not None)
