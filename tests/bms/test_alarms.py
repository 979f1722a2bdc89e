"""What the device's own log tells a person, and when it happened (protocol.md 5.6)."""

from datetime import UTC, datetime

import pytest

from custom_components.smartbms.bms.alarms import Alarm, new_alarms
from custom_components.smartbms.bms.device import TemperatureScale
from custom_components.smartbms.bms.memory import Memory
from custom_components.smartbms.bms.state import LogEntry, LogEvent

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def alarm(entry: LogEntry, clock: int = 460) -> Alarm:
    """Return what an entry tells at noon, when the counter of the BMS stands at a value."""
    (found,) = new_alarms(Memory(clock, 0.0, (entry,)), (), TemperatureScale.APP, NOON)
    return found


def test_an_alarm() -> None:
    """A minute ago cell 7 was at 2.875 V."""
    a_minute_ago = datetime(2026, 5, 1, 11, 59, tzinfo=UTC)
    found = alarm(LogEntry(400, LogEvent.VOLTAGE_LOW, 575, 7))
    assert found == Alarm(LogEvent.VOLTAGE_LOW, a_minute_ago, 7, 2.875, None)


@pytest.mark.parametrize(
    ("event", "value", "voltage", "temperature"),
    [
        (LogEvent.VOLTAGE_HIGH, 1200, 6.0, None),
        (LogEvent.VOLTAGE_HIGH, 1201, None, None),
        (LogEvent.TEMPERATURE_HIGH, 504, None, 199.8),
        (LogEvent.TEMPERATURE_HIGH, 505, None, None),
        (LogEvent.TEMPERATURE_LOW_CHARGE, 0, None, None),
        (LogEvent.COMMUNICATION, 300, None, None),
    ],
)
def test_a_value_that_no_cell_has(
    event: LogEvent, value: int, voltage: float | None, temperature: float | None
) -> None:
    """Above 6 V, or where no sensor measures, nobody knows what it was."""
    found = alarm(LogEntry(400, event, value, 7))
    assert (found.voltage, found.temperature) == (voltage, temperature)


def test_as_long_ago_as_a_counter_can_tell() -> None:
    """After 136 years of counting there is still a calendar."""
    found = alarm(LogEntry(0, LogEvent.COMMUNICATION, 0, 0), clock=0xFFFFFFFF)
    assert found.occurred is not None
    assert found.occurred.year == 1890
    assert found.cell is None
