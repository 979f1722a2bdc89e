"""What the device remembers by itself (protocol.md 5.6 and 5.7)."""

from itertools import pairwise

import pytest

from custom_components.smartbms.bms.state import LogEntry, LogEvent
from custom_components.smartbms.simulator.memory import DeviceMemory

EMPTY = LogEntry(0, LogEvent.EMPTY, 0, 0)
HIGH, LOW, CHAIN = LogEvent.VOLTAGE_HIGH, LogEvent.VOLTAGE_LOW, LogEvent.COMMUNICATION


@pytest.fixture
def memory() -> DeviceMemory:
    """Return the memory of a device that was at 62 % at half past nine."""
    memory = DeviceMemory()
    memory.remember_week(62, 9.5 * 3600)
    return memory


def test_it_has_been_there_for_a_week(memory: DeviceMemory) -> None:
    """Its counter says so; there was no alarm."""
    assert memory.clock == 604800
    assert (memory.log, memory.newest_entry) == ([EMPTY] * 10, None)


def test_a_plausible_week(memory: DeviceMemory) -> None:
    """168 hours that end at the present value, full in the evening and low in the morning."""
    assert (len(memory.history), memory.newest_hour, memory.history[-1]) == (168, 167, 62)
    hours = [level for level in memory.history if level is not None]
    assert hours[:24] == hours[24:48] == hours[-24:]
    assert (min(hours), max(hours)) == (54, 94)
    assert max(abs(later - earlier) for earlier, later in pairwise(hours)) <= 6


@pytest.mark.parametrize(("now", "low", "high"), [(0, 5, 32), (100, 92, 100)])
def test_a_week_has_its_bounds(now: float, low: int, high: int) -> None:
    """Never beyond full, and never quite empty."""
    memory = DeviceMemory()
    memory.remember_week(now, 9.5 * 3600)
    hours = [level for level in memory.history if level is not None]
    assert (min(hours), max(hours)) == (low, high)


def test_hours_pass(memory: DeviceMemory) -> None:
    """Each ends with a value in the next slot of the ring, after the last comes the first."""
    second = memory.history[1]
    for _ in range(2 * 360 - 1):
        memory.pass_time(10, 71.9)
    assert (memory.newest_hour, memory.history[:2]) == (0, [71, second])
    memory.pass_time(10, 72)
    assert (memory.newest_hour, memory.history[:2]) == (1, [71, 72])
    assert memory.clock == 604800 + 7200


def test_an_alarm_is_noted_when_it_begins(memory: DeviceMemory) -> None:
    """Once, with its value and its cell, as long as it is on; and again when it comes back."""
    memory.watch({HIGH: (741, 3)}, set())
    memory.pass_time(60, 50)
    memory.watch({HIGH: (742, 4)}, set())
    memory.watch({}, set())
    memory.watch({HIGH: (743, 5)}, set())
    assert memory.log[:3] == [LogEntry(604800, HIGH, 741, 3), LogEntry(604860, HIGH, 743, 5), EMPTY]
    assert memory.newest_entry == 1


def test_two_alarms_at_once(memory: DeviceMemory) -> None:
    """Each has an entry of its own."""
    memory.watch({LOW: (575, 7), HIGH: (741, 3)}, set())
    assert [entry.event for entry in memory.log[:3]] == [LOW, HIGH, LogEvent.EMPTY]


def test_an_alarm_within_its_hysteresis_goes_on(memory: DeviceMemory) -> None:
    """It is not noted anew until it was over; and what never was on does not begin by it."""
    memory.watch({}, {HIGH})
    memory.watch({HIGH: (741, 3)}, {HIGH})
    memory.watch({}, {HIGH})
    memory.watch({HIGH: (742, 3)}, {HIGH})
    assert memory.newest_entry == 0
    memory.watch({}, set())
    memory.watch({HIGH: (743, 3)}, {HIGH})
    assert memory.newest_entry == 1


def test_a_ring_of_ten(memory: DeviceMemory) -> None:
    """The eleventh entry takes the place of the first."""
    for value in range(11):
        memory.watch({CHAIN: (value, 8)}, set())
        memory.watch({}, set())
    assert [entry.value for entry in memory.log] == [10, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert memory.newest_entry == 0


def test_a_restart(memory: DeviceMemory) -> None:
    """The counter begins anew, what was noted stays."""
    memory.watch({CHAIN: (0, 8)}, set())
    memory.restart()
    assert memory.clock == 0
    assert memory.log[0] == LogEntry(604800, CHAIN, 0, 8)
    assert memory.history[-1] == 62
