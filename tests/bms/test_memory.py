"""The device's own memory, put together from its answers (protocol.md 5.6 and 5.7)."""

import pytest

from custom_components.smartbms.bms.memory import history_in_order, log_in_order
from custom_components.smartbms.bms.state import LogEntry, LogEvent


def entry(timestamp: int, event: LogEvent = LogEvent.VOLTAGE_HIGH) -> LogEntry:
    """Return an entry of some time."""
    return LogEntry(timestamp, event, 740, 3)


EMPTY = entry(0, LogEvent.EMPTY)


def times(log: tuple[LogEntry, ...]) -> list[int]:
    """Return when the entries were made."""
    return [each.timestamp for each in log]


@pytest.mark.parametrize(
    ("newest", "expected"),
    [
        (9, [10, 11, 12, 13, 14, 15, 16, 17, 18, 19]),
        (0, [11, 12, 13, 14, 15, 16, 17, 18, 19, 10]),
        (3, [14, 15, 16, 17, 18, 19, 10, 11, 12, 13]),
    ],
)
def test_the_log_is_a_ring(newest: int, expected: list[int]) -> None:
    """After the newest entry comes the oldest, whatever their counter says."""
    assert times(log_in_order([entry(10 + slot) for slot in range(10)], newest)) == expected


def test_a_log_that_is_not_full() -> None:
    """Slots that nothing was written to are no entries."""
    assert times(log_in_order([entry(50), entry(60), *[EMPTY] * 8], 1)) == [50, 60]
    assert log_in_order([EMPTY] * 10, None) == ()
    assert log_in_order([], 3) == ()


@pytest.mark.parametrize("newest", [None, 10, 255])
def test_a_log_whose_newest_entry_is_not_told(newest: int | None) -> None:
    """Then the times of the entries tell their order."""
    assert times(log_in_order([entry(70), entry(50), entry(60)], newest)) == [50, 60, 70]


def test_the_history_is_a_ring() -> None:
    """Fourteen times twelve hours, of which slot 13 was written last."""
    parts = [(13, tuple(range(7 * part, 7 * part + 12))) for part in range(14)]
    history = history_in_order(parts)
    assert history is not None
    assert len(history) == 168
    # Slots 14, 15 and 16 are in the second part, slot 167 ends the last one, and slot 13 the row.
    assert history[:3] == (9, 10, 11)
    assert history[153:156] == (102, 0, 1)
    assert history[-3:] == (11, 7, 8)


def test_hours_without_value() -> None:
    """A BMS that is new has hours of which it knows nothing."""
    assert history_in_order([(0, (None,) * 12)] * 14) == (None,) * 168


def test_a_history_that_does_not_fit_together() -> None:
    """A part is missing, or an hour passed between two of them."""
    parts = [(13, (50,) * 12)] * 14
    assert history_in_order(parts[:13]) is None
    assert history_in_order([]) is None
    assert history_in_order([*parts[:13], (14, (50,) * 12)]) is None
