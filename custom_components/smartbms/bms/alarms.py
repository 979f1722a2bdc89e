"""What the device's own log tells: alarms with their time, cell and value (protocol.md 5.6)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from .device import HIGHEST_CELL_VOLTAGE, RAW_TEMPERATURES, TemperatureScale
from .memory import Memory
from .state import LogEntry, LogEvent

_VOLTAGES: Final = (LogEvent.VOLTAGE_LOW, LogEvent.VOLTAGE_HIGH)
_COUNTS_PER_VOLT: Final = 200


@dataclass(frozen=True, slots=True)
class Alarm:
    """One entry of the log: the cell, and the value in V or °C where there is one that a cell can have.

    `occurred` is `None` when the counter of the BMS has been set back since.
    """

    event: LogEvent
    occurred: datetime | None
    cell: int | None
    voltage: float | None
    temperature: float | None

    @property
    def kind(self) -> str:
        """The kind of alarm, as the translations name it."""
        return self.event.name.lower()

    def details(self) -> dict[str, str | float | None]:
        """Return what is told of it besides its kind."""
        return {
            "occurred": None if self.occurred is None else self.occurred.isoformat(),
            "cell": self.cell,
            "voltage": self.voltage,
            "temperature": self.temperature,
        }


KINDS: Final = [event.name.lower() for event in LogEvent if event is not LogEvent.EMPTY]


def new_alarms(
    memory: Memory, told: Sequence[LogEntry], scale: TemperatureScale, read_at: datetime
) -> list[Alarm]:
    """Return the alarms that have not been told, oldest first; the memory was read at `read_at`."""
    return [_alarm(entry, memory.clock, scale, read_at) for entry in memory.log if entry not in told]


def _alarm(entry: LogEntry, clock: int, scale: TemperatureScale, read_at: datetime) -> Alarm:
    age = clock - entry.timestamp
    is_voltage = entry.event in _VOLTAGES
    has_temperature = not is_voltage and entry.event is not LogEvent.COMMUNICATION
    return Alarm(
        entry.event,
        None if age < 0 else (read_at - timedelta(seconds=age)).replace(microsecond=0),
        entry.cell or None,
        entry.value / _COUNTS_PER_VOLT if is_voltage and entry.value <= HIGHEST_CELL_VOLTAGE else None,
        scale.celsius(entry.value) if has_temperature and entry.value in RAW_TEMPERATURES else None,
    )


def break_cell(log: Sequence[LogEntry]) -> int | None:
    """Return the cell that the newest entry names for a broken chain.

    What a BMS puts there is not known; the field is that of every entry (protocol.md 5.6).
    """
    if not log or log[-1].event is not LogEvent.COMMUNICATION:
        return None
    return log[-1].cell or None
