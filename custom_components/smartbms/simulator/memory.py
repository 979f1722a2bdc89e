"""What the device itself remembers: ten alarms and a week of hours (protocol.md 5.6 and 5.7)."""

from collections.abc import Mapping
from math import pi, sin
from typing import Final

from ..bms.blocks import HISTORY_HOURS
from ..bms.state import LogEntry, LogEvent

_HOUR: Final = 3600.0
_ENTRIES: Final = 10
_WEEK: Final = 7 * 24 * _HOUR
# By how many percent the state of charge swings about its mean in the week before.
_SWING: Final = 20.0
_LOWEST: Final = 5.0

# The value and the cell of each alarm that is on: 5 mV steps, raw temperature, 0 for communication.
type Alarms = Mapping[LogEvent, tuple[int, int]]


class DeviceMemory:
    """The log and the history of a device that has been there for a week.

    `clock` is the BMS's own counter, in seconds that it has lived; `newest_entry` and `newest_hour`
    are the slots of the two rings that were written last.
    """

    def __init__(self) -> None:
        """Begin after a week, in which there was no alarm; the history is `remember_week`'s."""
        self.clock = _WEEK
        self.log = [LogEntry(0, LogEvent.EMPTY, 0, 0)] * _ENTRIES
        self.newest_entry: int | None = None
        self.history: list[int | None] = [None] * HISTORY_HOURS
        self.newest_hour = HISTORY_HOURS - 1
        self._since_hour = 0.0
        self._alarms: set[LogEvent] = set()

    def remember_week(self, state_of_charge: float, time_of_day: float) -> None:
        """Remember 168 hours that end at a state of charge in % and at a time of day in seconds.

        A plain daily course, which is ours: full in the evening, low in the morning.
        """
        now = time_of_day / _HOUR
        hours = range(1 - HISTORY_HOURS, 1)
        levels = [state_of_charge + _course(now + hour) - _course(now) for hour in hours]
        self.history = [round(min(max(level, _LOWEST), 100.0)) for level in levels]
        self.newest_hour = HISTORY_HOURS - 1
        self._since_hour = 0.0

    def pass_time(self, seconds: float, state_of_charge: float) -> None:
        """Count on, and note the state of charge in % at the end of each hour."""
        self.clock += seconds
        self._since_hour += seconds
        if self._since_hour >= _HOUR:
            self._since_hour -= _HOUR
            self.newest_hour = (self.newest_hour + 1) % HISTORY_HOURS
            self.history[self.newest_hour] = int(state_of_charge)

    def watch(self, alarms: Alarms, lasting: set[LogEvent]) -> None:
        """Note each alarm that begins; those that are `lasting` go on if they were on before."""
        for event, (value, cell) in alarms.items():
            if event not in self._alarms:
                self.newest_entry = 0 if self.newest_entry is None else (self.newest_entry + 1) % _ENTRIES
                self.log[self.newest_entry] = LogEntry(int(self.clock), event, value, cell)
        self._alarms = {*alarms, *(self._alarms & lasting)}

    def restart(self) -> None:
        """Begin to count anew, after a loss of power; the rings stay."""
        self.clock = self._since_hour = 0.0


def _course(hour: float) -> float:
    """Return by how many percent an hour of the day is above the mean, or below."""
    return _SWING * sin((hour - 12) / 24 * 2 * pi)
